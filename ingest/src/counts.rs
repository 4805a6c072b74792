//! What came in and what became of it, counted since this process started.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use schemas::pos::Reason;
use schemas::subject::PosKind;

/// Counters that any task may read at any time.
#[derive(Debug, Default)]
pub struct Counts {
    taken: [AtomicU64; PosKind::ALL.len()],
    rejected: [AtomicU64; Reason::ALL.len()],
    dead: AtomicU64,
    batches: AtomicU64,
}

impl Counts {
    pub(crate) fn take(&self, kind: PosKind) {
        self.taken[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn reject(&self, reason: Reason) {
        self.rejected[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn bury(&self) {
        self.dead.fetch_add(1, Relaxed);
    }

    pub(crate) fn commit(&self) {
        self.batches.fetch_add(1, Relaxed);
    }

    /// Messages taken for the journal, by kind.
    pub fn taken(&self) -> impl Iterator<Item = (PosKind, u64)> + '_ {
        PosKind::ALL.into_iter().map(|kind| (kind, self.taken[kind as usize].load(Relaxed)))
    }

    /// Messages turned away, by reason.
    pub fn rejected(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().map(|reason| (reason, self.rejected[reason as usize].load(Relaxed)))
    }

    /// Messages that went to the dead letters.
    #[must_use]
    pub fn dead(&self) -> u64 {
        self.dead.load(Relaxed)
    }

    /// Batches written to the journal by this gateway.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches.load(Relaxed)
    }
}
