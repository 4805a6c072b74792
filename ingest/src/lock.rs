//! Files that one process holds at a time, for as long as it keeps them open: the kernel lets go when it dies.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Holds a file, made where there is none; `None` where another process still holds it after `patience`, for one that was killed
/// a moment ago or is stopping is waited for.
///
/// # Errors
/// When it can not be opened or locked.
pub fn hold(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(cause)) => return Err(cause),
            Err(TryLockError::WouldBlock) if started.elapsed() > patience => return Ok(None),
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(Duration::from_millis(5)),
        }
    }
}
