//! Which claim has which number: one word a claim, found by a hash of its id, mostly in one line of memory.
//!
//! Open addressing: an entry lies in the first free place from the one that its hash names. Entries are only taken out many at
//! a time, which builds the table anew.

const FREE: u64 = u64::MAX;
const SMALLEST: usize = 8;

/// Numbers by hashes of 31 bits, of which the lowest name a place.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// As many as a power of two, or none: the hash in the upper half, the number in the lower.
    places: Box<[u64]>,
    len: usize,
}

impl Index {
    /// An empty one with room for so many: three of four places are taken at most.
    fn with_room(len: usize) -> Self {
        let places = (len * 4).div_ceil(3).next_power_of_two().max(SMALLEST);
        Self { places: vec![FREE; places].into(), len: 0 }
    }

    /// The number under a hash for which `is` holds.
    pub(super) fn find(&self, hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let last = self.places.len().checked_sub(1)?;
        let mut place = hash as usize & last;
        loop {
            let entry = self.places[place];
            if entry == FREE {
                return None;
            }
            if hash_of(entry) == hash && is(number_of(entry)) {
                return Some(number_of(entry));
            }
            place = (place + 1) & last;
        }
    }

    /// Puts a number; who puts it has seen that it is not there.
    pub(super) fn put(&mut self, hash: u32, number: u32) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            *self = self.kept(self.len + 1, |_| true);
        }
        self.place(u64::from(hash) << 32 | u64::from(number));
    }

    /// Keeps the numbers for which `keep` holds.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let kept = self.numbers().filter(|number| keep(*number)).count();
        if kept < self.len {
            *self = self.kept(kept, keep);
        }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.entries().map(number_of)
    }

    /// Reads the first place in which a hash may lie, and tells something of it, so that nobody leaves the reading out.
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.places.len().checked_sub(1).map_or(0, |last| self.places[hash as usize & last])
    }

    /// Those for which `keep` holds, in a table with room for so many.
    fn kept(&self, room: usize, keep: impl Fn(u32) -> bool) -> Self {
        let mut new = Self::with_room(room);
        self.entries().filter(|entry| keep(number_of(*entry))).for_each(|entry| new.place(entry));
        new
    }

    fn entries(&self) -> impl Iterator<Item = u64> {
        self.places.iter().copied().filter(|entry| *entry != FREE)
    }

    /// Puts an entry where there is room.
    fn place(&mut self, entry: u64) {
        let last = self.places.len() - 1;
        let mut place = hash_of(entry) as usize & last;
        while self.places[place] != FREE {
            place = (place + 1) & last;
        }
        self.places[place] = entry;
        self.len += 1;
    }
}

fn hash_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

fn number_of(entry: u64) -> u32 {
    entry as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Few hashes for many numbers, some of which wrap around the end of the table.
    fn hash(number: u32) -> u32 {
        [7, 0x7FFF_FFFF, 0x7FFF_FFFE, number, number.wrapping_mul(0x9E37_79B9) >> 1][number as usize % 5]
    }

    #[test]
    fn every_number_is_found_until_it_is_taken_out() {
        let (mut index, mut there) = (Index::default(), BTreeSet::new());
        let found = |index: &Index, number: u32| index.find(hash(number), |n| n == number).is_some();
        assert!(!found(&index, 3));
        for round in 0..5 {
            for number in round * 500..(round + 1) * 700 {
                if there.insert(number) {
                    index.put(hash(number), number);
                }
            }
            index.retain(|number| number % 3 != round % 3);
            there.retain(|number| number % 3 != round % 3);
            assert_eq!(index.numbers().collect::<BTreeSet<_>>(), there);
            assert_eq!(index.len, there.len());
            assert!((0..4000).all(|number| found(&index, number) == there.contains(&number)));
        }
        index.retain(|_| false);
        assert_eq!((index.len, index.places.len()), (0, SMALLEST));
    }

    #[test]
    fn it_doubles_when_three_of_four_places_are_taken() {
        let mut index = Index::default();
        for number in 0..10_000u32 {
            index.put(hash(number), number);
            let places = (index.len * 4).div_ceil(3).next_power_of_two().max(SMALLEST);
            assert_eq!(index.places.len(), places, "{number}");
        }
    }
}
