//! The data directory of one process: whoever else starts on it is refused, and spoils nothing of the one that runs.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

const PATIENCE: Duration = Duration::from_secs(3);

/// Makes the directory and holds it for as long as the file lives.
///
/// # Errors
/// When another process holds it, or it can not be written.
pub(crate) fn hold(dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(dir).with_context(|| format!("making the data directory {}", dir.display()))?;
    let held = ingest::lock::hold(&dir.join("lock"), PATIENCE);
    held.with_context(|| format!("locking the data directory {}", dir.display()))?.with_context(|| {
        format!(
            "another jaego runs on {}: stop it first, or give this one a --data-dir of its own",
            dir.display()
        )
    })
}
