//! What changed between the versions of the last minutes, so that a reader who has one of them is told the difference.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use schemas::OutletCode;
use schemas::registry::RegionCode;
use schemas::snapshot::{OutletView, Snapshot};

use super::scope::Scope;

/// Versions whose changes are kept: ten minutes at one a second.
pub(crate) const KEPT: usize = 600;

/// The changes that led to one version.
struct Step {
    version: u64,
    /// Places whose outlet is not the same as before.
    places: Vec<u32>,
    /// Outlets that are no longer in this district, or nowhere.
    left: Vec<(OutletCode, Option<RegionCode>)>,
}

/// The last changes. A version adds one step and shares the others with the version before.
#[derive(Clone, Default)]
pub(crate) struct History {
    /// A reader of this version or a later one can be told what changed.
    from: u64,
    steps: VecDeque<Arc<Step>>,
}

/// What a reader has to do to have this version: put these in the place of what it has of them, and forget those.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Changes {
    /// Places of outlets to put in.
    pub(crate) upserts: Vec<u32>,
    /// Outlets to forget.
    pub(crate) removed: Vec<OutletCode>,
}

impl History {
    /// A history that begins with this version.
    pub(crate) fn begin(snapshot: &Snapshot) -> Self {
        Self { from: snapshot.version, steps: VecDeque::new() }
    }

    /// The history of `new`, which follows `old`. It begins anew where time would run backwards.
    pub(crate) fn next(&self, old: &Snapshot, new: &Snapshot) -> Self {
        if new.version <= old.version {
            return Self::begin(new);
        }
        let mut next = self.clone();
        if next.steps.len() == KEPT {
            next.from = next.steps.pop_front().map_or(next.from, |step| step.version);
        }
        next.steps.push_back(Arc::new(Step::between(old, new)));
        next
    }

    /// The version before the last.
    pub(crate) fn before_last(&self) -> u64 {
        self.steps.iter().rev().nth(1).map_or(self.from, |step| step.version)
    }

    /// What changed in a part of the country since a version; none where that is too long ago. A version that is yet to
    /// come here has nothing newer.
    ///
    /// `members` are the places of that part at this version, in ascending order.
    pub(crate) fn since(
        &self,
        since: u64,
        (scope, members): (Scope, &[u32]),
        snapshot: &Snapshot,
    ) -> Option<Changes> {
        if since < self.from {
            return None;
        }
        let steps = || self.steps.iter().rev().take_while(|step| step.version > since);
        let places: BTreeSet<u32> = steps().flat_map(|step| &step.places).copied().collect();
        let here = |place: &u32| snapshot.outlets.get(*place as usize).and_then(Option::as_ref);
        let inside = |place: &u32| members.binary_search(place).is_ok();
        let upserts: Vec<u32> = places.into_iter().filter(inside).collect();
        let left: BTreeSet<&OutletCode> = steps()
            .flat_map(|step| &step.left)
            .filter(|(_, was)| scope.holds(*was))
            .map(|(code, _)| code)
            .collect();
        // Who left and came back is put in, at whatever place.
        let back: HashSet<&OutletCode> =
            upserts.iter().filter_map(here).map(|view| &view.info.code).collect();
        let removed = left.into_iter().filter(|code| !back.contains(code)).cloned().collect();
        Some(Changes { upserts, removed })
    }
}

impl Step {
    fn between(old: &Snapshot, new: &Snapshot) -> Self {
        let mut step = Self { version: new.version, places: Vec::new(), left: Vec::new() };
        for place in 0..old.outlets.len().max(new.outlets.len()) {
            let [before, now] =
                [old, new].map(|snapshot| snapshot.outlets.get(place).and_then(Option::as_ref));
            if before.map(Arc::as_ptr) == now.map(Arc::as_ptr) {
                continue;
            }
            if now.is_some() && before != now {
                step.places.push(u32::try_from(place).expect("places are far fewer than 2^32"));
            }
            let stays = |before: &OutletView| {
                now.is_some_and(|now| {
                    now.info.code == before.info.code && now.info.region == before.info.region
                })
            };
            if let Some(before) = before.filter(|before| !stays(before)) {
                step.left.push((before.info.code.clone(), before.info.region));
            }
        }
        step
    }
}
