//! Bodies of one version, each made once, by whoever asks first; others wait for that one body only.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::body::Body;
use super::document::Kind;
use super::scope::Scope;
use super::tiles::Tile;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A file of a part of the country.
    File(Kind, Scope),
    /// A tile that holds outlets.
    Tile(Tile),
    /// Any tile that holds none.
    Empty,
    /// All regions.
    Regions,
    /// The rules in force.
    Policies,
    /// Who reports and is in no registry.
    Unregistered,
    /// The list of all files.
    Manifest,
    /// What changed since the version before.
    Event(Scope),
}

/// The bodies.
#[derive(Default)]
pub(crate) struct Shelf {
    bodies: RwLock<HashMap<Key, Arc<OnceLock<Arc<Body>>>>>,
}

impl Shelf {
    /// The body, made now where nobody asked before.
    pub(crate) fn body(&self, key: Key, make: impl FnOnce() -> Body) -> Arc<Body> {
        let place = self.place(key);
        Arc::clone(place.get_or_init(|| Arc::new(make())))
    }

    /// The body, where somebody asked before.
    pub(crate) fn ready(&self, key: Key) -> Option<Arc<Body>> {
        let bodies = self.bodies.read().unwrap_or_else(PoisonError::into_inner);
        bodies.get(&key)?.get().cloned()
    }

    /// Forgets all bodies.
    pub(crate) fn clear(&self) {
        self.bodies.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn place(&self, key: Key) -> Arc<OnceLock<Arc<Body>>> {
        let bodies = self.bodies.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = bodies.get(&key) {
            return Arc::clone(place);
        }
        drop(bodies);
        let mut bodies = self.bodies.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bodies.entry(key).or_default())
    }
}
