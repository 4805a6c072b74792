//! `jaego rehearse`: plays a named day against servers of this very program, and tells by its exit code whether it held.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sim::rehearse::{Options, Programs, Verdict, catalog};

/// What is rehearsed; exit 0: it held, 1: a threshold broke, 2: the run is void and says nothing.
#[derive(Debug, Args)]
pub struct RehearseCommand {
    /// Name of a scenario (`--list`), or a file
    #[arg(required_unless_present = "list")]
    scenario: Option<String>,
    /// List the scenarios that come with jaego
    #[arg(long)]
    list: bool,
    /// Share of the real load, above 0 and at most 1
    #[arg(long)]
    scale: Option<f64>,
    /// How many times faster than real the day passes
    #[arg(long)]
    speed: Option<f64>,
    /// Servers that run already, instead of some of our own: http://… (open API), nats://…, desk=http://…, admin=http://…
    #[arg(long = "target", value_name = "URL")]
    targets: Vec<String>,
    /// Targets that are written to, and those that are not on this machine, are mine and made for rehearsals: the load is that of
    /// an attack, and reports overwrite what they hold
    #[arg(long)]
    target_is_mine: bool,
    /// Folder of the report
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Play the short form: within a minute, to see that all goes well; no times are judged
    #[arg(long)]
    short: bool,
}

/// Runs the command. To be called by the main thread, before any other.
///
/// # Errors
/// When there is no such scenario, or the report can not be written.
pub fn run(command: &RehearseCommand) -> anyhow::Result<ExitCode> {
    let Some(scenario) = command.scenario.clone().filter(|_| !command.list) else {
        print!("{}", catalog::list());
        return Ok(ExitCode::SUCCESS);
    };
    let jaego = std::env::current_exe().context("finding this program, which is started as the servers")?;
    let programs = Programs { jaego, nats_server: ingest::nats_server::find() };
    let (scale, speed, report, short) = (command.scale, command.speed, command.report.clone(), command.short);
    let options = Options {
        scenario,
        scale,
        speed,
        targets: command.targets.clone(),
        targets_are_mine: command.target_is_mine,
        report,
        short,
        programs,
    };
    Ok(match sim::rehearse::rehearse(&options)? {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Broken => ExitCode::FAILURE,
        Verdict::Void => ExitCode::from(2),
    })
}
