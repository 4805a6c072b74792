//! The threads of a process beside the one that writes, and how far each stands back behind it when cores are short.

use std::time::Duration;

use ingest::priority::stand_back;
use tokio::runtime::{Builder, Handle, Runtime};

/// Niceness of the threads that judge checks over NATS: they get about a ninth of what others get.
const CHECKS: i32 = 10;
/// Of those that render and relay versions, and of those that answer readers: about a third. All of a version's work comes at its
/// tick at once, readers come when they like, and a sale is to wait for neither. Among each other they are alike: a storm of readers
/// does not make them read old versions.
const PUBLIC: i32 = 5;

/// The threads of a core.
pub(crate) struct Threads {
    reading: Runtime,
    publishing: Runtime,
    desk: Runtime,
    checks: Runtime,
}

impl Threads {
    /// For the desk and for checks one thread to each four cores, at least one.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let counters = std::thread::available_parallelism().map_or(1, usize::from).div_ceil(4);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(counters).enable_all();
        let desk = builder.thread_name("desk").build()?;
        let checks = builder.thread_name("checks").on_thread_start(|| stand_back(CHECKS)).build()?;
        Ok(Self { reading: reading()?, publishing: publishing()?, desk, checks })
    }

    /// Where the open API and the admin port are answered.
    pub(crate) fn reading(&self) -> &Handle {
        self.reading.handle()
    }

    /// Where versions are rendered and relayed.
    pub(crate) fn publishing(&self) -> &Handle {
        self.publishing.handle()
    }

    /// Where the desk is answered.
    pub(crate) fn desk(&self) -> &Handle {
        self.desk.handle()
    }

    /// Where checks over NATS are.
    pub(crate) fn checks(&self) -> &Handle {
        self.checks.handle()
    }

    /// Ends what still runs, within the limit each.
    pub(crate) fn shutdown(self, limit: Duration) {
        for runtime in [self.desk, self.checks, self.publishing, self.reading] {
            runtime.shutdown_timeout(limit);
        }
    }
}

/// Threads that answer readers. They stand back behind who writes, here or in a core on the same machine.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn reading() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name("open")
        .on_thread_start(|| stand_back(PUBLIC))
        .enable_all()
        .build()
}

/// The thread that publishes, and those it starts, which stand back as it does.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn publishing() -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .thread_name("publish")
        .on_thread_start(|| stand_back(PUBLIC))
        .enable_all()
        .build()
}
