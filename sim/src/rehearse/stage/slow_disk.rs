//! A disk that takes long over every fsync, for one process: `strace` holds each of its calls to fsync and fdatasync back.
//!
//! While it is attached every other call to the system of that process costs two stops more (about 10 µs each), which is part of the fault.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::refused::{self, NotHere};

const WHAT: &str = "a slow fsync";
/// How long it may take to be attached, and to let go.
const WITHIN: Duration = Duration::from_secs(5);

/// Calls are held back while this lives.
pub(crate) struct SlowDisk {
    tracer: Child,
}

/// Whether this machine and user can make one.
///
/// # Errors
/// [`NotHere`] where `strace` is missing or may not trace.
pub(crate) fn is_possible() -> Result<(), NotHere> {
    refused::needs_program("strace", "strace", WHAT)?;
    refused::needs_program("setpriv", "util-linux", WHAT)?;
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let scope: u32 = scope.trim().parse().unwrap_or(0);
    if scope > 2 || (scope > 0 && !nix::unistd::geteuid().is_root()) {
        let why = format!("kernel.yama.ptrace_scope is {scope}, so no process of ours may be traced");
        return Err(NotHere::Tracing { what: WHAT, why });
    }
    Ok(())
}

impl SlowDisk {
    /// Holds every fsync of a process back by so much, from now on. Called by the main thread: it ends with it.
    ///
    /// # Errors
    /// [`NotHere`] where `strace` can not be attached; its words are told.
    pub(crate) fn attach(pid: u32, each: Duration) -> Result<Self> {
        is_possible()?;
        let inject = format!("inject=fsync,fdatasync:delay_enter={}", each.as_micros());
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "strace", "-f", "-qq", "-o", "/dev/null"]);
        command.args(["-e", "trace=fsync,fdatasync", "-e", &inject, "-p", &pid.to_string()]);
        let tracer = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut disk = Self { tracer };
        let started = Instant::now();
        while !all_are_traced(pid) {
            if disk.tracer.try_wait()?.is_some() || started.elapsed() > WITHIN {
                return Err(NotHere::Tracing { what: WHAT, why: disk.words() }.into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(disk)
    }

    fn words(&mut self) -> String {
        let _gone = self.tracer.kill();
        let mut words = String::new();
        if let Some(mut told) = self.tracer.stderr.take() {
            // What can not be read was not said.
            let _read = told.read_to_string(&mut words);
        }
        if words.is_empty() { "strace was not attached in time".to_owned() } else { words.trim().to_owned() }
    }
}

impl Drop for SlowDisk {
    /// Lets the process go on as it was: asked to end, `strace` lets go of it.
    fn drop(&mut self) {
        let asked = i32::try_from(self.tracer.id()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        let started = Instant::now();
        while asked.is_ok() && matches!(self.tracer.try_wait(), Ok(None)) && started.elapsed() < WITHIN {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The kernel lets go of what a tracer that was killed held.
        let _gone = self.tracer.kill();
        let _gone = self.tracer.wait();
    }
}

/// Whether each thread of a process has a tracer.
fn all_are_traced(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let traced = |path: &std::path::Path| {
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        tracer.is_some_and(|pid| pid.trim() != "0")
    };
    threads.flatten().all(|thread| traced(&thread.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};

    /// Asks a process to fsync once; how long that took.
    fn fsync(child: &mut Child, said: &mut impl BufRead) -> Duration {
        let started = Instant::now();
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
        started.elapsed()
    }

    #[test]
    fn an_fsync_takes_as_long_as_was_asked_until_it_is_let_go() {
        if let Err(error) = is_possible() {
            return eprintln!("skipped: {error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let script = "while read -r _; do echo x > f; sync -d f; echo done; done";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let each = Duration::from_millis(700);
        assert!(fsync(&mut child, &mut said) < each);
        let slow = SlowDisk::attach(child.id(), each).unwrap();
        assert!(fsync(&mut child, &mut said) >= each);
        drop(slow);
        assert!(fsync(&mut child, &mut said) < each);
        let gone = SlowDisk::attach(u32::MAX / 2, each).err().unwrap();
        assert!(gone.downcast_ref::<NotHere>().is_some(), "{gone:#}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
