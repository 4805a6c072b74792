//! `jaego caps check|show|apply`: whether a document of caps holds together, what is in force, and its way into the journal.

mod describe;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Subcommand;
use schemas::Millis;
use schemas::caps::{Caps, faults, plan_at};

use crate::admin::InForce;
use crate::caps_file;
use crate::registry_command::running::{Whereabouts, accepted};

/// Longest wait for the journal.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do with a document of caps: built-in, post-offices-2020, or a file .toml or .json.
#[derive(Debug, Subcommand)]
pub enum CapsCommand {
    /// List everything that is wrong; exit 1 when anything is
    Check {
        /// built-in, post-offices-2020, or a file .toml or .json
        document: String,
    },
    /// Show the plan in force at a moment
    Show {
        /// built-in, post-offices-2020, or a file .toml or .json
        document: String,
        /// The moment, such as 2020-03-11T09:00:00+09:00; now, where nothing is said
        #[arg(long, value_name = "TIME", value_parser = moment)]
        at: Option<Millis>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a document into the journal of the running system, in place of the one that it knows
    Apply(Apply),
}

/// A document on its way into force.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// built-in, post-offices-2020, or a file .toml or .json
    document: String,
    /// Where the system runs
    #[command(flatten)]
    whereabouts: Whereabouts,
}

fn moment(text: &str) -> Result<Millis, String> {
    Millis::parse(text).map_err(|error| error.to_string())
}

/// Runs the command; `check` fails with exit code 1 where there are faults.
///
/// # Errors
/// When the document can not be read, for `show` and `apply` has faults, or the running system can not be reached.
pub async fn run(command: CapsCommand) -> anyhow::Result<ExitCode> {
    match command {
        CapsCommand::Check { document } => check(&caps_file::read(&document)?),
        CapsCommand::Show { document, at, json } => {
            show(&whole(&document)?, at.unwrap_or_else(ingest::clock::now), json)
        }
        CapsCommand::Apply(apply) => apply.run().await,
    }
}

fn check(caps: &Caps) -> anyhow::Result<ExitCode> {
    let found = faults(caps);
    let (plans, faults, doubts) = (caps.plans.len(), describe::faults(&found), describe::doubts(caps));
    write(&format!("{}: {plans} plans\n{faults}\n{doubts}", caps.name))?;
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(caps: &Caps, at: Millis, json: bool) -> anyhow::Result<ExitCode> {
    let Some(plan) = plan_at(caps, at) else {
        bail!("{}: no plan has begun at that moment: until the first one the built-in caps hold", caps.name)
    };
    let text = if json { serde_json::to_string_pretty(plan)? + "\n" } else { describe::plan(plan) };
    write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A document without faults.
fn whole(document: &str) -> anyhow::Result<Caps> {
    let caps = caps_file::read(document)?;
    let found = faults(&caps);
    if !found.is_empty() {
        bail!("{document}: {}", describe::faults(&found));
    }
    Ok(caps)
}

impl Apply {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let caps = whole(&self.document)?;
        let url = format!("{}/caps", self.whereabouts.admin()?);
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let answer = client.post(&url).json(&caps).send().await;
        let answer = answer.with_context(|| {
            format!("asking {url}: whether it comes into force is not known; GET it to see")
        })?;
        let answer = accepted(answer).await?;
        let in_force: InForce = answer.json().await?;
        let doubts = describe::doubts(&caps);
        write(&format!("{} is known from version {} on\n{doubts}", in_force.name, in_force.version))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
