//! `jaego key new|show`: keys of person fingerprints, made and told apart; the key itself is never printed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use ingest::identity::PersonSecret;

/// What to do with key files.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key, in a new file that its owner alone may read
    New {
        /// The file; one that is there is never overwritten
        file: PathBuf,
    },
    /// Tell a key's fingerprint and when it was made
    Show {
        /// The file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// When the file can not be made or read, or others than its owner may read it.
pub fn run(command: &KeyCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::New { file } => {
            let key = make(file)?;
            println!("made {}", told(&key));
            println!(
                "next: copy {0} to a safe place apart from the data; start with `jaego serve --person-key {0}`",
                file.display()
            );
        }
        KeyCommand::Show { file } => println!("{}", told(&PersonSecret::read_file(file)?)),
    }
    Ok(ExitCode::SUCCESS)
}

fn make(file: &Path) -> anyhow::Result<PersonSecret> {
    let key = PersonSecret::generate()?;
    key.write_file(file)
        .context("a key that is there is never overwritten; choose another name or folder")?;
    Ok(key)
}

fn told(key: &PersonSecret) -> String {
    let made = key.made().map_or_else(|| "at an unknown time".to_owned(), |made| made.rfc3339(0));
    format!("key {:016x} of {made}", key.fingerprint())
}
