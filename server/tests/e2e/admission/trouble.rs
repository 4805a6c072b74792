//! Trouble of the writing side: each has a name, is told everywhere, holds the opening, and ends by itself.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use chrono::{DateTime, Utc};
use ingest::nats_server::NatsServer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schemas::Millis;
use schemas::time::KST_MINUTES;
use serde_json::json;
use tokio::task::JoinHandle;

use super::*;
use crate::desk;
use crate::harness::{LIMIT, children, log};

/// Waits until a document of the admin port is so, and returns it.
async fn admin(jaego: &Jaego, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let now: Value = serde_json::from_str(&jaego.admin(path).await).unwrap();
        if holds(&now) {
            return now;
        }
        assert!(started.elapsed() < LIMIT, "waited in vain: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_degraded(ready: &Value, mode: &str) -> bool {
    ready["writing"]["degraded"].as_array().unwrap().iter().any(|degraded| degraded["mode"] == mode)
}

fn is_well(ready: &Value) -> bool {
    ready["writing"] == json!({ "degraded": [], "dead": false, "held": false, "shed": [] })
}

fn limit(admission: &Value) -> u64 {
    admission["classes"].as_array().unwrap().iter().find(|of| of["class"] == "sale").unwrap()["limit"]
        .as_u64()
        .unwrap()
}

/// A till that sells on and on at the desk, whatever is answered.
fn till(jaego: &Jaego) -> JoinHandle<()> {
    let (http, url) = (jaego.http.clone(), format!("{}/desk/v1/claims", jaego.endpoints.desk));
    tokio::spawn(async move {
        for n in 0.. {
            let body = claim(PHARMACIES[0], n).to_string();
            let _ = http.post(&url).timeout(LIMIT).body(body).send().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
}

async fn office_asks(jaego: &Jaego) -> desk::Answer {
    desk::post(jaego, "checks", &check(OFFICE, 1)).await
}

/// A core on whose desk a till sells and whose post offices join in three seconds, with its journal standing still from now on.
async fn standing_still(dir: &Path, holds: &Value) -> (Jaego, JoinHandle<()>, Millis, Pid) {
    let jaego = start(dir).await;
    let opens = ingest::clock::now().plus(3_000);
    let cohorts = json!([{ "at": opens.rfc3339(KST_MINUTES), "kind": "post_office" }]);
    apply(&jaego, &document("careful", &[("post_office", wide())], &cohorts, holds)).await;
    let till = till(&jaego);
    let nats = Pid::from_raw(i32::try_from(children(jaego.pid())[0]).unwrap());
    kill(nats, Signal::SIGSTOP).unwrap();
    (jaego, till, opens, nats)
}

#[tokio::test]
async fn without_a_hold_a_cohort_joins_into_the_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let (jaego, till, opens, nats) = standing_still(dir.path(), &json!([])).await;
    admin(&jaego, "/readyz", |ready| is_degraded(ready, "journal_slow")).await;
    while ingest::clock::now() < opens {
        office_asks(&jaego).await.is_problem(403, "not_admitted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(office_asks(&jaego).await.status, 200);
    let still = admin(&jaego, "/readyz", |_| true).await;
    assert!(is_degraded(&still, "journal_slow") && still["writing"]["held"] == false, "{still}");
    till.abort();
    kill(nats, Signal::SIGCONT).unwrap();
}

#[tokio::test]
async fn a_journal_that_stands_still_is_told_holds_the_opening_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let holds = json!([{ "class": "sale", "p99_ms": 300, "seconds": 1 }]);
    let (jaego, till, opens, nats) = standing_still(dir.path(), &holds).await;
    admin(&jaego, "/readyz", |ready| is_degraded(ready, "journal_slow") && ready["ready"] == true).await;
    admin(&jaego, "/admission", |now| now["held"] == true && limit(now) == 1_024).await;
    while ingest::clock::now() < opens {
        office_asks(&jaego).await.is_problem(403, "not_admitted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let held = office_asks(&jaego).await;
    held.is_problem(403, "not_admitted");
    assert!(held.text.contains("while answers are late"), "{}", held.text);
    let dead = admin(&jaego, "/readyz", |ready| ready["writing"]["dead"] == true).await;
    assert!(dead["writing"]["held"] == true && dead["ready"] == true, "{dead}");
    let since = |of: &str| DateTime::parse_from_rfc3339(dead["writing"][of].as_str().unwrap()).unwrap();
    let slow =
        DateTime::parse_from_rfc3339(dead["writing"]["degraded"][0]["since"].as_str().unwrap()).unwrap();
    assert!(since("dead_since") == slow && since("held_since") < Utc::now(), "{dead}");
    for metric in ["jaego_writes_dead 1", "jaego_degraded{mode=\"journal_slow\"} 1", "jaego_admission_held 1"]
    {
        assert!(jaego.admin("/metrics").await.contains(metric), "{metric}");
    }
    let started = Instant::now();
    while jaego.get("/v1/status.json").await["writing"]["dead"] != true {
        assert!(started.elapsed() < LIMIT, "the status page says nothing");
    }
    assert!(log(dir.path()).contains("nothing can be written"));

    kill(nats, Signal::SIGCONT).unwrap();
    admin(&jaego, "/readyz", is_well).await;
    assert_eq!(office_asks(&jaego).await.status, 200);
    admin(&jaego, "/admission", |now| limit(now) == 16_384).await;
    till.abort();
    assert!(log(dir.path()).contains("messages are written again"));
}

#[tokio::test]
async fn a_nats_that_is_gone_has_its_name_and_readers_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (data, store): (PathBuf, PathBuf) = (dir.path().join("data"), dir.path().join("store"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&store).unwrap();
    let nats = NatsServer::start(&store, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = nats.url().rsplit('/').next().unwrap().parse().unwrap();
    let jaego = Jaego::start(&data, &["--nats", nats.url()]).await;
    admin(&jaego, "/readyz", is_well).await;
    drop(nats);
    admin(&jaego, "/readyz", |ready| is_degraded(ready, "nats_gone")).await;
    assert!(jaego.get("/v1/status.json").await["version"].as_u64() > Some(0));
    let _again = NatsServer::start(&store, address).unwrap();
    admin(&jaego, "/readyz", is_well).await;
}

#[tokio::test]
async fn a_journal_without_room_has_its_name_and_what_comes_is_taken_once_there_is_some() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let context = jetstream::new(jaego.nats.clone());
    let resize = async |max_bytes: i64| {
        let mut stream = context.get_stream("JOURNAL").await.unwrap();
        let config = stream.info().await.unwrap().config.clone();
        context.update_stream(jetstream::stream::Config { max_bytes, ..config }).await.unwrap();
    };
    resize(1_024).await;
    admin(&jaego, "/readyz", |ready| is_degraded(ready, "disk_full")).await;
    // One is taken and waits; once the journal has stood for a second, others are told to come again.
    let (sale, count) = (claim(PHARMACIES[0], 1), report(1));
    let has_room = AtomicBool::new(false);
    let first = async {
        let answer = desk::post(&jaego, "claims", &sale).await;
        assert!(has_room.load(Relaxed), "it was answered while nothing could be written");
        answer
    };
    let told = async {
        loop {
            let answer = jaego.pos("report", PHARMACIES[1], &count);
            if let Ok(reply) = tokio::time::timeout(Duration::from_secs(3), answer).await {
                return reply;
            }
        }
    };
    let (first, ()) = tokio::join!(first, async {
        assert!(away(&told.await, "unavailable") > 0);
        assert!(jaego.admin("/metrics").await.contains("jaego_degraded{mode=\"disk_full\"} 1"));
        has_room.store(true, Relaxed);
        resize(-1).await;
    });
    assert_eq!(first.status, 200, "{}", first.text);
    admin(&jaego, "/readyz", is_well).await;
}
