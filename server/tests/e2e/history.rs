//! The archive of past days of a real process: killed at random moments over the turn of a day it tells each version that
//! anybody saw once, and as it was; a disk that refuses stops nothing but it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::crash::from_environment;
use crate::harness::{Jaego, LIMIT, log};

const OUTLETS: u32 = 30;
/// How often it is killed at least.
const ROUNDS: u32 = 4;

type Rows = BTreeMap<String, Value>;

fn registry(dir: &Path) -> String {
    let path = dir.join("outlets.csv");
    let rows =
        (0..OUTLETS).map(|n| format!("서울특별시 강남구 {n},{},37.5,127.0,약국 {n},01\n", 11_800_000 + n));
    let text = format!("addr,code,latitude,longitude,name,type\n{}", rows.collect::<String>());
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Milliseconds until the next midnight of Korea.
fn to_midnight() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let day = 86_400_000;
    u64::try_from(day - (now + 9 * 3_600_000) % day).unwrap()
}

fn rows(rows: &Value) -> Rows {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row.clone())).collect()
}

/// Reports and looks for a while, until the very moment of a new version; every version that was seen is noted.
async fn sell(jaego: &Jaego, rng: &mut StdRng, seq: &mut u64, seen: &mut BTreeMap<u64, Rows>) {
    let (started, span) = (Instant::now(), Duration::from_millis(rng.random_range(300..1_500)));
    while started.elapsed() < span {
        *seq += 1;
        let outlet = (11_800_000 + rng.random_range(0..OUTLETS)).to_string();
        let count = rng.random_range(0..200);
        let body = json!({ "terminal": "t1", "seq": *seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": count });
        jaego.pos("report", &outlet, &body).await;
        look(jaego, seen).await;
    }
    let versions = seen.len();
    while seen.len() == versions {
        look(jaego, seen).await;
    }
}

async fn look(jaego: &Jaego, seen: &mut BTreeMap<u64, Rows>) {
    let document = jaego.get("/v1/outlets_with_stock.json").await;
    seen.insert(document["version"].as_u64().unwrap(), rows(&document["outlets"]));
}

/// Takes away some of the end of the day that runs, as a power cut does: what was not synced is gone.
fn tear(dir: &Path, rng: &mut StdRng) {
    let files = std::fs::read_dir(dir.join("history")).unwrap().map(|entry| entry.unwrap().path());
    let running = files.filter(|path| path.to_str().unwrap().ends_with(".ndjson.zst")).max_by_key(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name.starts_with("running-"), name)
    });
    let path = running.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    // The first version stays: a day of which nothing is left begins with what is published then.
    let first = zstd::zstd_safe::find_frame_compressed_size(&bytes).unwrap();
    let kept = rng.random_range(first.max(bytes.len() / 2)..=bytes.len());
    std::fs::write(&path, &bytes[..kept]).unwrap();
    std::fs::remove_file(dir.join("history/running.json")).unwrap_or_default();
}

