//! Lists that are read page by page, stable while versions change under a reader.
//!
//! Page N begins at place (N−1)·perPage whatever has left since, and goes on over held places until it is full. So a
//! reader who walks the pages misses no row that stays, and meets no short page before the end; while places are held
//! it may see a row twice.

use std::sync::Arc;

use crate::native::NativeBody;
use crate::query::{PER_PAGE, PageWanted};
use crate::rows::push_json;
use crate::table::Table;

/// As in 2020: exactly this, without a charset.
pub(crate) const JSON: &str = "application/json";

/// One of the two lists at one version: rows by place.
#[derive(Clone, Copy)]
pub(crate) enum List<'a> {
    /// `/stores`: every registered outlet, in the order in which they joined.
    Stores(&'a Table),
    /// `/sales`: those that ever reported the item, in the order of their first report, as places of the table.
    Sales(&'a Table, &'a [Option<u32>]),
}

/// How long a list is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Rows.
    rows: usize,
    /// Places up to the last row.
    places: usize,
}

/// A list with its pages of the usual size as ready bodies.
#[derive(Default)]
pub(crate) struct Pages {
    totals: Totals,
    ready: Vec<Page>,
}

#[derive(Clone)]
struct Page {
    body: Arc<NativeBody>,
    /// The place after its last row.
    until: usize,
}

impl<'a> List<'a> {
    fn places(self) -> usize {
        match self {
            Self::Stores(table) => table.len(),
            Self::Sales(_, heard) => heard.len(),
        }
    }

    fn row(self, place: usize) -> Option<&'a [u8]> {
        match self {
            Self::Stores(table) => Some(table.row(place)?.stores()),
            Self::Sales(table, heard) => table.row((*heard.get(place)?)? as usize)?.sales(),
        }
    }

    fn key(self) -> &'static [u8] {
        match self {
            Self::Stores(_) => b",\"storeInfos\":[",
            Self::Sales(..) => b",\"sales\":[",
        }
    }

    fn totals(self) -> Totals {
        let mut totals = Totals::default();
        for place in (0..self.places()).filter(|place| self.row(*place).is_some()) {
            totals = Totals { rows: totals.rows + 1, places: place + 1 };
        }
        totals
    }

    /// Renders the page of `per_page` rows from place `from` on.
    fn page(self, totals: Totals, echo: &str, from: usize, per_page: usize) -> Page {
        let mut rows = Vec::with_capacity(per_page);
        let mut until = from;
        while rows.len() < per_page && until < totals.places {
            rows.extend(self.row(until));
            until += 1;
        }
        let mut body = Vec::with_capacity(spread(&rows) + echo.len() + 128);
        body.extend_from_slice(b"{\"count\":");
        push_number(&mut body, rows.len());
        body.extend_from_slice(b",\"page\":");
        push_json(&mut body, echo);
        body.extend_from_slice(self.key());
        push_rows(&mut body, &rows);
        body.extend_from_slice(b"],\"totalCount\":");
        push_number(&mut body, totals.rows);
        body.extend_from_slice(b",\"totalPages\":");
        push_number(&mut body, totals.places.div_ceil(per_page));
        body.push(b'}');
        Page { body: Arc::new(NativeBody::new(JSON, body)), until }
    }
}

impl Pages {
    /// Renders all pages of the usual size, taking over those of `before` in which no place is `changed`.
    pub(crate) fn render(before: Option<&Self>, list: List<'_>, changed: impl Fn(usize) -> bool) -> Self {
        let totals = list.totals();
        let before = before.filter(|before| before.totals == totals);
        let ready = (0..totals.places.div_ceil(PER_PAGE)).map(|n| {
            let from = n * PER_PAGE;
            let old = before.and_then(|before| before.ready.get(n));
            match old.filter(|old| !(from..old.until).any(&changed)) {
                Some(old) => old.clone(),
                None => list.page(totals, itoa::Buffer::new().format(n + 1), from, PER_PAGE),
            }
        });
        Self { totals, ready: ready.collect() }
    }

    /// The body of the page that is wanted of the list these pages were rendered from.
    pub(crate) fn body(&self, list: List<'_>, wanted: &PageWanted<'_>) -> Arc<NativeBody> {
        let plain = wanted.echo == itoa::Buffer::new().format(wanted.number);
        match self.ready.get(wanted.number - 1) {
            Some(page) if plain && wanted.per_page == PER_PAGE => Arc::clone(&page.body),
            _ => {
                let from = (wanted.number - 1).saturating_mul(wanted.per_page);
                list.page(self.totals, &wanted.echo, from, wanted.per_page).body
            }
        }
    }
}

/// Bytes of the rows and the commas between them.
pub(crate) fn spread(rows: &[&[u8]]) -> usize {
    rows.iter().map(|row| row.len() + 1).sum()
}

/// Appends the rows with commas between them.
pub(crate) fn push_rows(out: &mut Vec<u8>, rows: &[&[u8]]) {
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(row);
    }
}

/// Appends a whole number.
pub(crate) fn push_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
