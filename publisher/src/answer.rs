//! HTTP answers as every endpoint gives them: open to browsers of any origin, errors as problem+json (RFC 9457).

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use rand::Rng;
use serde::Serialize;

use crate::rows::push_json;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const POST: HeaderValue = HeaderValue::from_static("POST, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");
/// As in 2020: exactly this, without a charset.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What scripts of any origin may read of an answer: every header. Named one by one they would be longer than the rest.
pub(crate) const EXPOSED: HeaderValue = ANY;

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

/// 200 with a body of JSON that is true for this moment only.
pub(crate) fn fresh_json(body: Bytes) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer(StatusCode::OK, body, [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, no_store)])
}

/// 204: yes, a browser may send that request, whatever headers it wants to send along.
pub(crate) fn preflight(request: &HeaderMap) -> Response {
    preflight_for(METHODS, request)
}

/// The same where a request makes something.
pub(crate) fn preflight_of_post(request: &HeaderMap) -> Response {
    preflight_for(POST, request)
}

fn preflight_for(methods: HeaderValue, request: &HeaderMap) -> Response {
    let headers = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(ANY);
    answer(
        StatusCode::NO_CONTENT,
        Body::empty(),
        [
            (header::ALLOW, methods.clone()),
            (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, headers),
            (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
        ],
    )
}

/// 503 until the first version is there.
pub(crate) fn not_yet() -> Response {
    let detail = "This server has just started and has no version yet. Ask again in some seconds.";
    // All who wait for it do not come again together.
    let headers = [retry_after(rand::rng().random_range(1..=3))];
    problem(StatusCode::SERVICE_UNAVAILABLE, "No version yet", detail, headers)
}

/// 405 for all but GET, HEAD and OPTIONS.
pub(crate) fn wrong_method() -> Response {
    let detail = "This interface is read with GET; reports of outlets go to the intake, not here.";
    problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail, [(header::ALLOW, METHODS)])
}

/// 405 for all but POST and OPTIONS.
pub(crate) fn only_post() -> Response {
    let detail = "POST here makes a key; nothing is to be read here.";
    problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail, [(header::ALLOW, POST)])
}

/// 404 for a path that is none.
pub(crate) fn wrong_path() -> Response {
    let detail =
        "There is nothing at this path. GET /openapi.json lists all paths; mind upper and lower case.";
    problem(StatusCode::NOT_FOUND, "Not found", detail, [])
}

/// 404 for an outlet that is none.
pub(crate) fn no_outlet() -> Response {
    let detail = "No outlet of this id is registered, and no other register that we know calls one so. GET /v1/outlets.json lists all; it may have closed.";
    problem(StatusCode::NOT_FOUND, "No such outlet", detail, [])
}