/// Waits until the history is as it should be.
async fn until(jaego: &Jaego, what: &str, holds: impl Fn(&Value) -> bool) {
    let started = Instant::now();
    loop {
        let status = jaego.get("/v1/status.json").await;
        if holds(&status["history"]) {
            return;
        }
        assert!(started.elapsed() < LIMIT, "{what}: {status}\n{}", log(&jaego.dir));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a reader of all lines has at each version, in the order in which they are told.
fn told(dir: &Path) -> Vec<(u64, Rows)> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir.join("history")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some((_, day)) = name.strip_suffix(".ndjson.zst").and_then(|name| name.split_once('-')) {
            assert!(files.insert(day.to_owned(), path).is_none(), "{day} is there twice");
        }
    }
    let (mut state, mut told) = (Rows::new(), Vec::new());
    for path in files.values() {
        // Each day begins with all that it needs.
        state.clear();
        let text = zstd::decode_all(&std::fs::read(path).unwrap()[..]).unwrap();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_slice(line).unwrap();
            if let Some(row) = line.get("start").or_else(|| line.get("upsert")) {
                state.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
            } else if let Some(id) = line["remove"].as_str() {
                state.remove(id);
            } else {
                told.push((line["next"].as_u64().unwrap(), state.clone()));
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_that_was_seen_is_told_once_whenever_it_is_killed() {
    let seed = from_environment("JAEGO_HISTORY_SEED").unwrap_or_else(rand::random);
    eprintln!("JAEGO_HISTORY_SEED={seed}");
    let rounds = from_environment("JAEGO_HISTORY_ROUNDS").unwrap_or(ROUNDS);
    let (mut rng, dir) = (StdRng::seed_from_u64(seed), tempfile::tempdir().unwrap());
    let (registry, midnight) = (registry(dir.path()), Instant::now() + Duration::from_secs(6));
    let ahead = format!("{}ms", to_midnight().saturating_sub(6_000));
    let args = ["--registry", &registry, "--clock-ahead", &ahead];
    let (mut seen, mut seq, mut killed, began) = (BTreeMap::new(), 0, 0, Instant::now());
    let mut jaego = Jaego::start(dir.path(), &args).await;
    until(&jaego, "the history begins", |history| history["written"].as_u64() > Some(0)).await;
    while killed < rounds || Instant::now() < midnight + Duration::from_millis(500) {
        sell(&jaego, &mut rng, &mut seq, &mut seen).await;
        jaego.kill();
        killed += 1;
        // Not behind a checkpoint, from which the journal is told: one is kept every minute.
        if began.elapsed() < Duration::from_secs(45) {
            tear(dir.path(), &mut rng);
        }
        jaego = Jaego::start(dir.path(), &args).await;
    }
    let (last, _) = seen.last_key_value().unwrap();
    until(&jaego, "the last version is written", |history| history["written"].as_u64() >= Some(*last)).await;
    let day = sealed(&jaego).await;
    served(&jaego, &day).await;
    assert!(jaego.terminate().await.0.success());

    let told = told(dir.path());
    eprintln!("killed {killed} times, {} versions seen, {} told", seen.len(), told.len());
    let mut versions: Vec<u64> = told.iter().map(|(version, _)| *version).collect();
    assert!(versions.is_sorted_by(|a, b| a < b), "told twice or out of order: {versions:?}");
    assert!(seen.len() > 10);
    versions.retain(|version| *version == day["last_version"]);
    assert_eq!(versions.len(), 1, "the day that is over ends with a version that is told");
    let told: BTreeMap<u64, Rows> = told.into_iter().collect();
    for (version, rows) in &seen {
        let of_version = told.get(version);
        assert!(of_version.is_some(), "version {version} was seen and is not told\n{}", log(dir.path()));
        assert!(of_version == Some(rows), "version {version} is not told as it was seen");
    }
}

/// Waits for the day that is over.
async fn sealed(jaego: &Jaego) -> Value {
    let started = Instant::now();
    loop {
        let index = jaego.get("/v1/history.json").await;
        let days = index["days"].as_array().unwrap();
        if let Some(day) = days.iter().find(|day| day["sealed"] == true) {
            assert_eq!(days.len(), 2, "{index}");
            return day.clone();
        }
        assert!(started.elapsed() < LIMIT, "{index}\n{}", log(&jaego.dir));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Its files come over a socket whole and in parts.
async fn served(jaego: &Jaego, day: &Value) {
    for file in day["files"].as_array().unwrap() {
        let url = format!("{}{}", jaego.endpoints.open, file["url"].as_str().unwrap());
        let whole = jaego.http.get(&url).send().await.unwrap();
        assert_eq!(whole.headers()["cache-control"], "public, max-age=31536000, immutable");
        let (tag, body) = (whole.headers()["etag"].clone(), whole.bytes().await.unwrap());
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&file["bytes"], &file["sha256"]), (&json!(body.len()), &json!(digest)));
        let head = jaego.http.head(&url).send().await.unwrap();
        assert_eq!((head.status(), &head.headers()["etag"]), (StatusCode::OK, &tag));
        assert_eq!(head.headers()["content-length"], body.len().to_string().as_str());
        let part = jaego.http.get(&url).header("range", "bytes=5-14").header("if-range", tag.clone());
        let part = part.send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.bytes().await.unwrap(), body.slice(5..15));
        let known = jaego.http.get(&url).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_refuses_stops_nothing_but_the_history() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("history"), "in the way").unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    until(&jaego, "the history is off", |history| history["on"] == false).await;
    let body =
        json!({ "terminal": "t1", "seq": 1, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": 3 });
    let version = jaego.pos("report", "11800000", &body).await.version.unwrap();
    jaego.serves(version).await;
    let index = jaego.get("/v1/history.json").await;
    assert_eq!((&index["on"], &index["days"]), (&json!(false), &json!([])));
    let metrics = jaego.admin("/metrics").await;
    assert!(metrics.contains("\njaego_history_on 0"), "{metrics}");
    assert!(log(dir.path()).contains("the history is off"));
    assert!(jaego.terminate().await.0.success());
}
