//! The threads of checks and the desk: apart from those that write, and behind them where both want a core.

use tokio::runtime::{Builder, Runtime};

/// Niceness of these threads: when cores are short, they get about a ninth of what a thread that writes gets.
const NICE: i32 = 10;

/// One thread for each four cores, at least one.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(4))
        .thread_name("counters")
        .on_thread_start(stand_back)
        .enable_all()
        .build()
}

/// Where the system does not let it, the thread is one like the others.
fn stand_back() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
        tracing::debug!(%error, "the threads of checks have no lower priority");
    }
}
