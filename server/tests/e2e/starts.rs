//! A core that starts, or goes on, with what is out of date changes nothing for the others.

use std::path::{Path, PathBuf};

use async_nats::jetstream;
use ingest::nats_server::NatsServer;
use serde_json::json;

use crate::harness::{self, Jaego, log, wait_for};

fn nats(dir: &Path) -> NatsServer {
    let dir = dir.join("nats");
    std::fs::create_dir(&dir).unwrap();
    NatsServer::start(&dir, "127.0.0.1:0".parse().unwrap()).unwrap()
}

fn folder(dir: &Path, name: &str) -> PathBuf {
    let dir = dir.join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A policy document of this name, and its path.
fn policy(dir: &Path, name: &str, window: &str, quantity: u32) -> String {
    let path = dir.join(format!("{name}.json"));
    let words = json!({ "ko": name, "en": name });
    let schedule = json!({
        "name": name,
        "title": words,
        "offset_minutes": 540,
        "groups": [{ "name": "mask", "items": ["mask"] }],
        "policies": [{
            "effective_from": "2020-03-09T00:00:00+09:00", "group": "mask", "window": window,
            "quantity": quantity, "words": words, "source": "test",
        }],
    });
    std::fs::write(&path, schedule.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The name of the policies of the first version that has every entry of now.
async fn in_force(jaego: &Jaego) -> String {
    let context = jetstream::new(jaego.nats.clone());
    let last = context.get_stream("JOURNAL").await.unwrap().cached_info().state.last_sequence;
    jaego.serves(last).await;
    jaego.get("/v1/policies.json").await["schedule"]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_core_that_starts_again_does_not_put_an_old_policy_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = nats(dir.path());
    let (a, b) = (folder(dir.path(), "a"), folder(dir.path(), "b"));
    let (two, three) = (policy(dir.path(), "two", "week", 2), policy(dir.path(), "three", "month", 3));
    let start = async |folder: &Path, policy: &str| {
        Jaego::start(folder, &["--nats", server.url(), "--policy", policy]).await
    };
    let mut other = start(&b, &two).await;
    let newest = start(&a, &three).await;
    assert_eq!(in_force(&newest).await, "three");
    assert!(log(&a).contains("look back further"), "{}", log(&a));

    for _ in 0..2 {
        other.kill();
        other = start(&b, &two).await;
        assert_eq!(in_force(&other).await, "three", "{}", log(&b));
        assert!(log(&b).contains("they are not put back"), "{}", log(&b));
    }
    // Also by its checkpoint.
    let (status, _) = other.terminate().await;
    assert!(status.success());
    let mut other = start(&b, &two).await;
    assert_eq!(in_force(&other).await, "three", "{}", log(&b));

    other.kill();
    let again = policy(dir.path(), "two again", "week", 2);
    let other = start(&b, &again).await;
    assert_eq!(in_force(&other).await, "two again");
}

#[tokio::test]
async fn a_core_whose_key_was_left_behind_ends() {
    let dir = tempfile::tempdir().unwrap();
    let server = nats(dir.path());
    let keys = ["old", "new"].map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    for key in &keys {
        assert_eq!(harness::jaego(&["key", "new", key]).0, 0);
    }
    let [old, new] = &keys;
    let (a, b) = (folder(dir.path(), "a"), folder(dir.path(), "b"));
    let missed = Jaego::start(&a, &["--nats", server.url(), "--person-key", old]).await;
    let both = ["--nats", server.url(), "--person-key", new, "--person-key-previous", old];
    let changing = Jaego::start(&b, &both).await;
    assert!(changing.terminate().await.0.success());
    assert_eq!(missed.admin("/livez").await, "ok\n");

    let changed = Jaego::start(&b, &both[..4]).await;
    let status = missed.ended().await;
    assert!(!status.success());
    assert!(log(&a).contains("under another key nobody is known"), "{}", log(&a));
    assert_eq!(changed.admin("/livez").await, "ok\n");
}

#[tokio::test]
async fn a_core_without_a_checkpoint_does_not_begin_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let server = nats(dir.path());
    let core = folder(dir.path(), "a");
    let args = ["--nats", server.url()];
    let jaego = Jaego::start(&core, &args).await;
    let context = jetstream::new(jaego.nats.clone());
    let mut stream = context.get_stream("JOURNAL").await.unwrap();
    let first = stream.cached_info().state.first_sequence;
    while stream.info().await.unwrap().state.last_sequence < first + 4 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (status, _) = jaego.terminate().await;
    assert!(status.success());
    stream.purge().sequence(first + 3).await.unwrap();

    // With its checkpoint it goes on.
    let jaego = Jaego::start(&core, &args).await;
    assert!(jaego.terminate().await.0.success());

    std::fs::remove_dir_all(core.join("checkpoints")).unwrap();
    let mut child = harness::spawn(&core, &args);
    let status = wait_for("the end of jaego", || child.try_wait().unwrap()).await;
    assert!(!status.success());
    let said = log(&core);
    assert!(
        said.contains(&format!("the journal begins at {}", first + 3))
            && said.contains("--forget-beginning yes"),
        "{said}"
    );

    Jaego::start(&core, &[&args[..], &["--forget-beginning", "yes"]].concat()).await;
}
