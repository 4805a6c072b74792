//! From what the fold decided to what a caller reads.

use aggregator::Decided;
use chrono::NaiveDate;
use schemas::claim::{ClaimState, Decision};
use schemas::pos::Outcome;
use schemas::status::Durability;
use schemas::time::Rfc3339;

/// What the caller asked about: it says which parts of a decision are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A claim, late claim or reservation: the decision.
    Claim,
    /// A void, a confirmation or a look-up: the decision, and where the claim stands now.
    State,
    /// A check: what the decision would be.
    Check,
}

/// The answer as it is documented.
#[must_use]
pub fn decision(decided: &Decided, about: About, durability: Durability) -> Decision {
    let settled = about == About::State;
    Decision {
        status: Outcome::Accepted,
        id: decided.id,
        decision: decided.verdict,
        reason: decided.refusal,
        state: settled.then_some(decided.state),
        remaining: decided.remaining.filter(|_| !settled),
        window_ends: decided.window_ends.map(Rfc3339),
        next_eligible: decided.next_eligible.and_then(NaiveDate::from_epoch_days).filter(|_| !settled),
        over_limit: decided.over_limit,
        held_until: decided.held_until.filter(|_| !settled || decided.state == ClaimState::Held).map(Rfc3339),
        version: decided.seq,
        durability: (about != About::Check).then_some(durability),
        received_at: Rfc3339(decided.received),
        registered: decided.registered,
        replayed: decided.replayed,
    }
}
