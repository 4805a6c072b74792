//! Which messages of each terminal are already counted in a newer one.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// For each terminal of an outlet, by its index: the sequence up to which everything is covered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Cover(SmallVec<[Option<u64>; 1]>);

impl Cover {
    /// Whether this sequence of this terminal is covered.
    #[inline]
    pub(crate) fn holds(&self, terminal: usize, seq: u64) -> bool {
        self.until(terminal).is_some_and(|covered| seq <= covered)
    }

    /// The sequence up to which this terminal is covered.
    #[inline]
    pub(crate) fn until(&self, terminal: usize) -> Option<u64> {
        self.0.get(terminal).copied().flatten()
    }

    /// Covers this terminal up to the sequence, and every other as far as it was seen.
    pub(crate) fn extend(&mut self, terminal: usize, seq: u64, highs: impl IntoIterator<Item = u64>) {
        self.0.clear();
        self.0.extend(highs.into_iter().map(Some));
        if let Some(own) = self.0.get_mut(terminal) {
            *own = Some(seq);
        }
    }

    /// Forgets a terminal whose index is given to another.
    pub(crate) fn forget(&mut self, terminal: usize) {
        if let Some(own) = self.0.get_mut(terminal) {
            *own = None;
        }
    }
}
