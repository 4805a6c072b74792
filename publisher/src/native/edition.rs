//! A version of the native face with all that its answers are made of: this much is kept of a version that is over.

use std::sync::Arc;

use schemas::ItemId;
use schemas::snapshot::Snapshot;

use super::{Body, Key, Native, Terms, nearby};
use crate::place_index::PlaceIndex;

/// A version, and where its outlets are.
pub(crate) struct NativeEdition {
    snapshot: Arc<Snapshot>,
    native: Native,
    places: Arc<PlaceIndex>,
    item: ItemId,
}

impl NativeEdition {
    /// A rendered version; tiles and regions tell the level of this item.
    pub(crate) fn new(
        snapshot: Arc<Snapshot>,
        native: Native,
        places: Arc<PlaceIndex>,
        item: ItemId,
    ) -> Self {
        Self { snapshot, native, places, item }
    }

    /// The version.
    pub(crate) fn version(&self) -> u64 {
        self.snapshot.version
    }

    /// What was rendered.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Rows, members and history.
    pub(crate) fn native(&self) -> &Native {
        &self.native
    }

    /// Where the outlets are.
    pub(crate) fn places(&self) -> &PlaceIndex {
        &self.places
    }

    /// A body.
    pub(crate) fn body(&self, key: Key) -> Arc<Body> {
        self.native.body(key, &self.snapshot, &self.item, &self.places)
    }

    /// The body of `/v1/nearby`.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub(crate) fn nearby(&self, query: &str) -> Result<Body, String> {
        nearby::answer(query, &self.native, &self.snapshot, &self.item, &self.places)
    }

    /// How long what is said now may be used.
    pub(crate) fn terms(&self) -> Terms {
        Terms::current(&self.snapshot)
    }
}
