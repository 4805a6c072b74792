//! What the fold shows the world at a version: facts about outlets, none about persons.
//!
//! Rows are shared: a row that did not change between two versions is the same `Arc`, so a renderer finds what changed
//! by comparing pointers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{Notice, Rules};
use crate::ids::{ItemId, OutletCode};
use crate::level::{Band, Level};
use crate::policy::Schedule;
use crate::registry::OutletInfo;
use crate::time::Millis;

/// Everything public at one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Sequence of the tick in the journal; grows with every version.
    pub version: u64,
    /// Time of the tick.
    pub at: Millis,
    /// Time to the next tick, in milliseconds.
    pub interval_ms: u32,
    /// The rules that were in force.
    pub rules: Arc<Rules>,
    /// Grows when the registry changes: rows, places or order.
    pub registry_version: u64,
    /// Registered outlets in the order in which they first joined; `None` holds the place of one that left, so that pages
    /// do not shift under a reader, until an outlet that joins takes it.
    pub outlets: Vec<Option<Arc<OutletView>>>,
    /// Registered outlets that ever reported, as indexes into `outlets`, in the order of their first report; `None`
    /// again holds a place.
    pub heard: Arc<Vec<Option<u32>>>,
    /// Outlets that sent entries and are in no registry, in the order of their codes.
    pub unregistered: Arc<Vec<OutletCode>>,
    /// The policies of the ration, where there is one.
    #[serde(default)]
    pub schedule: Option<Arc<Schedule>>,
}

/// One outlet at one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutletView {
    /// What the registry says.
    pub info: Arc<OutletInfo>,
    /// What is known of each item, in the order of their names; empty where the outlet never reported, or so long ago
    /// that its stock is hidden.
    pub items: Vec<ItemView>,
    /// How and when it sells, where it says so.
    pub notice: Option<Arc<Notice>>,
    /// When a gateway last took a word from it.
    pub received: Option<Millis>,
    /// Whether it has been silent for too long in its opening hours.
    pub silent: bool,
}

impl OutletView {
    /// What is known of an item.
    #[must_use]
    pub fn item(&self, item: &str) -> Option<&ItemView> {
        self.items.iter().find(|i| i.item.as_str() == item)
    }
}

/// One item of one outlet at one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// The item.
    pub item: ItemId,
    /// Pieces on hand; absent where never counted or counted below zero.
    pub count: Option<u32>,
    /// What to show: `break` before `unknown` before the band of the count.
    pub level: Level,
    /// The last band that was known, whatever came after: what the face of 2020 shows.
    pub band: Option<Band>,
    /// Sales are suspended.
    pub paused: bool,
    /// A message of this outlet was lost on the way since the last report: the count may be off.
    pub gap: bool,
    /// When the last word on this item was observed, by the corrected POS clock.
    pub observed: Millis,
    /// When a gateway took that word.
    pub received: Millis,
    /// When the count or the suspension last changed, by the corrected POS clock.
    pub changed: Millis,
    /// When stock last arrived (입고): the count went up, or was first told.
    pub arrived: Millis,
    /// Pieces of the count that are promised to number tickets; the rest is free.
    #[serde(default)]
    pub promised: u32,
}
