//! Decoding of what is about a person: the number becomes a key here, and goes no further.
//!
//! Errors say where and what was expected, and never repeat what was sent.

use schemas::claim::{ClaimId, HOLD_MINUTES, MAX_HOLD_MINUTES, MAX_LATE_DAYS, MAX_QUANTITY, PersonSaid};
use schemas::entry::{ClaimEntry, Entry, Rules, SettleEntry};
use schemas::person::Person;
use schemas::policy::Ground;
use schemas::pos::{MAX_MESSAGE_BYTES, Reason};
use schemas::subject::PosKind;
use schemas::time::Rfc3339;
use schemas::{ItemId, Millis, OutletCode, TerminalId};
use serde::Deserialize;

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

/// All that may stand in a request about a person. The documented shapes are in [`schemas::claim`].
#[derive(Deserialize)]
struct Fields<'a> {
    outlet: Option<&'a str>,
    id: Option<ClaimId>,
    terminal: &'a str,
    at: Rfc3339,
    item: Option<&'a str>,
    quantity: Option<u32>,
    #[serde(borrow)]
    person: Option<PersonSaid<'a>>,
    #[serde(borrow)]
    buyer: Option<PersonSaid<'a>>,
    ground: Option<Ground>,
    occurred_at: Option<Rfc3339>,
    hold_minutes: Option<u32>,
}

/// A check, ready to be judged.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// Outlet code.
    pub outlet: &'a str,
    /// Item.
    pub item: &'a str,
    /// Whose allowance it is.
    pub person: Person,
    /// Who came, when it is another person.
    pub buyer: Option<Person>,
    /// The proof that was shown.
    pub ground: Option<Ground>,
}

/// Decodes a claim, late claim, reservation, void or confirmation.
///
/// # Errors
/// [`Rejection`], for each reason but `overloaded` and `unavailable`.
pub fn claim<'a>(
    kind: PosKind,
    address: Address<'a>,
    payload: &'a [u8],
    received: Millis,
    identity: &Identity,
) -> Result<Entry<'a>, Rejection> {
    let fields = read(kind, payload)?;
    let outlet = outlet(&fields, address)?;
    let id = id(&fields, address, kind)?;
    let settle = SettleEntry { id, outlet, terminal: fields.terminal, at: fields.at.0, received };
    match kind {
        PosKind::Void => Ok(Entry::Void(settle)),
        PosKind::Confirm => Ok(Entry::Confirm(settle)),
        _ => new_claim(kind, &settle, &fields, identity).map(Entry::Claim),
    }
}

/// Decodes a check.
///
/// # Errors
/// [`Rejection`], for each reason but `overloaded` and `unavailable`.
pub fn check<'a>(
    address: Address<'a>,
    payload: &'a [u8],
    identity: &Identity,
) -> Result<Checked<'a>, Rejection> {
    let fields = read(PosKind::Check, payload)?;
    let (person, buyer) = persons(PosKind::Check, &fields, identity)?;
    Ok(Checked {
        outlet: outlet(&fields, address)?,
        item: item(PosKind::Check, &fields)?,
        person,
        buyer,
        ground: fields.ground,
    })
}

fn read(kind: PosKind, payload: &[u8]) -> Result<Fields<'_>, Rejection> {
    if payload.len() > MAX_MESSAGE_BYTES {
        let detail = format!("{} bytes, at most {MAX_MESSAGE_BYTES} are allowed", payload.len());
        return Err(Rejection::new(Reason::Oversized, detail));
    }
    let fields: Fields<'_> = serde_json::from_slice(payload).map_err(|e| super::malformed(kind, &e))?;
    TerminalId::check(fields.terminal).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
    Ok(fields)
}

fn outlet<'a>(fields: &Fields<'a>, address: Address<'a>) -> Result<&'a str, Rejection> {
    match (address.outlet, fields.outlet) {
        (Some(addressed), Some(said)) if addressed != said => Err(Rejection::new(
            Reason::WrongSubject,
            "the outlet in the body is not the outlet of the subject",
        )),
        (Some(addressed), _) => Ok(addressed),
        (None, Some(said)) => {
            OutletCode::check(said).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
            Ok(said)
        }
        (None, None) => Err(Rejection::new(Reason::Malformed, "missing field `outlet`: who sells?")),
    }
}

