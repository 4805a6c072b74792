//! The fleet over a real NATS: what it says adds up to what it knows of itself, whatever is repeated, overtaken or refused.

mod gateway;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::{Books, Gateway};
use schemas::OutletCode;
use schemas::claim::Refusal;
use schemas::subject::PosKind;
use sim::fleet::{Fleet, Options, Standing};
use sim::registry::synthetic;
use sim::tally::{ClaimCounts, Counts, Tally};
use tokio::sync::watch;

const BOUND: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_fleet_says_adds_up_to_what_it_knows() {
    let options = Options { overtaken: 0.05, ..busy() };
    let Run { speaking, standings, counts, books } = run(options, 8000).await;
    assert!((270..300).contains(&speaking), "{speaking} of 300 speak, 95 % should");
    assert_all_stand(&standings, &books, speaking);
    assert_eq!(counts.accepted, books.accepted);
    assert_eq!(counts.duplicate, books.duplicates);
    assert_eq!(counts.rejected, books.rejected);
    assert!(books.duplicates > 0 && books.rejected > 0 && books.overtaken > 0, "{counts:?}");
    assert_eq!((counts.claims, books.claims.len()), (ClaimCounts::default(), 0), "nothing is rationed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_claimed_adds_up_whatever_is_refused_lost_sent_again_or_taken_back() {
    let options =
        Options { population: 1_000_000, overtaken: 0.5, paper: 0.1, tickets: 0.2, voided: 0.1, ..busy() };
    let Run { speaking, standings, counts, books } = run(options, 16_000).await;
    assert_all_stand(&standings, &books, speaking);
    assert!(standings.values().any(|standing| standing.promised > 0), "tickets are out");
    assert_eq!((counts.accepted, counts.rejected), (books.accepted, books.rejected));
    assert_eq!((counts.claims.replayed, counts.claims.contradicted), (books.replayed, 0));
    let claims = &counts.claims;
    for (kind, counted) in [
        (PosKind::Claim, claims.granted + claims.refused_for(Refusal::LimitReached)),
        (PosKind::Reserve, claims.reserved + claims.refused_for(Refusal::NotYourDay)),
        (PosKind::Late, claims.late),
        (PosKind::Void, claims.voided),
        (PosKind::Confirm, claims.confirmed),
    ] {
        assert_eq!(Some(&counted), books.decided.get(kind.name()), "{}: {counts:?}", kind.name());
    }
    assert!(claims.replayed > 0 && claims.over_limit > 0 && claims.refused > 0, "{counts:?}");
    assert!(
        books.family > 0 && books.overtaken > 0,
        "{} with family, {} overtaken",
        books.family,
        books.overtaken
    );
}

/// A small fleet in a hurry.
fn busy() -> Options {
    Options {
        rate: 4000.0,
        real_day: Duration::from_secs(4),
        connections: 2,
        repeated: 0.05,
        ..Options::default()
    }
}

/// What is known at the end on either side.
struct Run {
    speaking: usize,
    standings: HashMap<OutletCode, Standing>,
    counts: Counts,
    books: Books,
}

/// A fleet of 300 outlets before a gateway, until that has heard so many messages.
async fn run(options: Options, messages: u64) -> Run {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let nats = NatsServer::start(folder.path());
    let (heard, mut hears) = watch::channel(0);
    let gateway = Gateway::listen(&nats.url, heard).await;
    let tally = Arc::new(Tally::default());
    let fleet =
        Fleet::connect(options, &synthetic(300, 1), &nats.url, Arc::clone(&tally)).await.expect("NATS is up");
    let speaking = fleet.speaking();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(fleet.run(stopped));
    in_time(hears.wait_for(|heard| *heard >= messages)).await.expect("the gateway listens");
    stop.send_replace(true);
    let standings = in_time(running).await.expect("the fleet does not break down");
    drop(stop);
    drop(nats);
    let books = in_time(gateway).await.expect("nor does the gateway");
    Run { speaking, standings, counts: tally.counts(), books }
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, what).await.expect("it happens within the bound")
}

fn assert_all_stand(standings: &HashMap<OutletCode, Standing>, books: &Books, speaking: usize) {
    assert_eq!(standings.len(), speaking, "every outlet was answered");
    for (outlet, standing) in standings {
        assert_eq!(books.standings.get(outlet), Some(standing), "{outlet}");
    }
    for ((outlet, terminal), seqs) in &books.seqs {
        let span = seqs.last().zip(seqs.first()).map_or(0, |(last, first)| last - first + 1);
        assert_eq!(span, seqs.len() as u64, "{outlet} {terminal} left a number out");
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
