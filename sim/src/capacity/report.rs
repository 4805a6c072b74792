//! Reading reports of rehearsals: those that say enough, and nothing else.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::unfit::Unfit;
use crate::rehearse::machine::Machine;
use crate::rehearse::report::FORMAT;
use crate::rehearse::scenario::Does;

/// Of a class of which more of a hundred were turned away nothing is measured: its requests were mostly not done.
const REFUSED_PERCENT: f64 = 10.0;

/// What is read of a report.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// Where it was.
    #[serde(skip)]
    pub path: PathBuf,
    /// Scenario.
    pub scenario: String,
    /// When it began, RFC 3339.
    pub began: String,
    /// `passed`, `broken` or `void`.
    pub verdict: String,
    /// Why it is void.
    pub void: Vec<String>,
    /// Whether it is the short form.
    pub short: bool,
    /// CPUs of the machine.
    pub cpus: usize,
    /// The machine; earlier reports do not tell it.
    pub machine: Option<Machine>,
    /// Outlets in the registry.
    pub outlets: u64,
    /// Length of the run.
    pub seconds: f64,
    /// Requests by class.
    pub classes: Vec<Class>,
    /// Requests of no class that were done in each second: deliveries that tills need, copies.
    pub aside: Vec<f64>,
    /// What happened on purpose, by second.
    pub events: Vec<(f64, String)>,
    /// Names of the processes.
    pub parts: Vec<String>,
    /// What each of them used in each second.
    pub samples: Vec<Sample>,
}

/// A class.
#[derive(Debug, Clone, Deserialize)]
pub struct Class {
    /// Name in the scenario.
    pub class: String,
    /// What a caller does.
    pub does: Does,
    /// Requests answered as they should be.
    pub good: u64,
    /// Bytes of the bodies of answers.
    pub bytes: u64,
    /// What happened in each second.
    pub series: Series,
}

/// Numbers by second of the run.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Series {
    /// Done well.
    pub good: Vec<f64>,
    /// Turned away by name.
    pub turned_away: Vec<f64>,
    /// Failed.
    pub failed: Vec<f64>,
    /// Mean latency of those that were done.
    pub mean_ms: Vec<Option<f64>>,
    /// 99th percentile.
    pub p99_ms: Vec<Option<f64>>,
}

/// What the parts used in a second.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sample {
    /// When it was looked at; the use is that since the look before.
    pub until_s: f64,
    /// Share of one CPU, and resident MiB.
    pub parts: Vec<(f64, f64)>,
    /// Share of one CPU of the children of each part: the managed NATS of a core.
    pub children: Vec<f64>,
    /// Share of one CPU of the load.
    pub own_cpu: f64,
    /// Share of all CPUs that was in use.
    pub machine: f64,
}

impl Report {
    /// Why nothing of it can be measured: it is void, whatever its verdict, or it is the short form. Empty where it can.
    #[must_use]
    pub fn spoilt(&self) -> Vec<String> {
        let mut why = self.void.clone();
        if self.is_void() && why.is_empty() {
            why.push("it does not say why".to_owned());
        }
        if self.short {
            why.push("it is the short form, which measures no times".to_owned());
        }
        why.extend(
            self.refused().map(|(class, percent)| format!("{percent:.0} % of {class} were turned away")),
        );
        why
    }

    /// The first class of which so many were turned away that its costs are those of refusals, and how many of a hundred.
    fn refused(&self) -> Option<(&str, f64)> {
        let sum = |series: &[f64]| series.iter().sum::<f64>();
        let share = |series: &Series| {
            let away = sum(&series.turned_away);
            100.0 * away / (sum(&series.good) + away + sum(&series.failed)).max(1.0)
        };
        let shares = self.classes.iter().map(|class| (class.class.as_str(), share(&class.series)));
        shares.into_iter().find(|(_, percent)| *percent > REFUSED_PERCENT)
    }

    /// A broken rule breaks a void run too.
    fn is_void(&self) -> bool {
        self.verdict == "void" || !self.void.is_empty()
    }
}

/// Reads reports that belong together.
///
/// # Errors
/// When one is no report, says too little, is void, short or full of refusals and `take_void` is not given, or they are not of one
/// kind of stage.
pub fn read(paths: &[PathBuf], take_void: bool) -> Result<Vec<Report>, Unfit> {
    let mut reports: Vec<Report> = Vec::new();
    for path in paths {
        let report = one(path)?;
        if report.is_void() && !take_void {
            return Err(Unfit::Void { why: report.spoilt().join("; "), path: report.path });
        }
        if report.short && !take_void {
            return Err(Unfit::Short { path: report.path });
        }
        if let Some((class, percent)) = report.refused().filter(|_| !take_void) {
            return Err(Unfit::Refused { class: class.to_owned(), percent, path: report.path.clone() });
        }
        belongs(&report, &reports)?;
        reports.push(report);
    }
    Ok(reports)
}

fn one(path: &Path) -> Result<Report, Unfit> {
    let path = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let no = |why: String| Unfit::NoReport { path: path.clone(), why };
    let bytes = std::fs::read(&path).map_err(|source| Unfit::Unreadable { path: path.clone(), source })?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| no(error.to_string()))?;
    if value["scenario"].is_null() || value["verdict"].is_null() {
        return Err(no("it has no scenario and verdict".to_owned()));
    }
    if value["format"] != FORMAT {
        let found = value["format"].as_str().unwrap_or("older").to_owned();
        return Err(Unfit::NoSeries { path, found, wanted: FORMAT });
    }
    let mut report: Report = serde_json::from_value(value).map_err(|error| no(error.to_string()))?;
    if report.parts.is_empty() && !report.is_void() {
        return Err(Unfit::NoParts { path });
    }
    report.path = path;
    Ok(report)
}

/// Costs are those of one kind of stage and machine, so reports of others are not mixed in.
fn belongs(report: &Report, others: &[Report]) -> Result<(), Unfit> {
    let Some(first) = others.first() else { return Ok(()) };
    if let Some(twin) =
        others.iter().find(|other| (&other.began, &other.scenario) == (&report.began, &report.scenario))
    {
        return Err(Unfit::Twice { path: report.path.clone(), first: twin.path.clone() });
    }
    let (this, that) = (stage(report), stage(first));
    if this == that {
        return Ok(());
    }
    Err(Unfit::AnotherStage { path: report.path.clone(), this, first: first.path.clone(), that })
}

/// The stage of a report in words.
#[must_use]
pub fn stage(report: &Report) -> String {
    let count = |sort: &str| report.parts.iter().filter(|part| part.starts_with(sort)).count();
    let nats = match count("nats") {
        0 => "a managed NATS".to_owned(),
        nodes => format!("{nodes} nodes of NATS"),
    };
    let model = report.machine.as_ref().and_then(|machine| machine.cpu.as_deref());
    format!(
        "{} core(s), {nats}, {} edge(s), {} CPUs ({}), {} outlets",
        count("core"),
        count("edge"),
        report.cpus,
        model.unwrap_or("of a model that the report does not tell"),
        report.outlets
    )
}
