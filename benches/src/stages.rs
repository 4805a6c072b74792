//! The stages in memory, each beside its floor: decode and apply beside parsing alone, a small tick beside everything.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregator::{Cutter, Fold};
use publisher::{Edition, Face};
use schemas::entry::Entry;
use schemas::registry::OutletInfo;
use schemas::snapshot::Snapshot;

use crate::report::Row;
use crate::workload::{self, Batch};

/// Entries that are parsed and applied per round.
pub const ENTRIES: usize = 200_000;
/// Outlets that a small tick changes.
pub const CHANGED: usize = 2_000;
const ROUNDS: usize = 15;

/// Parses every line of the batches, and nothing else; returns how many.
#[must_use]
pub fn parse(batches: &[Batch]) -> usize {
    let lines = batches.iter().flat_map(|b| b.payload.split(|byte| *byte == b'\n')).filter(|l| !l.is_empty());
    let parsed = lines.map(|line| serde_json::from_slice::<Entry<'_>>(line).expect("made by the workload"));
    parsed.map(black_box).count()
}

/// Checks, parses and applies the batches, as the fold thread does.
pub fn apply(fold: &mut Fold, mut seq: u64, batches: &[Batch]) {
    for batch in batches {
        let mut entries = Vec::with_capacity(batch.seal.count);
        let opened = batch.seal.open(&batch.payload, |entry| entries.push(entry));
        opened.expect("made by the workload");
        fold.apply_all(seq, entries, |applied| {
            black_box(applied);
        });
        seq += 1;
    }
}

/// A version that was published, and all that is needed to publish the next.
pub struct Published {
    fold: Fold,
    cutter: Cutter,
    edition: Edition,
    seq: u64,
    face: Face,
}

impl Published {
    /// After the first reports of the morning.
    #[must_use]
    pub fn morning(outlets: &[OutletInfo]) -> Self {
        let (mut fold, seq) = workload::morning(outlets);
        let mut cutter = Cutter::default();
        let face = Face::default();
        let edition = Edition::render(None, cut(&mut cutter, &mut fold), &face);
        Self { fold, cutter, edition, seq, face }
    }

    /// Sales at so many outlets, then a tick that is not cut yet.
    pub fn sell(&mut self, batches: &[Batch]) {
        apply(&mut self.fold, self.seq, batches);
        self.seq += batches.len() as u64;
        workload::tick(&mut self.fold, self.seq);
        self.seq += 1;
    }

    /// Cuts the last tick and renders what changed.
    pub fn publish(&mut self) {
        let snapshot = cut(&mut self.cutter, &mut self.fold);
        self.edition = Edition::render(Some(&self.edition), snapshot, &self.face);
    }

    /// Cuts and renders everything anew.
    #[must_use]
    pub fn publish_everything(&mut self) -> Edition {
        Edition::render(None, cut(&mut Cutter::default(), &mut self.fold), &self.face)
    }
}

fn cut(cutter: &mut Cutter, fold: &mut Fold) -> Arc<Snapshot> {
    cutter.cut(fold).expect("there was a tick")
}

/// Runs all and says how they compare.
#[must_use]
pub fn run() -> Vec<Row> {
    let outlets = workload::registry();
    [decode_and_apply(&outlets), cut_and_render(&outlets)].concat()
}

fn decode_and_apply(outlets: &[OutletInfo]) -> Vec<Row> {
    let batches = workload::sales(outlets, ENTRIES);
    let (mut parsing, mut applying) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parsing.push(timed(|| assert_eq!(parse(&batches), ENTRIES)));
        let (mut fold, seq) = workload::morning(outlets);
        applying.push(timed(|| apply(&mut fold, seq, &batches)));
    }
    let rate = |took: Duration| ENTRIES as f64 / took.as_secs_f64();
    let (parse, apply) = (rate(median(parsing)), rate(median(applying)));
    vec![
        Row::plain("serde_json parsing alone, one core", format!("{:.2} M entries/s", parse / 1e6)),
        Row::plain("check, decode and apply, one core", format!("{:.2} M entries/s", apply / 1e6)),
        Row::at_least("decode and apply ÷ parsing alone", apply / parse, 0.4),
    ]
}

fn cut_and_render(outlets: &[OutletInfo]) -> Vec<Row> {
    // Outlets that lie far apart, so that every page changes.
    let scattered: Vec<OutletInfo> =
        outlets.iter().step_by(outlets.len() / CHANGED).take(CHANGED).cloned().collect();
    let mut published = Published::morning(outlets);
    let rounds = workload::sales(&scattered, CHANGED * ROUNDS);
    let per_round = CHANGED.div_ceil(schemas::batch::MAX_ENTRIES);
    let (mut small, mut whole) = (Vec::new(), Vec::new());
    for batches in rounds.chunks(per_round) {
        published.sell(batches);
        small.push(timed(|| published.publish()));
        whole.push(timed(|| drop(black_box(published.publish_everything()))));
    }
    let (small, whole) = (median(small), median(whole));
    vec![
        Row::plain(format!("cut and render, all of {} outlets", outlets.len()), format!("{whole:.2?}")),
        Row::plain(format!("cut and render, {CHANGED} changed"), format!("{small:.2?}")),
        Row::at_most("changed ÷ all", small.as_secs_f64() / whole.as_secs_f64(), 0.3),
    ]
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
