//! Where things lie: the root of the repository, its tools, and what cargo builds.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository this xtask was built from.
pub(crate) struct Workspace {
    /// Folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the root from where cargo built this crate, and the target folder from where this program lies.
    ///
    /// # Errors
    /// When the program was moved away from the folder that cargo put it into.
    pub(crate) fn locate() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies inside of no workspace")?;
        let program = env::current_exe().context("asking the system where xtask lies")?;
        let target = program.ancestors().nth(2).context("next step: start me as `cargo xtask`")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// Folder of tools that this repository fetched for itself; git ignores it.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join(".tools")
    }

    /// A program that cargo made, under `debug` or `release`.
    pub(crate) fn program(&self, profile: &str, program: &str) -> PathBuf {
        self.target.join(profile).join(program)
    }

    /// A folder for what runs leave behind; git ignores it.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }
}
