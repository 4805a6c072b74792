//! The claims of a day and more in the order in which they were decided, each found by its id: one thread writes, any number
//! look up meanwhile, and the whole of it can be shared as it stands without stopping either.
//!
//! Rows lie one after another in pieces: a new one is written beside the last, and only its index entry, of one word, lies at
//! random. Sharing copies a pointer for each piece; a piece that is changed while it is shared is copied first. Closures go
//! in and no guard comes out.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::{Arc, RwLock};

use foldhash::fast::FixedState;
use schemas::Millis;
use schemas::claim::ClaimId;

use super::claims::Claim;
use super::index::Index;

/// Ten and a half million claims, a fifth of a nation on its day and those not forgotten yet, put some 2,600 in each part of
/// the index: one of 4,096 places takes 3,072 before it doubles.
const PARTS: usize = 4096;
/// Rows of a piece: 64 KiB.
const PIECE: usize = 1024;
const WHOLE: &str = "whoever panics ends the process";

/// The claims.
#[derive(Debug)]
pub(crate) struct Log {
    /// Numbers of rows, by the hash of their ids. Whoever holds one of these locks may take that of the rows, not the other way.
    index: Box<[RwLock<Index>]>,
    rows: RwLock<Rows>,
}

/// Rows by their numbers, which count on, over 2^32 too.
#[derive(Debug, Default)]
struct Rows {
    /// Number of the first row of the first piece.
    first: u32,
    /// Rows in these pieces, also those that were forgotten.
    len: u32,
    pieces: VecDeque<Piece>,
}

/// Up to 1,024 rows that were decided one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    rows: Arc<Vec<Claim>>,
    /// Which of the piece's rows are there still.
    there: Set,
    /// Which lie in `rows`: all that there were, until most are forgotten.
    held: Option<Set>,
    /// When the earliest of `rows` was received.
    earliest: Millis,
}

/// Where the index has an id.
#[derive(Debug, Clone, Copy)]
struct Spot {
    part: usize,
    hash: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self { index: (0..PARTS).map(|_| RwLock::default()).collect(), rows: RwLock::default() }
    }
}

impl Log {
    /// The row of an id.
    pub(crate) fn get(&self, id: &ClaimId) -> Option<Claim> {
        let spot = Spot::of(id);
        self.look(&self.index[spot.part].read().expect(WHOLE), spot, id).map(|(_, row)| row)
    }

    /// The row of an id, made by `new` where there is none; and whether it was there. `new` may use other tables.
    pub(crate) fn get_or_put(&self, id: &ClaimId, new: impl FnOnce() -> Claim) -> (Claim, bool) {
        let spot = Spot::of(id);
        let mut index = self.index[spot.part].write().expect(WHOLE);
        if let Some((_, there)) = self.look(&index, spot, id) {
            return (there, true);
        }
        let row = new();
        index.put(spot.hash, self.rows.write().expect(WHOLE).push(row));
        (row, false)
    }

    /// Changes the row of an id where there is one.
    pub(crate) fn change(&self, id: &ClaimId, change: impl FnOnce(&mut Claim)) {
        let spot = Spot::of(id);
        let index = self.index[spot.part].read().expect(WHOLE);
        if let Some((number, _)) = self.look(&index, spot, id) {
            change(self.rows.write().expect(WHOLE).row_mut(number));
        }
    }

    /// Touches the places of ids that are asked for next, so that they are fetched from memory together and not one by one.
    pub(crate) fn look_ahead(&self, ids: impl Iterator<Item = ClaimId>) {
        // Taking a lock waits for everything that is being fetched: all are taken before the first place is read. Nobody
        // writes meanwhile, since it is the writer who looks ahead.
        let parts: Vec<_> = ids
            .map(|id| Spot::of(&id))
            .map(|spot| (spot.hash, self.index[spot.part].read().expect(WHOLE)))
            .collect();
        black_box(parts.iter().fold(0, |sum, (hash, index)| sum ^ index.touch(*hash)));
    }

