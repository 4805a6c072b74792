//! What an outlet tells, and what it is told: the words between outlets and the courier.

use schemas::Millis;
use schemas::claim::{ClaimId, Verdict};
use schemas::policy::Ground;
use schemas::pos::Reason;
use schemas::subject::PosKind;

use crate::population::Person;

/// Something an outlet tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// The count is this.
    Report(u32),
    /// The count moved by this.
    Delta(i32),
    /// Sales are suspended.
    Pause,
    /// Sales go on.
    Resume,
    /// Number tickets are given out, or no longer.
    Notice {
        /// Whether tickets are given out.
        tickets: bool,
    },
    /// A person stands at the counter and wants goods.
    Claim(Box<Sale>),
    /// A person takes a number ticket.
    Reserve(Box<Sale>),
    /// A person had goods against a note on paper.
    Late(Box<Sale>),
    /// A sale or ticket is taken back.
    Void(Held),
    /// The goods of a ticket are handed over.
    Confirm(Held),
}

/// A purchase, as the till put it down before it asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) id: ClaimId,
    pub(super) customer: Customer,
    pub(super) quantity: u32,
    /// When the till or the paper had it first; the outlet's clock tells it less exactly.
    pub(super) at: Millis,
}

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Customer {
    pub(super) person: Person,
    /// Who came in place of the person.
    pub(super) buyer: Option<Person>,
    pub(super) ground: Option<Ground>,
    /// Pieces wanted.
    pub(super) wants: u32,
}

/// A claim that was decided, and its pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: ClaimId,
    pub(super) quantity: u32,
    /// When the reservation ends; `None` for a sale.
    pub(super) until: Option<Millis>,
    /// When the till put it down that it settles the claim.
    pub(super) at: Millis,
}

impl Act {
    /// Whether the outlet waits for the answer before it says anything else: what depends on its place among the messages of
    /// all terminals, and goods that nobody may sell before they are entered.
    pub(super) fn waits(&self) -> bool {
        !matches!(self, Self::Delta(..=0)) && !self.kind().is_personal()
    }

    /// The subject it goes to.
    pub(super) fn kind(&self) -> PosKind {
        match self {
            Self::Report(_) => PosKind::Report,
            Self::Delta(_) => PosKind::Delta,
            Self::Pause => PosKind::Pause,
            Self::Resume => PosKind::Resume,
            Self::Notice { .. } => PosKind::Notice,
            Self::Claim(_) => PosKind::Claim,
            Self::Reserve(_) => PosKind::Reserve,
            Self::Late(_) => PosKind::Late,
            Self::Void(_) => PosKind::Void,
            Self::Confirm(_) => PosKind::Confirm,
        }
    }
}

/// An act with the terminal that tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) terminal: usize,
    /// The terminal's sequence; claims have an id instead, and 0 here.
    pub(super) seq: u64,
    pub(super) act: Act,
}

/// What the answers to a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the journal.
    Recorded,
    /// It is in the journal, and the ledger decided.
    Decided {
        verdict: Verdict,
        /// Until when a reservation holds.
        until: Option<Millis>,
    },
    /// It was turned away for good.
    TurnedAway(Option<Reason>),
}
