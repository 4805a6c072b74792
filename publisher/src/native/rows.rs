//! One outlet as the rows of the native API, rendered together and kept in one piece of memory.

use std::sync::Arc;

use schemars::JsonSchema;
use schemas::entry::Notice;
use schemas::registry::{Hours, OutletInfo, OutletType};
use schemas::snapshot::{ItemView, OutletView, Snapshot};
use schemas::time::Rfc3339;
use schemas::{Level, Millis, OutletCode};
use serde::Serialize;

use crate::rows::push_json;

/// What an outlet is and what it has, as members of a JSON object without its braces.
#[derive(Clone)]
pub(crate) struct Row {
    text: Arc<[u8]>,
    /// Where the second part begins.
    info_end: u32,
    /// Where the id ends, which is the first member.
    id_end: u32,
}

/// Who an outlet is: one row of `outlets`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Info<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: OutletType,
    addr: &'a str,
    region: Option<String>,
    lat: Option<f64>,
    lng: Option<f64>,
    hours: Option<[Option<[String; 2]>; 7]>,
    /// What other registers call it, by their names; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_ids: Option<Others<'a>>,
}

/// The ids of an outlet in other registers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExternalIds")]
pub(crate) struct Others<'a> {
    /// In the store lists of the public masks of 2020.
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<&'a str>,
    /// In HIRA's register (암호화요양기호).
    #[serde(skip_serializing_if = "Option::is_none")]
    hira: Option<&'a str>,
}

/// What it has and says: one row of `stock`, without its id.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Stock<'a> {
    notice: Option<&'a Notice>,
    silent: bool,
    #[schemars(with = "Option<Rfc3339>")]
    received_at: Option<String>,
    stock: Vec<Item<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Item<'a> {
    item: &'a str,
    level: Level,
    count: Option<u32>,
    promised: u32,
    paused: bool,
    gap: bool,
    #[schemars(with = "Rfc3339")]
    observed_at: String,
    #[schemars(with = "Rfc3339")]
    received_at: String,
    #[schemars(with = "Rfc3339")]
    changed_at: String,
    #[schemars(with = "Rfc3339")]
    arrived_at: String,
}

impl Row {
    /// Renders an outlet, with times `offset_minutes` east of UTC.
    fn render(view: &OutletView, offset_minutes: i16, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        push_members(scratch, &info(&view.info));
        let info_end = end(scratch.len());
        // A code needs no escapes.
        let id_end = end(b"\"id\":\"\"".len() + view.info.code.as_str().len());
        push_members(scratch, &stock(view, offset_minutes));
        Self { text: Arc::from(scratch.as_slice()), info_end, id_end }
    }

    /// Who it is.
    pub(crate) fn info(&self) -> &[u8] {
        &self.text[..self.info_end as usize]
    }

    /// Its id alone.
    pub(crate) fn id(&self) -> &[u8] {
        &self.text[..self.id_end as usize]
    }

    /// What it has.
    pub(crate) fn stock(&self) -> &[u8] {
        &self.text[self.info_end as usize..]
    }

    /// Appends the whole row as an object.
    pub(crate) fn push_whole(&self, out: &mut Vec<u8>) {
        push_object(out, &[self.info(), self.stock()]);
    }
}

fn end(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a registry row is some hundred bytes")
}

/// Appends an object of members that are written already.
pub(crate) fn push_object(out: &mut Vec<u8>, members: &[&[u8]]) {
    for (n, members) in members.iter().enumerate() {
        out.push(if n == 0 { b'{' } else { b',' });
        out.extend_from_slice(members);
    }
    out.push(b'}');
}

fn push_members(out: &mut Vec<u8>, of: &impl Serialize) {
    let from = out.len();
    push_json(out, of);
    out.pop();
    out.remove(from);
}

fn info(info: &OutletInfo) -> Info<'_> {
    Info {
        id: info.code.as_str(),
        name: &info.name,
        kind: info.kind,
        addr: &info.addr,
        region: info.region.map(|region| format!("{:05}", region.0)),
        lat: info.place.map(|place| place.lat),
        lng: info.place.map(|place| place.lng),
        hours: info.hours.map(|Hours(week)| week.map(day)),
        external_ids: info.external_ids.as_deref().map(|ids| Others {
            mask: ids.mask.as_ref().map(OutletCode::as_str),
            hira: ids.hira.as_ref().map(OutletCode::as_str),
        }),
    }
}

fn day((open, close): (u16, u16)) -> Option<[String; 2]> {
    (open < close).then(|| [open, close].map(|minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60)))
}

fn stock(view: &OutletView, offset_minutes: i16) -> Stock<'_> {
    let time = |at: Millis| at.rfc3339(offset_minutes);
    let item = |item: &'_ ItemView| -> [String; 4] {
        [item.observed, item.received, item.changed, item.arrived].map(time)
    };
    let items = view.items.iter().map(|view| {
        let [observed_at, received_at, changed_at, arrived_at] = item(view);
        Item {
            item: view.item.as_str(),
            level: view.level,
            count: view.count,
            promised: view.promised,
            paused: view.paused,
            gap: view.gap,
            observed_at,
            received_at,
            changed_at,
            arrived_at,
        }
    });
    Stock {
        notice: view.notice.as_deref(),
        silent: view.silent,
        received_at: view.received.map(time),
        stock: items.collect(),
    }
}

/// The rows of a version by place. Of the version before, rows whose outlet is the same are taken over.
pub(crate) fn render(before: Option<(&[Option<Row>], &Snapshot)>, snapshot: &Snapshot) -> Vec<Option<Row>> {
    let mut scratch = Vec::with_capacity(1024);
    let render = |(place, view): (usize, &Option<Arc<OutletView>>)| {
        let view = view.as_ref()?;
        let old = before.and_then(|(rows, old)| {
            let same = old.outlets.get(place)?.as_ref().is_some_and(|old| Arc::ptr_eq(old, view));
            same.then(|| rows[place].clone())?
        });
        Some(old.unwrap_or_else(|| Row::render(view, snapshot.rules.offset_minutes, &mut scratch)))
    };
    snapshot.outlets.iter().enumerate().map(render).collect()
}
