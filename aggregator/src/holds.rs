//! Which cores hold the opening, each until when: what they said last, and no longer than they say it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::Millis;
use schemas::entry::{HoldEntry, Tick};
use serde::{Deserialize, Serialize};

/// A hold lasts at most so long beyond the last tick, in milliseconds: a core whose clock is ahead does not hold for ever.
const LONGEST_MS: i64 = 120_000;

/// What a core said of its hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Cohorts whose moment is not before this do not join.
    pub since: Millis,
    /// Until when.
    pub until: Millis,
}

/// The holds by core. A copy shares them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds(Arc<BTreeMap<String, Held>>);

impl Holds {
    /// All that stand as far as ticks tell, by the name of the core.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Held)> {
        self.0.iter().map(|(core, held)| (core.as_str(), *held))
    }

    /// The last word of a core is the one that counts.
    pub(crate) fn apply(&mut self, entry: &HoldEntry<'_>, tick: Option<Tick>) {
        let now = tick.map_or(Millis(i64::MIN), |tick| tick.at);
        let longest = tick.map_or(entry.until, |tick| tick.at.plus(LONGEST_MS));
        let held = Held { since: entry.since, until: entry.until.min(longest) };
        let holds = Arc::make_mut(&mut self.0);
        if held.until > now {
            holds.insert(entry.core.to_owned(), held);
        } else {
            holds.remove(entry.core);
        }
    }

    /// Time has come to here: those that were not said again are over.
    pub(crate) fn lapse(&mut self, now: Millis) {
        if self.0.values().any(|held| held.until <= now) {
            Arc::make_mut(&mut self.0).retain(|_, held| held.until > now);
        }
    }
}