/// 404 for an id by which other registers call several outlets.
pub(crate) fn several_outlets() -> Response {
    let detail = "Several outlets are called so in other registers. Ask by the outlet's own id: GET /v1/outlets.json lists all.";
    problem(StatusCode::NOT_FOUND, "Ambiguous id", detail, [])
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

/// 400 for a request of HTTP/1.1 that does not say to whom it goes, or says it twice.
pub(crate) fn no_host() -> Response {
    let detail = "A request of HTTP/1.1 has one Host header (RFC 9112, 3.2). Send it.";
    problem(StatusCode::BAD_REQUEST, "No host", detail, [])
}

/// 406 for a client that takes no coding that we have.
pub(crate) fn not_acceptable() -> Response {
    let detail = "Bodies come as they are or in gzip, br or zstd; Accept-Encoding refuses them all.";
    problem(StatusCode::NOT_ACCEPTABLE, "Not acceptable", detail, [])
}

/// 412 for a client that wants a body of another tag or none.
pub(crate) fn other_tag() -> Response {
    let detail = "If-Match names no tag of what is here now. Ask without it; a version that is kept stays the same under /v1/versions/.";
    problem(StatusCode::PRECONDITION_FAILED, "Another tag", detail, [])
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

/// 307 to the server that keeps the archive.
pub(crate) fn history_is_at(url: &str) -> Response {
    // A path that came in a request line is one that can stand in a header.
    let Ok(url) = HeaderValue::from_str(url) else { return wrong_path() };
    let kept = HeaderValue::from_static("public, max-age=300");
    answer(
        StatusCode::TEMPORARY_REDIRECT,
        Body::empty(),
        [(header::LOCATION, url), (header::CACHE_CONTROL, kept)],
    )
}

/// 404 for a server that keeps no archive and knows none that does.
pub(crate) fn no_history() -> Response {
    let detail = "This server keeps no history and was not told who does: cores keep it, at the same path.";
    problem(StatusCode::NOT_FOUND, "No history here", detail, [])
}

/// 404 for a file of the archive that is none, or not yet.
pub(crate) fn no_history_of_day() -> Response {
    let detail = "There is no such file of a sealed day. GET /v1/history.json lists all; the day that runs is sealed when it is over.";
    problem(StatusCode::NOT_FOUND, "No such file", detail, [])
}

/// 410 for a day that is not kept any more.
pub(crate) fn history_dropped() -> Response {
    let detail = "This day is not kept any more. GET /v1/history.json lists those that are.";
    problem(StatusCode::GONE, "Too old", detail, [])
}

/// 503 for a file of the archive that the disk does not give just now.
pub(crate) fn history_unreadable() -> Response {
    let detail = "The file is there and can not be read now; the operator of this server sees why in its log. Ask again later, \
        or ask another server.";
    problem(StatusCode::SERVICE_UNAVAILABLE, "Not readable now", detail, [retry_after(60)])
}

/// 503 for one reader of streams too many.
pub(crate) fn too_many_readers() -> Response {
    let detail =
        "As many read the stream here as this server can serve. Poll /v1/changes, or ask again later.";
    let later = HeaderValue::from(10 + crate::status::now_ms().unsigned_abs() % 50);
    problem(StatusCode::SERVICE_UNAVAILABLE, "Too many readers", detail, [(header::RETRY_AFTER, later)])
}

/// 429 for one reader too fast.
pub(crate) fn too_many_requests(wait_s: u64) -> Response {
    let detail = "More requests than one reader has. GET /v1/limits.json tells how many, and how a key raises that; \
        answers may be kept for their max-age, and /v1/stream tells what changes.";
    problem(StatusCode::TOO_MANY_REQUESTS, "Too many requests", detail, [retry_after(wait_s)])
}

/// 429 for one key too many.
pub(crate) fn too_many_keys(wait_s: u64) -> Response {
    let detail = "This address has made as many keys as it may for now. One key is enough for one app.";
    problem(StatusCode::TOO_MANY_REQUESTS, "Too many keys", detail, [retry_after(wait_s)])
}

/// 503 for one connection too many.
pub(crate) fn too_many_connections() -> Response {
    let detail = "As many connections are open as this server has places for, or as one address may hold. \
        Keep one connection and send all requests over it.";
    let headers = [retry_after(2 + crate::status::now_ms().unsigned_abs() % 8), CLOSE];
    problem(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", detail, headers)
}

/// 401 for a key that is none.
pub(crate) fn bad_key(detail: &'static str) -> Response {
    let asks = (header::WWW_AUTHENTICATE, HeaderValue::from_static("X-Api-Key"));
    problem(StatusCode::UNAUTHORIZED, "Unknown key", detail, [asks])
}

/// 404 where keys are not given out.
pub(crate) fn no_keys() -> Response {
    let detail = "This server gives out no keys: the limits of GET /v1/limits.json hold for everybody.";
    problem(StatusCode::NOT_FOUND, "No keys here", detail, [])
}

/// 201 with a body of JSON for this reader alone.
pub(crate) fn created(body: Vec<u8>) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer(StatusCode::CREATED, body, [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, no_store)])
}

const CLOSE: (HeaderName, HeaderValue) = (header::CONNECTION, HeaderValue::from_static("close"));

fn retry_after(seconds: u64) -> (HeaderName, HeaderValue) {
    (header::RETRY_AFTER, seconds.into())
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
