//! Nothing acknowledged is lost: `jaego` and `nats-server` die by SIGKILL under load, at random moments, again and again,
//! and in the end the state is what the POS saw acknowledged, each message once.
//!
//! `JAEGO_CRASH_ROUNDS` sets how often one of them is ended, `JAEGO_CRASH_SEED` the chance.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::batch::{COUNT_HEADER, CRC_HEADER, FORMAT, FORMAT_HEADER};
use schemas::pos::{Outcome, Reply};
use serde_json::{Value, json};
use server::endpoints::Endpoints;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{self, Jaego, LIMIT, children, jaego, wait_for};

/// Rounds of the short form, five of them with SIGKILL; the long form has 24 and more.
const ROUNDS: u32 = 6;
const OUTLETS: usize = 40;
/// What the first terminal of each outlet reports before anything is sold; it never sells out.
const OPENING: i64 = 500_000;

/// A number out of the environment.
pub fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn code(outlet: usize) -> String {
    format!("1180{outlet:04}")
}

/// Writes the outlets as a store list.
fn registry(dir: &Path) -> PathBuf {
    let path = dir.join("outlets.csv");
    let rows = (0..OUTLETS).map(|n| format!("서울특별시 강남구 {n},{},37.5,127.0,약국 {n},01\n", code(n)));
    let text = format!("addr,code,latitude,longitude,name,type\n{}", rows.collect::<String>());
    std::fs::write(&path, text).unwrap();
    path
}

