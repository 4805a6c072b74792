//! What cores tell edges: whole snapshots now and then, and for each version what differs from one before. No person is in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::Rules;
use crate::ids::OutletCode;
use crate::policy::Schedule;
use crate::snapshot::{OutletView, Snapshot};
use crate::time::Millis;

/// One message of the relay, as JSON; on the wire it is compressed and, where it is long, cut into parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// Everything at a version.
    Keyframe(Arc<Snapshot>),
    /// What differs from an earlier version.
    Delta(Box<Delta>),
}

/// The way from a version to a later one. Parts that are absent did not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// It leads on from this version alone: what came and went between the two is not in it.
    pub from: u64,
    /// The version that it leads to.
    pub version: u64,
    /// Time of its tick.
    pub at: Millis,
    /// Time to the next tick, in milliseconds.
    pub interval_ms: u32,
    /// Version of the registry.
    pub registry_version: u64,
    /// Length of the list of places.
    pub places: usize,
    /// Places that changed, with what is there now.
    pub changed: Vec<(u32, Option<Arc<OutletView>>)>,
    /// The rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Arc<Rules>>,
    /// Who reported, as in the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Arc<Vec<Option<u32>>>>,
    /// Who is in no registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unregistered: Option<Arc<Vec<OutletCode>>>,
    /// The policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Arc<Schedule>>,
}

impl Frame {
    /// The version that a reader has after it.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Keyframe(snapshot) => snapshot.version,
            Self::Delta(delta) => delta.version,
        }
    }

    /// The shortest way to `new` for readers that have `old`: a keyframe where there is no other.
    #[must_use]
    pub fn between(old: &Snapshot, new: &Arc<Snapshot>) -> Self {
        let is_later = new.version > old.version;
        // A schedule is replaced and never taken away; should it be, the whole is told.
        if !is_later || (new.schedule.is_none() && old.schedule.is_some()) {
            return Self::Keyframe(Arc::clone(new));
        }
        Self::Delta(Box::new(Delta {
            from: old.version,
            version: new.version,
            at: new.at,
            interval_ms: new.interval_ms,
            registry_version: new.registry_version,
            places: new.outlets.len(),
            changed: changed(old, new),
            rules: other(&old.rules, &new.rules),
            heard: other(&old.heard, &new.heard),
            unregistered: other(&old.unregistered, &new.unregistered),
            schedule: new.schedule.clone().filter(|schedule| old.schedule.as_ref() != Some(schedule)),
        }))
    }

    /// The snapshot that a reader has after it, who had `held`. None where it leads on from another version.
    #[must_use]
    pub fn applied(self, held: Option<&Snapshot>) -> Option<Arc<Snapshot>> {
        match self {
            Self::Keyframe(snapshot) => Some(snapshot),
            Self::Delta(delta) => {
                let held = held.filter(|held| held.version == delta.from)?;
                Some(Arc::new(delta.applied(held)))
            }
        }
    }
}

impl Delta {
    fn applied(self, held: &Snapshot) -> Snapshot {
        let mut outlets = held.outlets.clone();
        outlets.resize(self.places, None);
        for (place, view) in self.changed {
            if let Some(there) = outlets.get_mut(place as usize) {
                *there = view;
            }
        }
        Snapshot {
            version: self.version,
            at: self.at,
            interval_ms: self.interval_ms,
            rules: self.rules.unwrap_or_else(|| Arc::clone(&held.rules)),
            registry_version: self.registry_version,
            outlets,
            heard: self.heard.unwrap_or_else(|| Arc::clone(&held.heard)),
            unregistered: self.unregistered.unwrap_or_else(|| Arc::clone(&held.unregistered)),
            schedule: self.schedule.or_else(|| held.schedule.clone()),
        }
    }
}

fn changed(old: &Snapshot, new: &Snapshot) -> Vec<(u32, Option<Arc<OutletView>>)> {
    let places = (0..).zip(&new.outlets);
    let differs = |place: u32, view: &Option<Arc<OutletView>>| {
        let before = old.outlets.get(place as usize).and_then(Option::as_ref);
        before.map(Arc::as_ptr) != view.as_ref().map(Arc::as_ptr)
    };
    places.filter(|(place, view)| differs(*place, view)).map(|(place, view)| (place, view.clone())).collect()
}

fn other<T: PartialEq>(old: &Arc<T>, new: &Arc<T>) -> Option<Arc<T>> {
    (!Arc::ptr_eq(old, new) && old != new).then(|| Arc::clone(new))
}
