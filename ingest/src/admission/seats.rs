//! What is known of each institution and terminal that spoke lately: a bounded table in shards, one lock for one look.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use schemas::caps::Class;

use super::rate::Bucket;
use super::rules::Standing;

const SHARDS: usize = 64;
/// Most seats in a shard: 131,072 in all, five times the outlets of the country.
const ROOM: usize = 2_048;
/// A full shard is looked through for free seats at most this often.
const LOOK_EVERY_NS: u64 = 1_000_000_000;

/// One institution, terminal or kind of institutions in one class.
#[derive(Debug, Default)]
pub(super) struct Use {
    pub(super) bucket: Bucket,
    under_way: AtomicU32,
}

impl Use {
    /// One more under way, unless that is more than `most`.
    pub(super) fn join(&self, most: u32) -> bool {
        let fits = self.under_way.fetch_add(1, Relaxed) < most;
        if !fits {
            self.leave();
        }
        fits
    }

    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Relaxed);
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.under_way.load(Relaxed) == 0 && self.bucket.is_full(now_ns)
    }
}

/// One institution or terminal.
#[derive(Debug)]
pub(super) struct Seat {
    key: Box<str>,
    uses: [Use; Class::CAPPED.len()],
    /// Messages that were turned away.
    pub(super) refused: AtomicU64,
}

impl Seat {
    fn new(key: &str) -> Self {
        Self { key: key.into(), uses: Default::default(), refused: AtomicU64::new(0) }
    }

    pub(super) fn of(&self, class: Class) -> &Use {
        &self.uses[class as usize]
    }

    /// Its outlet code; of a terminal that and the terminal's name after a dot.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

#[derive(Debug)]
struct Taken {
    seat: Arc<Seat>,
    standing: Standing,
    /// The rules by which it stands so.
    generation: u64,
}

#[derive(Debug, Default)]
struct Shard {
    seats: HashTable<Taken>,
    looked_ns: u64,
}

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

impl Default for Seats {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::default() }
    }
}

impl Seats {
    /// The seat of this key, and how it stands under the rules of this generation; made where there was none. Nothing where
    /// all seats are taken by others that are not done.
    pub(super) fn find(
        &self,
        key: &str,
        generation: u64,
        now_ns: u64,
        stands: impl FnOnce() -> Standing,
    ) -> Option<(Arc<Seat>, Standing)> {
        let hash = self.hasher.hash_one(key);
        let mut shard = lock(&self.shards[hash as usize % SHARDS]);
        if shard.seats.len() >= ROOM && shard.seats.find(hash, |taken| *taken.seat.key == *key).is_none() {
            shard.make_room(now_ns)?;
        }
        let rehash = |taken: &Taken| self.hasher.hash_one(taken.seat.key());
        match shard.seats.entry(hash, |taken| *taken.seat.key == *key, rehash) {
            Entry::Occupied(mut entry) => {
                let taken = entry.get_mut();
                if taken.generation != generation {
                    (taken.generation, taken.standing) = (generation, stands());
                }
                Some((Arc::clone(&taken.seat), taken.standing))
            }
            Entry::Vacant(entry) => {
                let (seat, standing) = (Arc::new(Seat::new(key)), stands());
                entry.insert(Taken { seat: Arc::clone(&seat), standing, generation });
                Some((seat, standing))
            }
        }
    }

    /// The institutions that were turned away most often since they came, at most so many.
    pub(super) fn most_refused(&self, most: usize) -> Vec<(String, Standing, u64)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let refused = shard.seats.iter().map(|taken| (taken, taken.seat.refused.load(Relaxed)));
            all.extend(refused.filter(|(_, n)| *n > 0).map(|(t, n)| (t.seat.key.to_string(), t.standing, n)));
        }
        all.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }
}

impl Shard {
    /// Takes the seats of those that are done.
    fn make_room(&mut self, now_ns: u64) -> Option<()> {
        if now_ns.saturating_sub(self.looked_ns) >= LOOK_EVERY_NS {
            self.looked_ns = now_ns;
            self.seats.retain(|taken| !taken.seat.uses.iter().all(|of_class| of_class.is_idle(now_ns)));
        }
        (self.seats.len() < ROOM).then_some(())
    }
}

/// Nothing is left half done: a panic ends the process.
fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use schemas::caps::{Cap, Institution};

    use super::super::rate::Rate;
    use super::super::rules::Opening;
    use super::*;

    const STANDING: Standing = Standing { institution: Institution::Unregistered, opening: Opening::Open };

    #[test]
    fn made_up_codes_find_no_room_once_all_seats_are_busy_and_idle_ones_give_way() {
        let (seats, second) = (Seats::default(), 1_000_000_000);
        let rate = Rate::of(&Cap { per_second: 1.0, burst: 5, concurrency: 1 });
        let mut found = 0;
        for n in 0..SHARDS * ROOM * 2 {
            if let Some((seat, _)) = seats.find(&n.to_string(), 1, second, || STANDING) {
                found += 1;
                seat.of(Class::Check).bucket.take(rate, second).unwrap();
            }
        }
        assert_eq!(found, SHARDS * ROOM);
        assert!(seats.find("one more", 1, second, || STANDING).is_none());
        assert!(seats.find("one more", 1, 3 * second, || STANDING).is_some());
    }
}
