//! All provinces and districts, with how many outlets of which level they hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemas::snapshot::Snapshot;
use schemas::{ItemId, Level};
use serde::Serialize;

use super::body::Body;
use super::document::document;
use super::scope::{Members, Scope, bounds};

#[derive(Serialize)]
struct Rest {
    regions: Vec<Region>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Region {
    code: String,
    name_ko: String,
    /// Province of a district.
    within: Option<String>,
    outlets: usize,
    /// Of these, silent for too long in their opening hours.
    silent: usize,
    /// West, south, east, north of its outlets.
    bbox: Option<[f64; 4]>,
    /// Outlets by the level of an item.
    levels: BTreeMap<ItemId, BTreeMap<&'static str, usize>>,
}

/// Writes `/v1/regions.json`.
pub(crate) fn write(snapshot: &Snapshot, members: &Members, item: &ItemId) -> Body {
    let scopes = Scope::all().into_iter().skip(1);
    document(
        snapshot,
        &Rest { regions: scopes.map(|scope| region(scope, snapshot, members, item)).collect() },
    )
}

fn region(scope: Scope, snapshot: &Snapshot, members: &Members, item: &ItemId) -> Region {
    let places = members.of(scope);
    let views = || places.iter().filter_map(|place| snapshot.outlets[*place as usize].as_deref());
    let mut levels: BTreeMap<&'static str, usize> = Level::ALL.map(|level| (level.name(), 0)).into();
    for view in views() {
        let level = view.item(item.as_str()).map_or(Level::Unknown, |item| item.level);
        *levels.entry(level.name()).or_default() += 1;
    }
    let (sido, sigungu) = scope.names().unwrap_or_default();
    let within = match scope {
        Scope::District(code) => Some(format!("{:02}", code / 1_000)),
        _ => None,
    };
    Region {
        code: scope.code().unwrap_or_default(),
        name_ko: match sigungu.filter(|sigungu| *sigungu != sido) {
            Some(sigungu) => format!("{sido} {sigungu}"),
            None => sido.to_owned(),
        },
        within,
        outlets: places.len(),
        silent: views().filter(|view| view.silent).count(),
        bbox: bounds(views().filter_map(|view| view.info.place)),
        levels: BTreeMap::from([(item.clone(), levels)]),
    }
}
