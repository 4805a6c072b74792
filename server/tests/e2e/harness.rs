//! A `jaego serve` under test, and a POS and a reader to talk to it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use schemas::pos::Reply;
use serde_json::Value;
use server::endpoints::Endpoints;

/// No condition is waited for longer than this.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The key of person fingerprints of every core under test.
pub const PERSON_KEY: &str = "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978";

/// A running process; killed on drop.
pub struct Jaego {
    child: Child,
    pub dir: PathBuf,
    pub endpoints: Endpoints,
    pub nats: async_nats::Client,
    pub http: reqwest::Client,
}

/// A `jaego serve` that is not awaited, on free ports where the arguments name none. `--tick 100ms` keeps tests short.
pub fn spawn(dir: &Path, args: &[&str]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(dir.join("test.log")).unwrap();
    let free = ["--nats-listen", "--desk-addr"].into_iter().filter(|name| !args.contains(name));
    // Who waits for a version asks more often than a reader may.
    let unlimited = if args.contains(&"--open-rate") { &[][..] } else { &["--open-rate", "0"] };
    Command::new(env!("CARGO_BIN_EXE_jaego"))
        .args(["serve", "--tick", "100ms", "--exit-on-stdin-close"])
        .args(unlimited)
        .args(["--open-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
        .args(free.flat_map(|name| [name, "127.0.0.1:0"]))
        .arg("--data-dir")
        .arg(dir)
        .args(args)
        .env("JAEGO_PERSON_KEY_HEX", if args.contains(&"--person-key") { "" } else { PERSON_KEY })
        .stdin(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

impl Jaego {
    /// Starts on a folder and waits until it is ready.
    pub async fn start(dir: &Path, args: &[&str]) -> Self {
        Self::ready(dir, spawn(dir, args)).await
    }

    /// Waits until a process on a folder is ready.
    pub async fn ready(dir: &Path, mut child: Child) -> Self {
        let endpoints = wait_for("endpoints.json", || {
            assert_eq!(child.try_wait().unwrap(), None, "jaego ended at start:\n{}", log(dir));
            let bytes = std::fs::read(Endpoints::path(dir)).ok()?;
            let endpoints: Endpoints = serde_json::from_slice(&bytes).ok()?;
            (endpoints.pid == child.id()).then_some(endpoints)
        })
        .await;
        let servers: Vec<&str> = endpoints.nats.split(',').collect();
        // An edge may be ready while there is no NATS.
        let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
        let nats = options.connect(servers).await.unwrap();
        Self { child, dir: dir.to_owned(), endpoints, nats, http: reqwest::Client::new() }
    }

    /// Sends a message as a POS does and returns the answer.
    pub async fn pos(&self, kind: &str, outlet: &str, body: &Value) -> Reply {
        self.request(format!("pos.v1.{kind}.{outlet}"), body.to_string().into_bytes()).await
    }

    /// Sends bytes on a subject and returns the answer.
    pub async fn request(&self, subject: String, payload: Vec<u8>) -> Reply {
        let message = self.nats.request(subject, payload.into()).await.unwrap();
        serde_json::from_slice(&message.payload).unwrap()
    }

    /// A document of the open API.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.endpoints.open)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Text of the admin port.
    pub async fn admin(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.endpoints.admin)).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// Waits until a version at least this new is served.
    pub async fn serves(&self, version: u64) {
        let started = Instant::now();
        while self.get("/v1/status.json").await["version"].as_u64().unwrap() < version {
            assert!(started.elapsed() < LIMIT, "version {version} is not served");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All rows of a paged list, by the number of pages that it tells.
    pub async fn pages(&self, list: &str, rows: &str) -> Vec<Value> {
        let path = |page: u64| format!("/corona19-masks/v1/{list}/json?page={page}");
        let mut body = self.get(&path(1)).await;
        let pages = body["totalPages"].as_u64().unwrap();
        let mut all = body[rows].as_array_mut().unwrap().split_off(0);
        for page in 2..=pages {
            all.append(self.get(&path(page)).await[rows].as_array_mut().unwrap());
        }
        all
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        wait_for("the end of jaego", || self.child.try_wait().unwrap()).await
    }

    /// Asks it to stop and returns how and how fast it did.
    pub async fn terminate(self) -> (ExitStatus, Duration) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        self.end().await
    }

    /// Sends SIGINT to its whole process group, as a terminal does at Ctrl-C, and returns how and how fast it stopped.
    pub async fn ctrl_c(self) -> (ExitStatus, Duration) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        killpg(group, Signal::SIGINT).unwrap();
        self.end().await
    }

    async fn end(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let status = wait_for("the end", || self.child.try_wait().unwrap()).await;
        (status, started.elapsed())
    }
}

impl Drop for Jaego {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `jaego` with arguments and returns its exit code and output.
pub fn jaego(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_jaego")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Waits until there is something, at most [`LIMIT`].
pub async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Processes whose parent this is.
pub fn children(parent: u32) -> Vec<u32> {
    let all = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    all.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// What the processes on this folder logged.
pub fn log(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("test.log")).unwrap_or_default()
}
