//! The threads of counters: the desk has one beside those that write, and checks over NATS one that stands behind all others.

use tokio::runtime::{Builder, Handle, Runtime};

/// Niceness of the threads that judge checks over NATS: when cores are short, they get about a ninth of what others get.
const NICE: i32 = 10;

/// Where the desk and the checks over NATS are answered.
pub(crate) struct Counters {
    desk: Runtime,
    checks: Runtime,
}

impl Counters {
    /// For each one thread to each four cores, at least one.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).div_ceil(4);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).enable_all();
        let desk = builder.thread_name("desk").build()?;
        let checks = builder.thread_name("checks").on_thread_start(stand_back).build()?;
        Ok(Self { desk, checks })
    }

    /// Where the desk is answered.
    pub(crate) fn desk(&self) -> &Handle {
        self.desk.handle()
    }

    /// Where checks over NATS are.
    pub(crate) fn checks(&self) -> &Handle {
        self.checks.handle()
    }

    /// Ends what still runs.
    pub(crate) fn shutdown(self, limit: std::time::Duration) {
        self.desk.shutdown_timeout(limit);
        self.checks.shutdown_timeout(limit);
    }
}

/// Where the system does not let it, the thread is one like the others.
fn stand_back() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
        tracing::debug!(%error, "the threads of checks have no lower priority");
    }
}
