//! `jaego policy check|show|schedule`: whether a schedule of policies holds together, what is in force, and how it changes.

mod describe;
mod show;
#[cfg(test)]
mod tests;
mod timeline;

use std::io::{self, Write};
use std::process::ExitCode;

use aggregator::Rulebook;
use clap::Subcommand;
use schemas::Millis;
use schemas::policy::Schedule;
use serde::Serialize;

use crate::policy_file;

/// What to do with a schedule of policies: korea-2020, taiwan-2020, drill, or a file .toml or .json.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List everything that is wrong; exit 1 when anything is
    Check {
        /// korea-2020, taiwan-2020, drill, or a file .toml or .json
        schedule: String,
    },
    /// Show the rules in force at a moment
    Show {
        /// korea-2020, taiwan-2020, drill, or a file .toml or .json
        schedule: String,
        /// The moment, such as 2020-03-09T00:00:00+09:00; now, where nothing is said
        #[arg(long, value_name = "TIME", value_parser = moment)]
        at: Option<Millis>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show every dated rule and what it changed
    Schedule {
        /// korea-2020, taiwan-2020, drill, or a file .toml or .json
        schedule: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn moment(text: &str) -> Result<Millis, String> {
    Millis::parse(text).map_err(|error| error.to_string())
}

/// Runs the command; `check` fails with exit code 1 where there are faults.
///
/// # Errors
/// When the schedule can not be read, or, for `show` and `schedule`, has faults.
pub fn run(command: &PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check { schedule } => check(&policy_file::read(schedule)?),
        PolicyCommand::Show { schedule, at, json } => {
            let schedule = policy_file::load(schedule)?;
            let shown = show::at(&schedule, at.unwrap_or_else(ingest::clock::now));
            print(*json, &shown, |shown| shown.to_string())
        }
        PolicyCommand::Schedule { schedule, json } => {
            let timeline = timeline::of(&policy_file::load(schedule)?);
            print(*json, &timeline, |timeline| timeline.to_string())
        }
    }
}

fn check(schedule: &Schedule) -> anyhow::Result<ExitCode> {
    let faults = Rulebook::new(schedule).err().unwrap_or_default();
    let found = if faults.is_empty() { "no fault".to_owned() } else { policy_file::list(&faults) };
    write(&format!("{}: {}\n{found}\n", schedule.name, counts(schedule)))?;
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `1 group, 1 item, 7 policies, 3 holidays`.
fn counts(schedule: &Schedule) -> String {
    let items = schedule.groups.iter().map(|group| group.items.len()).sum();
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    };
    [
        count(schedule.groups.len(), "group", "groups"),
        count(items, "item", "items"),
        count(schedule.policies.len(), "policy", "policies"),
        count(schedule.holidays.len(), "holiday", "holidays"),
    ]
    .join(", ")
}

fn print<T: Serialize>(json: bool, value: &T, text: impl Fn(&T) -> String) -> anyhow::Result<ExitCode> {
    if json {
        write(&format!("{}\n", serde_json::to_string_pretty(value)?))?;
    } else {
        write(&text(value))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
