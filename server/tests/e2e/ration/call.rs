//! What a till asks and what it is answered: written down word for word, for the checker alone.

use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use schemas::Millis;
use schemas::time::Rfc3339;
use serde_json::{Value, json};

use super::people::People;

/// A request: the same text in every attempt, on whatever way.
#[derive(Debug, Clone)]
pub struct Call {
    pub kind: &'static str,
    pub outlet: &'static str,
    /// The claim; a check has none.
    pub id: String,
    /// Whose allowance it is; voids and confirmations do not say.
    pub person: Option<usize>,
    pub quantity: u32,
    pub body: String,
}

/// What a caller was answered in the end.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Decided: the body as it came.
    Decided(String),
    /// Turned away.
    Rejected { reason: String, version: Option<u64>, body: String },
}

/// A request, the way it took and the answer that came.
#[derive(Debug, Clone)]
pub struct Saw {
    pub call: Arc<Call>,
    pub by: Way,
    pub answer: Answer,
}

/// The way of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over NATS: whichever core takes it.
    Nats,
    /// At the desk of a core.
    Desk(usize),
}

impl Way {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Nats, Self::Desk(0), Self::Desk(1)];
}

/// A new id, as a till makes it.
pub fn new_id(rng: &mut StdRng) -> String {
    let bits: u128 = rng.random();
    let hex = format!("{bits:032x}");
    let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("{a}-{b}-{c}-{d}-{e}")
}

impl Call {
    /// A claim, late claim, reservation or check of a person.
    pub fn of_person(
        kind: &'static str,
        outlet: &'static str,
        (people, person): (&People, usize),
        quantity: u32,
        rng: &mut StdRng,
    ) -> Self {
        let id = if kind == "check" { String::new() } else { new_id(rng) };
        let mut body = json!({
            "outlet": outlet, "terminal": "t1", "at": "2020-03-11T09:05:00+09:00", "item": "mask",
            "person": { "kind": "resident", "number": people.written(person, rng) },
        });
        if kind != "check" {
            body["id"] = id.clone().into();
            body["quantity"] = quantity.into();
        }
        match kind {
            "reserve" => body["hold_minutes"] = 1.into(),
            "late" => body["occurred_at"] = days_ago(rng.random_range(0..6)),
            _ => {}
        }
        Self { kind, outlet, id, person: Some(person), quantity, body: body.to_string() }
    }

    /// A void or confirmation of a claim.
    pub fn settle(&self, kind: &'static str) -> Self {
        let body = json!({ "outlet": self.outlet, "id": self.id, "terminal": "t1", "at": "2020-03-11T09:06:00+09:00" });
        Self { kind, person: None, body: body.to_string(), ..self.clone() }
    }

    /// Another claim under the same id, as a till with a broken counter makes it.
    pub fn other_body(&self) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).unwrap();
        body["quantity"] = (self.quantity + 1).into();
        Self { quantity: self.quantity + 1, body: body.to_string(), ..self.clone() }
    }

    /// Where it goes over NATS.
    pub fn subject(&self) -> String {
        format!("pos.v1.{}.{}", self.kind, self.outlet)
    }

    /// Where it goes at a desk.
    pub fn path(&self) -> String {
        match self.kind {
            "claim" => "/desk/v1/claims".to_owned(),
            "late" => "/desk/v1/late-claims".to_owned(),
            "reserve" => "/desk/v1/reservations".to_owned(),
            "void" => format!("/desk/v1/claims/{}/void", self.id),
            "confirm" => format!("/desk/v1/reservations/{}/confirm", self.id),
            _ => "/desk/v1/checks".to_owned(),
        }
    }
}

impl Answer {
    /// Reads a reply, a decision or a problem document.
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?.to_owned();
        let value: Value = serde_json::from_str(&text).ok()?;
        if value["decision"].is_string() {
            return Some(Self::Decided(text));
        }
        let (reason, version) = (value["reason"].as_str()?.to_owned(), value["version"].as_u64());
        Some(Self::Rejected { reason, version, body: text })
    }

    /// What was decided, if it was.
    pub fn decision(&self) -> Option<String> {
        let Self::Decided(body) = self else { return None };
        serde_json::from_str::<Value>(body).unwrap()["decision"].as_str().map(str::to_owned)
    }

    /// Whether the same request may get another answer later.
    pub fn passes(&self) -> bool {
        let later = ["not_admitted", "over_cap", "overloaded", "unavailable"];
        matches!(self, Self::Rejected { reason, .. } if later.contains(&reason.as_str()))
    }
}

fn days_ago(days: i64) -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    let then = i64::try_from(now.as_millis()).unwrap() - days * 86_400_000 - 60_000;
    serde_json::to_value(Rfc3339(Millis(then))).unwrap()
}
