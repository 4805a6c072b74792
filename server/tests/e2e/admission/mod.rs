//! Admission as institutions meet it: caps, floods, openings and trouble, over a real nats-server and real HTTP.

mod bulk;
mod caps;
mod flood;
mod holds;
mod opening;
mod probe;
mod threads;
mod trouble;

use std::path::Path;

use schemas::pos::Reply;
use serde_json::{Value, json};

use crate::harness::{Jaego, LIMIT, jaego};

pub const PHARMACIES: [&str; 4] = ["11800001", "11800002", "11800003", "11800004"];
pub const OFFICE: &str = "2180000001";
pub const MART: &str = "3180000001";
pub const AT: &str = "2020-03-11T09:05:00+09:00";

/// Starts a core with pharmacies, post offices and a mart.
pub async fn start(dir: &Path) -> Jaego {
    start_with(dir, &[]).await
}

/// The same, with settings more.
pub async fn start_with(dir: &Path, more: &[&str]) -> Jaego {
    let outlets = dir.join("outlets.csv");
    let offices = (1..=40).map(|n| format!("218{n:07}"));
    let mut rows = String::from("addr,code,latitude,longitude,name,type\n");
    let kinds = PHARMACIES.iter().map(|code| ((*code).to_owned(), "01"));
    let all = kinds.chain(offices.map(|code| (code, "02"))).chain([(MART.to_owned(), "03")]);
    for (code, kind) in all {
        rows += &format!("서울특별시 강남구 테헤란로 1,{code},37.5,127.0,이름,{kind}\n");
    }
    std::fs::write(&outlets, rows).unwrap();
    let args = [&["--policy", "drill", "--registry", outlets.to_str().unwrap()], more].concat();
    Jaego::start(dir, &args).await
}

/// Puts a document into force.
pub async fn apply(jaego_: &Jaego, document: &Value) {
    let file = jaego_.dir.join("caps.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let (code, told, why) =
        jaego(&["caps", "apply", file.to_str().unwrap(), "--data-dir", jaego_.dir.to_str().unwrap()]);
    assert_eq!(code, 0, "{why}");
    assert!(told.contains("is known from version"), "{told}");
    wait_until(jaego_, |admission| admission["caps"] == document["name"]).await;
}

/// Waits until admission stands so.
pub async fn wait_until(jaego: &Jaego, holds: impl Fn(&Value) -> bool) {
    let started = std::time::Instant::now();
    loop {
        let now: Value = serde_json::from_str(&jaego.admin("/admission").await).unwrap();
        if holds(&now) {
            return;
        }
        assert!(started.elapsed() < LIMIT, "waited in vain: {now}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Caps that nobody here meets.
pub fn wide() -> Value {
    let each = json!({ "each": { "per_second": 100_000.0, "burst": 1_000_000, "concurrency": 100_000 } });
    json!({ "stock": each, "sale": each, "check": each })
}

/// A document of one plan: for pharmacies wide caps, for others what is told.
pub fn document(name: &str, others: &[(&str, Value)], cohorts: &Value, holds: &Value) -> Value {
    let of = |kind: &str, mut caps: Value| {
        caps["kind"] = kind.into();
        caps
    };
    let mut institutions = vec![of("pharmacy", wide())];
    institutions.extend(others.iter().map(|(kind, caps)| of(kind, caps.clone())));
    json!({ "name": name, "plans": [{
        "effective_from": "2020-01-01T00:00:00+09:00",
        "institutions": institutions, "cohorts": cohorts, "holds": holds,
    }] })
}

pub fn claim(outlet: &str, n: u32) -> Value {
    json!({
        "outlet": outlet, "id": format!("0195b1f0-6c1e-7cc3-98c4-{n:012}"), "terminal": "t1", "at": AT,
        "item": "mask", "quantity": 1, "person": person(n),
    })
}

pub fn check(outlet: &str, n: u32) -> Value {
    json!({ "outlet": outlet, "terminal": "t1", "at": AT, "item": "mask", "person": person(n) })
}

pub fn report(seq: u64) -> Value {
    json!({ "terminal": "t1", "seq": seq, "at": AT, "item": "mask", "count": 100 })
}

fn person(n: u32) -> Value {
    json!({ "kind": "resident", "number": format!("990101-1{:06}", n % 1_000_000) })
}

/// Sends over NATS, and reads what was answered.
pub async fn send(jaego: &Jaego, kind: &str, outlet: &str, body: &Value) -> Value {
    let subject = format!("pos.v1.{kind}.{outlet}");
    let answer = jaego.nats.request(subject, body.to_string().into()).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

/// A reply with a rejection and a time to come again.
#[track_caller]
pub fn away(reply: &Reply, reason: &str) -> u32 {
    assert_eq!(reply.reason.map(schemas::pos::Reason::name), Some(reason), "{reply:?}");
    reply.retry_after_ms.expect("a time to come again")
}
