//! All that goes out: each version of the public facts becomes ready bytes once, and readers pick from them.
//!
//! A [`Publisher`] is handed a snapshot per version, renders it into an [`Edition`] and swaps that in; requests never
//! wait for a render and never serialise a row. The open API of 2020 is answered with its recorded quirks; where the
//! record is silent, the answer is the forgiving one that [`Endpoint`] tells.

mod address_index;
mod address_shelf;
mod answer;
pub mod archive;
mod deprecation;
mod edition;
mod limits;
mod list;
mod map_tiles;
mod memory_file;
mod native;
mod openapi;
mod place_index;
mod query;
mod router;
mod rows;
mod serve;
mod status;
mod table;
mod web;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use schemas::ItemId;
use schemas::snapshot::Snapshot;
use schemas::status::Status;
use tokio::net::TcpListener;

use crate::native::NativeEdition;

pub use archive::Archive;
pub use deprecation::{Deprecated, DeprecationFault, Deprecations, NOTICE_DAYS};
pub use edition::{Edition, Endpoint};
pub use limits::{IpNet, KEY_DAYS, KEY_HEADER, KeySecret, Limits, Rate, ReaderLimits, Refused};
pub use map_tiles::{MAX_ATTRIBUTION, MapTiles, TilesFault};
pub use query::{DEFAULT_DISTRICT, DEFAULT_METRES, DEFAULT_PLACE, MAX_METRES, MAX_PER_PAGE, PER_PAGE};
pub use serve::{DRAIN, serve};

/// What the face of 2020, which knows but one kind of goods, shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// The item whose stock is shown.
    pub item: ItemId,
}

impl Default for Face {
    fn default() -> Self {
        Self { item: ItemId::new("mask").expect("four lower-case letters are an item") }
    }
}

/// What a publisher is told at its start.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the face of 2020 shows.
    pub face: Face,
    /// What one reader may take; it holds where the publisher [serves](Publisher::serve).
    pub limits: ReaderLimits,
    /// The background of the map; without one the outlets themselves draw the country.
    pub tiles: Option<MapTiles>,
    /// Routes that are to go.
    pub deprecations: Deprecations,
}

/// The public side of one process: the edition being served and the status page. Clones share both.
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    face: Face,
    edition: ArcSwap<Edition>,
    status: ArcSwap<Status>,
    kept: Mutex<Kept>,
    streams: native::Streams,
    limits: Arc<Limits>,
    limits_page: native::NativeBody,
    pages: web::Pages,
    deprecations: Deprecations,
    contract: OnceLock<native::NativeBody>,
    past: OnceLock<Past>,
}

/// Where past days are to be had.
enum Past {
    /// In an archive of our own.
    Here(Archive),
    /// At another server.
    There(String),
}

/// Versions that can still be asked for by their number.
#[derive(Default)]
struct Kept {
    /// The last ones.
    last: VecDeque<Arc<NativeEdition>>,
    /// Those of which a list of files was given out.
    listed: VecDeque<Arc<NativeEdition>>,
}

/// How many of the last versions are kept.
const KEPT: usize = 10;
/// How many of the listed versions are kept: whoever read a list has some minutes to fetch its files.
const KEPT_LISTED: usize = 3;
/// A list of files is good for so long, in milliseconds: making one means writing every file.
const LISTED_FOR_MS: i64 = 60_000;

impl Publisher {
    /// A publisher that answers 503 until the first [`publish`](Self::publish), and every reader as often as it asks.
    #[must_use]
    pub fn new(face: Face) -> Self {
        Self::with(Settings { face, ..Settings::default() })
    }

    /// The same as it is told to be.
    #[must_use]
    pub fn with(settings: Settings) -> Self {
        let Settings { face, limits, tiles, deprecations } = settings;
        let limits = Limits::new(limits);
        let limits_page = limits::document::body(&limits);
        let edition = ArcSwap::from_pointee(Edition::awaited(&face));
        let status = ArcSwap::from_pointee(status::unmeasured());
        let (kept, streams, pages) =
            (Mutex::default(), native::Streams::new(), web::Pages::new(tiles.as_ref()));
        Self {
            shared: Arc::new(Shared {
                face,
                edition,
                status,
                kept,
                streams,
                limits,
                limits_page,
                pages,
                deprecations,
                contract: OnceLock::new(),
                past: OnceLock::new(),
            }),
        }
    }

