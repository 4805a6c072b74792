//! A list that is read in pages while it changes: who joins comes last, who leaves keeps a place for a while.

use schemas::Millis;
use serde::{Deserialize, Serialize};

/// Places in the order of joining; `None` is the place of one that left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Places<T> {
    places: Vec<Option<T>>,
    /// When the last one left, while any place is empty.
    left: Option<Millis>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { places: Vec::new(), left: None }
    }
}

impl<T> Places<T> {
    /// Adds one at the end and returns its place.
    pub(crate) fn join(&mut self, one: T) -> u32 {
        self.places.push(Some(one));
        u32::try_from(self.places.len() - 1).expect("a list is far shorter than 2^32")
    }

    /// Empties the places for which `gone` holds, at this time; the places of the others do not move.
    pub(crate) fn leave(&mut self, now: Millis, mut gone: impl FnMut(&T) -> bool) {
        for place in &mut self.places {
            if place.as_ref().is_some_and(&mut gone) {
                *place = None;
                self.left = Some(now);
            }
        }
    }

    /// Whether nobody has left for so long that the empty places may go.
    pub(crate) fn may_close_up(&self, now: Millis, grace_ms: i64) -> bool {
        self.left.is_some_and(|left| now.since(left) >= grace_ms)
    }

    /// Removes the empty places; everyone behind them moves up.
    pub(crate) fn close_up(&mut self) {
        self.places.retain(Option::is_some);
        self.left = None;
    }

    /// How many places there are, empty ones counted.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// All places.
    pub(crate) fn as_slice(&self) -> &[Option<T>] {
        &self.places
    }

    /// Those that are there, in order, each with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..).zip(&self.places).filter_map(|(place, one)| one.as_ref().map(|one| (place, one)))
    }

    /// Replaces what stands at a place.
    pub(crate) fn set(&mut self, place: u32, one: T) {
        self.places[place as usize] = Some(one);
    }
}
