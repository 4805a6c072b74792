//! A table of millions of fixed-size rows: one thread writes, any number look up meanwhile, and the whole of it can be
//! shared as it stands without stopping either.
//!
//! Rows lie in many small hash tables behind pointers. Sharing copies the pointers; a table that is written while it is
//! shared is copied first, and it is small. Closures go in and no guard comes out.

use std::hint::black_box;
use std::sync::{Arc, RwLock};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

const WHOLE: &str = "whoever panics ends the process";

/// A row: plain data, found by its key.
pub(crate) trait Row: Copy + Send + Sync {
    /// What finds it.
    type Key: Copy + Eq;
    /// Bytes of a row in a checkpoint.
    const BYTES: usize;

    fn key(&self) -> Self::Key;
    /// Evenly spread over all 64 bits.
    fn hash(key: &Self::Key) -> u64;
    /// Appends exactly [`Row::BYTES`] bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what [`Row::write`] wrote; `None` where that wrote no such bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// The rows of one part of a table.
pub(crate) type Part<R> = Arc<HashTable<R>>;

/// A table of rows.
#[derive(Debug)]
pub(crate) struct Table<R>(Box<[RwLock<Part<R>>]>);

impl<R: Row> Table<R> {
    /// An empty table in so many parts. Parts of some ten thousand rows are copied within 0.1 ms.
    pub(crate) fn new(parts: usize) -> Self {
        let empty = Part::default();
        Self((0..parts).map(|_| RwLock::new(Arc::clone(&empty))).collect())
    }

    /// Reads the row of a key.
    pub(crate) fn get(&self, key: &R::Key) -> Option<R> {
        let hash = R::hash(key);
        self.part(hash).read().expect(WHOLE).find(hash, |row| row.key() == *key).copied()
    }

    /// Touches the rows of keys that are asked for next, so that they are fetched from memory together and not one by one.
    pub(crate) fn look_ahead(&self, keys: impl Iterator<Item = R::Key>) {
        // Taking a lock waits for everything that is being fetched: all are taken before the first row is looked for. Nobody
        // writes meanwhile, since it is the writer who looks ahead.
        let parts: Vec<_> = keys
            .map(|key| (R::hash(&key), key))
            .map(|(hash, key)| (hash, key, self.part(hash).read().expect(WHOLE)))
            .collect();
        black_box(
            parts
                .iter()
                .filter(|(hash, key, part)| part.find(*hash, |row| row.key() == *key).is_some())
                .count(),
        );
    }

    /// Lets `decide` see the row of a key, and writes the row that it gives. `decide` may use other tables.
    pub(crate) fn turn<T>(&self, key: &R::Key, decide: impl FnOnce(Option<R>) -> (T, Option<R>)) -> T {
        let hash = R::hash(key);
        let mut part = self.part(hash).write().expect(WHOLE);
        match Arc::make_mut(&mut part).entry(hash, |row| row.key() == *key, |row| R::hash(&row.key())) {
            Entry::Occupied(mut there) => {
                let (decided, row) = decide(Some(*there.get()));
                if let Some(row) = row {
                    *there.get_mut() = row;
                }
                decided
            }
            Entry::Vacant(free) => {
                let (decided, row) = decide(None);
                if let Some(row) = row {
                    free.insert(row);
                }
                decided
            }
        }
    }

    /// Writes a row over the one of its key.
    pub(crate) fn put(&self, row: R) {
        self.turn(&row.key(), |_| ((), Some(row)));
    }

    /// Changes the row of a key where there is one, and tells what `change` tells.
    pub(crate) fn change<T>(&self, key: &R::Key, change: impl FnOnce(&mut R) -> T) -> Option<T> {
        let hash = R::hash(key);
        let mut part = self.part(hash).write().expect(WHOLE);
        Arc::make_mut(&mut part).find_mut(hash, |row| row.key() == *key).map(change)
    }

    /// Takes a row out.
    pub(crate) fn take(&self, key: &R::Key) -> Option<R> {
        let hash = R::hash(key);
        let mut part = self.part(hash).write().expect(WHOLE);
        let found = Arc::make_mut(&mut part).find_entry(hash, |row| row.key() == *key);
        found.ok().map(|there| there.remove().0)
    }

    /// Keeps, in one part, the rows for which `keep` holds. They are put into a new table: one out of which rows were taken
    /// keeps marks in their places, and doubles once marks and rows fill it.
    pub(crate) fn retain(&self, part: usize, keep: impl Fn(&R) -> bool) {
        let mut part = self.0[part].write().expect(WHOLE);
        if part.iter().any(|row| !keep(row)) {
            let kept = || part.iter().filter(|row| keep(row));
            let mut table = HashTable::with_capacity(kept().count());
            kept().for_each(|row| {
                table.insert_unique(R::hash(&row.key()), *row, |row| R::hash(&row.key()));
            });
            *part = Arc::new(table);
        }
    }

