//! The desk: claims, checks and all that settles them over HTTP, for post offices and others without a POS.
//!
//! The same way into the journal as over NATS, and the same answers. What is turned away is a problem document (RFC 9457).

mod batch;
pub mod problem;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use schemas::claim::ClaimId;
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

/// The routes of the desk.
pub fn router(intake: Intake) -> Router {
    let batch_limit = DefaultBodyLimit::max(MAX_BATCH * MAX_MESSAGE_BYTES);
    let single = Router::new()
        .route("/desk/v1/claims", post(|desk, body| one(desk, PosKind::Claim, None, body)))
        .route("/desk/v1/claims/{id}", get(claim))
        .route("/desk/v1/claims/{id}/void", post(|desk, id, body| settle(desk, PosKind::Void, id, body)))
        .route("/desk/v1/late-claims", post(|desk, body| one(desk, PosKind::Late, None, body)))
        .route("/desk/v1/reservations", post(|desk, body| one(desk, PosKind::Reserve, None, body)))
        .route(
            "/desk/v1/reservations/{id}/confirm",
            post(|desk, id, body| settle(desk, PosKind::Confirm, id, body)),
        )
        .route("/desk/v1/checks", post(check))
        .layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES));
    let batches = Router::new()
        .route("/desk/v1/claims/batch", post(|desk, body| batch::many(desk, PosKind::Claim, body)))
        .route("/desk/v1/late-claims/batch", post(|desk, body| batch::many(desk, PosKind::Late, body)))
        .route("/desk/v1/reservations/batch", post(|desk, body| batch::many(desk, PosKind::Reserve, body)))
        .route("/desk/v1/voids/batch", post(|desk, body| batch::many(desk, PosKind::Void, body)))
        .route("/desk/v1/confirmations/batch", post(|desk, body| batch::many(desk, PosKind::Confirm, body)))
        .route("/desk/v1/checks/batch", post(|desk, body| batch::many(desk, PosKind::Check, body)))
        .layer(batch_limit);
    Router::new()
        .route("/desk/v1/openapi.json", get(|| async { json(StatusCode::OK, OPENAPI) }))
        .merge(single)
        .merge(batches)
        .fallback(|| async { problem::not_found() })
        .method_not_allowed_fallback(|| async { problem::not_allowed() })
        .with_state(intake)
}

async fn one(State(desk): State<Intake>, kind: PosKind, claim: Option<ClaimId>, body: BodyOf) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(refused) => return problem::unreadable(&desk, &refused),
    };
    let answer = ask(&desk, kind, claim, &body).await;
    wipe(body);
    match answer {
        Ok(decision) => json(StatusCode::OK, decision),
        Err(reply) => problem::rejected(*reply),
    }
}

type BodyOf = Result<Bytes, axum::extract::rejection::BytesRejection>;

async fn settle(desk: State<Intake>, kind: PosKind, Path(id): Path<String>, body: BodyOf) -> Response {
    match read_id(&id) {
        Ok(id) => one(desk, kind, Some(id), body).await,
        Err(rejection) => problem::rejected(desk.0.rejected(rejection)),
    }
}

async fn check(State(desk): State<Intake>, body: BodyOf) -> Response {
    let checked = match &body {
        Ok(body) => desk.check(Address::default(), body),
        Err(refused) => return problem::unreadable(&desk, refused),
    };
    match checked {
        Ok(decision) => json(
            StatusCode::OK,
            serde_json::to_vec(&decision).expect("a decision holds only text and numbers"),
        ),
        Err(rejection) => problem::rejected(desk.rejected(rejection)),
    }
}

async fn claim(State(desk): State<Intake>, Path(id): Path<String>) -> Response {
    let found = read_id(&id).and_then(|id| desk.claim(id).ok_or_else(unknown));
    match found {
        Ok(decision) => json(
            StatusCode::OK,
            serde_json::to_vec(&decision).expect("a decision holds only text and numbers"),
        ),
        Err(rejection) => problem::rejected(desk.rejected(rejection)),
    }
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

fn read_id(text: &str) -> Result<ClaimId, Rejection> {
    text.parse().map(ClaimId).map_err(|_| Rejection::new(Reason::Malformed, "the id in the path is no UUID"))
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
