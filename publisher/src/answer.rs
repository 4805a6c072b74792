//! HTTP answers as every endpoint gives them: open to browsers of any origin, errors as problem+json (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use crate::rows::push_json;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");
/// As in 2020: exactly this, without a charset.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error that tells its reader what to do next.
#[derive(Serialize)]
pub(crate) struct Problem {
    title: &'static str,
    status: u16,
    detail: &'static str,
}

fn answer<const N: usize>(
    status: StatusCode,
    body: impl Into<Body>,
    headers: [(HeaderName, HeaderValue); N],
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().reserve(N + 3);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    response.headers_mut().extend(headers);
    response
}

/// 200 with a body of JSON.
pub(crate) fn json(body: Bytes) -> Response {
    answer(StatusCode::OK, body, [(header::CONTENT_TYPE, JSON)])
}

/// 200 with a body of JSON that is true for this moment only.
pub(crate) fn fresh_json(body: Bytes) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer(StatusCode::OK, body, [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, no_store)])
}

/// 204: yes, a browser may send that request, whatever headers it wants to send along.
pub(crate) fn preflight(request: &HeaderMap) -> Response {
    let headers = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(ANY);
    answer(
        StatusCode::NO_CONTENT,
        Body::empty(),
        [
            (header::ALLOW, METHODS),
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, headers),
            (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
        ],
    )
}

/// 503 until the first version is there.
pub(crate) fn not_yet() -> Response {
    let detail = "This server has just started and has no version yet. Ask again in a second.";
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "No version yet",
        detail,
        [(header::RETRY_AFTER, HeaderValue::from_static("1"))],
    )
}

/// 405 for all but GET, HEAD and OPTIONS.
pub(crate) fn wrong_method() -> Response {
    let detail = "This interface is read with GET; reports of outlets go to the intake, not here.";
    problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail, [(header::ALLOW, METHODS)])
}

/// 404 for a path that is none.
pub(crate) fn wrong_path() -> Response {
    let detail = "There is nothing at this path. GET / lists all paths; mind upper and lower case.";
    problem(StatusCode::NOT_FOUND, "Not found", detail, [])
}

fn problem<const N: usize>(
    status: StatusCode,
    title: &'static str,
    detail: &'static str,
    headers: [(HeaderName, HeaderValue); N],
) -> Response {
    let mut body = Vec::new();
    push_json(&mut body, &Problem { title, status: status.as_u16(), detail });
    let mut response = answer(status, body, headers);
    response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
    response
}
