//! A sealed file as an answer: tagged, for ever, whole or in part, read from the disk as the reader takes it.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::day::{BASE, DayFile};
use super::index::Found;
use crate::native::{NativeEdition, Part, Terms, is_tagged, is_tagged_otherwise, respond, with_common};
use crate::{Past, Publisher, answer};

/// Bytes that are read at once.
const CHUNK: usize = 128 * 1024;

/// Seconds for which a list of days is good: one more is sealed each day.
const LISTED_S: u32 = 60;

/// Answers a GET or HEAD of a file, or of the list of them.
pub(crate) async fn answer(
    publisher: &Publisher,
    edition: &NativeEdition,
    file: Option<&str>,
    (method, request): (&Method, &HeaderMap),
) -> Response {
    let archive = match (publisher.past(), file) {
        (None, _) => return answer::no_history(),
        (Some(Past::There(origin)), None) => return answer::history_is_at(&format!("{origin}{BASE}.json")),
        (Some(Past::There(origin)), Some(file)) => {
            return answer::history_is_at(&format!("{origin}{BASE}/{file}"));
        }
        (Some(Past::Here(archive)), _) => archive,
    };
    let Some(name) = file else {
        let body = archive.index().body(edition.snapshot());
        return respond(request, &body, edition.terms().for_seconds(LISTED_S));
    };
    match archive.index().find(name) {
        Found::File(path, file) => whole_or_part(&path, &file, method, request).await,
        Found::Dropped => answer::history_dropped(),
        Found::Nothing => answer::no_history_of_day(),
    }
}

async fn whole_or_part(path: &Path, file: &DayFile, method: &Method, request: &HeaderMap) -> Response {
    let etag = file.etag();
    let tag = text(&etag);
    if is_tagged_otherwise(request, |tag| tag == etag) {
        return answer::other_tag();
    }
    if is_tagged(request, |tag| tag == etag) {
        return with_common(Response::default(), StatusCode::NOT_MODIFIED, tag, Terms::Immutable);
    }
    let length = usize::try_from(file.bytes).unwrap_or(usize::MAX);
    let (status, range) = match Part::read(request, &tag, length) {
        Part::Whole => (StatusCode::OK, 0..length),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => return answer::beyond(length),
    };
    let body = match *method {
        Method::HEAD => HttpBody::empty(),
        _ => match open(path, &range).await {
            Ok(body) => body,
            // Dropped since it was found in the index.
            Err(error) if error.kind() == ErrorKind::NotFound => return answer::history_dropped(),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "a file of the history can not be read");
                return answer::history_unreadable();
            }
        },
    };
    let mut response = with_common(Response::new(body), status, tag, Terms::Immutable);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, text(&file.media));
    headers.insert(header::CONTENT_LENGTH, range.len().into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // It comes in no coding but its own.
    headers.remove(header::VARY);
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        headers.insert(header::CONTENT_RANGE, text(&told));
    }
    response
}

async fn open(path: &Path, range: &Range<usize>) -> std::io::Result<HttpBody> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(range.start as u64)).await?;
    let part = file.take(range.len() as u64);
    Ok(HttpBody::from_stream(ReaderStream::with_capacity(part, CHUNK)))
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and letters are a header")
}
