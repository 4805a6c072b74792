//! What is measured on: a synthetic registry, its entries in the journal, and a fold that has heard every outlet.

use aggregator::Fold;
use schemas::Millis;
use schemas::batch::{MAX_ENTRIES, Seal, push_line};
use schemas::entry::{Act, Entry, PosEntry, RegistryCommit, Tick};
use schemas::registry::OutletInfo;

/// Outlets in every measurement: Korea's of 2020, rounded.
pub const OUTLETS: usize = 25_000;
/// Item that everyone sells.
pub const ITEM: &str = "mask";
/// Wednesday 2020-03-11 09:00 KST.
const NINE: Millis = Millis(1_583_884_800_000);

/// A journal message: its payload and the seal that its headers carry.
#[derive(Debug, Clone)]
pub struct Batch {
    /// JSON lines.
    pub payload: Vec<u8>,
    /// Checksum and count.
    pub seal: Seal,
}

/// The registry.
#[must_use]
pub fn registry() -> Vec<OutletInfo> {
    sim::registry::synthetic(OUTLETS, 2020)
}

/// So many sales, from two terminals of every outlet in turn, in batches as the committer makes them under load.
#[must_use]
pub fn sales(outlets: &[OutletInfo], count: usize) -> Vec<Batch> {
    let terminals = ["t1", "t2"];
    let sale = |n: usize| {
        let round = n / outlets.len();
        let received = NINE.plus(i64::try_from(n / 100).expect("a count fits"));
        Entry::Pos(PosEntry {
            outlet: outlets[n % outlets.len()].code.as_str(),
            terminal: terminals[round % 2],
            seq: (round / 2 + 2) as u64,
            at: received.plus(-40),
            sent: None,
            received,
            act: Act::Delta { item: ITEM, change: -2 },
        })
    };
    let numbers: Vec<usize> = (0..count).collect();
    numbers.chunks(MAX_ENTRIES).map(|chunk| batch(chunk.iter().map(|n| sale(*n)))).collect()
}

/// Entries as one batch.
pub fn batch<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Batch {
    let (mut payload, mut count) = (Vec::new(), 0);
    for entry in entries {
        push_line(&mut payload, &entry);
        count += 1;
    }
    Batch { seal: Seal::of(&payload, count), payload }
}

/// A fold that knows the registry and had a report from each outlet, and the sequence that comes next.
#[must_use]
pub fn morning(outlets: &[OutletInfo]) -> (Fold, u64) {
    let mut fold = Fold::default();
    let rows = outlets.iter().map(|row| Entry::RegistryRow { import: 1, outlet: Box::new(row.clone()) });
    let commit = RegistryCommit {
        import: 1,
        rows: u32::try_from(outlets.len()).expect("a registry is far shorter than 2^32"),
        digest: 1,
        source: "synthetic".to_owned(),
        received: NINE,
    };
    let reports = outlets.iter().map(|row| {
        Entry::Pos(PosEntry {
            outlet: row.code.as_str(),
            terminal: "t1",
            seq: 1,
            at: NINE,
            sent: None,
            received: NINE,
            act: Act::Report { item: ITEM, count: 100_000 },
        })
    });
    let mut seq = 0;
    for entry in rows.chain([Entry::RegistryCommit(commit)]).chain(reports) {
        seq += 1;
        fold.apply(seq, entry);
    }
    tick(&mut fold, seq + 1);
    (fold, seq + 2)
}

/// Lets a second pass.
pub fn tick(fold: &mut Fold, seq: u64) {
    let at = fold.tick().map_or(NINE, |last| last.at).plus(1_000);
    fold.apply(seq, Entry::Tick(Tick { at, interval_ms: 1_000 }));
}
