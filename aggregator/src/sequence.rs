//! Order and duplicates of one terminal: the highest sequence seen, and which of the 64 up to it were.

use serde::{Deserialize, Serialize};

/// Sequences that are still told apart below the highest.
pub(crate) const WIDTH: u64 = 64;

/// What a sequence is to those seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not seen before.
    New,
    /// Seen before.
    Duplicate,
    /// So far below the highest that it is not known any more.
    TooOld,
}

/// High-water mark with a 64-wide window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sequence {
    high: u64,
    /// Bit `i` is set where `high - i` was seen.
    seen: u64,
    /// Lowest sequence ever seen: what lies below was before our time and is not missed.
    base: u64,
    /// Highest sequence that left the window unseen.
    lost: Option<u64>,
}

impl Sequence {
    /// Begins with the first sequence seen.
    pub(crate) fn starting(seq: u64) -> Self {
        Self { high: seq, seen: 1, base: seq, lost: None }
    }

    /// Highest sequence seen.
    pub(crate) fn high(&self) -> u64 {
        self.high
    }

    /// Notes a sequence and says what it is.
    pub(crate) fn note(&mut self, seq: u64) -> Seen {
        if seq > self.high {
            self.advance(seq);
            return Seen::New;
        }
        let back = self.high - seq;
        if back >= WIDTH {
            return Seen::TooOld;
        }
        if self.seen & (1 << back) != 0 {
            return Seen::Duplicate;
        }
        self.seen |= 1 << back;
        self.base = self.base.min(seq);
        Seen::New
    }

    /// Highest sequence between the lowest and the highest seen that was not seen itself.
    pub(crate) fn highest_missing(&self) -> Option<u64> {
        let inside = u32::try_from((self.high - self.base).min(WIDTH - 1)).expect("at most 63");
        let unseen = !self.seen & (u64::MAX >> (63 - inside));
        if unseen == 0 { self.lost } else { Some(self.high - u64::from(unseen.trailing_zeros())) }
    }

    /// Whether a sequence below this one may still come and be new: one in the window is missing, or the terminal is so
    /// young that its first messages may arrive in any order.
    pub(crate) fn unsettled(&self) -> bool {
        self.high - self.base < WIDTH || self.seen != u64::MAX
    }

    fn advance(&mut self, seq: u64) {
        let step = seq - self.high;
        let newly_lost = if step > WIDTH {
            Some(seq - WIDTH)
        } else {
            // Window places that leave: from `WIDTH - step` up; only those above `base` count as missed.
            let known = (self.high - self.base).min(WIDTH - 1);
            (WIDTH - step..=known).find(|back| self.seen & (1 << back) == 0).map(|back| self.high - back)
        };
        self.lost = newly_lost.or(self.lost);
        self.seen = if step >= WIDTH { 1 } else { (self.seen << step) | 1 };
        self.high = seq;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_shows_until_it_is_filled() {
        let mut s = Sequence::starting(5);
        assert_eq!(s.highest_missing(), None);
        assert_eq!(s.note(8), Seen::New);
        assert_eq!(s.highest_missing(), Some(7));
        assert_eq!(s.note(7), Seen::New);
        assert_eq!(s.highest_missing(), Some(6));
        assert_eq!(s.note(6), Seen::New);
        assert_eq!(s.note(6), Seen::Duplicate);
        assert_eq!(s.highest_missing(), None);
    }

    proptest! {
        /// Against a set that remembers everything.
        #[test]
        fn agrees_with_a_set_that_forgets_nothing(first in 0u64..300, seqs in prop::collection::vec(0u64..400, 0..200)) {
            let mut sequence = Sequence::starting(first);
            let mut all = BTreeSet::from([first]);
            for seq in seqs {
                let high = *all.last().unwrap();
                let expected = if seq + WIDTH <= high {
                    Seen::TooOld
                } else if all.contains(&seq) {
                    Seen::Duplicate
                } else {
                    Seen::New
                };
                prop_assert_eq!(sequence.note(seq), expected);
                if expected == Seen::New {
                    all.insert(seq);
                }
                let (low, high) = (*all.first().unwrap(), *all.last().unwrap());
                let missing = (low..high).rev().find(|n| !all.contains(n));
                prop_assert_eq!(sequence.highest_missing(), missing);
            }
        }
    }
}
