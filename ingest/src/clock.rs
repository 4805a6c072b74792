//! The one place where time of day is read.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemas::Millis;

/// How far the clock of this process is ahead, where it was moved for a rehearsal.
static AHEAD: OnceLock<Duration> = OnceLock::new();

/// Moves the clock of this process ahead, once, before anything has read it: a rehearsal plays days to come.
pub fn move_ahead(by: Duration) {
    // Only the first call counts.
    let _moved = AHEAD.set(by);
}

/// Now, by this machine's clock, or by one that was moved.
#[must_use]
pub fn now() -> Millis {
    millis(since_1970() + AHEAD.get().copied().unwrap_or_default())
}

/// Now by this machine's clock, whether or not ours was moved: what other machines' clocks are held against.
pub(crate) fn machine() -> Millis {
    millis(since_1970())
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn millis(since_1970: Duration) -> Millis {
    Millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
