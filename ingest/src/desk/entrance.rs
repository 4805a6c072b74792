//! The entrance of the desk: who is told by the head of a request is let in, or turned away, before its body is read.

use std::time::Instant;

use axum::http::HeaderMap;
use schemas::OutletCode;
use schemas::pos::Reason;
use schemas::subject::PosKind;

use crate::admission::Door;
use crate::decode::Rejection;
use crate::intake::Intake;

/// The outlet, told ahead of the body; the body must agree.
pub const OUTLET_HEADER: &str = "jaego-outlet";

/// How a request came in.
pub(super) struct Entrance {
    pub(super) door: Door,
    pub(super) taken: Instant,
    pub(super) outlet: Option<String>,
}

impl Entrance {
    /// Lets a request in by its head, where that says who sends it; else looks whether its class is overloaded. Of many at
    /// once nobody's waiting is counted, and each is let in by itself later.
    pub(super) fn by_head(
        desk: &Intake,
        kind: PosKind,
        headers: &HeaderMap,
        many: bool,
    ) -> Result<Self, Rejection> {
        let (class, taken) = (kind.class(), Instant::now());
        let Some(told) = headers.get(OUTLET_HEADER) else {
            desk.admission.knock(class)?;
            return Ok(Self { door: Door::Ask, taken, outlet: None });
        };
        let code = told.to_str().map_err(|_| wrong(&"it is no text of ASCII"))?;
        OutletCode::check(code).map_err(|bad| wrong(&bad))?;
        let permit = desk.admission.enter(class, code, taken, many)?;
        Ok(Self { door: Door::Open(permit), taken, outlet: Some(code.to_owned()) })
    }

    /// One of many, by whom the head told, or else whom its own body tells.
    pub(super) fn of_many(told: Option<&str>) -> Self {
        Self { door: Door::AskOfMany, taken: Instant::now(), outlet: told.map(str::to_owned) }
    }
}

fn wrong(why: &dyn std::fmt::Display) -> Rejection {
    Rejection::new(Reason::OutOfRange, format!("the header {OUTLET_HEADER}: {why}"))
}