/// A free address for NATS, which must be the same after every restart. It lies below the ports that the kernel gives
/// out, or a client that tries to reconnect could be given it and so meet itself.
fn address(rng: &mut StdRng) -> String {
    loop {
        let address = format!("127.0.0.1:{}", rng.random_range(10_000..32_000));
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// What all terminals share.
struct Street {
    nats: async_nats::Client,
    closing: CancellationToken,
    acknowledged: AtomicU64,
    version: AtomicU64,
}

/// One terminal and all that it saw acknowledged.
struct Terminal {
    street: Arc<Street>,
    rng: StdRng,
    outlet: usize,
    name: &'static str,
    seq: u64,
    /// Sum of its reports and movements of `mask`.
    sum: i64,
    /// Its last report of `gel`.
    gel: Option<i64>,
    paused: bool,
}

impl Terminal {
    fn new(street: &Arc<Street>, seed: u64, outlet: usize, name: &'static str) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let street = Arc::clone(street);
        Self { street, rng, outlet, name, seq: 0, sum: 0, gel: None, paused: false }
    }

    /// The first terminal opens: from here on every movement counts, whatever the order between the terminals.
    async fn open(&mut self) {
        self.sum = OPENING;
        self.tell("report", json!({ "item": "mask", "count": OPENING })).await;
    }

    /// Sells until closing time.
    async fn sell(mut self) -> Self {
        while !self.street.closing.is_cancelled() {
            match (self.name, self.rng.random_range(0..10)) {
                ("t1", 0) => {
                    self.paused = !self.paused;
                    let kind = if self.paused { "pause" } else { "resume" };
                    self.tell(kind, json!({ "item": "mask" })).await;
                }
                ("t2", 0 | 1) => {
                    let count = self.rng.random_range(0..1_000);
                    self.gel = Some(count);
                    self.tell("report", json!({ "item": "gel", "count": count })).await;
                }
                _ => {
                    let change = self.rng.random_range(-3..=2);
                    self.sum += change;
                    self.tell("delta", json!({ "item": "mask", "change": change })).await;
                }
            }
        }
        self
    }

    /// Makes a message and sends it until it is acknowledged; now and then it is sent once more, in vain.
    async fn tell(&mut self, kind: &str, mut message: Value) {
        self.seq += 1;
        message["terminal"] = self.name.into();
        message["seq"] = self.seq.into();
        message["at"] = "2020-03-11T09:05:00+09:00".into();
        let body = message.to_string();
        let subject = format!("pos.v1.{kind}.{}", code(self.outlet));
        let reply = self.insist(&subject, &body).await;
        assert_ne!(reply.status, Outcome::Superseded, "nothing newer was sent: {reply:?}");
        self.street.acknowledged.fetch_add(1, Relaxed);
        self.street.version.fetch_max(reply.version.unwrap(), Relaxed);
        if self.rng.random_ratio(1, 20) {
            let again = self.insist(&subject, &body).await;
            assert_eq!(again.status, Outcome::Duplicate, "{subject} {body} was acknowledged: {reply:?}");
        }
    }

    /// Sends a message until it is in the journal.
    async fn insist(&mut self, subject: &str, body: &str) -> Reply {
        let started = Instant::now();
        loop {
            let request = self.street.nats.request(subject.to_owned(), body.to_owned().into());
            let mut pause = Duration::from_millis(self.rng.random_range(10..200));
            if let Ok(answer) = request.await {
                let reply: Reply = serde_json::from_slice(&answer.payload).unwrap();
                match reply.reason {
                    None => return reply,
                    Some(reason) => assert!(reason.retryable(), "{reply:?}"),
                }
                pause += Duration::from_millis(reply.retry_after_ms.unwrap().into());
            }
            assert!(started.elapsed() < LIMIT, "{subject} {body} is not answered");
            // Not for any condition: a POS that is not answered waits before it sends again.
            tokio::time::sleep(pause).await;
        }
    }
}

/// The terminals of all outlets, connected once and for all, as cash desks are.
async fn street(address: &str) -> Arc<Street> {
    let nats = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .request_timeout(Some(Duration::from_secs(1)))
        .reconnect_delay_callback(|attempt| Duration::from_millis(10 << attempt.min(4)))
        .connect(address)
        .await
        .unwrap();
    Arc::new(Street {
        nats,
        closing: CancellationToken::new(),
        acknowledged: AtomicU64::new(0),
        version: AtomicU64::new(0),
    })
}

impl Street {
    /// Opens all outlets: two terminals each, that sell until closing time.
    fn open(self: &Arc<Self>, seed: u64) -> JoinSet<[Terminal; 2]> {
        let mut outlets = JoinSet::new();
        for outlet in 0..OUTLETS {
            let seed = seed.wrapping_add(2 * outlet as u64 + 1);
            let mut first = Terminal::new(self, seed, outlet, "t1");
            let second = Terminal::new(self, seed.wrapping_add(1), outlet, "t2");
            outlets.spawn(async move {
                first.open().await;
                <[Terminal; 2]>::from(tokio::join!(first.sell(), second.sell()))
            });
        }
        outlets
    }

    /// Waits until messages are acknowledged again.
    async fn flows(&self) {
        let before = self.acknowledged.load(Relaxed);
        let all = OUTLETS as u64;
        wait_for("acknowledgements", || (self.acknowledged.load(Relaxed) > before + all).then_some(())).await;
    }
}

/// A `jaego` that is killed and started again.
struct Victim {
    dir: PathBuf,
    args: Vec<String>,
    child: Child,
}

impl Victim {
    fn start(dir: &Path, args: Vec<String>) -> Self {
        let child = harness::spawn(dir, &args.iter().map(String::as_str).collect::<Vec<_>>());
        Self { dir: dir.to_owned(), args, child }
    }

    /// Ends jaego, and its nats-server with it, and starts it again at once.
    async fn end(&mut self, signal: Signal) {
        send(self.child.id(), signal);
        let status = wait_for("the end of jaego", || self.child.try_wait().unwrap()).await;
        let expected = if signal == Signal::SIGKILL { None } else { Some(0) };
        assert_eq!(status.code(), expected, "{signal}:\n{}", harness::log(&self.dir));
        *self = Self::start(&self.dir.clone(), std::mem::take(&mut self.args));
    }

    /// Kills the nats-server alone; jaego is to start another.
    fn kill_nats(&self) {
        let servers = children(self.child.id());
        assert_eq!(servers.len(), 1, "{servers:?}");
        send(servers[0], Signal::SIGKILL);
    }
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

/// Ends one or the other while everyone sells, in turns of six.
async fn rounds(rounds: u32, rng: &mut StdRng, victim: &mut Victim, street: &Street) {
    for round in 0..rounds {
        // In turn 2 NATS is still coming back, in turn 3 jaego is still starting.
        if !matches!(round % 6, 2 | 3) {
            street.flows().await;
        }
        // The random moment itself, which no condition could stand for.
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..700))).await;
        let sold = street.acknowledged.load(Relaxed);
        match round % 6 {
            0 => {
                // The checkpoint that it leaves behind is where the next ones start from.
                eprintln!("round {round}: SIGTERM to jaego after {sold} messages");
                victim.end(Signal::SIGTERM).await;
            }
            1 | 4 => {
                eprintln!("round {round}: SIGKILL to nats-server after {sold} messages");
                victim.kill_nats();
            }
            _ => {
                eprintln!("round {round}: SIGKILL to jaego after {sold} messages");
                victim.end(Signal::SIGKILL).await;
            }
        }
    }
    street.flows().await;
}

