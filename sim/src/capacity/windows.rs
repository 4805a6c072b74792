//! Reports as seconds: what each service used, and how many requests of each kind were done meanwhile.

use std::collections::BTreeSet;

use super::report::Report;
use crate::rehearse::events::{IMPORT_BEGINS, IN_FORCE};
use crate::rehearse::scenario::Does;

/// What tills send aside counts for itself from this share of all they send on; less is left to the cost of that.
const ASIDE: f64 = 0.05;
/// A second around a fault is left out, and so long afterwards.
const AFTER_A_FAULT_S: f64 = 5.0;

/// What costs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Requests of callers.
    Does(Does),
    /// Rows of a registry that is imported.
    Rows,
    /// Batches of the journal, which nobody counts: how many there are follows from how long one takes ([`super::batches`]).
    Batch,
}

impl Kind {
    /// Name on the page.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Does(does) => serde_json::to_value(does)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default(),
            Self::Rows => "registry_row".to_owned(),
            Self::Batch => "a batch of the journal".to_owned(),
        }
    }

    /// Whether each of them is an entry of the journal.
    #[must_use]
    pub fn is_journaled(self) -> bool {
        matches!(self, Self::Does(Does::Sale | Does::DeskSale | Does::Delivery))
    }

    /// Class of admission.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Does(Does::Sale | Does::DeskSale) => "sale",
            Self::Does(Does::Delivery) => "stock",
            Self::Does(Does::DeskCheck) => "check",
            Self::Does(_) => "open",
            Self::Rows => "bulk",
            Self::Batch => "stock, sale",
        }
    }
}

/// Who uses CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// All cores together.
    Core,
    /// All nodes of NATS together, the managed one too.
    Nats,
    /// All edges together.
    Edge,
    /// The load itself, which shares the machine.
    Load,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Core, Self::Nats, Self::Edge, Self::Load];

    /// Name on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Nats => "nats",
            Self::Edge => "edge",
            Self::Load => "load",
        }
    }
}

/// A second of a report.
#[derive(Debug, Clone)]
pub struct Window {
    /// Which report.
    pub report: usize,
    /// Which second of it.
    pub second: usize,
    /// Share of all CPUs of the machine that was in use.
    pub busy: f64,
    /// CPUs used by each of [`Service::ALL`].
    pub used: [f64; 4],
    /// Requests done a second, by kind.
    pub rates: Vec<f64>,
}

/// All kinds that were done, in order.
#[must_use]
pub fn kinds(reports: &[Report]) -> Vec<Kind> {
    let mut all: BTreeSet<Kind> =
        reports.iter().flat_map(|report| &report.classes).map(|class| Kind::Does(class.does)).collect();
    if reports.iter().any(|report| !aside(report).is_empty()) {
        all.insert(Kind::Does(Does::Delivery));
    }
    if reports.iter().any(|report| import(report).is_some()) {
        all.insert(Kind::Rows);
    }
    all.into_iter().collect()
}

/// The seconds of all reports that can be used.
#[must_use]
pub fn windows(reports: &[Report], kinds: &[Kind]) -> Vec<Window> {
    reports.iter().enumerate().flat_map(|(number, report)| of_report(number, report, kinds)).collect()
}

fn of_report(number: usize, report: &Report, kinds: &[Kind]) -> Vec<Window> {
    let totals: Vec<Vec<f64>> = kinds.iter().map(|kind| running_total(report, *kind)).collect();
    let pairs = report.samples.windows(2).enumerate();
    pairs
        .filter_map(|(index, pair)| {
            let (from, until) = (pair[0].until_s, pair[1].until_s);
            let whole = pair.iter().all(|sample| sample.parts.len() == report.parts.len());
            let alive = pair.iter().all(|sample| sample.parts.iter().all(|(_, mib)| *mib > 0.0));
            let fit = from > 0.0 && (0.5..2.5).contains(&(until - from)) && until <= report.seconds;
            if !(whole && alive && fit) || is_disturbed(report, from, until) {
                return None;
            }
            let mut rates: Vec<f64> = totals
                .iter()
                .map(|total| (value_at(total, until) - value_at(total, from)) / (until - from))
                .collect();
            import_rate(report, kinds, (from, until), &mut rates);
            let (used, busy) = (used(report, index + 1), pair[1].machine);
            Some(Window { report: number, second: index + 1, busy, used, rates })
        })
        .collect()
}

