//! Edges: the same bytes as their core, answers when everything else is dead, and no need to be told when it is back.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::harness::{Jaego, LIMIT};
use crate::ration::free_ports;

/// A core with a NATS of its own at an address that stays, and two edges.
struct Nation {
    edges: Vec<Jaego>,
    core: Jaego,
    args: Vec<String>,
    // Dropped last: all run on it.
    dir: tempfile::TempDir,
}

impl Nation {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = dir.path().join("outlets.csv");
        let rows = (0..300).map(|n| {
            let lat = 37.5 + f64::from(n) / 1_000.0;
            format!("서울특별시 강남구 {n},{},{lat},127.0,약국 {n},01\n", 11_800_000 + n)
        });
        let rows: String = rows.collect();
        std::fs::write(&registry, format!("addr,code,latitude,longitude,name,type\n{rows}")).unwrap();
        let port = free_ports(&mut StdRng::seed_from_u64(rand::random()), 1)[0];
        let listen = format!("127.0.0.1:{port}");
        let args =
            ["--nats-listen", &listen, "--registry", registry.to_str().unwrap(), "--policy", "korea-2020"];
        let args: Vec<String> = args.map(str::to_owned).into();
        let core = Self::core(&dir, &args).await;
        let nats = format!("nats://{listen}");
        let origin = ["--history-origin", &core.endpoints.open];
        let edges =
            vec![Self::edge(&dir, "a", &nats, &[]).await, Self::edge(&dir, "b", &nats, &origin).await];
        Self { edges, core, args, dir }
    }

    async fn core(dir: &tempfile::TempDir, args: &[String]) -> Jaego {
        let folder = dir.path().join("core");
        std::fs::create_dir_all(&folder).unwrap();
        Jaego::start(&folder, &args.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    async fn edge(dir: &tempfile::TempDir, name: &str, nats: &str, more: &[&str]) -> Jaego {
        let folder = dir.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        // Without a key of persons: there is nobody to know here.
        let started = Instant::now();
        let args = [&["--role", "edge", "--nats", nats, "--person-key", ""], more].concat();
        let edge = Jaego::start(&folder, &args).await;
        eprintln!("edge {name} serves after {:?}", started.elapsed());
        edge
    }

    /// The second edge is killed and started while there is nobody to tell it anything.
    async fn starts_again_without_cores(&mut self, version: u64) {
        let stale = until(&self.edges[1], "stale", |status| status["source"] == "stale").await;
        assert!(stale["version"].as_u64().unwrap() >= version, "{stale}");
        let nats = self.edges[1].endpoints.nats.clone();
        // What was served last is kept within seconds; a stop keeps it at once.
        let path = self.edges[1].dir.join("keyframe");
        crate::harness::wait_for("a kept snapshot", || path.exists().then_some(())).await;
        let (status, _) = self.edges.pop().unwrap().terminate().await;
        assert!(status.success());
        self.edges.push(Self::edge(&self.dir, "b", &nats, &[]).await);
        let again = until(&self.edges[1], "there", |status| status["version"] == stale["version"]).await;
        assert_eq!(again["source"], "stale", "{again}");
        assert!(again["age_ms"].as_u64() > stale["age_ms"].as_u64(), "its age goes on: {again}");
        let outlet = self.edges[1].get("/v1/outlets/11800000").await;
        assert_eq!(outlet["outlet"]["stock"][0]["count"], 42);
    }

    async fn report(&self, outlet: u32, count: u32, seq: u64) -> u64 {
        let body = json!({ "terminal": "t1", "seq": seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": count });
        self.core.pos("report", &outlet.to_string(), &body).await.version.unwrap()
    }
}

async fn status(jaego: &Jaego) -> Value {
    jaego.get("/v1/status.json").await
}

/// Asks until the status is as it should be.
async fn until(jaego: &Jaego, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let status = status(jaego).await;
        if is_so(&status) {
            return status;
        }
        assert!(started.elapsed() < LIMIT, "not {what}: {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Body and tag, with nothing that is of the moment.
async fn file(jaego: &Jaego, path: &str, coding: &str) -> Option<(String, Vec<u8>)> {
    let url = format!("{}{path}", jaego.endpoints.open);
    let answer = jaego.http.get(url).header("accept-encoding", coding).send().await.unwrap();
    let tag = answer.headers().get("etag")?.to_str().unwrap().to_owned();
    (answer.status() == 200).then_some((tag, answer.bytes().await.unwrap().to_vec()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_have_the_bytes_of_their_core() {
    let nation = Nation::start().await;
    let mut seq = 0;
    for round in 0..5 {
        for outlet in 0..40 {
            seq += 1;
            nation.report(11_800_000 + outlet * 7, round * 11 + outlet, seq).await;
        }
        let version = nation.report(11_800_001, round, 1_000 + seq).await;
        for jaego in [&nation.core, &nation.edges[0], &nation.edges[1]] {
            jaego.serves(version).await;
        }
    }
    history_is_elsewhere(&nation).await;
    // Of a version that all of them keep: the edges came later and publish at the same ticks.
    let (mut compared, started) = (0, Instant::now());
    while compared < 3 {
        assert!(started.elapsed() < LIMIT, "no version is kept by all");
        let version = status(&nation.edges[0]).await["version"].as_u64().unwrap();
        let mut all = Vec::new();
        for file_of in [
            "outlets_with_stock.json",
            "regions/11680/stock.csv",
            "policies.json",
            "regions.json",
            "tiles/8/218/99.json",
        ] {
            for coding in ["identity", "gzip", "zstd", "br"] {
                let path = format!("/v1/versions/{version}/{file_of}");
                let [core, a, b] = [&nation.core, &nation.edges[0], &nation.edges[1]]
                    .map(|jaego| file(jaego, &path, coding));
                all.push((path.clone(), tokio::join!(core, a, b)));
            }
        }
        if all.iter().all(|(_, (core, a, b))| core.is_some() && a.is_some() && b.is_some()) {
            for (path, (core, a, b)) in all {
                assert!(core == a && a == b, "{path}");
            }
            compared += 1;
        }
    }
}

/// An edge keeps no history: one says so, the other was told who does.
async fn history_is_elsewhere(nation: &Nation) {
    let (without, with) = (&nation.edges[0], &nation.edges[1]);
    let answer =
        without.http.get(format!("{}/v1/history.json", without.endpoints.open)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap()["title"], "No history here");
    // The reader follows to the core.
    let index = with.get("/v1/history.json").await;
    assert_eq!((&index["on"], index["days"].as_array().unwrap().len()), (&json!(true), 1), "{index}");
    assert_eq!(status(with).await["history"]["on"], true, "edges show what the core tells of itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_answer_when_all_else_is_dead_and_catch_up_by_themselves() {
    let mut nation = Nation::start().await;
    let version = nation.report(11_800_000, 42, 1).await;
    let edge = &nation.edges[0];
    edge.serves(version).await;
    nation.edges[1].serves(version).await;
    let live =
        until(edge, "live", |status| status["source"] == "live" && status["durability"] == "fsynced").await;
    assert!(live["hops"].as_array().unwrap().len() == 4, "{live}");

    // The managed NATS dies with its core.
    nation.core.kill();
    let stale = until(edge, "stale", |status| status["source"] == "stale").await;
    let older = until(edge, "older", |status| {
        status["age_ms"].as_u64() > stale["age_ms"].as_u64().map(|age| age + 1_000)
    })
    .await;
    assert_eq!(older["version"], stale["version"]);
    for path in [
        "/v1/outlets/11800000",
        "/v1/regions/11680/stock.json",
        "/corona19-masks/v1/sales/json",
        "/v1/nearby?lat=37.5&lng=127",
    ] {
        let answer = edge.http.get(format!("{}{path}", edge.endpoints.open)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        if path.starts_with("/v1") {
            let told = answer.headers()["cache-status"].to_str().unwrap();
            assert!(told.contains("ttl=-"), "{told}");
            assert!(answer.headers()["age"].to_str().unwrap().parse::<u64>().unwrap() >= 2);
        }
    }
    assert!(edge.admin("/readyz").await.starts_with("ready"));
    nation.starts_again_without_cores(version).await;
    let edge = &nation.edges[0];
    // What was measured while a core spoke is not told as of now.
    let silent = until(edge, "silent", |status| !status["writing"]["degraded"][0].is_null()).await;
    assert_eq!(
        (&silent["writing"]["degraded"][0]["mode"], &silent["durability"]),
        (&json!("core_silent"), &json!(null))
    );
    assert!(silent["hops"].as_array().unwrap().iter().all(|hop| hop["count"] == 0), "{silent}");
    // An edge that starts now waits, and is not ready.
    let late = nation.dir.path().join("late");
    std::fs::create_dir_all(&late).unwrap();
    let child =
        crate::harness::spawn(&late, &["--role", "edge", "--nats", &edge.endpoints.nats, "--person-key", ""]);

    let core = Nation::core(&nation.dir, &nation.args).await;
    nation.core = core;
    let again = nation.report(11_800_000, 7, 2).await;
    for edge in [&nation.edges[0], &nation.edges[1], &Jaego::ready(&late, child).await] {
        edge.serves(again).await;
        until(edge, "live again", |status| {
            status["source"] == "live" && status["writing"]["degraded"] == json!([])
        })
        .await;
        let outlet = edge.get("/v1/outlets/11800000").await;
        assert_eq!(outlet["outlet"]["stock"][0]["count"], 7);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_starts_again_tells_readers_of_before_what_changed() {
    let mut nation = Nation::start().await;
    let version = nation.report(11_800_000, 42, 1).await;
    nation.edges[1].serves(version).await;
    let has = status(&nation.edges[1]).await["version"].as_u64().unwrap();
    let nats = nation.edges[1].endpoints.nats.clone();
    nation.edges.pop().unwrap().terminate().await;
    // Nothing of what it kept itself.
    let missed = nation.report(11_800_007, 9, 1).await;
    let again = Nation::edge(&nation.dir, "c", &nats, &[]).await;
    again.serves(missed).await;
    let url = format!("{}/v1/changes?since={has}", again.endpoints.open);
    let answer = again.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "for {has}");
    let lines = answer.text().await.unwrap();
    assert!(lines.contains(r#""id":"11800007""#), "{lines}");
}

#[test]
fn an_edge_without_a_nats_of_cores_is_told_what_is_missing() {
    let (code, _, err) = crate::harness::jaego(&["serve", "--role", "edge"]);
    assert!(code == 2 && err.contains("give its URLs"), "{code} {err}");
}
