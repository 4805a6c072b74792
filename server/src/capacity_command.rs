//! `jaego capacity`: from reports of rehearsals to what a request costs, where latency turns up, and what a nation needs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use sim::capacity::plan::Terms;
use sim::capacity::{Asked, state};

/// What is stated. Viewers, outlets and claims that are not given are those of Korea; Korea, the EU and a billion people are always told.
#[derive(Debug, Args)]
pub struct CapacityCommand {
    /// Reports of `jaego rehearse` (report.json, or their folders), of one kind of stage
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Viewers at once
    #[arg(long, value_name = "N")]
    viewers: Option<f64>,
    /// Outlets
    #[arg(long, value_name = "M")]
    outlets: Option<f64>,
    /// Claims a second at the peak
    #[arg(long, value_name = "K")]
    claims: Option<f64>,
    /// Seconds after which a viewer asks again (an assumption)
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    asks_every: f64,
    /// Share of the requests for tiles that a CDN answers (an assumption)
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    cdn_hits: f64,
    /// Take void and short reports as well; the page says so at its head
    #[arg(long)]
    take_void: bool,
    /// JSON instead of Markdown
    #[arg(long)]
    json: bool,
    /// File to write, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a number makes no sense, the reports are not fit, or the file can not be written.
pub fn run(command: &CapacityCommand) -> anyhow::Result<ExitCode> {
    let numbers = [command.viewers, command.outlets, command.claims].into_iter().flatten();
    ensure!(
        numbers.into_iter().all(|number| number.is_finite() && number >= 0.0),
        "viewers, outlets and claims are numbers from 0 on"
    );
    ensure!(
        command.asks_every.is_finite() && command.asks_every > 0.0,
        "--asks-every is a number of seconds above 0"
    );
    ensure!((0.0..=1.0).contains(&command.cdn_hits), "--cdn-hits is a share between 0 and 1, such as 0.95");
    let said = state(&Asked {
        reports: command.reports.clone(),
        viewers: command.viewers,
        outlets: command.outlets,
        claims: command.claims,
        terms: Terms { asks_every_s: command.asks_every, cdn_hits: command.cdn_hits },
        take_void: command.take_void,
    })?;
    let text = if command.json { serde_json::to_string_pretty(&said)? + "\n" } else { said.markdown() };
    match &command.out {
        Some(path) => std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}