    /// Forgets, in one part, the rows that were received before a moment. Pieces that have none of them are not read.
    pub(crate) fn forget(&self, part: usize, before: Millis) {
        let mut index = self.index[part].write().expect(WHOLE);
        let rows = self.rows.read().expect(WHOLE);
        let is_gone = |number: u32| rows.earliest(number) < before && rows.row(number).received() < before;
        let gone: Vec<u32> = index.numbers().filter(|number| is_gone(*number)).collect();
        if !gone.is_empty() {
            index.retain(|number| !is_gone(number));
            drop(rows);
            self.rows.write().expect(WHOLE).forget(&gone);
        }
    }

    /// Parts of the index.
    pub(crate) fn parts(&self) -> usize {
        self.index.len()
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.index.iter().map(|part| part.read().expect(WHOLE).len()).sum()
    }

    /// All rows as they stand: pointers, not copies.
    pub(crate) fn share(&self) -> Vec<Piece> {
        let rows = self.rows.read().expect(WHOLE);
        rows.pieces.iter().filter(|piece| !piece.rows.is_empty()).cloned().collect()
    }

    /// Puts rows as a checkpoint has them.
    pub(crate) fn fill(&self, rows: &[Claim]) {
        let mut own = self.rows.write().expect(WHOLE);
        let numbers: Vec<u32> = rows.iter().map(|row| own.push(*row)).collect();
        drop(own);
        for (row, number) in rows.iter().zip(numbers) {
            let spot = Spot::of(&row.id);
            self.index[spot.part].write().expect(WHOLE).put(spot.hash, number);
        }
    }

    /// Puts the rows into the order in which they were decided: checkpoints of earlier versions have them in another.
    pub(crate) fn sort(&self) {
        let shared = self.share();
        let rows = || shared.iter().flat_map(Piece::rows);
        if rows().is_sorted_by_key(|row| row.seq) {
            return;
        }
        let mut rows: Vec<Claim> = rows().copied().collect();
        drop(shared);
        rows.sort_unstable_by_key(|row| row.seq);
        self.index.iter().for_each(|part| *part.write().expect(WHOLE) = Index::default());
        *self.rows.write().expect(WHOLE) = Rows::default();
        self.fill(&rows);
    }

    fn look(&self, index: &Index, spot: Spot, id: &ClaimId) -> Option<(u32, Claim)> {
        let mut found = None;
        let number = index.find(spot.hash, |number| {
            found = Some(*self.rows.read().expect(WHOLE).row(number));
            found.is_some_and(|row| row.id == *id)
        })?;
        Some((number, found?))
    }
}

impl Rows {
    fn row(&self, number: u32) -> &Claim {
        let (piece, at) = self.place(number);
        let piece = &self.pieces[piece];
        &piece.rows[piece.position(at)]
    }

    /// When the earliest row of its piece was received.
    fn earliest(&self, number: u32) -> Millis {
        self.pieces[self.place(number).0].earliest
    }

    fn row_mut(&mut self, number: u32) -> &mut Claim {
        let (piece, at) = self.place(number);
        let piece = &mut self.pieces[piece];
        let position = piece.position(at);
        &mut Arc::make_mut(&mut piece.rows)[position]
    }

    /// The piece of a row, and its place there.
    fn place(&self, number: u32) -> (usize, usize) {
        let at = number.wrapping_sub(self.first) as usize;
        (at / PIECE, at % PIECE)
    }

    /// Puts a row after the last, and tells its number.
    fn push(&mut self, row: Claim) -> u32 {
        let at = self.len as usize % PIECE;
        if at == 0 {
            // Rows of the last one may have been forgotten while it was the last.
            self.pieces.back_mut().into_iter().for_each(Piece::shrink);
            self.pieces.push_back(Piece::default());
            self.give_back();
        }
        let piece = self.pieces.back_mut().expect("one was there, or was put");
        piece.earliest = if at == 0 { row.received() } else { piece.earliest.min(row.received()) };
        piece.rows_mut().push(row);
        piece.there.put(at);
        let number = self.first.wrapping_add(self.len);
        self.len = self.len.checked_add(1).expect("four billion claims behind one that is kept: restart");
        number
    }