    /// Renders a version and serves it from now on. It takes milliseconds of this thread's time and none of the readers';
    /// whoever calls it does so in the order of the versions.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        self.catch_up(vec![snapshot]);
    }

    /// The same with versions that were missed: the last of them is served, and readers who have one of the others are told
    /// what changed since.
    pub fn catch_up(&self, snapshots: Vec<Arc<Snapshot>>) {
        let served = self.shared.edition.load_full();
        let mut edition = Arc::clone(&served);
        for snapshot in snapshots {
            edition = Arc::new(Edition::render(Some(&edition), snapshot, &self.shared.face));
            self.keep(&edition);
        }
        self.shared.edition.store(Arc::clone(&edition));
        self.shared.streams.tell(edition.version());
        if let Some(archive) = self.archive() {
            archive.published(Arc::clone(edition.native()));
        }
        served.forget();
    }

    /// Writes every version down from now on, and answers `/v1/history`. Of this and [`history_is_at`](Self::history_is_at)
    /// only the first call counts.
    pub fn keep_history(&self, archive: Archive) {
        let _told_before = self.shared.past.set(Past::Here(archive));
    }

    /// Sends who asks for `/v1/history` to another server, such as `https://core.example`, without a slash at the end.
    pub fn history_is_at(&self, origin: String) {
        let _told_before = self.shared.past.set(Past::There(origin));
    }

    /// Where past days are; none where nobody said.
    fn past(&self) -> Option<&Past> {
        self.shared.past.get()
    }

    /// The archive of past days, where this server keeps one.
    #[must_use]
    pub fn archive(&self) -> Option<&Archive> {
        match self.past()? {
            Past::Here(archive) => Some(archive),
            Past::There(_) => None,
        }
    }

    fn keep(&self, edition: &Edition) {
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last.push_back(Arc::clone(edition.native()));
        if kept.last.len() > KEPT {
            kept.last.pop_front();
        }
    }

    /// The version of this number, while it is kept.
    pub(crate) fn kept(&self, version: u64) -> Option<Arc<NativeEdition>> {
        let kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last.iter().chain(&kept.listed).find(|edition| edition.version() == version).cloned()
    }

    /// The version whose files are listed now.
    pub(crate) fn listed(&self) -> Arc<NativeEdition> {
        let now = Arc::clone(self.edition().native());
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let good =
            |edition: &&Arc<NativeEdition>| now.snapshot().at.since(edition.snapshot().at) < LISTED_FOR_MS;
        if let Some(listed) = kept.listed.back().filter(good) {
            return Arc::clone(listed);
        }
        kept.listed.push_back(Arc::clone(&now));
        if kept.listed.len() > KEPT_LISTED {
            kept.listed.pop_front();
        }
        now
    }

    /// Ends all streams, so that their connections can be closed.
    pub fn close_streams(&self) {
        self.shared.streams.close();
    }

    /// What the status page says of hops, durability and counters.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::clone(&self.shared.status.load())
    }

    /// Replaces what the status page says of hops, durability and counters.
    pub fn set_status(&self, status: Status) {
        self.shared.status.store(Arc::new(status));
    }

    /// The edition being served; an empty one of version 0 before the first [`publish`](Self::publish).
    #[must_use]
    pub fn edition(&self) -> Arc<Edition> {
        self.shared.edition.load_full()
    }

    /// Serves all public routes within the limits, as [`serve()`] does.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
        let publisher = self.clone();
        let ready = move |request: &_| router::at_once(&publisher, request);
        serve::serve_with(listener, (ready, self.router()), Arc::clone(&self.shared.limits), stop).await;
    }

    /// Who has taken how much where this publisher serves.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// `/openapi.json`.
    pub(crate) fn contract(&self) -> &native::NativeBody {
        self.shared.contract.get_or_init(|| openapi::body(&self.shared.deprecations))
    }

    pub(crate) fn pages(&self) -> &web::Pages {
        &self.shared.pages
    }

    pub(crate) fn limits_page(&self) -> &native::NativeBody {
        &self.shared.limits_page
    }

    /// All public routes. Its fallback answers 404, so a router merged with it must have none.
    pub fn router(&self) -> axum::Router {
        router::router(self)
    }
}
