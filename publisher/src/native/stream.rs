//! Changes as they happen (server-sent events): a reader is told what differs from the version that it has, however many
//! versions it slept through; nothing is kept for a reader but the number of its version.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::body::Body as HttpBody;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::unfold;
use tokio::sync::watch;

use super::NativeEdition;
use super::document::of_version;
use super::scope::Scope;
use super::shelf::Key;
use crate::{Publisher, answer};

/// Media type of a stream of events.
pub(crate) const MEDIA: &str = "text/event-stream";
/// A reader hears at least this often that the line is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A reader that takes nothing for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most readers at the same time.
pub(crate) const MAX_READERS: usize = 15_000;

/// All readers of streams.
pub(crate) struct Streams {
    /// The newest version; none once no more will come.
    versions: watch::Sender<Option<u64>>,
    readers: Arc<AtomicUsize>,
}

impl Streams {
    /// Nobody reads.
    pub(crate) fn new() -> Self {
        Self { versions: watch::Sender::new(Some(0)), readers: Arc::default() }
    }

    /// There is a new version.
    pub(crate) fn tell(&self, version: u64) {
        self.versions.send_if_modified(|newest| {
            let open = newest.is_some();
            if open {
                *newest = Some(version);
            }
            open
        });
    }

    /// No more will come: all streams end.
    pub(crate) fn close(&self) {
        self.versions.send_replace(None);
    }
}

/// One reader.
struct Reader {
    publisher: Publisher,
    versions: watch::Receiver<Option<u64>>,
    scope: Scope,
    /// The version that it has.
    has: u64,
    gave: Instant,
    _counted: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Answers with the changes since a version, and all that come.
pub(crate) fn answer(publisher: &Publisher, scope: Scope, since: Option<u64>) -> Response {
    let streams = &publisher.shared.streams;
    let counted = Counted(Arc::clone(&streams.readers));
    if streams.readers.fetch_add(1, Relaxed) >= MAX_READERS {
        return answer::too_many_readers();
    }
    let has = since.unwrap_or_else(|| publisher.edition().version());
    let mut versions = streams.versions.subscribe();
    // What is there already is told at once to a reader that has an older one.
    versions.mark_changed();
    let reader = Reader {
        publisher: publisher.clone(),
        versions,
        scope,
        has,
        gave: Instant::now(),
        _counted: counted,
    };
    let events = unfold(reader, |mut reader| async move {
        let bytes = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), reader))
    });
    let mut response = Response::new(HttpBody::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Reader {
    /// The next event, or a sign of life; none where the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        if self.gave.elapsed() > PATIENCE {
            return None;
        }
        let bytes = loop {
            match tokio::time::timeout(HEARTBEAT, self.versions.changed()).await {
                Err(_) => break Bytes::from_static(b": alive\n\n"),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {
                    (*self.versions.borrow_and_update())?;
                    let edition = self.publisher.edition();
                    if edition.is_published() && edition.version() > self.has {
                        let bytes = event(edition.native(), self.scope, self.has);
                        self.has = edition.version();
                        break bytes;
                    }
                }
            }
        };
        self.gave = Instant::now();
        Some(bytes)
    }
}

/// What a reader of version `has` is told.
fn event(edition: &NativeEdition, scope: Scope, has: u64) -> Bytes {
    let (native, snapshot) = (edition.native(), edition.snapshot());
    if has == native.history.before_last() {
        return edition.body(Key::Event(scope)).identity().clone();
    }
    match native.changed(has, scope, snapshot) {
        Some(changes) => native.event(&changes, snapshot).into(),
        None => {
            let version = snapshot.version;
            let keyframe = format!("{}/outlets_with_stock.json", scope.base());
            // A cache or another server may still have an older one at the first address, and never has at the second.
            let of_version = of_version(&keyframe, version);
            let data = format!(
                "{{\"version\":{version},\"keyframe\":\"{keyframe}\",\"keyframe_of_version\":\"{of_version}\"}}"
            );
            format!("event: reset\nid: {version}\ndata: {data}\n\n").into()
        }
    }
}
