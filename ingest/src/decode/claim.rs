//! Decoding of what is about a person: the number becomes a key here, and goes no further.
//!
//! Errors say where and what was expected, and never repeat what was sent.

use std::borrow::Cow;

use schemas::claim::{ClaimId, HOLD_MINUTES, MAX_HOLD_MINUTES, MAX_LATE_DAYS, MAX_QUANTITY, PersonSaid};
use schemas::entry::{ClaimEntry, Entry, Rules, SettleEntry};
use schemas::person::Person;
use schemas::policy::Ground;
use schemas::pos::{MAX_MESSAGE_BYTES, Reason};
use schemas::subject::PosKind;
use schemas::time::Rfc3339;
use schemas::{ItemId, Millis, OutletCode, TerminalId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Rejection;
use crate::identity::{Body, Identity};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// Where a request came in: over NATS the subject names the outlet, over HTTP the path may name the claim.
#[derive(Debug, Clone, Copy, Default)]
pub struct Address<'a> {
    /// Outlet, where it is not the body that says it.
    pub outlet: Option<&'a str>,
    /// Claim, where it is not the body that says it.
    pub claim: Option<ClaimId>,
}

/// A text of a request: borrowed from it, unless it was written with escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A person of a request. The copy that reading made, if it made one, is wiped when it is dropped.
#[derive(Deserialize)]
struct Said<'a>(#[serde(borrow)] PersonSaid<'a>);

impl Drop for Said<'_> {
    fn drop(&mut self) {
        crate::person::wipe(&mut self.0);
    }
}

/// A claim, late claim or reservation as it was sent. The documented shapes are in [`schemas::claim`], and a test sends the
/// examples of both.
#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(borrow)]
    outlet: Option<Text<'a>>,
    id: Option<ClaimId>,
    #[serde(borrow)]
    terminal: Text<'a>,
    at: Rfc3339,
    #[serde(borrow)]
    item: Text<'a>,
    quantity: u32,
    #[serde(borrow)]
    person: Said<'a>,
    #[serde(borrow)]
    buyer: Option<Said<'a>>,
    ground: Option<Ground>,
    /// Read of late claims alone: in others it is a field like any that is not known.
    #[serde(borrow)]
    occurred_at: Option<&'a RawValue>,
    /// Read of reservations alone.
    #[serde(borrow)]
    hold_minutes: Option<&'a RawValue>,
}

/// A void or confirmation as it was sent.
#[derive(Deserialize)]
struct Settle<'a> {
    #[serde(borrow)]
    outlet: Option<Text<'a>>,
    id: Option<ClaimId>,
    #[serde(borrow)]
    terminal: Text<'a>,
    at: Rfc3339,
}

/// A check as it was sent.
#[derive(Deserialize)]
struct Check<'a> {
    #[serde(borrow)]
    outlet: Option<Text<'a>>,
    #[serde(borrow)]
    terminal: Text<'a>,
    #[serde(rename = "at")]
    _at: Rfc3339,
    #[serde(borrow)]
    item: Text<'a>,
    #[serde(borrow)]
    person: Said<'a>,
    #[serde(borrow)]
    buyer: Option<Said<'a>>,
    ground: Option<Ground>,
}

/// A request that is of the shape of its kind; [`Request::entry`] makes an entry of it.
pub struct Request<'a> {
    kind: PosKind,
    shape: Shape<'a>,
}

enum Shape<'a> {
    Claim(Box<Claim<'a>>),
    Settle(Settle<'a>),
}

/// A check that is of its shape.
pub struct CheckRequest<'a>(Check<'a>);

/// A check, ready to be judged.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// Outlet code.
    pub outlet: &'a str,
    /// Terminal of that outlet.
    pub terminal: &'a str,
    /// Item.
    pub item: &'a str,
    /// Whose allowance it is.
    pub person: Person,
    /// Who came, when it is another person.
    pub buyer: Option<Person>,
    /// The proof that was shown.
    pub ground: Option<Ground>,
}

/// Reads a claim, late claim, reservation, void or confirmation.
///
/// # Errors
/// [`Rejection`], as `malformed` or `oversized`.
pub fn read(kind: PosKind, payload: &[u8]) -> Result<Request<'_>, Rejection> {
    let shape = match kind {
        PosKind::Void | PosKind::Confirm => Shape::Settle(parse(kind, payload)?),
        _ => Shape::Claim(Box::new(parse(kind, payload)?)),
    };
    Ok(Request { kind, shape })
}

