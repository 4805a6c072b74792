//! HTTP answers as every endpoint gives them: open to browsers of any origin, errors as problem+json (RFC 9457).

use std::borrow::Cow;

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
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Problem {
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    /// Where to begin anew, for a reader that is too far behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyframe: Option<String>,
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
    let detail =
        "There is nothing at this path. GET /openapi.json lists all paths; mind upper and lower case.";
    problem(StatusCode::NOT_FOUND, "Not found", detail, [])
}

/// 404 for an outlet that is none.
pub(crate) fn no_outlet() -> Response {
    let detail = "No outlet of this id is registered. GET /v1/outlets.json lists all; it may have closed.";
    problem(StatusCode::NOT_FOUND, "No such outlet", detail, [])
}

/// 404 for a version that is not kept.
pub(crate) fn version_gone() -> Response {
    let detail =
        "This version is not kept here any more, or not yet. GET /v1/manifest.json names one that is.";
    problem(StatusCode::NOT_FOUND, "No such version", detail, [])
}

/// 400 for a question that can not be understood.
pub(crate) fn wrong_question(detail: String) -> Response {
    problem(StatusCode::BAD_REQUEST, "Bad parameter", detail, [])
}

/// 406 for a client that takes no coding that we have.
pub(crate) fn not_acceptable() -> Response {
    let detail = "Bodies come as they are or in gzip, br or zstd; Accept-Encoding refuses them all.";
    problem(StatusCode::NOT_ACCEPTABLE, "Not acceptable", detail, [])
}

/// 416 for a part that lies beyond the end of a body of so many bytes.
pub(crate) fn beyond(length: usize) -> Response {
    let range = HeaderValue::try_from(format!("bytes */{length}")).expect("digits are a header");
    let detail = format!("The body has {length} bytes in this coding.");
    problem(StatusCode::RANGE_NOT_SATISFIABLE, "Beyond the end", detail, [(header::CONTENT_RANGE, range)])
}

/// 410 for a reader that is too far behind; it begins anew at `keyframe`.
pub(crate) fn too_old(keyframe: String) -> Response {
    let detail = "Changes since this version are not kept any more. Read the keyframe, then ask for changes since its version.";
    let problem = Problem {
        title: "Too old",
        status: StatusCode::GONE.as_u16(),
        detail: detail.into(),
        keyframe: Some(keyframe),
    };
    write(StatusCode::GONE, &problem, [])
}

/// 503 for one reader of streams too many.
pub(crate) fn too_many_readers() -> Response {
    let detail =
        "As many read the stream here as this server can serve. Poll /v1/changes, or ask again later.";
    let later = HeaderValue::from(10 + crate::status::now_ms().unsigned_abs() % 50);
    problem(StatusCode::SERVICE_UNAVAILABLE, "Too many readers", detail, [(header::RETRY_AFTER, later)])
}

fn problem<const N: usize>(
    status: StatusCode,
    title: &'static str,
    detail: impl Into<Cow<'static, str>>,
    headers: [(HeaderName, HeaderValue); N],
) -> Response {
    write(status, &Problem { title, status: status.as_u16(), detail: detail.into(), keyframe: None }, headers)
}

fn write<const N: usize>(
    status: StatusCode,
    problem: &Problem,
    headers: [(HeaderName, HeaderValue); N],
) -> Response {
    let mut body = Vec::new();
    push_json(&mut body, problem);
    let mut response = answer(status, body, headers);
    response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
