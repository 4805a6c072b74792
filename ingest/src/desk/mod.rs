//! The desk: claims, checks and all that settles them over HTTP, for post offices and others without a POS.
//!
//! The same way into the journal as over NATS, and the same answers. What is turned away is a problem document (RFC 9457).

mod batch;
mod entrance;
pub mod problem;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use schemas::claim::{BadClaimId, ClaimId, Decision};
use schemas::pos::{MAX_MESSAGE_BYTES, Reason, Reply};
use schemas::subject::PosKind;
use tokio::sync::oneshot;

use self::entrance::Entrance;
pub use self::entrance::OUTLET_HEADER;
use crate::answer::UNKNOWN;
use crate::decode::Rejection;
use crate::decode::claim::Address;
use crate::intake::{Answer, Intake, ReplyTo, wipe};

/// Most requests in one batch.
pub const MAX_BATCH: usize = 1_000;

/// Longest time from the head of a request to the end of its body: who is let in and then says nothing holds a place.
const BODY_LIMIT: Duration = Duration::from_secs(10);

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
            Self::One(kind) => post(move |desk, request| one(desk, kind, None, request)),
            Self::Settle(kind) => post(move |desk, id, request| settle(desk, kind, id, request)),
            Self::Many(kind) => post(move |desk, request| batch::many(desk, kind, request)),
        };
        method.layer(DefaultBodyLimit::max(limit))
    }
}

async fn one(State(desk): State<Desk>, kind: PosKind, claim: Option<ClaimId>, request: Request) -> Response {
    let entrance = match Entrance::by_head(&desk, kind, request.headers(), false) {
        Ok(entrance) => entrance,
        Err(rejection) => return problem::rejected(&desk.rejected(rejection)),
    };
    let body = match body_of(&desk, request).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let answer = ask(&desk, kind, claim, &body, entrance).await;
    wipe(body);
    match answer {
        Ok(decision) => json(StatusCode::OK, decision),
        Err(reply) => problem::rejected(&reply),
    }
}

/// What all routes share.
type Desk = Arc<Intake>;

type IdOf = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// The body, read once the request was let in; or the answer to one that can not be read.
async fn body_of(desk: &Desk, request: Request) -> Result<Bytes, Response> {
    let body = tokio::time::timeout(BODY_LIMIT, Bytes::from_request(request, &())).await;
    match body {
        Ok(body) => body.map_err(|refused| problem::unreadable(desk, &refused)),
        Err(_) => Err(problem::too_slow(desk)),
    }
}

async fn settle(desk: State<Desk>, kind: PosKind, id: IdOf, request: Request) -> Response {
    match read_id(id) {
        Ok(id) => one(desk, kind, Some(id), request).await,
        Err(rejection) => problem::rejected(&desk.0.rejected(rejection)),
    }
}

async fn check(State(desk): State<Desk>, request: Request) -> Response {
    let entrance = match Entrance::by_head(&desk, PosKind::Check, request.headers(), false) {
        Ok(entrance) => entrance,
        Err(rejection) => return problem::rejected(&desk.rejected(rejection)),
    };
    let body = match body_of(&desk, request).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let address = Address { outlet: entrance.outlet.as_deref(), claim: None };
    let checked = desk.check(address, &body, (entrance.door, entrance.taken));
    wipe(body);
    told(&desk, checked)
}

async fn claim(State(desk): State<Desk>, id: IdOf, headers: HeaderMap) -> Response {
    let entrance = Entrance::by_head(&desk, PosKind::Check, &headers, false);
    let found = entrance.and_then(|_entered| read_id(id).and_then(|id| desk.claim(id).ok_or_else(unknown)));
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
async fn ask(
    desk: &Intake,
    kind: PosKind,
    claim: Option<ClaimId>,
    body: &[u8],
    entrance: Entrance,
) -> Answer {
    let (answer, decided) = oneshot::channel();
    let address = Address { outlet: entrance.outlet.as_deref(), claim };
    desk.take(kind, address, body, ReplyTo::Desk(answer), (entrance.door, entrance.taken))
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
    Rejection::new(Reason::UnknownClaim, UNKNOWN)
}

fn json(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, head, body.into()).into_response()
}
