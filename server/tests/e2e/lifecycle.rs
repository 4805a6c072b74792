//! Start, stop, start again: endpoints, readiness, checkpoints, and no orphan whatever happens.

use std::time::Duration;

use schemas::pos::Outcome;
use serde_json::json;
use server::endpoints::Endpoints;

use crate::harness::{self, Jaego, children, wait_for};

async fn report(jaego: &Jaego, seq: u64, count: u32) -> Outcome {
    let body = json!({ "terminal": "t1", "seq": seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": count });
    jaego.pos("report", "12345678", &body).await.status
}

#[tokio::test]
async fn sigterm_keeps_a_checkpoint_and_a_restart_replays_the_tail_only() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    assert_eq!(jaego.admin("/livez").await, "ok\n");
    let ready: serde_json::Value = serde_json::from_str(&jaego.admin("/readyz").await).unwrap();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["writing"], json!({ "degraded": [], "dead": false, "held": false, "shed": [] }));
    for seq in 1..=20 {
        assert_eq!(report(&jaego, seq, 5).await, Outcome::Accepted);
    }
    let (status, took) = jaego.terminate().await;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    assert!(!Endpoints::path(dir.path()).exists());

    let jaego = Jaego::start(dir.path(), &[]).await;
    assert_eq!(report(&jaego, 20, 5).await, Outcome::Duplicate);
    let log = harness::log(dir.path());
    let second = log.rsplit("journal open").next().unwrap();
    assert!(!second.contains("checkpoint=0"), "{second}");
}

/// A reader who takes nothing of a large answer, until dropped.
async fn reader_who_takes_nothing(jaego: &Jaego) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = jaego.endpoints.open.strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_reader_who_takes_nothing_does_not_spoil_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let _held = reader_who_takes_nothing(&jaego).await;
    let (status, took) = jaego.terminate().await;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    assert!(!Endpoints::path(dir.path()).exists());
}

#[tokio::test]
async fn a_second_process_on_a_data_directory_is_refused_and_spoils_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = Jaego::start(dir.path(), &[]).await;
    for args in [&["--nats", &first.endpoints.nats][..], &["--role", "edge", "--nats", &first.endpoints.nats]]
    {
        let mut second = harness::spawn(dir.path(), args);
        let status = wait_for("the end of the second", || second.try_wait().unwrap()).await;
        assert!(!status.success());
        assert!(harness::log(dir.path()).contains("another jaego runs on"), "{}", harness::log(dir.path()));
    }
    assert!(Endpoints::path(dir.path()).exists());
    assert_eq!(report(&first, 1, 5).await, Outcome::Accepted);
}

#[tokio::test]
async fn ctrl_c_answers_keeps_a_checkpoint_and_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    assert_eq!(report(&jaego, 1, 5).await, Outcome::Accepted);
    let (status, took) = jaego.ctrl_c().await;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    assert!(!Endpoints::path(dir.path()).exists());
    let checkpoints = std::fs::read_dir(dir.path().join("checkpoints")).unwrap();
    assert!(checkpoints.flatten().any(|file| file.path().extension().is_some_and(|e| e == "checkpoint")));
}

#[tokio::test]
async fn no_nats_server_outlives_a_killed_jaego_or_a_closed_stdin() {
    let dir = tempfile::tempdir().unwrap();
    let mut jaego = Jaego::start(dir.path(), &[]).await;
    let server = children(jaego.pid());
    assert_eq!(server.len(), 1);
    jaego.kill();
    wait_for("the end of nats-server", || server.iter().all(|pid| !is_alive(*pid)).then_some(())).await;

    let mut child = harness::spawn(dir.path(), &[]);
    let server = wait_for("nats-server", || Some(children(child.id())).filter(|c| c.len() == 1)).await;
    drop(child.stdin.take());
    wait_for("the end of jaego", || child.try_wait().unwrap()).await;
    wait_for("the end of nats-server", || server.iter().all(|pid| !is_alive(*pid)).then_some(())).await;
}

#[tokio::test]
async fn the_journal_is_exported_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    assert_eq!(report(&jaego, 1, 5).await, Outcome::Accepted);
    let data = dir.path().to_str().unwrap();
    let (code, out, err) = harness::jaego(&["journal", "verify", "--json", "--data-dir", data]);
    assert_eq!(code, 0, "{err}");
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["entries"]["report"], 1);
    assert_eq!(verdict["damage"], json!([]));

    let file = dir.path().join("journal.ndjson.zst");
    let (code, _, err) = harness::jaego(&["journal", "export", "--data-dir", data, file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()).unwrap();
    let reports: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["entry"]["pos"]["act"]["report"]["count"] == 5)
        .collect();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["entry"]["pos"]["outlet"], "12345678");
}

/// Whether a process runs; one that has ended and is not looked after yet does not.
pub fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state letter follows the name in brackets; a zombie has ended already.
    state.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_wrong_address_of_tiles_is_refused_at_the_start_by_the_name_of_its_setting() {
    for (flags, told) in [
        (
            ["--map-tiles", "https://{s}.tiles.example/{z}/{x}/{y}.png", "--map-attribution", "a"],
            "map-tiles = ",
        ),
        (
            ["--map-tiles", "https://tiles.example/{z}/{x}/{y}.png", "--map-attribution", ""],
            "map-attribution = ",
        ),
    ] {
        let edge = ["serve", "--role", "edge", "--nats", "nats://127.0.0.1:1"];
        let (code, _, err) = harness::jaego(&[&edge[..], &flags].concat());
        assert!(code == 2 && err.contains(told), "{code} {err}");
    }
}