/// CPUs used by each service in a sample.
fn used(report: &Report, index: usize) -> [f64; 4] {
    let sample = &report.samples[index];
    let mut used = [0.0, 0.0, 0.0, sample.own_cpu];
    for (part, (cpu, _)) in report.parts.iter().zip(&sample.parts) {
        let service = match part.split_whitespace().next() {
            Some("core") => 0,
            Some("nats") => 1,
            _ => 2,
        };
        used[service] += cpu;
    }
    let children: f64 = sample.children.iter().sum();
    used[0] -= children;
    used[1] += children;
    used
}

/// Requests of a kind that were done before each second; what tills send aside is stock.
fn running_total(report: &Report, kind: Kind) -> Vec<f64> {
    let classes = report.classes.iter().filter(|class| Kind::Does(class.does) == kind);
    let mut series: Vec<&[f64]> = classes
        .flat_map(|class| [&class.series.good[..], &class.series.turned_away, &class.series.failed])
        .collect();
    if kind == Kind::Does(Does::Delivery) {
        series.push(aside(report));
    }
    let seconds = series.iter().map(|one| one.len()).max().unwrap_or(0);
    let mut total = vec![0.0];
    for second in 0..seconds {
        let done: f64 = series.iter().filter_map(|one| one.get(second)).sum();
        total.push(total[second] + done);
    }
    total
}

/// What tills sent aside, where it is enough to count for itself.
fn aside(report: &Report) -> &[f64] {
    let tills = report.classes.iter().filter(|class| class.does.is_till());
    let all: f64 = tills.map(|class| class.good as f64).sum();
    if report.aside.iter().sum::<f64>() > ASIDE * all { &report.aside } else { &[] }
}

/// A running total at a moment between two seconds.
fn value_at(total: &[f64], moment: f64) -> f64 {
    let (whole, part) = (moment.floor() as usize, moment.fract());
    let last = *total.last().unwrap_or(&0.0);
    let at = |second: usize| total.get(second).copied().unwrap_or(last);
    at(whole) + part * (at(whole + 1) - at(whole))
}

/// Whether a fault was near: what parts did then is not their usual work.
fn is_disturbed(report: &Report, from: f64, until: f64) -> bool {
    let faults = report.events.iter().filter(|(_, words)| !is_import(words));
    faults.into_iter().any(|(at, _)| (from - AFTER_A_FAULT_S..=until + 1.0).contains(at))
}

fn is_import(words: &str) -> bool {
    words.contains(IMPORT_BEGINS) || words.contains(IN_FORCE)
}

/// When a registry was imported, and how many rows it had.
fn import(report: &Report) -> Option<(f64, f64, f64)> {
    let at = |what: &str| report.events.iter().find(|(_, words)| words.contains(what));
    let ((from, _), (until, words)) = (at(IMPORT_BEGINS)?, at(IN_FORCE)?);
    let rows = words.split_whitespace().find_map(|word| word.parse().ok())?;
    (until > from).then_some((*from, *until, rows))
}

fn import_rate(report: &Report, kinds: &[Kind], (from, until): (f64, f64), rates: &mut [f64]) {
    let (Some(place), Some((begun, done, rows))) =
        (kinds.iter().position(|kind| *kind == Kind::Rows), import(report))
    else {
        return;
    };
    let within = (until.min(done) - from.max(begun)).max(0.0);
    rates[place] = rows * within / (done - begun) / (until - from);
}
