//! What the desk turns away, as problem documents (RFC 9457): the reason by the same name as over NATS.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use schemas::pos::{MAX_MESSAGE_BYTES, Reason, Reply};
use schemas::time::Rfc3339;
use serde::Serialize;

use crate::decode::Rejection;
use crate::intake::Intake;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem<'a> {
    /// What kind of problem: a page of the documentation for each reason.
    #[serde(rename = "type")]
    kind: String,
    /// The reason again, as a title.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in words, and what to do. It never repeats what was sent.
    detail: &'a str,
    /// The reason by its name in replies, metrics and dead letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Place in the journal, where the request got there.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<Rfc3339>,
    /// Wait at least this long before sending again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
}

/// The status of a reason.
#[must_use]
pub fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::Malformed | Reason::WrongSubject => StatusCode::BAD_REQUEST,
        Reason::Oversized => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::FutureDated | Reason::OutOfRange | Reason::BadPerson => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::UnknownClaim => StatusCode::NOT_FOUND,
        Reason::OtherOutlet | Reason::NotAdmitted => StatusCode::FORBIDDEN,
        Reason::Withdrawn | Reason::IdConflict | Reason::NotHeld | Reason::NothingToVoid => {
            StatusCode::CONFLICT
        }
        Reason::OverCap => StatusCode::TOO_MANY_REQUESTS,
        Reason::Overloaded | Reason::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A request that was turned away.
pub(super) fn rejected(reply: &Reply) -> Response {
    let reason = reply.reason.unwrap_or(Reason::Malformed);
    let status = status(reason);
    let problem = Problem {
        kind: format!("/desk/v1/openapi.json#/components/x-reasons/{}", reason.name()),
        title: reason.name(),
        status: status.as_u16(),
        detail: reply.detail.as_deref().unwrap_or_default(),
        reason: Some(reason),
        version: reply.version,
        received_at: Some(reply.received_at),
        retry_after_ms: reply.retry_after_ms,
    };
    let mut response = document(status, &problem);
    if let Some(millis) = reply.retry_after_ms {
        let seconds = HeaderValue::from(millis.div_ceil(1000));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// A body that could not be read: too large, or broken off.
pub(super) fn unreadable(desk: &Intake, refused: &BytesRejection) -> Response {
    let rejection = if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Rejection::new(Reason::Oversized, format!("at most {MAX_MESSAGE_BYTES} bytes a request are allowed"))
    } else {
        Rejection::new(Reason::Malformed, "the body broke off")
    };
    rejected(&desk.rejected(rejection))
}

/// A body that did not come to its end in time.
pub(super) fn too_slow(desk: &Intake) -> Response {
    let rejection = Rejection::new(Reason::Malformed, "the body did not come in ten seconds; send it again");
    let mut response = rejected(&desk.rejected(rejection));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// No such path.
pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "not_found", "no such path: /desk/v1/openapi.json lists them")
}

/// A path, by another method.
pub(super) fn not_allowed() -> Response {
    plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "another method is needed: /desk/v1/openapi.json says which",
    )
}

fn plain(status: StatusCode, title: &str, detail: &str) -> Response {
    let kind = "about:blank".to_owned();
    let status_code = status.as_u16();
    let problem = Problem {
        kind,
        title,
        status: status_code,
        detail,
        reason: None,
        version: None,
        received_at: None,
        retry_after_ms: None,
    };
    document(status, &problem)
}

fn document(status: StatusCode, problem: &Problem<'_>) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem holds only text and numbers");
    let head = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, head, body).into_response()
}
