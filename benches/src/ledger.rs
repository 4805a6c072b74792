//! The ration ledger in memory: deciding claims beside a bare hash map, and a nation's week in the books.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aggregator::{Applied, Fold};
use hashbrown::HashMap;
use schemas::Millis;
use schemas::claim::Verdict;
use schemas::entry::{ClaimEntry, Entry};
use schemas::registry::OutletInfo;

use crate::ledger_nation;
use crate::ledger_work::{self, MONDAY, Rule, claim, key};
use crate::report::Row;
use crate::workload;

/// Persons whose claims are decided; each buys twice.
const PERSONS: u64 = 4_000_000;
/// Entries in a batch of the journal, as many as a full one has.
const BATCH: usize = 512;
/// Claims that are made ready at a time.
const CHUNK: u64 = 50_000;

/// Runs all.
///
/// # Errors
/// When a checkpoint can not be written or read.
pub fn run(dir: &std::path::Path) -> anyhow::Result<Vec<Row>> {
    // First: what later measurements leave in the allocator is not the nation's.
    let mut rows = ledger_nation::run(dir)?;
    let outlets = workload::registry();
    rows.extend(decide(&outlets, "by the week", &ledger_work::schedule(Rule::Week)));
    rows.extend(decide(&outlets, "by the week with day rules", &ledger_work::schedule(Rule::Days)));
    Ok(rows)
}

/// Both sides take turns, chunk by chunk, so that whatever else the machine does hits both alike.
pub fn decide(outlets: &[OutletInfo], name: &str, schedule: &schemas::policy::Schedule) -> Vec<Row> {
    let (mut fold, mut seq) = ledger_work::fold(outlets, schedule);
    let mut map: HashMap<[u8; 16], u64, foldhash::fast::FixedState> = HashMap::default();
    let (mut deciding, mut upserting) = (Duration::ZERO, Duration::ZERO);
    for first in (0..2 * PERSONS).step_by(usize::try_from(CHUNK).expect("small")) {
        let numbers: Vec<u64> = (first..first + CHUNK).collect();
        let keys: Vec<[u8; 16]> = numbers.iter().map(|n| key(n % PERSONS).0).collect();
        let batch = |numbers: &[u64]| numbers.iter().map(|n| Entry::Claim(prepared(outlets, *n))).collect();
        let batches: Vec<Vec<Entry<'_>>> = numbers.chunks(BATCH).map(batch).collect();
        upserting += timed(|| keys.iter().for_each(|key| *map.entry(*key).or_insert(0) += 1));
        deciding += timed(|| grant_all(&mut fold, &mut seq, batches));
    }
    black_box(&map);
    let rate = |took: Duration| 2.0 * PERSONS as f64 / took.as_secs_f64();
    let (decided, upserted) = (rate(deciding), rate(upserting));
    vec![
        Row::plain(format!("upserts of the same keys into a bare hash map, {name}"), millions(upserted)),
        Row::plain(format!("claims decided, one core, {name}"), millions(decided)),
        Row::at_least(format!("deciding ÷ upserting, {name}"), decided / upserted, 0.4),
        Row::at_least(format!("M claims/s, {name}"), decided / 1e6, 2.0),
    ]
}

/// The claim of this number: everybody buys one piece on the Monday or Tuesday that is theirs.
fn prepared(outlets: &[OutletInfo], number: u64) -> ClaimEntry<'_> {
    let outlet = outlets[usize::try_from(number).expect("64 bits") % outlets.len()].code.as_str();
    claim(number, number % PERSONS, 0, outlet, MONDAY.plus(i64::try_from(number / 2_000).expect("small")))
}

/// Applies claims as they come out of the journal, batch by batch.
fn grant_all(fold: &mut Fold, seq: &mut u64, batches: Vec<Vec<Entry<'_>>>) {
    for batch in batches {
        *seq += 1;
        fold.apply_all(*seq, batch, |applied| granted(&applied));
    }
}

/// Applies a claim that must be granted.
pub fn grant(fold: &mut Fold, seq: u64, entry: ClaimEntry<'_>) {
    granted(&fold.apply(seq, Entry::Claim(entry)));
}

fn granted(applied: &Applied) {
    assert!(matches!(applied, Applied::Claim(Ok(said)) if said.verdict == Verdict::Granted), "{applied:?}");
}

/// How long it took.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn millions(rate: f64) -> String {
    format!("{:.2} M/s", rate / 1e6)
}

/// A moment of the week, in seconds from its Monday, 00:00 KST.
#[must_use]
pub fn moment(seconds: u64) -> Millis {
    MONDAY.plus(i64::try_from(seconds).expect("a week") * 1_000)
}
