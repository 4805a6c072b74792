//! Finds the pinned schemathesis in `.tools`, or installs it there, each file checked against its SHA-256.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, Stop};
use crate::workspace::Workspace;

/// What is installed, by name and SHA-256, relative to the root.
const REQUIREMENTS: &str = "publisher/contract/schemathesis.txt";
/// Ends with 0 where what follows can be done.
const FIT: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// The pinned schemathesis; installed when it is not there, or when what is pinned has changed.
///
/// # Errors
/// When there is no Python that can install it, or pip can not.
pub(crate) fn ensure(workspace: &Workspace, stop: &Stop) -> Result<PathBuf> {
    let requirements = workspace.root.join(REQUIREMENTS);
    let pinned = fs::read_to_string(&requirements).with_context(|| format!("reading {REQUIREMENTS}"))?;
    let version = version(&pinned).with_context(|| format!("{REQUIREMENTS} names no schemathesis"))?;
    let folder = workspace.tools().join(format!("schemathesis-{version}"));
    // Written last, so it is there only where all of it is.
    let installed = folder.join("installed.txt");
    if !fs::read_to_string(&installed).is_ok_and(|text| text == pinned) {
        println!("installing schemathesis {version} into {}", folder.display());
        install(&folder, &requirements, stop)?;
        fs::write(&installed, &pinned).with_context(|| format!("writing {}", installed.display()))?;
    }
    println!("schemathesis {version}: {}", folder.display());
    Ok(folder.join("bin/schemathesis"))
}

fn version(pinned: &str) -> Option<&str> {
    pinned.lines().find_map(|line| line.strip_prefix("schemathesis=="))?.split_whitespace().next()
}

fn install(folder: &Path, requirements: &Path, stop: &Stop) -> Result<()> {
    if !matches!(process::ask(Command::new("python3").args(["-c", FIT])), Ok(Some(_))) {
        bail!(
            "no python3 of 3.11 or newer with venv and pip is on the path; next step: install it (on Debian: apt-get install \
             python3-venv)"
        );
    }
    process::run(stop, Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"];
    let checked = ["--only-binary=:all:", "--require-hashes", "--requirement"];
    let mut command = Command::new(folder.join("bin/python"));
    process::run(stop, command.args(pip).args(checked).arg(requirements))
        .context("schemathesis can not be installed; the first time a network is needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_pinned_and_the_version_is_read() {
        let pinned = include_str!("../../publisher/contract/schemathesis.txt");
        assert!(version(pinned).is_some_and(|version| version.split('.').count() == 3));
        let lines: Vec<&str> = pinned.lines().filter(|line| !line.starts_with('#')).collect();
        let names = lines.iter().filter(|line| line.contains("=="));
        let followed =
            lines.windows(2).filter(|pair| pair[0].contains("==") && pair[1].contains("--hash=sha256:"));
        assert_eq!(names.count(), followed.count(), "a package without a checksum");
        assert_eq!(version("pytest==9.2.0 \\\n"), None);
    }
}