    /// Forgets rows; pieces that hold none are given back, and of those that hold few the few are kept.
    fn forget(&mut self, numbers: &[u32]) {
        for number in numbers {
            let (piece, at) = self.place(*number);
            let is_last = piece + 1 == self.pieces.len();
            let piece = &mut self.pieces[piece];
            piece.there.take(at);
            if !is_last {
                piece.shrink();
            }
        }
        self.give_back();
    }

    fn give_back(&mut self) {
        while self.pieces.len() > 1 && self.pieces[0].rows.is_empty() {
            self.pieces.pop_front();
            self.first = self.first.wrapping_add(PIECE as u32);
            self.len -= PIECE as u32;
        }
    }
}

impl Piece {
    /// The rows that are there, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Claim> {
        let held = (0..PIECE).filter(|at| self.held.is_none_or(|held| held.has(*at)));
        held.zip(self.rows.iter()).filter(|(at, _)| self.there.has(*at)).map(|(_, row)| row)
    }

    /// Where a row of the piece lies in `rows`.
    fn position(&self, at: usize) -> usize {
        self.held.as_ref().map_or(at, |held| held.below(at))
    }

    /// The rows, copied where they are shared, with room for all that a piece holds.
    fn rows_mut(&mut self) -> &mut Vec<Claim> {
        if Arc::get_mut(&mut self.rows).is_none() || self.rows.capacity() == 0 {
            let mut rows = Vec::with_capacity(PIECE);
            rows.extend_from_slice(&self.rows);
            self.rows = Arc::new(rows);
        }
        Arc::get_mut(&mut self.rows).expect("nobody else has it")
    }

    /// Keeps no more than the rows that are there, once most are not.
    fn shrink(&mut self) {
        if self.there.len() * 4 <= self.rows.len() {
            self.rows = Arc::new(self.rows().copied().collect());
            self.held = Some(self.there);
            self.earliest = self.rows.iter().map(Claim::received).min().unwrap_or(self.earliest);
        }
    }
}

/// Places in a piece.
#[derive(Debug, Clone, Copy, Default)]
struct Set([u64; PIECE / 64]);

