//! One outlet as the three JSON rows of 2020, rendered together and kept in one piece of memory.

use std::sync::Arc;

use schemas::registry::{OutletInfo, OutletType, Place};
use schemas::snapshot::{ItemView, OutletView};
use schemas::{ItemId, Level};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

/// Most digits a code may have to be sent as a number: beyond, JavaScript would round it.
const NUMBER_DIGITS: usize = 15;

/// Bytes of a row's hash.
const HASH: usize = size_of::<u128>();

/// The rendered rows of one outlet at one version, keys in alphabetical order.
#[derive(Clone)]
pub(crate) struct Row {
    /// A hash of the joined row, the row of `/stores`, that of `/sales` (or nothing), and the joined one, end to end.
    text: Arc<[u8]>,
    stores_end: u32,
    sales_end: u32,
    /// What the native face shows for the item.
    pub(crate) level: Level,
    /// Whether the outlet has been silent for too long.
    pub(crate) silent: bool,
}

/// The stock part of a row: the triple that is null together.
struct Stock {
    created_at: String,
    remain_stat: &'static str,
    stock_at: String,
}

impl Row {
    /// Renders the rows of an outlet, with times `offset_minutes` east of UTC. `scratch` only saves allocations.
    pub(crate) fn render(
        view: &OutletView,
        item: &ItemId,
        offset_minutes: i16,
        scratch: &mut Vec<u8>,
    ) -> Self {
        let item = view.item(item.as_str());
        let stock = item.and_then(|item| Stock::of(item, offset_minutes));
        scratch.clear();
        scratch.resize(HASH, 0);
        push_stores(scratch, &view.info);
        let stores_end = end(scratch);
        if let Some(stock) = &stock {
            push_sales(scratch, view, stock);
        }
        let sales_end = end(scratch);
        push_joined(scratch, &view.info, stock.as_ref());
        let hash = xxh3_128(&scratch[sales_end as usize..]);
        scratch[..HASH].copy_from_slice(&hash.to_le_bytes());
        Self {
            text: Arc::from(scratch.as_slice()),
            stores_end,
            sales_end,
            level: item.map_or(Level::Unknown, |item| item.level),
            silent: view.silent,
        }
    }

    /// The row of `/stores`.
    pub(crate) fn stores(&self) -> &[u8] {
        &self.text[HASH..self.stores_end as usize]
    }

    /// The row of `/sales`, where the outlet ever reported the item.
    pub(crate) fn sales(&self) -> Option<&[u8]> {
        let row = &self.text[self.stores_end as usize..self.sales_end as usize];
        (!row.is_empty()).then_some(row)
    }

    /// Whether this is that very rendering, not merely an equal one.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// A hash of the [`joined`](Self::joined) row, the same on every server.
    pub(crate) fn hash(&self) -> u128 {
        u128::from_le_bytes(*self.text.first_chunk::<HASH>().expect("a row begins with its hash"))
    }

    /// The row of `/storesByGeo` and `/storesByAddr`: both joined, all nine keys.
    pub(crate) fn joined(&self) -> &[u8] {
        &self.text[self.sales_end as usize..]
    }
}

impl Stock {
    /// What the face of 2020 knows of an item: the last band whatever came after it, or the suspension. `created_at` was
    /// the stamp of the batch in 2020, alike on every row and so of no use (its users complained); here it is the time at
    /// which this record was made, and a row whose facts did not change does not change.
    fn of(item: &ItemView, offset_minutes: i16) -> Option<Self> {
        let remain_stat = match item.band {
            _ if item.paused => Level::Break.name(),
            Some(band) => Level::from(band).name(),
            None => return None,
        };
        let created_at = item.received.naive(offset_minutes);
        let mut stock_at = item.arrived.naive(offset_minutes);
        // Whole minutes, as in every recorded answer.
        stock_at.truncate(stock_at.len() - 2);
        stock_at.push_str("00");
        Some(Self { created_at, remain_stat, stock_at })
    }
}

fn end(text: &[u8]) -> u32 {
    u32::try_from(text.len()).expect("a row is far below 4 GiB")
}

fn push_stores(out: &mut Vec<u8>, info: &OutletInfo) {
    out.extend_from_slice(b"{\"addr\":");
    push_json(out, info.addr.as_str());
    out.extend_from_slice(b",\"code\":");
    if info.kind == OutletType::PostOffice && is_number(info.code.as_str()) {
        out.extend_from_slice(info.code.as_str().as_bytes());
    } else {
        push_json(out, info.code.as_str());
    }
    push_place(out, info.place);
    push_name(out, info);
    push_type(out, info);
}

fn push_sales(out: &mut Vec<u8>, view: &OutletView, stock: &Stock) {
    out.extend_from_slice(b"{\"code\":");
    push_json(out, view.info.code.as_str());
    push_text(out, b",\"created_at\":", Some(&stock.created_at));
    push_text(out, b",\"remain_stat\":", Some(stock.remain_stat));
    push_text(out, b",\"stock_at\":", Some(&stock.stock_at));
    out.push(b'}');
}

fn push_joined(out: &mut Vec<u8>, info: &OutletInfo, stock: Option<&Stock>) {
    out.extend_from_slice(b"{\"addr\":");
    push_json(out, info.addr.as_str());
    out.extend_from_slice(b",\"code\":");
    push_json(out, info.code.as_str());
    push_text(out, b",\"created_at\":", stock.map(|s| s.created_at.as_str()));
    push_place(out, info.place);
    push_name(out, info);
    push_text(out, b",\"remain_stat\":", stock.map(|s| s.remain_stat));
    push_text(out, b",\"stock_at\":", stock.map(|s| s.stock_at.as_str()));
    push_type(out, info);
}

fn push_name(out: &mut Vec<u8>, info: &OutletInfo) {
    out.extend_from_slice(b",\"name\":");
    push_json(out, info.name.as_str());
}

fn push_place(out: &mut Vec<u8>, place: Option<Place>) {
    out.extend_from_slice(b",\"lat\":");
    push_json(out, &place.map(|p| p.lat));
    out.extend_from_slice(b",\"lng\":");
    push_json(out, &place.map(|p| p.lng));
}

fn push_type(out: &mut Vec<u8>, info: &OutletInfo) {
    push_text(out, b",\"type\":", Some(info.kind.code()));
    out.push(b'}');
}

/// A key and a text that needs no escapes, or null.
fn push_text(out: &mut Vec<u8>, key: &[u8], plain: Option<&str>) {
    out.extend_from_slice(key);
    match plain {
        None => out.extend_from_slice(b"null"),
        Some(plain) => {
            out.push(b'"');
            out.extend_from_slice(plain.as_bytes());
            out.push(b'"');
        }
    }
}

/// Appends a value as JSON: Korean as raw UTF-8, numbers in their shortest form.
pub(crate) fn push_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("texts and numbers always serialise");
}

/// Whether a code may stand as a JSON number: the codes of post offices did, in `/stores` alone.
fn is_number(code: &str) -> bool {
    code.len() <= NUMBER_DIGITS && !code.starts_with('0') && code.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_without_leading_zero_are_numbers() {
        for (code, number) in [
            ("5038300744", true),
            ("658303480", true),
            ("0383007445", false),
            ("50383A0744", false),
            ("1234567890123456", false),
        ] {
            assert_eq!(is_number(code), number, "{code}");
        }
    }
}
