//! A journal that is begun anew, after a loss or for another ration: who has read the one before it is told to read a keyframe,
//! and not left waiting for numbers of versions that come again.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Jaego, LIMIT};

const OUTLET: &str = "11800000";

async fn start(dir: &Path) -> Jaego {
    let registry = dir.join("outlets.csv");
    let row = format!("서울특별시 강남구 1,{OUTLET},37.5,127.0,약국,01");
    std::fs::write(&registry, format!("addr,code,latitude,longitude,name,type\n{row}\n")).unwrap();
    let data = dir.join("data");
    std::fs::create_dir(&data).unwrap();
    Jaego::start(&data, &["--registry", registry.to_str().unwrap()]).await
}

/// Reports so many counts one after the other, the last one of `last`; the version that shows them all.
async fn report(server: &Jaego, times: u32, last: u32) -> u64 {
    let mut version = 0;
    for seq in 1..=times {
        let count = last + times - seq;
        let body = json!({ "terminal": "t1", "seq": seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": count });
        version = server.pos("report", OUTLET, &body).await.version.unwrap();
    }
    server.serves(version).await;
    version
}

/// The first event of a stream for a reader of this version.
async fn first_event(server: &Jaego, has: u64) -> String {
    let url = format!("{}/v1/stream", server.endpoints.open);
    let mut answer = server.http.get(url).header("last-event-id", has).send().await.unwrap();
    let part = tokio::time::timeout(LIMIT, answer.chunk()).await.expect("an event").unwrap().unwrap();
    String::from_utf8(part.to_vec()).unwrap()
}

#[tokio::test]
async fn readers_of_the_journal_before_are_told_to_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let before = start(dir.path()).await;
    // Many more versions than the next journal will have had.
    report(&before, 300, 7).await;
    let has = before.get("/v1/outlets.json").await["version"].as_u64().unwrap();
    before.terminate().await;
    std::fs::remove_dir_all(dir.path().join("data")).unwrap();

    let after = start(dir.path()).await;
    let version = report(&after, 1, 9).await;
    assert!(version > has, "{version} comes after {has}");
    let url = format!("{}/v1/changes?since={has}", after.endpoints.open);
    let gone = after.http.get(url).send().await.unwrap();
    assert_eq!(gone.status(), 410);
    let gone: Value = gone.json().await.unwrap();
    let keyframe = after.get(gone["keyframe"].as_str().unwrap()).await;
    assert_eq!(keyframe["outlets"][0]["stock"][0]["count"], 9, "{keyframe}");
    let event = first_event(&after, has).await;
    assert!(event.starts_with("event: reset\n"), "{event}");

    // The first sequence of all is no sign that something is lost.
    let data = after.dir.clone();
    after.terminate().await;
    std::fs::remove_dir_all(data.join("checkpoints")).unwrap();
    let again = Jaego::start(&data, &[]).await;
    again.serves(version).await;
    assert_eq!(again.get(&format!("/v1/outlets/{OUTLET}")).await["outlet"]["stock"][0]["count"], 9);
}
