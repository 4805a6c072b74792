//! The fleet over a real NATS: what it says adds up to what it knows of itself, whatever is repeated, overtaken or refused.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use schemas::OutletCode;
use schemas::pos::{Delta, Head, Outcome, Reason, Reply, Report, Suspension};
use schemas::subject::{self, PosKind};
use schemas::time::Millis;
use sim::fleet::{Fleet, Options, Standing};
use sim::registry::synthetic;
use sim::tally::Tally;
use tokio::sync::watch;

const BOUND: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_fleet_says_adds_up_to_what_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(folder.path());
    let (heard, mut hears) = watch::channel(0);
    let gateway = Gateway::listen(&nats.url, heard).await;
    let tally = Arc::new(Tally::default());
    let options = Options {
        rate: 4000.0,
        real_day: Duration::from_secs(4),
        connections: 2,
        repeated: 0.05,
        overtaken: 0.05,
        ..Options::default()
    };
    let fleet = Fleet::connect(options, &synthetic(300, 1), &nats.url, Arc::clone(&tally)).await.unwrap();
    let speaking = fleet.speaking();
    assert!((270..300).contains(&speaking), "{speaking} of 300 speak, 95 % should");

    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(fleet.run(stopped));
    tokio::time::timeout(BOUND, hears.wait_for(|heard| *heard >= 8000)).await.unwrap().unwrap();
    stop.send_replace(true);
    let standings = tokio::time::timeout(BOUND, running).await.unwrap().unwrap();
    drop(stop);
    drop(nats);
    let books = tokio::time::timeout(BOUND, gateway).await.unwrap().unwrap();

    assert_eq!(standings.len(), speaking, "every outlet was answered");
    for (outlet, standing) in &standings {
        assert_eq!(books.standings.get(outlet), Some(standing), "{outlet}");
    }
    let counts = tally.counts();
    assert_eq!(counts.accepted, books.accepted);
    assert_eq!(counts.duplicate, books.duplicates);
    assert_eq!(counts.rejected, books.refused);
    assert!(books.duplicates > 0 && books.refused > 0 && books.overtaken > 0, "{counts:?}");
    for ((outlet, terminal), seqs) in &books.seqs {
        let (first, last) = (seqs.first().unwrap(), seqs.last().unwrap());
        assert_eq!(last - first + 1, seqs.len() as u64, "{outlet} {terminal} left a number out");
    }
}

/// What a gateway learns of the fleet.
#[derive(Default)]
struct Gateway {
    standings: HashMap<OutletCode, Standing>,
    seqs: HashMap<(OutletCode, String), BTreeSet<u64>>,
    accepted: u64,
    duplicates: u64,
    refused: u64,
    overtaken: u64,
    messages: u64,
}

impl Gateway {
    /// Answers until the connection is lost for good; `heard` tells how many messages came.
    async fn listen(url: &str, heard: watch::Sender<u64>) -> tokio::task::JoinHandle<Self> {
        let client =
            async_nats::ConnectOptions::new().max_reconnects(1).connect(url).await.expect("NATS is up");
        let mut messages = client.subscribe(subject::POS_ALL).await.expect("subscribing");
        client.flush().await.expect("NATS is up");
        tokio::spawn(async move {
            let mut books = Self::default();
            while let Some(message) = messages.next().await {
                let reply = books.take(&message.subject, &message.payload);
                let body = serde_json::to_vec(&reply).expect("a reply is JSON");
                let inbox = message.reply.expect("every message asks for an answer");
                if client.publish(inbox, body.into()).await.is_err() {
                    break;
                }
                heard.send_replace(books.messages);
            }
            books
        })
    }

    /// Refuses every hundredth for the moment, knows repeated ones, and keeps the books of all others in the order they come.
    fn take(&mut self, subject: &str, body: &[u8]) -> Reply {
        self.messages += 1;
        let mut reply = Reply::rejected(Reason::Overloaded, "come back".to_owned(), Millis(0));
        if self.messages.is_multiple_of(100) {
            self.refused += 1;
            reply.retry_after_ms = Some(1);
            return reply;
        }
        let (kind, outlet) = subject::parse_pos(subject).expect("the subject is right");
        let outlet = OutletCode::new(outlet).expect("the outlet is valid");
        let head: Head<'_> = serde_json::from_slice(body).expect("the message has a head");
        let seqs = self.seqs.entry((outlet.clone(), head.terminal.to_owned())).or_default();
        self.overtaken += u64::from(seqs.last().is_some_and(|last| *last > head.seq + 1));
        reply.reason = None;
        if seqs.insert(head.seq) {
            self.accepted += 1;
            reply.status = Outcome::Accepted;
            self.book(kind, outlet, body);
        } else {
            self.duplicates += 1;
            reply.status = Outcome::Duplicate;
        }
        reply
    }

    fn book(&mut self, kind: PosKind, outlet: OutletCode, body: &[u8]) {
        let standing = self.standings.entry(outlet).or_insert(Standing { count: 0, paused: false });
        match kind {
            PosKind::Report => {
                standing.count = serde_json::from_slice::<Report<'_>>(body).expect("a report").count;
            }
            PosKind::Delta => {
                let change = serde_json::from_slice::<Delta<'_>>(body).expect("a delta").change;
                standing.count = standing.count.checked_add_signed(change).expect("never below zero");
            }
            PosKind::Pause | PosKind::Resume => {
                serde_json::from_slice::<Suspension<'_>>(body).expect("a suspension");
                standing.paused = kind == PosKind::Pause;
            }
            PosKind::Notice => {}
        }
    }
}

/// A real nats-server on a port of its own choice, gone when this value is.
struct NatsServer {
    child: Child,
    url: String,
}

impl NatsServer {
    fn start(folder: &Path) -> Self {
        let child = Command::new(program())
            .args(["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is there; run `cargo xtask setup`");
        let ports = folder.join(format!("nats-server_{}.ports", child.id()));
        let mut server = Self { child, url: String::new() };
        let deadline = Instant::now() + BOUND;
        while server.url.is_empty() {
            assert!(Instant::now() < deadline, "nats-server wrote no {}", ports.display());
            server.url = read_url(&ports).unwrap_or_default();
            std::thread::yield_now();
        }
        server
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }
}

fn read_url(ports: &Path) -> Option<String> {
    let text = std::fs::read(ports).ok()?;
    let ports: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(ports["nats"][0].as_str()?.to_owned())
}

/// `$NATS_SERVER`, or what `cargo xtask setup` fetched, or one on the path.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("NATS_SERVER") {
        return named.into();
    }
    let fetched = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/nats-server"));
    if fetched.is_file() { fetched } else { "nats-server".into() }
}
