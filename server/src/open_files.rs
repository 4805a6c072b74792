//! Open files: as many as the system grants, and a word where readers would need more.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files beside connections of readers: NATS, the desk's callers, checkpoints, logs, and 256 files of memory for large bodies.
const OTHERS: u64 = 756;

/// Takes as many open files as this process may have, and says so where that is too few for so many connections.
pub fn take_all(connections: Option<usize>) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let most = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    };
    let wanted =
        connections.map_or(0, |count| u64::try_from(count).unwrap_or(u64::MAX)).saturating_add(OTHERS);
    if most < wanted {
        tracing::warn!(
            most,
            wanted,
            "too few open files for as many connections of readers: raise `ulimit -n` (LimitNOFILE), or lower open-connections"
        );
    }
}
