//! One process of the stage: started, killed, paused and started again at the same addresses; never left behind.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// From being asked to end to being killed.
const PATIENCE: Duration = Duration::from_secs(12);

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A node of NATS.
    Nats,
    /// A core.
    Core,
    /// An edge.
    Edge,
}

/// How it is started.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(&'static str, String)>,
    /// Where its words go.
    pub(crate) log: PathBuf,
    /// What it writes when it is ready; a node of NATS writes nothing, and is ready when its monitor says so.
    pub(crate) endpoints: Option<PathBuf>,
    /// Its monitoring page, of a node of NATS.
    pub(crate) monitor: Option<SocketAddr>,
}

/// A process.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    recipe: Recipe,
    child: Option<Child>,
    paused: bool,
}

impl Part {
    /// Starts it.
    ///
    /// # Errors
    /// When the system can not start the program.
    pub(crate) fn start(name: String, sort: Sort, recipe: Recipe) -> Result<Self> {
        let mut part = Self { name, sort, recipe, child: None, paused: false };
        part.again()?;
        Ok(part)
    }

    /// Starts it once more, as it was.
    ///
    /// # Errors
    /// When the system can not start the program.
    pub(crate) fn again(&mut self) -> Result<()> {
        let Recipe { program, args, env, log, .. } = &self.recipe;
        let log = File::options().create(true).append(true).open(log).context("opening a log")?;
        let mut command = Command::new(program);
        // Settings of whoever rehearses are not those of the stage.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JAEGO_"))
        {
            command.env_remove(name);
        }
        command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(log.try_clone().context("sharing a log")?).stderr(log);
        let child = command.process_group(0).spawn();
        self.child = Some(child.with_context(|| format!("starting {} of {}", program.display(), self.name))?);
        Ok(())
    }

    /// Ends it in order, and starts it again with another value of a setting.
    ///
    /// # Errors
    /// When the system can not start the program.
    pub(crate) fn again_with(&mut self, [name, value]: [String; 2]) -> Result<()> {
        self.end();
        let args = &mut self.recipe.args;
        match args.iter().position(|arg| *arg == name) {
            Some(at) if at + 1 < args.len() => args[at + 1] = value,
            _ => args.extend([name, value]),
        }
        self.again()
    }

    /// Asks it to end by closing its standard input; what does not end in time is killed.
    fn end(&mut self) {
        let Some(child) = &mut self.child else { return };
        drop(child.stdin.take());
        let until = Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// Process id, while it was not killed.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it has said that it is ready.
    ///
    /// # Errors
    /// When it has ended instead.
    pub(crate) fn is_ready(&mut self) -> Result<bool> {
        if let Some(how) = self.ended() {
            bail!("{} ended at its start ({how}): {}", self.name, self.last_words());
        }
        if let Some(monitor) = self.recipe.monitor {
            return Ok(is_healthy(monitor));
        }
        let Some(path) = &self.recipe.endpoints else { return Ok(true) };
        let written = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes).ok(),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("reading endpoints.json"),
        };
        Ok(written.is_some_and(|endpoints| endpoints["pid"].as_u64() == self.pid().map(u64::from)))
    }

    /// How it ended, if it did by itself.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let ended = self.child.as_mut()?.try_wait().ok()??;
        Some(ended.to_string())
    }

    /// Kills it at once, as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A process that can not be killed has ended already.
            let _gone = child.kill();
            let _gone = child.wait();
        }
        self.paused = false;
    }

    /// Stops it in its tracks, or lets it go on.
    pub(crate) fn pause(&mut self, paused: bool) {
        let signal = if paused { Signal::SIGSTOP } else { Signal::SIGCONT };
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            // A process that can not be signalled has ended: `ended` tells.
            let _gone = kill(Pid::from_raw(pid), signal);
            self.paused = paused;
        }
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.recipe.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// Whether a node of NATS says that it is well.
fn is_healthy(monitor: SocketAddr) -> bool {
    let answer = super::super::plain_http::get(monitor, "/healthz", Duration::from_millis(500));
    answer.is_ok_and(|(status, _)| status == 200) && TcpStream::connect(monitor).is_ok()
}

impl Drop for Part {
    /// A node of NATS is killed: what it acknowledged is on its disk.
    fn drop(&mut self) {
        if self.paused {
            self.pause(false);
        }
        match self.sort {
            Sort::Nats => self.kill(),
            Sort::Core | Sort::Edge => self.end(),
        }
    }
}
