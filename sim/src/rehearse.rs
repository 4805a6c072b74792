//! Rehearsals: a named day, such as the first morning of the public masks, played against servers on this machine as fast and as large as
//! it can bear, with its faults, judged by thresholds, and told in a report that says first whether it holds.

pub mod aftermath;
pub mod books;
pub mod catalog;
pub(crate) mod events;
mod generator;
pub(crate) mod machine;
pub mod measured;
mod own;
mod plain_http;
mod progress;
mod readers;
pub mod report;
mod run;
pub mod scenario;
pub mod schedule;
mod stage;
mod tills;
pub mod verdict;
pub mod watch;
mod wire;

use std::path::PathBuf;

use anyhow::{Context, Result};

pub use stage::Programs;
pub use verdict::Verdict;

/// What is rehearsed, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of a scenario, or path of one.
    pub scenario: String,
    /// Share of the real load, where not that of the scenario.
    pub scale: Option<f64>,
    /// How many times faster than real, where not that of the scenario.
    pub speed: Option<f64>,
    /// Servers that run already; none: they are started.
    pub targets: Vec<String>,
    /// Whether those that are not on this machine are ours and made for rehearsals.
    pub targets_are_mine: bool,
    /// Folder of the report; without it one is made here.
    pub report: Option<PathBuf>,
    /// Whether the short form is played.
    pub short: bool,
    /// Where the programs are.
    pub programs: Programs,
}

/// Plays a scenario, writes the report, and tells the verdict. To be called by the main thread: servers end with it.
///
/// # Errors
/// When the scenario can not be read, or the report not be written: that is tried before the day, and the verdict is told in any case. What goes wrong in between makes the run void.
pub fn rehearse(options: &Options) -> Result<Verdict> {
    let scenario = catalog::find(&options.scenario)?;
    let mut form = if options.short { scenario.short } else { scenario.long };
    form.scale = options.scale.unwrap_or(form.scale);
    form.speed = options.speed.unwrap_or(form.speed);
    let folder = options.report.clone().unwrap_or_else(|| report::folder(&scenario.name));
    report::prepare(&folder)?;
    let measured = run::play(&scenario, form, options)?;
    let judgement = verdict::judge(&scenario, &measured);
    let written = report::write(&folder, &scenario, &measured, &judgement);
    progress::verdict(&judgement, written.is_ok().then_some(folder.as_path()));
    written.context("the verdict stands above, and its report could not be written")?;
    Ok(judgement.verdict)
}
