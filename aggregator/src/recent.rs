//! The deltas of one terminal that a late report could still come before: by item, the changes of the window's sequences.

use schemas::ItemId;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use crate::sequence::WIDTH;

/// A ring for each item that moved; empty where no late report can come any more.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Recent(Vec<Ring>);

/// What each of the newest [`WIDTH`] sequences moved this item by; that of sequence `n` stands at `n % WIDTH`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ring {
    item: ItemId,
    changes: SmallVec<[i32; WIDTH as usize]>,
}

impl Recent {
    /// The highest sequence rises: those that leave the window give their places to those that enter it.
    pub(crate) fn advance(&mut self, high: u64, to: u64) {
        if to <= high {
            return;
        }
        for ring in &mut self.0 {
            for seq in high.max(to.saturating_sub(WIDTH)) + 1..=to {
                ring.changes[place(seq)] = 0;
            }
        }
    }

    /// Keeps the change of a sequence inside the window.
    pub(crate) fn keep(&mut self, seq: u64, item: &str, change: i32) {
        if let Some(ring) = self.0.iter_mut().find(|ring| ring.item.as_str() == item) {
            ring.changes[place(seq)] = change;
            return;
        }
        // A sequence moves one item, so that at most as many rings as sequences hold anything.
        if self.0.len() >= WIDTH as usize {
            self.0.retain(|ring| ring.changes.iter().any(|change| *change != 0));
        }
        let item = ItemId::new(item).expect("ids in the journal were checked when they came in");
        let mut ring = Ring { item, changes: smallvec![0; WIDTH as usize] };
        ring.changes[place(seq)] = change;
        self.0.reserve_exact(1);
        self.0.push(ring);
    }

    /// What the sequences above `seq` up to `high` moved the item by; `seq` is inside the window.
    pub(crate) fn moved_after(&self, seq: u64, high: u64, item: &str) -> i64 {
        let Some(ring) = self.0.iter().find(|ring| ring.item.as_str() == item) else { return 0 };
        (seq + 1..=high).map(|seq| i64::from(ring.changes[place(seq)])).sum()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

fn place(seq: u64) -> usize {
    usize::try_from(seq % WIDTH).expect("below the width")
}
