//! A `jaego serve` to measure: the release binary beside this one, on free ports of loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schemas::registry::OutletInfo;
use serde::Deserialize;

/// The key of person fingerprints of what is measured.
const PERSON_KEY: &str = "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978";
const READY_LIMIT: Duration = Duration::from_secs(300);

/// A running jaego; ended on drop.
pub struct Jaego {
    child: Child,
    /// Where it is to be found.
    pub endpoints: Endpoints,
    /// From its start until it was ready.
    pub ready_after: Duration,
}

/// The addresses in `endpoints.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoints {
    /// Open API.
    pub open: String,
    /// Desk; an edge has none.
    #[serde(default)]
    pub desk: String,
    /// NATS.
    pub nats: String,
    pid: u32,
}

/// Writes the registry as a store list that `--registry` reads.
///
/// # Errors
/// When the file can not be written.
pub fn write_registry(dir: &Path, outlets: &[OutletInfo]) -> Result<PathBuf> {
    let path = dir.join("registry.csv");
    sim::registry::write_csv(outlets, std::fs::File::create(&path)?)?;
    Ok(path)
}

impl Jaego {
    /// Starts on a data folder with more arguments and waits until it is ready.
    ///
    /// # Errors
    /// When it ends at start or is not ready in five minutes.
    pub fn start(data_dir: &Path, args: &[&str]) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("jaego");
        let start = Instant::now();
        let child = Command::new(&program)
            .args(["serve", "--log", "warn", "--exit-on-stdin-close"])
            .args([
                "--open-addr",
                "127.0.0.1:0",
                "--admin-addr",
                "127.0.0.1:0",
                "--desk-addr",
                "127.0.0.1:0",
                "--nats-listen",
                "127.0.0.1:0",
            ])
            // All readers of a bench come from one address.
            .args(["--open-rate", "0", "--open-connections", "0", "--open-connections-per-address", "0"])
            .arg("--data-dir")
            .arg(data_dir)
            .args(args)
            .env("JAEGO_PERSON_KEY_HEX", PERSON_KEY)
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("starting {}: build it with `cargo build --release -p server`", program.display())
            })?;
        let mut jaego = Self {
            child,
            endpoints: Endpoints { open: String::new(), desk: String::new(), nats: String::new(), pid: 0 },
            ready_after: Duration::ZERO,
        };
        while jaego.endpoints.pid != jaego.child.id() {
            if let Some(status) = jaego.child.try_wait()? {
                bail!("jaego ended at start with {status}");
            }
            if start.elapsed() > READY_LIMIT {
                bail!("jaego is not ready after {READY_LIMIT:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
            // The file is put in place by a rename: where there is one, it is whole.
            if let Ok(file) = std::fs::read(data_dir.join("endpoints.json")) {
                jaego.endpoints = serde_json::from_slice(&file).context("reading endpoints.json")?;
            }
        }
        jaego.ready_after = start.elapsed();
        Ok(jaego)
    }

    /// Resident memory, in MiB.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn resident_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("no VmRSS in /proc")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// Asks it to stop and waits for its end.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("jaego stopped with {status}") }
    }
}

impl Drop for Jaego {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
