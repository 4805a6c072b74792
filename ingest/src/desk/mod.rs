//! The desk: claims, checks and all that settles them over HTTP, for post offices and others without a POS.
//!
//! The same way into the journal as over NATS, and the same answers. What is turned away is a problem document (RFC 9457).

mod batch;
pub mod problem;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use schemas::claim::{BadClaimId, ClaimId, Decision};
use schemas::pos::{MAX_MESSAGE_BYTES, Reason, Reply};
use schemas::subject::PosKind;
use tokio::sync::oneshot;

use crate::decode::Rejection;
use crate::decode::claim::Address;
use crate::intake::{Answer, Intake, ReplyTo, wipe};

/// Most requests in one batch.
pub const MAX_BATCH: usize = 1_000;

/// The contract of the desk, OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("../../../schemas/contract/desk.openapi.json");

/// All routes of the desk: the path, and what is done there. The contract lists the same ones.
pub const ROUTES: [(&str, Act); 14] = [
    ("/desk/v1/openapi.json", Act::Contract),
    ("/desk/v1/claims", Act::One(PosKind::Claim)),
    ("/desk/v1/claims/batch", Act::Many(PosKind::Claim)),
    ("/desk/v1/claims/{id}", Act::LookUp),
    ("/desk/v1/claims/{id}/void", Act::Settle(PosKind::Void)),
    ("/desk/v1/voids/batch", Act::Many(PosKind::Void)),
    ("/desk/v1/late-claims", Act::One(PosKind::Late)),
    ("/desk/v1/late-claims/batch", Act::Many(PosKind::Late)),
    ("/desk/v1/reservations", Act::One(PosKind::Reserve)),
    ("/desk/v1/reservations/batch", Act::Many(PosKind::Reserve)),
    ("/desk/v1/reservations/{id}/confirm", Act::Settle(PosKind::Confirm)),
    ("/desk/v1/confirmations/batch", Act::Many(PosKind::Confirm)),
    ("/desk/v1/checks", Act::One(PosKind::Check)),
    ("/desk/v1/checks/batch", Act::Many(PosKind::Check)),
];

/// What is done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `GET`: the contract itself.
    Contract,
    /// `GET`: a claim as it stands.
    LookUp,
    /// `POST`: one request.
    One(PosKind),
    /// `POST`: one void or confirmation, whose claim the path names.
    Settle(PosKind),
    /// `POST`: up to [`MAX_BATCH`] requests.
    Many(PosKind),
}

/// The desk over HTTP.
pub fn router(intake: Intake) -> Router {
    // One clone for a request, not one for each part of it.
    let intake = Arc::new(intake);
    let routes =
        ROUTES.into_iter().fold(Router::new(), |routes, (path, act)| routes.route(path, act.method()));
    routes
        .fallback(|| async { problem::not_found() })
        .method_not_allowed_fallback(|| async { problem::not_allowed() })
        .with_state(intake)
}

impl Act {
    fn method(self) -> MethodRouter<Desk> {
        let limit = match self {
            Self::Many(_) => MAX_BATCH * MAX_MESSAGE_BYTES,
            _ => MAX_MESSAGE_BYTES,
        };
        let method = match self {
            Self::Contract => get(|| async { json(StatusCode::OK, OPENAPI) }),
            Self::LookUp => get(claim),
            Self::One(PosKind::Check) => post(check),
            Self::One(kind) => post(move |desk, body| one(desk, kind, None, body)),
            Self::Settle(kind) => post(move |desk, id, body| settle(desk, kind, id, body)),
            Self::Many(kind) => post(move |desk, body| batch::many(desk, kind, body)),
        };
        method.layer(DefaultBodyLimit::max(limit))
    }
}

async fn one(State(desk): State<Desk>, kind: PosKind, claim: Option<ClaimId>, body: BodyOf) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(refused) => return problem::unreadable(&desk, &refused),
    };
    let answer = ask(&desk, kind, claim, &body).await;
    wipe(body);
    match answer {
        Ok(decision) => json(StatusCode::OK, decision),
        Err(reply) => problem::rejected(&reply),
    }
}

/// What all routes share.
type Desk = Arc<Intake>;

type BodyOf = Result<Bytes, axum::extract::rejection::BytesRejection>;

type IdOf = Result<Path<String>, axum::extract::rejection::PathRejection>;

async fn settle(desk: State<Desk>, kind: PosKind, id: IdOf, body: BodyOf) -> Response {
    match read_id(id) {
        Ok(id) => one(desk, kind, Some(id), body).await,
        Err(rejection) => problem::rejected(&desk.0.rejected(rejection)),
    }
}

async fn check(State(desk): State<Desk>, body: BodyOf) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(refused) => return problem::unreadable(&desk, &refused),
    };
    let checked = desk.check(Address::default(), &body);
    wipe(body);
    told(&desk, checked)
}

async fn claim(State(desk): State<Desk>, id: IdOf) -> Response {
    let found = read_id(id).and_then(|id| desk.claim(id).ok_or_else(unknown));
    told(&desk, found)
}

fn told(desk: &Intake, decision: Result<Decision, Rejection>) -> Response {
    match decision {
        Ok(decision) => json(StatusCode::OK, bytes_of(&decision)),
        Err(rejection) => problem::rejected(&desk.rejected(rejection)),
    }
}

fn bytes_of(decision: &Decision) -> Bytes {
    serde_json::to_vec(decision).expect("a decision holds only text and numbers").into()
}

/// Puts one request into the journal and waits for what was decided.
async fn ask(desk: &Intake, kind: PosKind, claim: Option<ClaimId>, body: &[u8]) -> Answer {
    let (answer, decided) = oneshot::channel();
    let address = Address { outlet: None, claim };
    desk.take(kind, address, body, ReplyTo::Desk(answer))
        .map_err(|(rejection, _)| Box::new(desk.rejected(rejection)))?;
    decided.await.unwrap_or_else(|_| Err(Box::new(stopping(desk))))
}

fn stopping(desk: &Intake) -> Reply {
    desk.rejected(Rejection::new(
        Reason::Unavailable,
        "this server is stopping; send the same request again, here or to another",
    ))
}

fn read_id(id: IdOf) -> Result<ClaimId, Rejection> {
    // What is no text is no id either.
    let id = id.map(|Path(id)| id).unwrap_or_default();
    id.parse().map_err(|bad: BadClaimId| Rejection::new(Reason::Malformed, bad.to_string()))
}

fn unknown() -> Rejection {
    Rejection::new(
        Reason::UnknownClaim,
        "no claim of this id is known: it was never made, or more than 24 hours ago",
    )
}

fn json(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, head, body.into()).into_response()
}
