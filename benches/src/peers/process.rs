//! Finding, starting and ending the programs of the peers.

use std::env;
use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A peer is not installed; printed, it says what to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInstalled {
    /// Debian packages that are missing.
    pub packages: Vec<&'static str>,
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packages = self.packages.join(" ");
        write!(f, "not installed; next step: apt-get install --no-install-recommends {packages}")
    }
}

impl std::error::Error for NotInstalled {}

/// Looks for a program in `PATH` and in the folders where Debian puts servers.
pub(super) fn find(name: &str, package: &'static str) -> Result<PathBuf, NotInstalled> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or(NotInstalled { packages: vec![package] })
}

/// Niceness of the threads with which jaego answers readers: whoever is measured beside them, and whoever loads both, gets as much of
/// the cores as they do.
const NICENESS: &str = "5";

/// A command that runs the program with the niceness of jaego's own readers.
pub(super) fn as_nice_as_readers(program: &Path) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", NICENESS]).arg(program);
    command
}

/// A port of loopback that is free now.
pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}

/// A started program, ended by its own process id when dropped.
pub(super) struct Running {
    child: Child,
    stop: Signal,
}

impl Running {
    /// Starts the program; `stop` is the signal on which it ends at once and takes its children along.
    pub(super) fn start(command: &mut Command, stop: Signal) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child, stop })
    }

    /// Tries until the program answers.
    ///
    /// # Errors
    /// When it ends, or does not answer within 20 s.
    pub(super) async fn ready<T, F>(&mut self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let start = Instant::now();
        loop {
            match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) if start.elapsed() > START_LIMIT => return Err(error.context("no answer")),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} before it answered");
            }
        }
    }

    fn ended_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid fits pid_t"));
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        if kill(pid, self.stop).is_err() || !self.ended_within(STOP_LIMIT) {
            // Nothing more can be done about a process that outlives SIGKILL.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
