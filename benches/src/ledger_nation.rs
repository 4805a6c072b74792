//! A nation in the books on the Friday evening of a week: its memory, its checkpoint while claims go on, its restart.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use aggregator::{Checkpoint, Fold};
use anyhow::{Context, Result};
use schemas::entry::{Entry, Tick};
use schemas::registry::OutletInfo;

use crate::ledger::{grant, moment};
use crate::ledger_work::{self, Rule, claim};
use crate::report::Row;
use crate::workload;

/// Residents of Korea in March 2020, rounded: 51.8 million (주민등록인구, Ministry of the Interior and Safety).
const PERSONS: u64 = 51_800_000;
/// A fifth of them has its day on each weekday.
const A_DAY: u64 = PERSONS / 5;
/// Outlets sell from 9 to 19 o'clock.
const OPENS: u64 = 9 * 3_600;
const OPEN_FOR: u64 = 10 * 3_600;

/// The nation's fold, and where it is in the journal.
struct Nation<'a> {
    fold: Fold,
    seq: u64,
    outlets: &'a [OutletInfo],
    /// Claims made.
    made: u64,
}

/// Fills the books, writes them while claims go on, and reads them back.
///
/// # Errors
/// When the checkpoint can not be written or read.
pub fn run(dir: &Path) -> Result<Vec<Row>> {
    let outlets = workload::registry();
    let (fold, seq) = ledger_work::fold(&outlets, &ledger_work::schedule(Rule::Days));
    let mut nation = Nation { fold, seq, outlets: &outlets, made: 0 };
    let start = Instant::now();
    (0..5).for_each(|day| nation.sell_a_day(day));
    let (filled, resident) = (start.elapsed(), memory("VmRSS:")?);
    let (purchases, claims) = nation.fold.books().sizes();
    let file = dir.join("nation");
    let (wrote, stall, went_on) = nation.checkpoint(&file)?;
    let (size, peak) = (std::fs::metadata(&file)?.len() as f64 / MIB, memory("VmHWM:")?);
    let sizes = nation.fold.books().sizes();
    drop(nation);
    let start = Instant::now();
    let restored = Fold::restore(BufReader::with_capacity(1 << 20, File::open(&file)?))?;
    let restored_in = start.elapsed();
    anyhow::ensure!(restored.books().sizes().0 == purchases && sizes.0 == purchases, "rows were lost");
    Ok(vec![
        Row::plain(
            "a nation's week",
            format!("{purchases} purchases, {claims} claims, filled in {filled:.1?}"),
        ),
        Row::at_most("resident on Friday evening, MiB", resident, 2560.0),
        Row::plain("most resident while the checkpoint was written", format!("{peak:.0} MiB")),
        Row::at_most(format!("checkpoint of {size:.0} MiB written, s"), wrote.as_secs_f64(), 20.0),
        Row::plain(
            "claims decided meanwhile",
            format!("{:.2} M/s", went_on as f64 / wrote.as_secs_f64() / 1e6),
        ),
        Row::at_most("longest stall of the fold meanwhile, ms", stall.as_secs_f64() * 1e3, 100.0),
        Row::at_most("restored, s", restored_in.as_secs_f64(), 20.0),
    ])
}

impl Nation<'_> {
    /// Everybody of the weekday buys one piece, spread over the opening hours, with a tick each second.
    fn sell_a_day(&mut self, day: u64) {
        for second in 0..86_400 {
            if (OPENS..OPENS + OPEN_FOR).contains(&second) {
                let until = (second - OPENS + 1) * A_DAY / OPEN_FOR;
                while self.made < day * A_DAY + until {
                    self.sell(self.made, day, second);
                }
            }
            // The week ends on Friday evening.
            if day < 4 || second < OPENS + OPEN_FOR {
                self.tick(day * 86_400 + second + 1);
            }
        }
    }

    /// The claim of this number: the first of each person, then the second of those whose day it is.
    fn sell(&mut self, number: u64, day: u64, second: u64) {
        let outlet =
            self.outlets[usize::try_from(number).expect("64 bits") % self.outlets.len()].code.as_str();
        let person = if number < PERSONS { number } else { PERSONS - A_DAY + (number - PERSONS) % A_DAY };
        let weekday = u16::try_from(day).expect("5");
        self.seq += 1;
        self.made += 1;
        let entry = claim(number, person, weekday, outlet, moment(day * 86_400 + second));
        grant(&mut self.fold, self.seq, entry);
    }

    fn tick(&mut self, second: u64) {
        self.seq += 1;
        self.fold.apply(self.seq, Entry::Tick(Tick { at: moment(second), interval_ms: 1_000 }));
    }

    /// Writes a checkpoint beside, as the process does, and sells on until it is on disk.
    ///
    /// Tells how long it took, the longest that any one step of the fold took, and how many claims there were.
    fn checkpoint(&mut self, file: &Path) -> Result<(Duration, Duration, u64)> {
        let (start, first) = (Instant::now(), self.made);
        let checkpoint = self.fold.checkpoint();
        let mut stall = start.elapsed();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(checkpoint, file));
            while !writer.is_finished() {
                let step = Instant::now();
                self.sell(self.made, 4, OPENS + OPEN_FOR + (self.made - first) / 1_000_000);
                stall = stall.max(step.elapsed());
                anyhow::ensure!(
                    self.made - first < A_DAY,
                    "all second pieces were sold before it was written"
                );
            }
            writer.join().expect("it does not panic").context("writing the checkpoint")
        })?;
        Ok((start.elapsed(), stall, self.made - first))
    }
}

fn write(checkpoint: Checkpoint, file: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    checkpoint.write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()
}

const MIB: f64 = 1_048_576.0;

/// A line of this process's status, in MiB.
fn memory(line: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let found = status.lines().find_map(|l| l.strip_prefix(line)).context("no such line in the status")?;
    let kib: f64 = found.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