    /// Number of parts.
    pub(crate) fn parts(&self) -> usize {
        self.0.len()
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|part| part.read().expect(WHOLE).len()).sum()
    }

    /// All rows as they stand: pointers, not copies.
    pub(crate) fn share(&self) -> Vec<Part<R>> {
        self.0.iter().map(|part| Arc::clone(&part.read().expect(WHOLE))).collect()
    }

    /// Puts rows as a checkpoint has them: those of one part together, and room is made for all of them at once. A checkpoint
    /// of a table with another number of parts, or other hashes, is read as well.
    pub(crate) fn fill(&self, rows: &[R]) {
        let number = |row: &R| self.number(R::hash(&row.key()));
        for rows in rows.chunk_by(|a, b| number(a) == number(b)) {
            let mut part = self.0[number(&rows[0])].write().expect(WHOLE);
            let part = Arc::make_mut(&mut part);
            part.reserve(rows.len(), |row| R::hash(&row.key()));
            for row in rows {
                part.insert_unique(R::hash(&row.key()), *row, |row| R::hash(&row.key()));
            }
        }
    }

    fn part(&self, hash: u64) -> &RwLock<Part<R>> {
        &self.0[self.number(hash)]
    }

    /// The part of a hash, by bits that a hash table of its size looks at last: 32 of them as a fraction of the parts.
    fn number(&self, hash: u64) -> usize {
        let fraction = u64::from((hash >> 24) as u32);
        ((fraction * self.0.len() as u64) >> 32) as usize
    }
}

/// The rows of one part as bytes, in the order of those bytes: equal rows give equal bytes.
pub(crate) fn sorted<R: Row>(part: &HashTable<R>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(part.len() * R::BYTES);
    part.iter().for_each(|row| row.write(&mut bytes));
    let mut order: Vec<&[u8]> = bytes.chunks_exact(R::BYTES).collect();
    order.sort_unstable();
    order.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Pair(u64, u64);

    impl Row for Pair {
        type Key = u64;
        const BYTES: usize = 16;
        fn key(&self) -> u64 {
            self.0
        }
        fn hash(key: &u64) -> u64 {
            key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        }
        fn write(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_be_bytes());
            out.extend_from_slice(&self.1.to_be_bytes());
        }
        fn read(bytes: &[u8]) -> Option<Self> {
            let (key, value) = bytes.split_first_chunk::<8>()?;
            Some(Self(u64::from_be_bytes(*key), u64::from_be_bytes(value.try_into().ok()?)))
        }
    }

    fn bytes(parts: &[Part<Pair>]) -> Vec<Vec<u8>> {
        parts.iter().map(|part| sorted(part)).collect()
    }

    #[test]
    fn what_is_shared_does_not_change_and_reads_back() {
        let table = Table::new(8);
        for n in 0..1000 {
            table.put(Pair(n, n));
        }
        let shared = table.share();
        let before = bytes(&shared);
        for n in 0..2000 {
            table.turn(&n, |there| ((), Some(Pair(n, there.map_or(7, |row| row.1) + 1))));
        }
        assert_eq!(table.take(&5), Some(Pair(5, 6)));
        assert_eq!(table.get(&5), None);
        assert_eq!(table.change(&6, |row| row.1), Some(7));
        assert_eq!((table.len(), bytes(&shared)), (1999, before.clone()));
        let again = Table::new(8);
        for part in &before {
            let rows: Vec<Pair> = part.chunks_exact(16).map(|b| Pair::read(b).unwrap()).collect();
            again.fill(&rows);
        }
        assert_eq!(bytes(&again.share()), before);
    }

    #[test]
    fn rows_of_a_table_with_other_parts_are_found() {
        let (old, new) = (Table::new(8), Table::new(5));
        (0..1000).for_each(|n| old.put(Pair(n, n)));
        for part in old.share() {
            new.fill(&part.iter().copied().collect::<Vec<_>>());
        }
        assert_eq!(new.len(), 1000);
        assert!((0..1000).all(|n| new.get(&n) == Some(Pair(n, n))));
    }

    #[test]
    fn a_part_forgets_what_is_not_kept() {
        let table = Table::new(2);
        (0..100).for_each(|n| table.put(Pair(n, n)));
        (0..table.parts()).for_each(|part| table.retain(part, |row| row.1 >= 90));
        assert_eq!(table.len(), 10);
    }
}
