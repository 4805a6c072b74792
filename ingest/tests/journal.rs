//! The journal on a real nats-server: appended once however often it is sent, followed however often the consumer dies.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use aggregator::Fold;
use async_nats::jetstream::{self, stream};
use ingest::checkpoints::Checkpoints;
use ingest::import::{ImportError, import};
use ingest::journal::{Extent, Journal, JournalError, Sealed, patiently};
use ingest::nats_server::NatsServer;
use ingest::tail::{self, TailError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schemas::batch::push_line;
use schemas::entry::{Entry, Tick};
use schemas::registry::{OutletInfo, OutletType};
use schemas::{Millis, OutletCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(60);

struct Bench {
    server: NatsServer,
    journal: Journal,
    /// Its first sequence.
    first: u64,
    _dir: tempfile::TempDir,
}

async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let server = NatsServer::start(dir.path(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let client = ingest::nats::connect(server.url(), "test").await.unwrap();
    let journal = Journal::open(client, 1).await.unwrap();
    let first = journal.extent().await.unwrap().began;
    Bench { server, journal, first, _dir: dir }
}

fn tick(at: i64) -> Sealed {
    let mut payload = Vec::new();
    push_line(&mut payload, &Entry::Tick(Tick { at: Millis(at), interval_ms: 1000 }));
    Sealed { payload: payload.into(), count: 1, id: format!("test-{at}"), writer: None }
}

#[tokio::test]
async fn a_batch_whose_ack_was_lost_is_sent_again_and_stored_once() {
    let bench = bench().await;
    let pid = Pid::from_raw(i32::try_from(bench.server.pid()).unwrap());
    // A server that does not answer takes what the socket holds once it goes on: the first attempt arrives late.
    kill(pid, Signal::SIGSTOP).unwrap();
    let sent = tick(1);
    let appended = tokio::spawn({
        let (journal, sent) = (bench.journal.clone(), sent.clone());
        async move { journal.append(&sent).await }
    });
    let first_attempt = bench.journal.try_append(&tick(2)).await;
    assert!(first_attempt.is_err(), "an attempt ends without an ack");
    kill(pid, Signal::SIGCONT).unwrap();
    let ack = tokio::time::timeout(LIMIT, appended).await.unwrap().unwrap();
    let again = bench.journal.try_append(&sent).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.seq, ack.seq);
    let extent = bench.journal.extent().await.unwrap();
    assert!(extent.last <= bench.first + 1, "{extent:?}: one message for each id");
}

#[tokio::test]
async fn a_nats_that_takes_no_whole_batch_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = dir.path().join("nats.conf");
    let store = dir.path().join("store");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\nmax_payload: 524288\njetstream {{ store_dir: \"{}\" }}\n",
        store.display()
    );
    std::fs::write(&settings, text).unwrap();
    let program = ingest::nats_server::find().unwrap();
    let mut server = std::process::Command::new(program)
        .arg("-c")
        .arg(settings)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let client = ingest::nats::connect_whenever(&format!("nats://127.0.0.1:{port}"), "test").await.unwrap();
    let refused = patiently(|| Journal::open(client.clone(), 1)).await;
    server.kill().unwrap();
    server.wait().unwrap();
    let error = refused.unwrap_err();
    assert!(matches!(error, JournalError::SmallMessages(524_288)), "{error}");
    assert!(error.to_string().contains("max_payload"), "{error}");
}

#[tokio::test]
async fn a_registry_with_a_row_larger_than_a_message_is_refused_and_the_next_is_imported() {
    let bench = bench().await;
    let (journal, name) = (&bench.journal, "나".repeat(400_000));
    let import = |source: String, name: String| async move {
        let rows = [outlet("1", "가약국"), outlet("2", &name)];
        tokio::time::timeout(LIMIT, import(journal, &source, 7, &rows)).await.unwrap()
    };
    let error = import("list.csv".to_owned(), name.clone()).await.unwrap_err();
    assert!(
        matches!(&error, ImportError::Row { code, bytes: 1_200_000.. } if code.as_str() == "2"),
        "{error}"
    );
    let error = import(name, "나약국".to_owned()).await.unwrap_err();
    assert!(matches!(error, ImportError::Source(1_200_000..)), "{error}");
    let ack = import("list.csv".to_owned(), "나약국".to_owned()).await.unwrap();
    assert_eq!(ack.seq, journal.extent().await.unwrap().last);
}

fn outlet(code: &str, name: &str) -> OutletInfo {
    OutletInfo::bare(OutletCode::new(code).unwrap(), name, "", OutletType::Pharmacy)
}

#[tokio::test]
async fn a_consumer_that_vanishes_is_noticed_and_made_again() {
    let bench = bench().await;
    let (follow, mut messages) = follow(&bench);
    bench.journal.append(&tick(1)).await;
    assert_eq!(next(&mut messages).await, bench.first);
    delete_consumers(&bench.journal).await;
    bench.journal.append(&tick(2)).await;
    assert_eq!(next(&mut messages).await, bench.first + 1);
    drop(messages);
    bench.journal.append(&tick(3)).await;
    tokio::time::timeout(LIMIT, follow).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_missing_sequence_stops_the_reader_unless_it_is_skipped_by_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = NatsServer::start(dir.path(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let client = ingest::nats::connect(server.url(), "test").await.unwrap();
    // Ours forbids deletion; this one stands for a stream that was damaged.
    let config = stream::Config {
        name: "JOURNAL".to_owned(),
        subjects: vec!["journal.v1".to_owned()],
        ..Default::default()
    };
    let stream = jetstream::new(client.clone()).create_stream(config).await.unwrap();
    let journal = Journal::open(client, 1).await.unwrap();
    for at in 1..=3 {
        journal.append(&tick(at)).await;
    }
    stream.delete_message(2).await.unwrap();

    let (out, _messages) = mpsc::channel(8);
    let error = tail::follow(&journal, 1, |_| false, out, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, TailError::Hole { needed: 2, found: 3 }), "{error}");
    assert!(error.to_string().contains("--skip-damaged 2"));

    let (out, mut messages) = mpsc::channel(8);
    let follow = tokio::spawn(async move {
        tail::follow(&journal, 1, |seq| seq == 2, out, CancellationToken::new()).await
    });
    assert_eq!((next(&mut messages).await, next(&mut messages).await), (1, 3));
    follow.abort();
}

#[tokio::test]
async fn a_journal_that_is_made_anew_stops_its_reader() {
    let bench = bench().await;
    let (follow, mut messages) = follow(&bench);
    for at in 1..=3 {
        bench.journal.append(&tick(at)).await;
        next(&mut messages).await;
    }
    // The time at which a stream was made is known to the second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let context = jetstream::new(bench.journal.client());
    context.delete_stream("JOURNAL").await.unwrap();
    let anew = Journal::open(bench.journal.client(), 1).await.unwrap();
    for at in 4..=9 {
        anew.append(&tick(at)).await;
    }
    let error = tokio::time::timeout(LIMIT, follow).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, TailError::MadeAnew), "{error}");
    assert!(messages.try_recv().is_err(), "nothing of the new one was handed on");
}

#[tokio::test]
async fn a_reader_who_is_ahead_of_the_journal_stops() {
    let bench = bench().await;
    for at in 1..=3 {
        bench.journal.append(&tick(at)).await;
    }
    let (out, mut messages) = mpsc::channel(8);
    let ahead = bench.first + 6;
    let error =
        tail::follow(&bench.journal, ahead, |_| false, out, CancellationToken::new()).await.unwrap_err();
    let TailError::Gone { needed, first, last } = error else { panic!("{error}") };
    assert_eq!((needed, first, last), (ahead, bench.first, bench.first + 2));
    assert!(messages.try_recv().is_err());
}

#[tokio::test]
async fn a_journal_that_is_made_anew_counts_on_above_the_one_before() {
    let bench = bench().await;
    let mut before = 0;
    for at in 1..=20 {
        before = bench.journal.append(&tick(at)).await.seq;
    }
    assert_eq!(before, bench.first + 19);
    jetstream::new(bench.journal.client()).delete_stream("JOURNAL").await.unwrap();
    let anew = Journal::open(bench.journal.client(), 1).await.unwrap();
    let extent = anew.extent().await.unwrap();
    assert!(extent.began > before, "{extent:?} after {before}");
    assert_eq!((extent.first, extent.last), (extent.began, extent.began - 1));
    assert_eq!(tail::check_start(0, extent, false).unwrap(), extent.began);
    // Whoever opens it later finds it as it is.
    let again = Journal::open(bench.journal.client(), 1).await.unwrap();
    assert_eq!(again.extent().await.unwrap(), extent);
    let dropped = Extent { first: extent.first + 1, ..extent };
    let error = tail::check_start(0, dropped, false).unwrap_err();
    assert!(matches!(error, TailError::NoBeginning { .. }), "{error}");
}

#[tokio::test]
async fn the_journal_tells_the_time() {
    let bench = bench().await;
    let apart = bench.journal.now().await.unwrap().since(ingest::clock::now());
    assert!(apart.abs() < 5_000, "{apart} ms");
    ingest::skew::Skew::new(bench.journal.clone()).check().await.unwrap();
}

/// Follows a journal from its beginning, in a task.
fn follow(bench: &Bench) -> (JoinHandle<Result<(), TailError>>, mpsc::Receiver<jetstream::Message>) {
    let (out, messages) = mpsc::channel(8);
    let (journal, first) = (bench.journal.clone(), bench.first);
    let follow = async move { tail::follow(&journal, first, |_| false, out, CancellationToken::new()).await };
    (tokio::spawn(follow), messages)
}

async fn next(messages: &mut mpsc::Receiver<jetstream::Message>) -> u64 {
    let message = tokio::time::timeout(LIMIT, messages.recv()).await.unwrap().unwrap();
    message.info().unwrap().stream_sequence
}

async fn delete_consumers(journal: &Journal) {
    use futures::TryStreamExt;
    let names: Vec<String> = journal.stream().consumer_names().try_collect().await.unwrap();
    assert!(!names.is_empty());
    for name in names {
        journal.stream().delete_consumer(&name).await.unwrap();
    }
}

#[test]
fn two_checkpoints_are_kept_and_a_damaged_one_gives_way_to_the_older() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(dir.path(), 7).unwrap();
    assert_eq!(checkpoints.newest().unwrap().applied(), 0);
    let mut fold = Fold::default();
    for seq in 1..=3 {
        fold.apply(seq, Entry::Tick(Tick { at: Millis(i64::try_from(seq).unwrap()), interval_ms: 1000 }));
        checkpoints.keep(fold.checkpoint()).unwrap();
    }
    let mut files: Vec<_> =
        std::fs::read_dir(dir.path().join("checkpoints")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    assert_eq!(checkpoints.newest().unwrap().applied(), 3);
    let mut bytes = std::fs::read(&files[1]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&files[1], bytes).unwrap();
    assert_eq!(checkpoints.newest().unwrap().applied(), 2);
    assert_eq!(
        Checkpoints::open(dir.path(), 8).unwrap().newest().unwrap().applied(),
        0,
        "of another journal"
    );
}

#[test]
fn a_damaged_checkpoint_is_set_aside_and_takes_no_place_of_a_good_one() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(dir.path(), 7).unwrap();
    let keep = |seq: u64| {
        let mut fold = Fold::default();
        fold.apply(seq, Entry::Tick(Tick { at: Millis(1), interval_ms: 1000 }));
        checkpoints.keep(fold.checkpoint()).unwrap();
    };
    let path = |seq: u64, kind: &str| dir.path().join(format!("checkpoints/7-{seq:020}.{kind}"));
    let damage = |seq: u64, change: fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(path(seq, "checkpoint")).unwrap();
        change(&mut bytes);
        std::fs::write(path(seq, "checkpoint"), bytes).unwrap();
    };
    keep(1);
    let changes: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes.truncate(bytes.len() - 9), |bytes| bytes[20] ^= 1, |bytes| bytes.fill(0)];
    for (seq, change) in (2..).zip(changes) {
        keep(seq);
        damage(seq, change);
        assert_eq!(checkpoints.newest().unwrap().applied(), 1);
        assert!(path(seq, "damaged").exists() && !path(seq, "checkpoint").exists());
    }
    keep(5);
    damage(5, |bytes| bytes[0] ^= 1);
    assert_eq!(checkpoints.newest().unwrap().applied(), 1);
    keep(6);
    assert!(path(1, "checkpoint").exists(), "the good one is still one of two");
    // What another version wrote stays for that version.
    damage(6, |bytes| bytes[7] = b'9');
    assert_eq!(checkpoints.newest().unwrap().applied(), 1);
    assert!(path(6, "checkpoint").exists());
}
