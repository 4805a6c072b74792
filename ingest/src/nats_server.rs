//! A nats-server of our own: started as a child under the data directory, every acknowledged message fsynced.
//!
//! The child dies with us: it is ended on drop, and where `setpriv` is at hand the kernel ends it even when we are killed.
//! It holds a lock on its folder as long as it lives, so that no second server ever opens the same store.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::identity::KEY_VARIABLES;
use crate::lock;

/// How long the server may take to recover its store and listen.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long a server that was killed may take to be gone.
const HELD_LIMIT: Duration = Duration::from_secs(5);

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no program to start.
    #[error("no nats-server found: set NATS_SERVER to its path, put it in PATH, or run `cargo xtask setup`")]
    NotFound,
    /// `NATS_SERVER` names something else.
    #[error(
        "NATS_SERVER is {}, {what}: correct it, or unset it to take the nats-server in .tools or in PATH",
        program.display()
    )]
    Named {
        /// What it names.
        program: PathBuf,
        /// What is wrong with that.
        what: String,
    },
    /// A file or the process could not be had.
    #[error("{what} {path}: {cause}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Another one has not ended.
    #[error(
        "{0} is in use by another nats-server: stop the jaego that runs on this data directory, or choose another one"
    )]
    Held(PathBuf),
    /// It ended by itself.
    #[error("nats-server ended at start with {status}; its last words: {log}")]
    Ended {
        /// Exit status.
        status: std::process::ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// It did not listen in time.
    #[error("nats-server does not listen after {0:?}; see nats.log in the data directory")]
    Silent(Duration),
}

/// A running child server.
#[derive(Debug)]
pub struct NatsServer {
    dir: PathBuf,
    listen: SocketAddr,
    child: Child,
    url: String,
    monitor: String,
}

#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
    monitoring: Vec<String>,
}

impl NatsServer {
    /// Starts a server that keeps its store in `dir` and listens on `listen` (port 0: any free one).
    ///
    /// # Errors
    /// [`StartError`], each with a next step.
    pub fn start(dir: &Path, listen: SocketAddr) -> Result<Self, StartError> {
        let program = match named(std::env::var_os("NATS_SERVER")) {
            Some(program) => checked(program)?,
            None => found().ok_or(StartError::NotFound)?,
        };
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |cause| StartError::Io { what, path, cause }
        };
        let lock = hold(dir)?;
        let ports_dir = dir.join("ports");
        std::fs::create_dir_all(&ports_dir).map_err(io("creating", &ports_dir))?;
        for old in std::fs::read_dir(&ports_dir).map_err(io("reading", &ports_dir))?.flatten() {
            std::fs::remove_file(old.path()).map_err(io("removing", &old.path()))?;
        }
        let config = dir.join("nats.conf");
        std::fs::write(&config, configuration(dir, &ports_dir, listen)).map_err(io("writing", &config))?;
        let log = dir.join("nats.log");
        let output = File::options().create(true).append(true).open(&log).map_err(io("opening", &log))?;
        let child = command(&program)
            .arg("--config")
            .arg(&config)
            // It reads nothing, but the lock is held for as long as it has the file open.
            .stdin(lock)
            .stdout(Stdio::null())
            // A Ctrl-C is for us: the journal must outlive what is still to be written.
            .process_group(0)
            .stderr(output)
            .spawn()
            .map_err(io("starting", &program))?;
        let mut server =
            Self { dir: dir.to_owned(), listen, child, url: String::new(), monitor: String::new() };
        server.await_ports(&ports_dir, &log)?;
        Ok(server)
    }

    /// Starts it again after it died, on the same address.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub fn restart(&mut self) -> Result<(), StartError> {
        let port = self.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
        let listen = SocketAddr::new(self.listen.ip(), port);
        *self = Self::start(&self.dir.clone(), listen)?;
        Ok(())
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the monitoring pages are, on loopback.
    #[must_use]
    pub fn monitor(&self) -> &str {
        &self.monitor
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps what is written.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // Every acknowledged message is on disk. That it has ended already is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn await_ports(&mut self, ports_dir: &Path, log: &Path) -> Result<(), StartError> {
        let file = ports_dir.join(format!("nats-server_{}.ports", self.child.id()));
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if let Some(ports) =
                std::fs::read(&file).ok().and_then(|b| serde_json::from_slice::<Ports>(&b).ok())
                && let (Some(url), Some(monitor)) = (ports.nats.first(), ports.monitoring.first())
            {
                self.url.clone_from(url);
                self.monitor.clone_from(monitor);
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(StartError::Ended { status, log: tail(log) });
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Err(StartError::Silent(START_LIMIT))
    }
}

