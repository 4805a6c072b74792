//! Places for connections: so many in all, so many of one address. Some more are kept to tell the others why not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::Limits;
use super::address::Network;

/// So many connections at once are told why they have no place; the rest is closed without a word.
const TOLD: usize = 256;

#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    most_per_address: Option<usize>,
    open: AtomicUsize,
    told: AtomicUsize,
    of_address: DashMap<Network, usize>,
}

/// What became of a connection that asked for a place.
pub(crate) enum Asked {
    /// It has one.
    Given(Place),
    /// It has none, and is told so in a place of another kind.
    Told(Place),
    /// It has none.
    Dropped,
}

/// A place taken; free again when dropped.
pub(crate) struct Place {
    limits: Arc<Limits>,
    kind: Kind,
}

enum Kind {
    Given(Option<Network>),
    Told,
}

impl Connections {
    pub(super) fn new(most: Option<usize>, most_per_address: Option<usize>) -> Self {
        Self {
            most: most.unwrap_or(usize::MAX),
            most_per_address,
            open: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            of_address: DashMap::new(),
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Counts one of this address, unless it has its share.
    fn count(&self, address: Network) -> bool {
        let Some(most) = self.most_per_address else { return true };
        let mut open = self.of_address.entry(address).or_insert(0);
        let has_room = *open < most;
        *open += usize::from(has_room);
        has_room
    }

    fn uncount(&self, address: Network) {
        if let Entry::Occupied(mut open) = self.of_address.entry(address) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

/// Counts one more, unless there are so many.
fn up(count: &AtomicUsize, most: usize) -> bool {
    count.fetch_update(Relaxed, Relaxed, |open| (open < most).then_some(open + 1)).is_ok()
}

impl Place {
    /// A place for one more connection, counted against its address if there is one to count against.
    pub(super) fn ask(limits: &Arc<Limits>, address: Option<Network>) -> Asked {
        let connections = &limits.connections;
        let place = |kind| Self { limits: Arc::clone(limits), kind };
        if up(&connections.open, connections.most) {
            if address.is_none_or(|address| connections.count(address)) {
                return Asked::Given(place(Kind::Given(address)));
            }
            connections.open.fetch_sub(1, Relaxed);
        }
        if up(&connections.told, TOLD) { Asked::Told(place(Kind::Told)) } else { Asked::Dropped }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let connections = &self.limits.connections;
        match self.kind {
            Kind::Given(address) => {
                connections.open.fetch_sub(1, Relaxed);
                if let (Some(address), Some(_)) = (address, connections.most_per_address) {
                    connections.uncount(address);
                }
            }
            Kind::Told => {
                connections.told.fetch_sub(1, Relaxed);
            }
        }
    }
}
