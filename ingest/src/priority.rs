//! How far a thread stands back behind others when cores are short.

/// Makes this thread, and those that it will start, so nice. Where the system does not let it, the thread is one like the others.
pub fn stand_back(nice: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::debug!(%error, "a thread that works beside has no lower priority");
    }
}
