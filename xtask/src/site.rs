//! A folder with a synthetic registry, and the `jaego serve` and the fleet that run on it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Running, Stop};
use crate::workspace::Workspace;

const READY_WITHIN: Duration = Duration::from_secs(120);
/// `jaego serve` ends within 10 s of being asked; the rest is for a machine under load.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where a server runs, and the programs that run there.
pub(crate) struct Site {
    folder: PathBuf,
    jaego: PathBuf,
    sim: PathBuf,
}

impl Site {
    /// A folder of that name beside what cargo builds, for the programs of a profile.
    pub(crate) fn new(workspace: &Workspace, profile: &str, name: &str) -> Self {
        let program = |name| workspace.program(profile, name);
        Self { folder: workspace.scratch(name), jaego: program("jaego"), sim: program("jaego-sim") }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The log of the server.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("jaego.log")
    }

    /// The key of person fingerprints; of readers' keys too where they are asked for.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("person.key")
    }

    /// Takes the folder for as long as what is returned lives: who comes meanwhile would clear it away under those who run in it.
    ///
    /// # Errors
    /// When another has it, or it can not be locked.
    pub(crate) fn hold(&self) -> Result<File> {
        let path = self.folder.with_extension("lock");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.with_context(|| format!("opening {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => bail!(
                "another run has {}; next step: stop it, or use another clone of the project",
                self.folder.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }

    /// Removes what earlier runs left.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn clear(&self) -> Result<()> {
        if self.folder.exists() {
            let removed = fs::remove_dir_all(&self.folder);
            removed.with_context(|| format!("removing {}", self.folder.display()))?;
        }
        Ok(())
    }

    /// Writes the registry, and the key where there is none.
    ///
    /// # Errors
    /// When a program fails or the folder can not be made.
    pub(crate) fn lay_out(&self, stop: &Stop, outlets: u32, seed: u64) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("making {}", self.folder.display()))?;
        let mut registry = Command::new(&self.sim);
        registry.arg("registry").arg("--out").arg(self.registry());
        registry.args(["--outlets", &outlets.to_string(), "--seed", &seed.to_string()]);
        process::run(stop, &mut registry)?;
        if self.key().exists() {
            return Ok(());
        }
        process::run(stop, Command::new(&self.jaego).args(["key", "new"]).arg(self.key()))
    }

    /// Starts the server with a NATS of its own under the policy `drill`; its output goes to the log.
    ///
    /// # Errors
    /// When it can not be started.
    pub(crate) fn serve(&self, nats_server: &Path, args: &[&str]) -> Result<Running> {
        let log = File::create(self.log()).context("making the log of the server")?;
        let stale = self.endpoints();
        if stale.exists() {
            fs::remove_file(&stale).with_context(|| format!("removing {}", stale.display()))?;
        }
        let mut serve = Command::new(&self.jaego);
        serve.args(["serve", "--nats", "managed", "--policy", "drill", "--exit-on-stdin-close"]);
        serve.arg("--registry").arg(self.registry()).arg("--data-dir").arg(self.data());
        serve.arg("--person-key").arg(self.key()).args(args);
        serve.env("NATS_SERVER", nats_server).stdout(log.try_clone().context("sharing the log")?).stderr(log);
        Running::start("jaego", &mut serve)
    }

    /// Starts the fleet against the server, which must be ready.
    ///
    /// # Errors
    /// When it can not be started.
    pub(crate) fn fleet(&self, args: &[&str]) -> Result<Running> {
        let mut fleet = Command::new(&self.sim);
        fleet.arg("fleet").arg("--endpoints").arg(self.endpoints());
        fleet.arg("--registry").arg(self.registry()).arg("--exit-on-stdin-close").args(args);
        Running::start("the fleet", &mut fleet)
    }

    /// What the server wrote when it was ready; `None` when somebody asked to stop meanwhile.
    ///
    /// # Errors
    /// When it ends by itself or takes too long.
    pub(crate) fn wait_until_ready(&self, stop: &Stop, server: &mut Running) -> Result<Option<Value>> {
        println!("starting jaego with a NATS of its own, and importing the registry");
        let start = Instant::now();
        let mut shown = 0;
        stop.poll(|| {
            if let Some(endpoints) = self.read_endpoints() {
                return Ok(Some(endpoints));
            }
            self.still_running(server)?;
            let seconds = start.elapsed().as_secs();
            if start.elapsed() > READY_WITHIN {
                bail!("jaego is not ready after {seconds} s; next step: read {}", self.end_of_log()?);
            }
            if seconds >= shown + 5 {
                shown = seconds;
                println!("  not ready after {seconds} s, waiting");
            }
            Ok(None)
        })
    }

    /// Nothing, as long as the server runs.
    ///
    /// # Errors
    /// When it has ended; with the end of its log.
    pub(crate) fn still_running(&self, server: &mut Running) -> Result<()> {
        match server.ended()? {
            None => Ok(()),
            Some(status) => bail!("jaego ended by itself ({status}); next step: read {}", self.end_of_log()?),
        }
    }

    fn registry(&self) -> PathBuf {
        self.folder.join("registry.csv")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn endpoints(&self) -> PathBuf {
        self.data().join("endpoints.json")
    }

    /// `None` while there is nothing, or only a part.
    fn read_endpoints(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.endpoints()).ok()?).ok()
    }

    /// The place of the server's log, and its last lines.
    fn end_of_log(&self) -> Result<String> {
        let place = self.log();
        let text = fs::read(&place).with_context(|| format!("reading {}", place.display()))?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n");
        Ok(format!("{}, which ends so:\n{last}", place.display()))
    }
}

/// An address that a ready server wrote down.
///
/// # Errors
/// When it wrote none of that name.
pub(crate) fn address<'a>(endpoints: &'a Value, name: &str) -> Result<&'a str> {
    endpoints[name].as_str().with_context(|| format!("endpoints.json of jaego has no address {name:?}"))
}
