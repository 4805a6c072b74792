//! What was let in and turned away, by class, kind of institution and reason.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use schemas::caps::{Class, Institution};
use schemas::pos::Reason;

type PerKind<T> = [[T; Institution::ALL.len()]; Class::CAPPED.len()];

/// The reasons for which somebody is turned away before the body is looked at.
pub(super) const REASONS: [Reason; 3] = [Reason::NotAdmitted, Reason::OverCap, Reason::Overloaded];

/// Counters that any task may read at any time.
#[derive(Debug, Default)]
pub struct Tally {
    admitted: PerKind<AtomicU64>,
    refused: PerKind<[AtomicU64; REASONS.len()]>,
}

impl Tally {
    pub(super) fn admit(&self, class: Class, kind: Institution) {
        self.admitted[class as usize][kind as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn refuse(&self, class: Class, kind: Institution, reason: Reason) {
        if let Some(reason) = REASONS.iter().position(|known| *known == reason) {
            self.refused[class as usize][kind as usize][reason].fetch_add(1, Relaxed);
        }
    }

    /// Good messages that were let in and are done with.
    #[must_use]
    pub fn admitted(&self, class: Class, kind: Institution) -> u64 {
        self.admitted[class as usize][kind as usize].load(Relaxed)
    }

    /// Messages that were turned away, by reason.
    pub fn refused(&self, class: Class, kind: Institution) -> impl Iterator<Item = (Reason, u64)> + '_ {
        let refused = &self.refused[class as usize][kind as usize];
        REASONS.into_iter().zip(refused).map(|(reason, count)| (reason, count.load(Relaxed)))
    }
}