fn id(fields: &Fields<'_>, address: Address<'_>, kind: PosKind) -> Result<ClaimId, Rejection> {
    match (address.claim, fields.id) {
        (Some(addressed), Some(said)) if addressed != said => {
            Err(Rejection::new(Reason::WrongSubject, "the id in the body is not the id of the path"))
        }
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => Err(missing("id", kind)),
    }
}

fn missing(field: &str, kind: PosKind) -> Rejection {
    Rejection::new(Reason::Malformed, format!("missing field `{field}` in a {}", kind.name()))
}

fn item<'a>(kind: PosKind, fields: &Fields<'a>) -> Result<&'a str, Rejection> {
    let item = fields.item.ok_or_else(|| missing("item", kind))?;
    ItemId::check(item).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
    Ok(item)
}

fn persons(
    kind: PosKind,
    fields: &Fields<'_>,
    identity: &Identity,
) -> Result<(Person, Option<Person>), Rejection> {
    let said = fields.person.as_ref().ok_or_else(|| missing("person", kind))?;
    let known = |said: &PersonSaid<'_>| match identity.person(said) {
        Ok(identified) => Ok(identified.person),
        Err(bad) => Err(Rejection::new(Reason::BadPerson, bad.to_string())),
    };
    Ok((known(said)?, fields.buyer.as_ref().map(known).transpose()?))
}

fn new_claim<'a>(
    kind: PosKind,
    settle: &SettleEntry<'a>,
    fields: &Fields<'a>,
    identity: &Identity,
) -> Result<ClaimEntry<'a>, Rejection> {
    let quantity = fields.quantity.ok_or_else(|| missing("quantity", kind))?;
    if !(1..=MAX_QUANTITY).contains(&quantity) {
        return Err(Rejection::new(Reason::OutOfRange, format!("quantity is not 1 to {MAX_QUANTITY}")));
    }
    let (person, buyer) = persons(kind, fields, identity)?;
    let occurred = occurred(kind, fields, settle.received)?;
    let hold = hold_minutes(kind, fields)?;
    let item = item(kind, fields)?;
    let body = identity.body(&Body {
        outlet: settle.outlet,
        terminal: settle.terminal,
        at: settle.at,
        item,
        quantity,
        person: &person,
        buyer: buyer.as_ref(),
        ground: fields.ground,
        occurred,
        hold_minutes: hold,
    });
    Ok(ClaimEntry {
        id: settle.id,
        outlet: settle.outlet,
        terminal: settle.terminal,
        at: settle.at,
        received: settle.received,
        item,
        quantity,
        person,
        buyer: buyer.map(Box::new),
        ground: fields.ground,
        body,
        occurred,
        until: hold.map(|minutes| settle.received.plus(i64::from(minutes) * MINUTE_MS)),
    })
}

/// When a late claim happened: not in the future, and not so long ago that its window is closed for good.
fn occurred(kind: PosKind, fields: &Fields<'_>, received: Millis) -> Result<Option<Millis>, Rejection> {
    if kind != PosKind::Late {
        return Ok(None);
    }
    let occurred = fields.occurred_at.ok_or_else(|| missing("occurred_at", kind))?.0;
    if occurred.since(received) > Rules::default().clock_tolerance_ms {
        return Err(Rejection::new(
            Reason::FutureDated,
            "occurred_at is later than the time here; set the clock",
        ));
    }
    if received.since(occurred) > MAX_LATE_DAYS * DAY_MS {
        let detail = format!("occurred_at is more than {MAX_LATE_DAYS} days ago; tell the administration");
        return Err(Rejection::new(Reason::OutOfRange, detail));
    }
    Ok(Some(occurred.min(received)))
}

fn hold_minutes(kind: PosKind, fields: &Fields<'_>) -> Result<Option<u32>, Rejection> {
    if kind != PosKind::Reserve {
        return Ok(None);
    }
    let minutes = fields.hold_minutes.unwrap_or(HOLD_MINUTES);
    if (1..=MAX_HOLD_MINUTES).contains(&minutes) {
        Ok(Some(minutes))
    } else {
        Err(Rejection::new(Reason::OutOfRange, format!("hold_minutes is not 1 to {MAX_HOLD_MINUTES}")))
    }
}
