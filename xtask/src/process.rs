//! Starting and stopping other programs so that none outlives xtask.
//!
//! Every program gets a process group of its own, so Ctrl-C reaches xtask alone, which then stops them in order. Those that
//! run for long hold a pipe from xtask as standard input and end when it closes, so even `kill -9` of xtask stops them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

const POLL: Duration = Duration::from_millis(20);

/// Whether somebody asked xtask to stop.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for Ctrl-C, SIGTERM and a closed terminal.
    ///
    /// # Errors
    /// When the system refuses to install the listeners.
    pub(crate) fn on_signals() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&asked)).context("listening for signals")?;
        }
        Ok(Self(asked))
    }

    /// Whether it was asked.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until `look` finds something, somebody asks to stop (`None`), or it fails.
    pub(crate) fn poll<T>(&self, mut look: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
        while !self.asked() {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            thread::sleep(POLL);
        }
        Ok(None)
    }
}

/// A program that runs, and that is gone when this value is.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
}

impl Running {
    /// Starts a program in a group of its own; it sees a pipe as standard input.
    ///
    /// # Errors
    /// When the program can not be started.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).process_group(0).spawn();
        Ok(Self { name, child: child.with_context(|| format!("starting {name}"))? })
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the system can not tell.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("asking after {}", self.name))
    }

    /// Closes its standard input, which asks it to end, and waits; after `patience` the whole group is killed.
    pub(crate) fn stop(&mut self, patience: Duration) {
        drop(self.child.stdin.take());
        if !self.gone_within(patience) {
            eprintln!("{} did not end within {} s and is killed", self.name, patience.as_secs());
            self.signal(Signal::SIGKILL);
            self.gone_within(patience);
        }
    }

    fn gone_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !matches!(self.child.try_wait(), Ok(Some(_))) {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }

    /// Signals the group; that it is gone already is what was wanted.
    fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _gone = killpg(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop(Duration::from_secs(10));
        }
    }
}

/// Runs a program to its end, showing what it prints.
///
/// # Errors
/// When it can not be started, fails, or somebody asks to stop meanwhile; then it is ended with all it started.
pub(crate) fn run(stop: &Stop, command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let child = command.stdin(Stdio::null()).process_group(0).spawn();
    let child = child.with_context(|| format!("starting `{shown}`; next step: see that it is installed"))?;
    let mut running = Running { name: "the program", child };
    match stop.poll(|| running.ended())? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{shown}` failed ({status}); next step: see its last lines above"),
        None => {
            running.signal(Signal::SIGTERM);
            running.stop(Duration::from_secs(10));
            bail!("stopped on request while `{shown}` was running")
        }
    }
}

/// What a program prints when asked, or `None` where it is not there or fails.
pub(crate) fn ask(command: &mut Command) -> io::Result<Option<String>> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> Stop {
        Stop(Arc::new(AtomicBool::new(false)))
    }

    #[test]
    fn a_failing_program_is_named_in_the_error() {
        let error = run(&never(), Command::new("sh").args(["-c", "exit 3"])).unwrap_err().to_string();
        assert!(error.contains("sh -c exit 3") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_stop_ends_the_program_at_once() {
        let start = Instant::now();
        let asked = Arc::new(AtomicBool::new(false));
        let stop = Stop(Arc::clone(&asked));
        let late = thread::spawn(move || asked.store(true, Ordering::Relaxed));
        assert!(run(&stop, Command::new("sleep").arg("60")).is_err());
        late.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn closing_the_pipe_ends_a_program_that_reads_it() {
        let mut cat = Running::start("cat", Command::new("cat").stdout(Stdio::null())).unwrap();
        assert!(cat.ended().unwrap().is_none());
        cat.stop(Duration::from_secs(10));
        assert!(cat.ended().unwrap().unwrap().success());
    }

    #[test]
    fn a_deaf_program_is_killed_with_all_it_started() {
        let script = "sleep 60 & echo $!; exec sleep 60";
        let mut deaf =
            Running::start("deaf", Command::new("sh").args(["-c", script]).stdout(Stdio::piped())).unwrap();
        let out = io::BufReader::new(deaf.child.stdout.take().unwrap());
        let grandchild: i32 = io::BufRead::lines(out).next().unwrap().unwrap().parse().unwrap();
        deaf.stop(Duration::from_millis(50));
        assert!(!deaf.ended().unwrap().unwrap().success());
        let gone =
            || nix::sys::signal::kill(Pid::from_raw(grandchild), None).is_err() || is_zombie(grandchild);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < deadline, "the grandchild lives on");
            thread::yield_now();
        }
    }

    /// A killed orphan stays in the table until its new parent reaps it.
    fn is_zombie(pid: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }
}