/// Reads a check.
///
/// # Errors
/// [`Rejection`], as `malformed` or `oversized`.
pub fn read_check(payload: &[u8]) -> Result<CheckRequest<'_>, Rejection> {
    parse(PosKind::Check, payload).map(CheckRequest)
}

fn parse<'a, T: Deserialize<'a>>(kind: PosKind, payload: &'a [u8]) -> Result<T, Rejection> {
    if payload.len() > MAX_MESSAGE_BYTES {
        let detail = format!("{} bytes, at most {MAX_MESSAGE_BYTES} are allowed", payload.len());
        return Err(Rejection::new(Reason::Oversized, detail));
    }
    super::object(kind, payload)
}

impl Request<'_> {
    /// The entry of the journal, with fingerprints in place of the persons.
    ///
    /// # Errors
    /// [`Rejection`], for each reason but `overloaded` and `unavailable`.
    pub fn entry<'s>(
        &'s self,
        address: Address<'s>,
        received: Millis,
        identity: &Identity,
    ) -> Result<Entry<'s>, Rejection> {
        let (outlet, id, terminal, at) = match &self.shape {
            Shape::Claim(claim) => (&claim.outlet, claim.id, &claim.terminal, claim.at),
            Shape::Settle(settle) => (&settle.outlet, settle.id, &settle.terminal, settle.at),
        };
        let settle = SettleEntry {
            id: self.id(id, address)?,
            outlet: outlet_of(outlet.as_ref(), address)?,
            terminal: terminal_of(terminal)?,
            at: at.0,
            received,
            holds_place: self.kind == PosKind::Void,
        };
        match (&self.shape, self.kind) {
            (Shape::Claim(claim), kind) => claim.entry(kind, &settle, identity).map(Entry::Claim),
            (Shape::Settle(_), PosKind::Void) => Ok(Entry::Void(settle)),
            (Shape::Settle(_), _) => Ok(Entry::Confirm(settle)),
        }
    }

    fn id(&self, said: Option<ClaimId>, address: Address<'_>) -> Result<ClaimId, Rejection> {
        match (address.claim, said) {
            (Some(addressed), Some(said)) if addressed != said => {
                Err(Rejection::new(Reason::WrongSubject, "the id in the body is not the id of the path"))
            }
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Err(missing("id", self.kind)),
        }
    }
}

impl CheckRequest<'_> {
    /// What is asked, with fingerprints in place of the persons.
    ///
    /// # Errors
    /// [`Rejection`], for each reason but `overloaded` and `unavailable`.
    pub fn checked<'s>(
        &'s self,
        address: Address<'s>,
        identity: &Identity,
    ) -> Result<Checked<'s>, Rejection> {
        let Self(check) = self;
        let outlet = outlet_of(check.outlet.as_ref(), address)?;
        let terminal = terminal_of(&check.terminal)?;
        let (person, buyer) = persons(&check.person, check.buyer.as_ref(), identity)?;
        Ok(Checked { outlet, terminal, item: item_of(&check.item)?, person, buyer, ground: check.ground })
    }
}

fn outlet_of<'a>(said: Option<&'a Text<'_>>, address: Address<'a>) -> Result<&'a str, Rejection> {
    match (address.outlet, said) {
        (Some(addressed), Some(Text(said))) if addressed != said => Err(Rejection::new(
            Reason::WrongSubject,
            "the outlet in the body is not the one of the subject or header",
        )),
        (Some(addressed), _) => Ok(addressed),
        (None, Some(Text(said))) => {
            OutletCode::check(said).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
            Ok(said)
        }
        (None, None) => Err(Rejection::new(Reason::Malformed, "missing field `outlet`: who sells?")),
    }
}

fn terminal_of<'a>(said: &'a Text<'_>) -> Result<&'a str, Rejection> {
    TerminalId::check(&said.0).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
    Ok(&said.0)
}

fn item_of<'a>(said: &'a Text<'_>) -> Result<&'a str, Rejection> {
    ItemId::check(&said.0).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
    Ok(&said.0)
}

