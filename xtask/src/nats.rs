//! Finds a nats-server that is new enough, or fetches the pinned one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::fetch;
use crate::process::{self, Stop};
use crate::workspace::Workspace;

/// The version that is fetched where none is found: from 2.15 on the server no longer syncs twice per message under
/// `sync_interval: always`.
pub(crate) const PINNED: &str = "2.15.1";
const OLDEST: Version = Version(2, 12, 0);

/// A version of nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    /// Reads what `nats-server --version` prints, such as `nats-server: v2.15.1`; a pre-release counts as its release.
    fn parse(printed: &str) -> Option<Self> {
        let number = printed.trim().strip_prefix("nats-server: v")?;
        let number = number.split(['-', '+']).next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }

    /// The version of a program, or `None` where it is no nats-server.
    fn of(program: &Path) -> Option<Self> {
        process::ask(Command::new(program).arg("--version")).ok()?.as_deref().and_then(Self::parse)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A nats-server that is new enough: `$NATS_SERVER`, one on the path, the one fetched before, or one fetched now.
///
/// # Errors
/// When `$NATS_SERVER` names one that can not be used, or none is found and none can be fetched.
pub(crate) fn ensure(workspace: &Workspace, stop: &Stop) -> Result<PathBuf> {
    if let Some(named) = env::var_os("NATS_SERVER").filter(|name| !name.is_empty()) {
        return named_by_environment(PathBuf::from(named));
    }
    let fetched = workspace.tools().join("nats-server");
    for candidate in on_path().into_iter().chain([fetched.clone()]) {
        if let Some(version) = Version::of(&candidate).filter(|version| *version >= OLDEST) {
            println!("nats-server {version}: {}", candidate.display());
            return Ok(candidate);
        }
    }
    println!("no nats-server {OLDEST} or newer on the path: fetching {PINNED}");
    fetch::nats_server(&workspace.tools(), &fetched, stop)?;
    let version = Version::of(&fetched).context("the fetched nats-server does not run on this machine")?;
    println!("nats-server {version}: {}", fetched.display());
    Ok(fetched)
}

fn named_by_environment(program: PathBuf) -> Result<PathBuf> {
    match Version::of(&program) {
        Some(version) if version >= OLDEST => {
            println!("nats-server {version}: {} (from NATS_SERVER)", program.display());
            Ok(program)
        }
        found => {
            let what = found.map_or("no nats-server".to_owned(), |version| format!("version {version}"));
            bail!(
                "NATS_SERVER is {}, which is {what}; at least {OLDEST} is needed; next step: correct it, or \
                 unset it and {PINNED} is fetched",
                program.display()
            )
        }
    }
}

fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let programs = env::split_paths(&path).map(|folder| folder.join("nats-server"));
    programs.filter(|program| program.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(Version::parse("nats-server: v2.15.1\n"), Some(Version(2, 15, 1)));
        assert_eq!(Version::parse("nats-server: v2.12.0-RC.3"), Some(Version(2, 12, 0)));
        assert!(Version::parse("nats-server: v2.9.25") < Some(OLDEST));
        assert!(Version::parse("nats-server: v2.100.0") > Version::parse(&format!("nats-server: v{PINNED}")));
        for other in
            ["", "nats: v2.15.1", "nats-server: v2.15", "nats-server: v2.15.1.4", "nats-server: vx.y.z"]
        {
            assert_eq!(Version::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_named_program_that_is_no_nats_server_is_refused_with_a_next_step() {
        let error = named_by_environment(PathBuf::from("/bin/true")).unwrap_err().to_string();
        assert!(error.contains("no nats-server") && error.contains("next step"), "{error}");
    }

    #[test]
    fn the_pinned_version_is_new_enough() {
        assert!(Version::parse(&format!("nats-server: v{PINNED}")) >= Some(OLDEST));
    }
}
