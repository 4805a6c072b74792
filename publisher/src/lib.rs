//! All that goes out: each version of the public facts becomes ready bytes once, and readers pick from them.
//!
//! A [`Publisher`] is handed a snapshot per version, renders it into an [`Edition`] and swaps that in; requests never
//! wait for a render and never serialise a row. The open API of 2020 is answered with its recorded quirks; where the
//! record is silent, the answer is the forgiving one that [`Endpoint`] tells.

mod address_index;
mod answer;
mod edition;
mod list;
mod place_index;
mod query;
mod router;
mod rows;
mod serve;
mod status;
mod table;

use std::sync::Arc;

use arc_swap::ArcSwap;
use schemas::ItemId;
use schemas::snapshot::Snapshot;
use schemas::status::Status;

pub use edition::{Edition, Endpoint};
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

/// The public side of one process: the edition being served and the status page. Clones share both.
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    face: Face,
    edition: ArcSwap<Edition>,
    status: ArcSwap<Status>,
}

impl Publisher {
    /// A publisher that answers 503 until the first [`publish`](Self::publish).
    #[must_use]
    pub fn new(face: Face) -> Self {
        let edition = ArcSwap::from_pointee(Edition::awaited(&face));
        let status = ArcSwap::from_pointee(status::unmeasured());
        Self { shared: Arc::new(Shared { face, edition, status }) }
    }

    /// Renders a version and serves it from now on. It takes milliseconds of this thread's time and none of the readers';
    /// whoever calls it does so in the order of the versions.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let previous = self.shared.edition.load_full();
        let edition = Edition::render(Some(&previous), snapshot, &self.shared.face);
        self.shared.edition.store(Arc::new(edition));
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

    /// All public routes. Its fallback answers 404, so a router merged with it must have none.
    pub fn router(&self) -> axum::Router {
        router::router(self)
    }
}
