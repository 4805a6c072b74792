//! Imports of registries come one at a time: what is large waits for what is large, and for nobody else.

use futures::future::select_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::JoinHandle;

use super::*;
use crate::harness::{LIMIT, children};

/// Offers the registry that is in force again, with one outlet renamed.
async fn import(jaego: &Jaego, name: &str) -> JoinHandle<reqwest::Response> {
    let mut row: Value =
        serde_json::from_str(jaego.admin("/registry").await.lines().next().unwrap()).unwrap();
    row["name"] = name.into();
    let url = format!("{}/registry?source={name}", jaego.endpoints.admin);
    let request = jaego.http.post(url).timeout(LIMIT).body(row.to_string());
    tokio::spawn(async move { request.send().await.unwrap() })
}

#[tokio::test]
async fn a_second_import_is_told_to_come_again_while_one_is_under_way_and_not_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let nats = Pid::from_raw(i32::try_from(children(jaego.pid())[0]).unwrap());
    // What is written now waits.
    kill(nats, Signal::SIGSTOP).unwrap();
    let two = [import(&jaego, "first").await, import(&jaego, "second").await];
    let (told, _, others) = select_all(two).await;
    let told = told.unwrap();
    assert_eq!((told.status().as_u16(), &told.headers()["retry-after"]), (503, &"10".parse().unwrap()));
    kill(nats, Signal::SIGCONT).unwrap();
    for under_way in others {
        assert_eq!(under_way.await.unwrap().status(), 200);
    }
    assert_eq!(import(&jaego, "third").await.await.unwrap().status(), 200);
}