fn missing(field: &str, kind: PosKind) -> Rejection {
    Rejection::new(Reason::Malformed, format!("missing field `{field}` in a {}", kind.name()))
}

fn persons(
    person: &Said<'_>,
    buyer: Option<&Said<'_>>,
    identity: &Identity,
) -> Result<(Person, Option<Person>), Rejection> {
    let known = |Said(said): &Said<'_>| Ok::<_, Rejection>(identity.person(said)?.person);
    let person = known(person)?;
    // Who buys for themselves is no proxy.
    let buyer = buyer.map(known).transpose()?.filter(|buyer| buyer.key != person.key);
    Ok((person, buyer))
}

impl Claim<'_> {
    fn entry<'s>(
        &'s self,
        kind: PosKind,
        settle: &SettleEntry<'s>,
        identity: &Identity,
    ) -> Result<ClaimEntry<'s>, Rejection> {
        if !(1..=MAX_QUANTITY).contains(&self.quantity) {
            return Err(Rejection::new(Reason::OutOfRange, format!("quantity is not 1 to {MAX_QUANTITY}")));
        }
        let item = item_of(&self.item)?;
        let (person, buyer) = persons(&self.person, self.buyer.as_ref(), identity)?;
        let said = self.occurred(kind, settle.received)?;
        let hold = self.hold_minutes(kind)?;
        let body = identity.body(&Body {
            outlet: settle.outlet,
            terminal: settle.terminal,
            at: settle.at,
            item,
            quantity: self.quantity,
            person: &person,
            buyer: buyer.as_ref(),
            ground: self.ground,
            occurred: said,
            hold_minutes: hold,
        });
        Ok(ClaimEntry {
            id: settle.id,
            outlet: settle.outlet,
            terminal: settle.terminal,
            at: settle.at,
            received: settle.received,
            item,
            quantity: self.quantity,
            person,
            buyer: buyer.map(Box::new),
            ground: self.ground,
            body,
            // A till whose clock is a little ahead sold now. Its copies come at other moments and must be one claim, so the
            // fingerprint is of what it said.
            occurred: said.map(|at| at.min(settle.received)),
            until: hold.map(|minutes| settle.received.plus(i64::from(minutes) * MINUTE_MS)),
        })
    }

    /// When a late claim happened, as the till said it: in the future by no more than clocks may be off, and not so long ago
    /// that its window is closed for good.
    fn occurred(&self, kind: PosKind, received: Millis) -> Result<Option<Millis>, Rejection> {
        if kind != PosKind::Late {
            return Ok(None);
        }
        let said = self.occurred_at.ok_or_else(|| missing("occurred_at", kind))?;
        let Rfc3339(occurred) = own(said, "occurred_at", kind)?;
        if occurred.since(received) > Rules::default().clock_tolerance_ms {
            return Err(Rejection::new(
                Reason::FutureDated,
                "occurred_at is later than the time here; set the clock",
            ));
        }
        if received.since(occurred) > MAX_LATE_DAYS * DAY_MS {
            let detail =
                format!("occurred_at is more than {MAX_LATE_DAYS} days ago; tell the administration");
            return Err(Rejection::new(Reason::OutOfRange, detail));
        }
        Ok(Some(occurred))
    }

    fn hold_minutes(&self, kind: PosKind) -> Result<Option<u32>, Rejection> {
        if kind != PosKind::Reserve {
            return Ok(None);
        }
        let minutes = self.hold_minutes.map_or(Ok(HOLD_MINUTES), |said| own(said, "hold_minutes", kind))?;
        if (1..=MAX_HOLD_MINUTES).contains(&minutes) {
            Ok(Some(minutes))
        } else {
            Err(Rejection::new(Reason::OutOfRange, format!("hold_minutes is not 1 to {MAX_HOLD_MINUTES}")))
        }
    }
}

/// A field that one kind alone has.
fn own<'a, T: Deserialize<'a>>(said: &'a RawValue, field: &str, kind: PosKind) -> Result<T, Rejection> {
    serde_json::from_str(said.get()).map_err(|error| {
        let detail = format!("`{field}` in a {}: {}", kind.name(), super::wrong(&error));
        Rejection::new(Reason::Malformed, detail)
    })
}
