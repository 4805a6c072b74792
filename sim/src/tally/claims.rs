//! What became of claims, counted once for each claim however many copies of it went out.

use std::sync::atomic::{AtomicU64, Ordering};

use schemas::claim::{Decision, Refusal, Verdict};
use schemas::subject::PosKind;
use serde::Serialize;

/// Counts since the fleet began.
#[derive(Debug, Default)]
pub(super) struct ClaimTally {
    verdicts: [AtomicU64; Verdict::ALL.len()],
    refused: [AtomicU64; Refusal::ALL.len()],
    over_limit: AtomicU64,
    confirmed: AtomicU64,
    voided: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) replayed: AtomicU64,
    pub(super) contradicted: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClaimCounts {
    /// Sales granted.
    pub granted: u64,
    /// Claims refused.
    pub refused: u64,
    /// Refusals by reason, where there are any.
    pub reasons: Vec<(&'static str, u64)>,
    /// Number tickets given out.
    pub reserved: u64,
    /// Tickets whose goods were handed over.
    pub confirmed: u64,
    /// Tickets whose time was up.
    pub expired: u64,
    /// Sales and tickets taken back.
    pub voided: u64,
    /// Sales on paper that were entered late.
    pub late: u64,
    /// Those of them that went over a limit.
    pub over_limit: u64,
    /// Answers that told an earlier decision once more.
    pub replayed: u64,
    /// Messages whose copies were answered differently: none, or the server is wrong.
    pub contradicted: u64,
}

impl ClaimTally {
    pub(super) fn decided(&self, kind: PosKind, decision: &Decision) {
        let one = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match kind {
            PosKind::Confirm => one(&self.confirmed),
            PosKind::Void => one(&self.voided),
            _ => one(&self.verdicts[decision.decision as usize]),
        };
        if let Some(reason) = decision.reason.filter(|_| decision.decision == Verdict::Refused) {
            one(&self.refused[reason as usize]);
        }
        if decision.over_limit && kind == PosKind::Late {
            one(&self.over_limit);
        }
    }

    pub(super) fn counts(&self) -> ClaimCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let verdict = |verdict: Verdict| of(&self.verdicts[verdict as usize]);
        let reasons = Refusal::ALL.iter().map(|reason| (reason.name(), of(&self.refused[*reason as usize])));
        ClaimCounts {
            granted: verdict(Verdict::Granted),
            refused: verdict(Verdict::Refused),
            reasons: reasons.filter(|(_, count)| *count > 0).collect(),
            reserved: verdict(Verdict::Reserved),
            confirmed: of(&self.confirmed),
            expired: of(&self.expired),
            voided: of(&self.voided),
            late: verdict(Verdict::Recorded),
            over_limit: of(&self.over_limit),
            replayed: of(&self.replayed),
            contradicted: of(&self.contradicted),
        }
    }
}

impl ClaimCounts {
    /// Refusals for this reason.
    #[must_use]
    pub fn refused_for(&self, reason: Refusal) -> u64 {
        self.reasons.iter().find(|(name, _)| *name == reason.name()).map_or(0, |(_, count)| *count)
    }
}