impl Set {
    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn put(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn take(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many there are below a place.
    fn below(&self, at: usize) -> usize {
        let whole: usize = self.0[..at / 64].iter().map(|word| word.count_ones() as usize).sum();
        whole + (self.0[at / 64] & ((1 << (at % 64)) - 1)).count_ones() as usize
    }
}

impl Spot {
    /// Two cuts of a hash: the index looks at the lowest bits of one of them, the parts at the highest of the other.
    fn of(id: &ClaimId) -> Self {
        let hash = FixedState::default().hash_one(id.0.as_u128());
        let fraction = u64::from((hash >> 24) as u32);
        Self { part: ((fraction * PARTS as u64) >> 32) as usize, hash: hash as u32 >> 1 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::entry::SettleEntry;
    use uuid::Uuid;

    use super::*;

    /// A row of this sequence, received at a moment.
    fn claim(number: u64, at: i64) -> Claim {
        let entry = SettleEntry {
            id: ClaimId(Uuid::from_u128(u128::from(number))),
            outlet: "a",
            terminal: "t",
            at: Millis(at),
            received: Millis(at),
            holds_place: true,
        };
        Claim::withdrawn(number, &entry)
    }

    fn put(log: &Log, numbers: impl IntoIterator<Item = u64>, at: impl Fn(u64) -> i64) {
        for claim in numbers.into_iter().map(|n| claim(n, at(n))) {
            assert_eq!(log.get_or_put(&claim.id, || claim), (claim, false));
        }
    }

    fn forget(log: &Log, before: i64) {
        (0..log.parts()).for_each(|part| log.forget(part, Millis(before)));
    }

    fn order(log: &Log) -> Vec<u64> {
        log.share().iter().flat_map(Piece::rows).map(|claim| claim.seq).collect()
    }

    fn has(log: &Log, number: u64) -> bool {
        log.get(&claim(number, 0).id).is_some_and(|row| row.seq == number)
    }

    #[test]
    fn what_is_there_is_found_in_its_order_and_what_was_forgotten_is_not() {
        // Most, so that pieces shrink; then all of the oldest, so that they are given back; and so on, with new ones after.
        let at = |n: u64| match n {
            n if n % 7 != 0 && n < 9_000 => 1,
            n if n < 5_000 && n != 686 => 2,
            n if n % 49 != 0 && n < 11_000 => 3,
            _ => 4,
        };
        let log = Log::default();
        put(&log, 0..10_000, at);
        forget(&log, 2);
        put(&log, 10_000..13_000, at);
        forget(&log, 3);
        forget(&log, 4);
        let there: BTreeMap<u64, Claim> =
            (0..13_000).filter(|n| at(*n) == 4).map(|n| (n, claim(n, 4))).collect();
        assert_eq!(order(&log), there.keys().copied().collect::<Vec<_>>());
        assert_eq!(log.len(), there.len());
        for n in 0..13_001 {
            assert_eq!(log.get(&claim(n, 0).id).as_ref(), there.get(&n), "{n}");
        }
    }

    #[test]
    fn what_is_forgotten_gives_its_memory_back_also_behind_one_that_stays() {
        let log = Log::default();
        put(&log, 0..100 * PIECE as u64, |n| if n == 5 { 9 } else { i64::from(n >= 90 * PIECE as u64) });
        forget(&log, 1);
        let held: usize = log.share().iter().map(|piece| piece.rows.len()).sum();
        assert_eq!((log.len(), held), (1 + 10 * PIECE, 1 + 10 * PIECE));
        put(&log, [1_000_000], |_| 10);
        forget(&log, 10);
        assert_eq!((order(&log), log.share().len(), has(&log, 5)), (vec![1_000_000], 1, false));
    }

    #[test]
    fn a_piece_whose_rows_went_while_it_was_the_last_is_given_back() {
        let log = Log::default();
        for round in 0..20 {
            put(&log, round * PIECE as u64..(round + 1) * PIECE as u64, |_| 1);
            forget(&log, 2);
        }
        put(&log, [1_000_000], |_| 1);
        assert_eq!((log.len(), log.share().len(), log.rows.read().unwrap().pieces.len()), (1, 1, 1));
    }

    #[test]
    fn what_is_shared_does_not_change() {
        let log = Log::default();
        put(&log, 0..3_000, |n| i64::from(n >= 2_500));
        let shared = log.share();
        let rows = || shared.iter().flat_map(Piece::rows).copied().collect::<Vec<_>>();
        let before = rows();
        log.change(&claim(1, 0).id, |row| row.body = 7);
        put(&log, 3_000..4_000, |_| 1);
        forget(&log, 1);
        assert_eq!(rows(), before);
        assert_eq!((has(&log, 1), log.len()), (false, 1_500));
    }

    #[test]
    fn rows_of_another_order_are_put_into_that_of_their_sequences() {
        let log = Log::default();
        let mut rows: Vec<Claim> = (0..5_000).map(|n| claim(n, 1)).collect();
        rows.sort_by_key(|row| Spot::of(&row.id).part);
        log.fill(&rows);
        log.sort();
        put(&log, 5_000..6_000, |_| 1);
        assert_eq!(order(&log), (0..6_000).collect::<Vec<_>>());
        assert!((0..6_000).all(|n| has(&log, n)));
    }

    #[test]
    fn numbers_go_on_beyond_thirty_two_bits() {
        let log = Log::default();
        log.rows.write().unwrap().first = 0u32.wrapping_sub(2 * PIECE as u32);
        put(&log, 0..5_000, |n| i64::from(n >= 3_000));
        forget(&log, 1);
        assert_eq!(order(&log), (3_000..5_000).collect::<Vec<_>>());
        assert!((3_000..5_000).all(|n| has(&log, n)));
    }
}
