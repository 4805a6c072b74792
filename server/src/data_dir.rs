//! The data directory of one process: whoever else starts on it is refused, and spoils nothing of the one that runs.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// One that was killed a moment ago, or is just stopping, is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Makes the directory and holds it for as long as the file lives.
///
/// # Errors
/// When another process holds it, or it can not be written.
pub(crate) fn hold(dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(dir).with_context(|| format!("making the data directory {}", dir.display()))?;
    let path = dir.join("lock");
    let what = || format!("locking {}", path.display());
    let lock = File::options().create(true).append(true).open(&path).with_context(what)?;
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(cause)) => return Err(cause).with_context(what),
            Err(TryLockError::WouldBlock) if started.elapsed() > PATIENCE => bail!(
                "another jaego runs on {}: stop it first, or give this one a --data-dir of its own",
                dir.display()
            ),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
