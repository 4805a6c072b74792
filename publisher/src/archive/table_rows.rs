//! Lines of a day as rows of a table: times as numbers, an item a row.

use std::borrow::Cow;
use std::io;

use parquet::data_type::ByteArray;
use schemas::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lines::Line;

/// An outlet as its row tells it.
#[derive(Deserialize)]
struct Outlet<'l> {
    #[serde(borrow)]
    id: Cow<'l, str>,
    #[serde(borrow)]
    name: Cow<'l, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'l, str>,
    #[serde(borrow)]
    addr: Cow<'l, str>,
    #[serde(borrow)]
    region: Option<Cow<'l, str>>,
    lat: Option<f64>,
    lng: Option<f64>,
    #[serde(borrow)]
    hours: Option<&'l RawValue>,
    #[serde(borrow, default)]
    external_ids: Option<&'l RawValue>,
    #[serde(borrow)]
    notice: Option<&'l RawValue>,
    silent: bool,
    #[serde(borrow)]
    received_at: Option<Cow<'l, str>>,
    #[serde(borrow)]
    stock: Vec<Item<'l>>,
}

#[derive(Deserialize)]
struct Item<'l> {
    #[serde(borrow)]
    item: Cow<'l, str>,
    #[serde(borrow)]
    level: Cow<'l, str>,
    count: Option<i64>,
    promised: i64,
    paused: bool,
    gap: bool,
    #[serde(borrow)]
    observed_at: Cow<'l, str>,
    #[serde(borrow)]
    received_at: Cow<'l, str>,
    #[serde(borrow)]
    changed_at: Cow<'l, str>,
    #[serde(borrow)]
    arrived_at: Cow<'l, str>,
}

/// One row of the table, in its columns.
#[derive(Default)]
pub(super) struct Row {
    pub(super) version: i64,
    pub(super) at: i64,
    pub(super) op: &'static str,
    pub(super) id: Option<ByteArray>,
    pub(super) name: Option<ByteArray>,
    pub(super) kind: Option<ByteArray>,
    pub(super) addr: Option<ByteArray>,
    pub(super) region: Option<ByteArray>,
    pub(super) lat: Option<f64>,
    pub(super) lng: Option<f64>,
    pub(super) hours: Option<ByteArray>,
    pub(super) external_ids: Option<ByteArray>,
    pub(super) notice: Option<ByteArray>,
    pub(super) silent: Option<bool>,
    pub(super) received_at: Option<i64>,
    pub(super) item: Option<ItemRow>,
}

/// The columns of an item.
pub(super) struct ItemRow {
    pub(super) item: ByteArray,
    pub(super) level: ByteArray,
    pub(super) count: Option<i64>,
    pub(super) promised: i64,
    pub(super) paused: bool,
    pub(super) gap: bool,
    /// Observed, received, changed, arrived.
    pub(super) times: [i64; 4],
}

/// Text as a value of a column.
pub(super) fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

fn time(text: &str) -> io::Result<i64> {
    Millis::parse(text).map(|at| at.0).map_err(io::Error::other)
}

/// Appends the rows of a line: one for each item of an outlet, else one.
///
/// # Errors
/// When it is none of ours.
pub(super) fn push_line(rows: &mut Vec<Row>, line: &Line<'_>) -> io::Result<()> {
    let version = i64::try_from(line.version).map_err(io::Error::other)?;
    let stamp = |op| Ok::<_, io::Error>(Row { version, at: time(&line.at)?, op, ..Row::default() });
    if let Some((op, row)) = line.start.map(|row| ("start", row)).or(line.upsert.map(|row| ("upsert", row))) {
        push_outlet(rows, &serde_json::from_str(row.get())?, || stamp(op))
    } else if let Some(id) = &line.remove {
        rows.push(Row { id: Some(bytes(id)), ..stamp("remove")? });
        Ok(())
    } else {
        rows.push(stamp("next")?);
        Ok(())
    }
}

fn push_outlet(
    rows: &mut Vec<Row>,
    outlet: &Outlet<'_>,
    stamp: impl Fn() -> io::Result<Row>,
) -> io::Result<()> {
    let json = |value: Option<&RawValue>| value.map(|value| bytes(value.get()));
    let received_at = outlet.received_at.as_deref().map(time).transpose()?;
    let mut push = |item: Option<ItemRow>| {
        rows.push(Row {
            id: Some(bytes(&outlet.id)),
            name: Some(bytes(&outlet.name)),
            kind: Some(bytes(&outlet.kind)),
            addr: Some(bytes(&outlet.addr)),
            region: outlet.region.as_deref().map(bytes),
            lat: outlet.lat,
            lng: outlet.lng,
            hours: json(outlet.hours),
            external_ids: json(outlet.external_ids),
            notice: json(outlet.notice),
            silent: Some(outlet.silent),
            received_at,
            item,
            ..stamp()?
        });
        Ok(())
    };
    if outlet.stock.is_empty() {
        return push(None);
    }
    outlet.stock.iter().try_for_each(|item| push(Some(item_row(item)?)))
}

fn item_row(item: &Item<'_>) -> io::Result<ItemRow> {
    let [observed, received, changed, arrived] =
        [&item.observed_at, &item.received_at, &item.changed_at, &item.arrived_at].map(|text| time(text));
    Ok(ItemRow {
        item: bytes(&item.item),
        level: bytes(&item.level),
        count: item.count,
        promised: item.promised,
        paused: item.paused,
        gap: item.gap,
        times: [observed?, received?, changed?, arrived?],
    })
}