/// Locks the folder of a server.
fn hold(dir: &Path) -> Result<File, StartError> {
    let path = dir.join("lock");
    let held = lock::hold(&path, HELD_LIMIT);
    let held = held.map_err(|cause| StartError::Io { what: "locking", path, cause })?;
    held.ok_or_else(|| StartError::Held(dir.to_owned()))
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // An abrupt end loses nothing, and is over at once.
        self.kill();
    }
}

/// What `$NATS_SERVER` names, be it there or not: whoever starts that is told. Where it is not set, the first in `.tools` of
/// this and the folders above, then in `PATH`.
#[must_use]
pub fn find() -> Option<PathBuf> {
    named(std::env::var_os("NATS_SERVER")).or_else(found)
}

fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// The program, where it says that it is a nats-server.
fn checked(program: PathBuf) -> Result<PathBuf, StartError> {
    let asked = without_keys(Command::new(&program)).arg("--version").stdin(Stdio::null()).output();
    let what = match asked {
        Ok(told) if told.stdout.starts_with(b"nats-server: v") => return Ok(program),
        Ok(_) => "which is no nats-server".to_owned(),
        Err(error) => format!("which does not run ({error})"),
    };
    Err(StartError::Named { program, what })
}

fn found() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let tools = here.iter().flat_map(|dir| dir.ancestors()).map(|dir| dir.join(".tools/nats-server"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|dir| dir.join("nats-server")).collect::<Vec<_>>();
    tools.chain(in_path).find(|p| p.is_file())
}

/// The keys of persons are not for it.
fn without_keys(mut command: Command) -> Command {
    for variable in KEY_VARIABLES {
        command.env_remove(variable);
    }
    command
}

fn command(program: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    without_keys(match std::env::split_paths(&path).map(|dir| dir.join("setpriv")).find(|p| p.is_file()) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    })
}

/// Every outlet has subjects of its own, many more than the server's cache of subjects holds: it would be filled anew all the
/// time.
fn configuration(dir: &Path, ports_dir: &Path, listen: SocketAddr) -> Vec<u8> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let port = if listen.port() == 0 { -1 } else { i32::from(listen.port()) };
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    let mut text = Vec::new();
    write!(
        text,
        "# Written at every start of jaego serve --nats managed.\n\
         listen: \"{ip}:{port}\"\nhttp: \"127.0.0.1:-1\"\nports_file_dir: {}\nserver_name: jaego\n\
         max_payload: 1048576\ndisable_sublist_cache: true\nmax_pending: 268435456\nwrite_deadline: \"30s\"\n\
         jetstream {{ store_dir: {}, sync_interval: always, max_memory_store: 0, max_file_store: 1TB }}\n",
        quoted(ports_dir),
        quoted(&dir.join("jetstream")),
    )
    .expect("writing into memory");
    text
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nats_server_names_is_taken_or_an_error_that_names_it() {
        assert_eq!(named(None), None);
        assert_eq!(named(Some(OsString::new())), None);
        assert_eq!(named(Some("/typo".into())), Some("/typo".into()));
        for (program, what) in [("/typo/nats-server", "does not run"), ("/bin/true", "is no nats-server")] {
            let error = checked(program.into()).unwrap_err().to_string();
            assert!(error.contains(program) && error.contains(what) && error.contains("unset it"), "{error}");
        }
        let program = find().expect("no nats-server: run `cargo xtask setup`");
        assert_eq!(checked(program.clone()).unwrap(), program);
    }

    #[test]
    fn an_ipv6_address_is_listened_on_and_again_after_a_restart() {
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            println!("skipped: this machine has no IPv6 loopback");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let mut server = NatsServer::start(dir.path(), "[::1]:0".parse().unwrap()).unwrap();
        let url = server.url().to_owned();
        assert!(url.contains("[::1]:"), "{url}");
        server.kill();
        server.restart().unwrap();
        assert_eq!(server.url(), url);
    }

    #[test]
    fn an_ipv6_address_is_written_in_brackets() {
        let dir = Path::new("/data");
        let written =
            |listen: &str| String::from_utf8(configuration(dir, dir, listen.parse().unwrap())).unwrap();
        assert!(written("[::1]:0").contains("listen: \"[::1]:-1\"\n"));
        assert!(written("127.0.0.1:4222").contains("listen: \"127.0.0.1:4222\"\n"));
    }
}
