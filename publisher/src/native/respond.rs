//! A body as an HTTP answer that caches can hold: tagged, aged, in the coding and part that was asked for.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use schemas::snapshot::Snapshot;

use super::body::Body;
use super::negotiate::{Coding, Part, is_known, is_tagged_otherwise};
use crate::answer::{self, EXPOSED};
use crate::memory_file::LARGE;

/// How long an answer may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Terms {
    /// Until a newer version is to be expected, `ttl` seconds after the moment of the version; that was `age` seconds ago.
    Current {
        /// Seconds.
        ttl: u32,
        /// Seconds.
        age: u32,
    },
    /// For ever: what is at this address never changes.
    Immutable,
}

impl Terms {
    /// Terms of a version: its age is that of this moment by this machine's clock.
    pub(crate) fn current(snapshot: &Snapshot) -> Self {
        let age = crate::status::now_ms().saturating_sub(snapshot.at.0).max(0) / 1000;
        Self::Current { ttl: crate::status::ttl(snapshot), age: u32::try_from(age).unwrap_or(u32::MAX) }
    }

    /// The same for what is made anew less often.
    pub(crate) fn for_seconds(self, seconds: u32) -> Self {
        match self {
            Self::Current { age, .. } => Self::Current { ttl: seconds, age },
            Self::Immutable => Self::Immutable,
        }
    }

    fn cache_control(self) -> HeaderValue {
        match self {
            // Stale answers are better than none: for ten ticks while a new one is fetched, for a day while none can be had.
            Self::Current { ttl, .. } => line(&[
                "public, max-age=",
                itoa::Buffer::new().format(ttl),
                ", stale-while-revalidate=",
                itoa::Buffer::new().format(ttl.saturating_mul(10)),
                ", stale-if-error=86400",
            ]),
            Self::Immutable => HeaderValue::from_static("public, max-age=31536000, immutable"),
        }
    }

    /// What this server did, for whoever looks for a late hop (RFC 9211). An answer past its time has a `ttl` below zero.
    fn cache_status(self) -> Option<HeaderValue> {
        let Self::Current { ttl, age } = self else { return None };
        let left = i64::from(ttl) - i64::from(age);
        Some(line(&["jaego; hit; ttl=", itoa::Buffer::new().format(left)]))
    }
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Answers a GET or HEAD with a body.
pub(crate) fn respond(request: &HeaderMap, body: &Body, terms: Terms) -> Response {
    let Some(coding) = Coding::choose(request, body.identity().len()) else {
        return answer::not_acceptable();
    };
    if is_tagged_otherwise(request, |tag| body.is_named(tag)) {
        return answer::other_tag();
    }
    if is_known(request, body) {
        let mut empty = Response::new(HttpBody::empty());
        body.tell(empty.headers_mut());
        return with_common(empty, StatusCode::NOT_MODIFIED, body.etag(coding), terms);
    }
    let (bytes, etag) = body.form(coding);
    let (status, bytes, range) = match Part::read(request, etag, bytes.len()) {
        Part::Whole => (StatusCode::OK, bytes.clone(), None),
        Part::Bytes(range) => {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
            (StatusCode::PARTIAL_CONTENT, bytes.slice(range), Some(line(&[&told])))
        }
        Part::Beyond => return answer::beyond(bytes.len()),
    };
    let file = if bytes.len() < LARGE { None } else { body.file(coding) };
    let mut response = Response::new(bytes.into());
    body.tell(response.headers_mut());
    let mut response = with_common(response, status, etag.clone(), terms);
    if let Some(file) = file {
        response.extensions_mut().insert(Arc::downgrade(file));
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(body.media));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if coding != Coding::Identity {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    if let Some(range) = range {
        headers.insert(header::CONTENT_RANGE, range);
    }
    response
}

/// The same, where it takes no long compressing first.
pub(crate) fn respond_quickly(request: &HeaderMap, body: &Body, terms: Terms) -> Option<Response> {
    let coding = Coding::choose(request, body.identity().len())?;
    body.is_quick(coding).then(|| respond(request, body, terms))
}

/// What a 200, 206 and 304 have in common.
pub(crate) fn with_common(
    mut response: Response,
    status: StatusCode,
    etag: HeaderValue,
    terms: Terms,
) -> Response {
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(12);
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, terms.cache_control());
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Terms::Current { age, .. } = terms {
        headers.insert(header::AGE, age.into());
    }
    if let Some(status) = terms.cache_status() {
        headers.insert(CACHE_STATUS, status);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

/// A value of parts, written without the detours of formatting: every answer has two of them.
fn line(parts: &[&str]) -> HeaderValue {
    let text: Bytes = parts.concat().into();
    HeaderValue::from_maybe_shared(text).expect("digits and letters are a header")
}
