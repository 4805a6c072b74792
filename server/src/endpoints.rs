//! `endpoints.json`: where a running jaego is to be found, for scripts and for the command line.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Addresses of a running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Open API.
    pub open: String,
    /// Claims and checks over HTTP; an edge has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub desk: String,
    /// Health, metrics, registry imports.
    pub admin: String,
    /// NATS.
    pub nats: String,
    /// Process id.
    pub pid: u32,
}

impl Endpoints {
    /// Where they are written.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("endpoints.json")
    }

    /// Writes them aside and puts them in place by one rename, so that a reader sees all or nothing.
    ///
    /// # Errors
    /// When the folder can not be written.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let path = Self::path(data_dir);
        let aside = path.with_extension("json.tmp");
        std::fs::write(&aside, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(aside, path)
    }

    /// Removes them: nobody is to be found here any more. Where there are none, nothing happens.
    ///
    /// # Errors
    /// When the folder can not be written.
    pub fn remove(data_dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(Self::path(data_dir)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