/// Compares an outlet with what its terminals saw acknowledged.
async fn assert_outlet(jaego: &Jaego, [first, second]: &[Terminal; 2]) {
    let code = code(first.outlet);
    let outlet: Value = serde_json::from_str(&jaego.admin(&format!("/outlets/{code}")).await).unwrap();
    let item = |name: &str| {
        let items = outlet["items"].as_array().unwrap();
        items.iter().find(|item| item["item"] == name).cloned().unwrap_or_default()
    };
    let (mask, gel) = (item("mask"), item("gel"));
    assert_eq!(mask["count"], first.sum + second.sum, "{code}: {mask}");
    assert_eq!(mask["paused"], first.paused, "{code}: {mask}");
    assert_eq!(mask["gap"], false, "{code}: {mask}");
    assert_eq!(gel["count"].as_i64(), second.gel, "{code}: {gel}");
}

/// Outlet, terminal and sequence of every POS entry in the journal, once each checksum holds.
fn journal(dir: &Path) -> HashSet<(String, String, u64)> {
    let data = dir.to_str().unwrap();
    let (status, verdict, err) = jaego(&["journal", "verify", "--json", "--data-dir", data]);
    assert_eq!(status, 0, "{verdict}{err}");
    let (status, lines, err) = jaego(&["journal", "export", "--data-dir", data]);
    assert_eq!(status, 0, "{err}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"]["pos"].take())
        .filter(|pos| !pos.is_null())
        .map(|pos| (text(&pos["outlet"]), text(&pos["terminal"]), pos["seq"].as_u64().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_applied_twice() {
    let seed = from_environment("JAEGO_CRASH_SEED").unwrap_or_else(rand::random);
    let mut rng = StdRng::seed_from_u64(seed);
    let address = address(&mut rng);
    eprintln!("JAEGO_CRASH_SEED={seed}, NATS at {address}");
    let dir = tempfile::tempdir().unwrap();
    let registry = registry(dir.path()).to_str().unwrap().to_owned();
    let args = ["--registry", &registry, "--nats-listen", &address].map(str::to_owned);
    let mut victim = Victim::start(dir.path(), args.to_vec());

    let street = street(&address).await;
    let outlets = street.open(seed);
    let number = from_environment("JAEGO_CRASH_ROUNDS").unwrap_or(ROUNDS);
    rounds(number, &mut rng, &mut victim, &street).await;
    street.closing.cancel();
    let outlets = tokio::time::timeout(LIMIT, outlets.join_all()).await.unwrap();

    let jaego = Jaego::ready(dir.path(), victim.child).await;
    jaego.serves(street.version.load(Relaxed)).await;
    let journal = journal(dir.path());
    for outlet in &outlets {
        assert_outlet(&jaego, outlet).await;
        for Terminal { outlet, name, seq, .. } in outlet {
            let missing =
                (1..=*seq).find(|seq| !journal.contains(&(code(*outlet), (*name).to_owned(), *seq)));
            assert_eq!(missing, None, "{} {name} saw it acknowledged", code(*outlet));
        }
    }
    let told: u64 = outlets.iter().flatten().map(|terminal| terminal.seq).sum();
    assert_eq!((told, journal.len() as u64), (street.acknowledged.load(Relaxed), told));
}

/// Puts a batch into the journal whose checksum is wrong, and returns its sequence.
async fn damage(jaego: &Jaego) -> u64 {
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in [(FORMAT_HEADER, FORMAT), (COUNT_HEADER, "1"), (CRC_HEADER, "00000000")] {
        headers.insert(name, value);
    }
    let stream = async_nats::jetstream::new(jaego.nats.clone());
    let tick = "{\"tick\":{\"at\":1,\"interval_ms\":100}}\n";
    let sent = stream.publish_with_headers("journal.v1", headers, tick.into()).await.unwrap();
    sent.await.unwrap().sequence
}

#[tokio::test]
async fn a_second_jaego_on_the_same_folder_leaves_the_first_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = Jaego::start(dir.path(), &[]).await;
    let mut second = harness::spawn(dir.path(), &[]);
    let status = wait_for("the end of the second", || second.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(1));
    let log = harness::log(dir.path());
    assert!(log.contains("another jaego runs on"), "{log}");
    let endpoints: Endpoints =
        serde_json::from_slice(&std::fs::read(Endpoints::path(dir.path())).unwrap()).unwrap();
    assert_eq!(endpoints, first.endpoints);
    let version = first.get("/v1/status.json").await["version"].as_u64().unwrap();
    first.serves(version + 1).await;
}

/// What is acknowledged is folded at once, and comes again with the tail.
#[tokio::test]
async fn what_is_sent_alone_is_folded_once() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let mut version = 0;
    for seq in 1..=40 {
        let delta = json!({ "terminal": "t1", "seq": seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "change": 1 });
        let reply = jaego.pos("delta", "11800001", &delta).await;
        assert_eq!(reply.status, Outcome::Accepted);
        version = reply.version.unwrap();
    }
    jaego.serves(version).await;
    let metrics = jaego.admin("/metrics").await;
    for (outcome, count) in [("accepted", 40), ("duplicate", 0), ("superseded", 0)] {
        let counted = format!("jaego_applied_entries_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&counted), "{outcome}: {metrics}");
    }
}

#[tokio::test]
async fn a_damaged_batch_stops_the_fold_until_an_operator_lets_it_go() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let report =
        json!({ "terminal": "t1", "seq": 1, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": 7 });
    assert_eq!(jaego.pos("report", "11800001", &report).await.status, Outcome::Accepted);
    let damaged = damage(&jaego).await;
    assert_eq!(jaego.ended().await.code(), Some(1));
    let (what, way_on) =
        (format!("journal sequence {damaged} is damaged"), format!("--skip-damaged {damaged}"));
    let refusals = || {
        let log = harness::log(dir.path());
        log.lines().filter(|line| line.contains(&what) && line.contains(&way_on)).count()
    };
    let first = refusals();
    assert!(first > 0, "{}", harness::log(dir.path()));

    let mut again = harness::spawn(dir.path(), &[]);
    let status = wait_for("the end of jaego", || again.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(1));
    assert!(refusals() > first, "{}", harness::log(dir.path()));

    let jaego = Jaego::start(dir.path(), &["--skip-damaged", &damaged.to_string()]).await;
    let reply = jaego.pos("report", "11800001", &report).await;
    assert_eq!(reply.status, Outcome::Duplicate);
    jaego.serves(reply.version.unwrap().max(damaged + 1)).await;
}
