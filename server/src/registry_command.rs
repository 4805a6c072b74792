//! `jaego registry check|diff|import`: what a list holds, what it would change, and its way into the running system.

mod max_loss;
pub(crate) mod running;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use ingest::registry::{Reconciliation, RegistryFile, read, reconcile};
use serde::Serialize;

use self::max_loss::MaxLoss;
use self::running::{Running, Whereabouts};
use crate::admin::Imported;

/// What to do with registry files: store lists (CSV in UTF-8 or CP949) or HIRA's pharmacy register (CSV, XLSX), gzip or not.
#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// List what is not as it should be in each file
    Check {
        /// Registry files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what changes from one file to another; exit 1 when more than --max-loss outlets would vanish
    Diff {
        /// The list as it was
        old: PathBuf,
        /// The list as it would be
        new: PathBuf,
        /// Most outlets that may vanish: a number, or a share of the old list such as 2%
        #[arg(long, default_value = "500")]
        max_loss: MaxLoss,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a file changes in the running system, then import it; exit 1 when more than --max-loss outlets would vanish
    Import(Box<Import>),
}

/// One import.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The registry file
    file: PathBuf,
    /// Where the system runs
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Most outlets that may vanish: a number, or a share of the present registry such as 2%
    #[arg(long, default_value = "500")]
    max_loss: MaxLoss,
    /// Do not ask on the terminal
    #[arg(long)]
    yes: bool,
    /// Show the report and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print JSON, and do not ask
    #[arg(long)]
    json: bool,
}

/// Runs the command; fails with exit code 1 where too many outlets would vanish.
///
/// # Errors
/// When a file can not be read or the running system can not be reached.
pub async fn run(command: RegistryCommand) -> anyhow::Result<ExitCode> {
    match command {
        RegistryCommand::Check { files, json } => check(&files, json),
        RegistryCommand::Diff { old, new, max_loss, json } => diff(&old, &new, max_loss, json),
        RegistryCommand::Import(import) => import.run().await,
    }
}

fn check(files: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let files = files.iter().map(|file| load(file)).collect::<anyhow::Result<Vec<_>>>()?;
    if json {
        print_json(&files)?;
    } else {
        let reports: Vec<String> = files.iter().map(RegistryFile::to_string).collect();
        print(&reports.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The comparison of `diff` and `import` as JSON.
#[derive(Serialize)]
struct Report<'r> {
    /// The old list, where it came from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'r RegistryFile>,
    new: &'r RegistryFile,
    changes: &'r Reconciliation,
    loss: usize,
    max_loss: String,
    loss_allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<&'r Imported>,
}

fn diff(old: &Path, new: &Path, max_loss: MaxLoss, json: bool) -> anyhow::Result<ExitCode> {
    let (old, new) = (load(old)?, load(new)?);
    let changes = reconcile(&old.rows, &new.rows);
    if json {
        print_json(&report(Some(&old), &new, &changes, max_loss, None))?;
    } else {
        print(&format!("{new}\nchanges since {}:\n{changes}{}", old.source, verdict(&changes, max_loss)))?;
    }
    Ok(exit_code(&changes, max_loss))
}

impl Import {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let file = load(&self.file)?;
        let running = Running::find(&self.whereabouts)?;
        let changes = reconcile(&running.registry().await?, &file.rows);
        if !self.json {
            print(&format!(
                "{file}\nchanges to the running system:\n{changes}{}",
                verdict(&changes, self.max_loss)
            ))?;
        }
        let agreed = self.max_loss.allows(&changes) && !self.dry_run && self.is_signed_off()?;
        let imported = if agreed { Some(running.import(&file).await?) } else { None };
        if self.json {
            print_json(&report(None, &file, &changes, self.max_loss, imported.as_ref()))?;
        } else {
            print(&outcome(imported.as_ref()))?;
        }
        Ok(exit_code(&changes, self.max_loss))
    }

    /// Asks where somebody sits at the terminal who did not agree beforehand.
    fn is_signed_off(&self) -> anyhow::Result<bool> {
        if self.yes || self.json || !io::stdin().is_terminal() {
            return Ok(true);
        }
        print("import? [y/N] ")?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().eq_ignore_ascii_case("y"))
    }
}

fn load(path: &Path) -> anyhow::Result<RegistryFile> {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    read(&bytes, &name).with_context(|| format!("{}", path.display()))
}

fn report<'r>(
    old: Option<&'r RegistryFile>,
    new: &'r RegistryFile,
    changes: &'r Reconciliation,
    max_loss: MaxLoss,
    imported: Option<&'r Imported>,
) -> Report<'r> {
    let (loss, loss_allowed) = (changes.loss(), max_loss.allows(changes));
    Report { old, new, changes, loss, max_loss: max_loss.to_string(), loss_allowed, imported }
}

fn verdict(changes: &Reconciliation, max_loss: MaxLoss) -> String {
    let loss = changes.loss();
    if max_loss.allows(changes) {
        format!("{loss} outlets would vanish, at most {max_loss} may\n")
    } else {
        format!("REFUSED: {loss} outlets would vanish, at most {max_loss} may (--max-loss)\n")
    }
}

fn outcome(imported: Option<&Imported>) -> String {
    let mut text = String::new();
    match imported {
        None => text.push_str("nothing was imported\n"),
        Some(Imported { import, version, rows }) => {
            writeln!(text, "imported {rows} outlets as {import:016x}, visible from version {version}")
                .expect("a String takes all text");
        }
    }
    text
}

fn exit_code(changes: &Reconciliation, max_loss: MaxLoss) -> ExitCode {
    if max_loss.allows(changes) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&text)
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
