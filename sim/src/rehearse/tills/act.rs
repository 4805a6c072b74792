//! One request of a till as it is written down before it is sent: the same bytes in every try.

use schemas::OutletCode;
use schemas::claim::{Check, Claim, ClaimId, Decision};
use schemas::pos::{Delta, Head, Report};
use schemas::time::Rfc3339;

use crate::fleet::now;
use crate::population::Person;
use crate::rehearse::books::Shelf;

/// Item that is rationed.
pub(crate) const ITEM: &str = "mask";
/// The terminal that reports and books deliveries in.
const TERMINAL: &str = "t1";

/// What a till asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Report,
    Delta,
    Claim,
    Check,
}

/// A request, and what it stands for.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) kind: Kind,
    pub(super) outlet: usize,
    pub(super) person: u64,
    pub(super) born: u16,
    pub(super) pieces: u32,
    pub(super) id: Option<ClaimId>,
    pub(super) body: Vec<u8>,
    /// Where it was answered and is sent once more: that answer.
    pub(super) first: Option<Box<Decision>>,
}

impl Act {
    /// A report of a count, or a delivery.
    pub(super) fn supply(outlet: usize, kind: Kind, pieces: u32, shelf: &Shelf) -> Self {
        let at = Rfc3339(now());
        let head = Head { outlet: None, terminal: TERMINAL, seq: shelf.sequence, at, sent_at: None };
        let body = match kind {
            Kind::Report => serde_json::to_vec(&Report { head, item: ITEM, count: pieces }),
            _ => serde_json::to_vec(&Delta {
                head,
                item: ITEM,
                change: i32::try_from(pieces).unwrap_or(i32::MAX),
            }),
        };
        let body = body.expect("messages hold only text and numbers");
        Self { kind, outlet, person: 0, born: 0, pieces, id: None, body, first: None }
    }

    /// A claim of so many pieces, or a check, at the terminal of this number.
    pub(super) fn of_person(
        outlet: usize,
        (code, terminal): (&OutletCode, u32),
        (person, said): (u64, &Person),
        pieces: Option<u32>,
    ) -> Self {
        let (at, code) = (Rfc3339(now()), Some(code.as_str().into()));
        let terminal = format!("t{terminal}");
        let id = pieces.map(|_| ClaimId(uuid::Uuid::now_v7()));
        let body = match (id, pieces) {
            (Some(id), Some(quantity)) => serde_json::to_vec(&Claim {
                outlet: code,
                id,
                terminal: terminal.as_str().into(),
                at,
                item: ITEM.into(),
                quantity,
                person: said.said(),
                buyer: None,
                ground: None,
            }),
            _ => serde_json::to_vec(&Check {
                outlet: code,
                terminal: terminal.as_str().into(),
                at,
                item: ITEM.into(),
                person: said.said(),
                buyer: None,
                ground: None,
            }),
        };
        let body = body.expect("messages hold only text and numbers");
        let kind = if id.is_some() { Kind::Claim } else { Kind::Check };
        Self { kind, outlet, person, born: said.born, pieces: pieces.unwrap_or(0), id, body, first: None }
    }

    /// Where it goes over NATS.
    pub(super) fn subject(&self, code: &OutletCode) -> String {
        let kind = match self.kind {
            Kind::Report => schemas::subject::PosKind::Report,
            Kind::Delta => schemas::subject::PosKind::Delta,
            Kind::Claim => schemas::subject::PosKind::Claim,
            Kind::Check => schemas::subject::PosKind::Check,
        };
        schemas::subject::pos(kind, code)
    }

    /// Where it goes at a desk.
    pub(super) fn path(&self) -> &'static str {
        if self.kind == Kind::Claim { "/desk/v1/claims" } else { "/desk/v1/checks" }
    }
}
