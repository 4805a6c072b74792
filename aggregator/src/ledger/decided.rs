//! What callers hear of a claim, made of its row alone: asked again, it is the same.

use schemas::Millis;
use schemas::claim::{ClaimId, ClaimState, Refusal, Verdict};

use super::claims::{Claim, Ruling};
use crate::calendar::midnight;

/// A decision, and the state of its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The claim; `None` for a check.
    pub id: Option<ClaimId>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// Where the claim stands now.
    pub state: ClaimState,
    /// Pieces that remain in the window after the decision.
    pub remaining: Option<u32>,
    /// When the window ends.
    pub window_ends: Option<Millis>,
    /// First local day, since 1970, on which the person can buy again.
    pub next_eligible: Option<i32>,
    /// A late claim over the limit.
    pub over_limit: bool,
    /// Until when a reservation holds.
    pub held_until: Option<Millis>,
    /// Journal sequence that decided.
    pub seq: u64,
    /// When the gateway took the request that decided.
    pub received: Millis,
    /// Whether the outlet was registered.
    pub registered: bool,
    /// Whether it was decided before.
    pub replayed: bool,
}

impl Decided {
    /// What a claim's row says.
    pub(crate) fn of(claim: &Claim, replayed: bool) -> Self {
        let ruling = claim.ruling();
        let days = claim.days();
        Self {
            id: Some(claim.id),
            verdict: ruling.verdict(),
            refusal: match ruling {
                Ruling::Refused(refusal) => Some(refusal),
                _ => None,
            },
            state: claim.state(),
            remaining: claim.remaining(),
            window_ends: days.window_ends.map(|day| midnight(day, claim.offset_minutes())),
            next_eligible: days.next_eligible,
            over_limit: matches!(ruling, Ruling::Recorded { over: true, .. }),
            held_until: claim.held_until(),
            seq: claim.seq,
            received: claim.received(),
            registered: claim.registered(),
            replayed,
        }
    }
}
