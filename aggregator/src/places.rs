//! A list that is read in pages while it changes: nobody who stays ever moves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Places; `None` is that of one who left, until somebody who joins takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Places<T> {
    places: Vec<Option<T>>,
    empty: BTreeSet<u32>,
    /// Grows with every change.
    revision: u64,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { places: Vec::new(), empty: BTreeSet::new(), revision: 0 }
    }
}

impl<T> Places<T> {
    /// Adds one in the first empty place, or else at the end, and returns its place.
    pub(crate) fn join(&mut self, one: T) -> u32 {
        self.revision += 1;
        if let Some(place) = self.empty.pop_first() {
            self.places[place as usize] = Some(one);
            return place;
        }
        self.places.push(Some(one));
        u32::try_from(self.places.len() - 1).expect("a list is far shorter than 2^32")
    }

    /// Empties the places for which `gone` holds.
    pub(crate) fn leave(&mut self, mut gone: impl FnMut(&T) -> bool) {
        self.revision += 1;
        for (number, place) in (0u32..).zip(&mut self.places) {
            if place.as_ref().is_some_and(&mut gone) {
                *place = None;
                self.empty.insert(number);
            }
        }
    }

    /// A number that differs where the list does.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
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
