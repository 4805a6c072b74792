//! The examples of the contract against a real server, over NATS and over HTTP: it takes the valid ones and names what is
//! wrong with the others.

use std::fs;
use std::path::PathBuf;

use chrono::{Duration, NaiveDate};
use schemas::subject::PosKind;
use serde_json::Value;

use crate::harness::Jaego;

const OUTLET: &str = "34840559";

/// An example: its file without `.json`, and its text.
struct Example {
    kind: PosKind,
    name: String,
    text: String,
}

/// The examples of a class, moved in time: they were written on 12 March 2020, and late claims must be recent.
fn examples(class: &str) -> Vec<Example> {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/contract/examples");
    let mut all = Vec::new();
    for kind in PosKind::ALL {
        let folder = PathBuf::from(contract).join(kind.name()).join(class);
        let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let before = all.len();
        all.extend(files.map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            Example { kind, name, text: if kind.is_personal() { as_of_today(&text) } else { text } }
        }));
        assert!(all.len() > before, "no {class} {}", kind.name());
    }
    all
}

/// The same text with every day of March and April 2020 as far from now as it was from 12 March.
fn as_of_today(text: &str) -> String {
    let written = NaiveDate::from_ymd_opt(2020, 3, 12).unwrap();
    let now = NaiveDate::from_epoch_days(i32::try_from(now_days()).unwrap()).unwrap();
    let mut text = text.to_owned();
    for ahead in (-11..50).rev() {
        let day = (written + Duration::days(ahead)).to_string();
        text = text.replace(&day, &(now + Duration::days(ahead)).to_string());
    }
    text
}

fn now_days() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400
}

/// The answer over NATS.
async fn over_nats(jaego: &Jaego, Example { kind, text, .. }: &Example) -> Value {
    let subject = format!("pos.v1.{}.{OUTLET}", kind.name());
    let message = jaego.nats.request(subject, text.clone().into()).await.unwrap();
    serde_json::from_slice(&message.payload).unwrap()
}

/// The answer over HTTP, as a batch of one, which names the claim as NATS does. A batch whose JSON is broken is a problem as a
/// whole.
async fn over_http(jaego: &Jaego, Example { kind, text, .. }: &Example) -> Value {
    let path = match kind {
        PosKind::Claim => "claims",
        PosKind::Late => "late-claims",
        PosKind::Reserve => "reservations",
        PosKind::Void => "voids",
        PosKind::Confirm => "confirmations",
        _ => "checks",
    };
    let request = if text.contains("\"outlet\"") {
        text.clone()
    } else {
        text.replacen('{', &format!("{{\"outlet\":\"{OUTLET}\","), 1)
    };
    let url = format!("{}/desk/v1/{path}/batch", jaego.endpoints.desk);
    let mut answer: Value =
        jaego.http.post(url).body(format!("[{request}]")).send().await.unwrap().json().await.unwrap();
    if answer["answers"].is_array() { answer["answers"][0].take() } else { answer }
}

/// Why a body that is as documented may be turned away all the same: there is no claim to settle.
fn was_taken(kind: PosKind, answer: &Value) -> bool {
    let settles = matches!(kind, PosKind::Void | PosKind::Confirm);
    answer["status"] != "rejected" || settles && answer["reason"] == "unknown_claim"
}

#[tokio::test]
async fn every_valid_example_is_taken_and_over_http_again_it_gets_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &["--policy", "korea-2020"]).await;
    for example in examples("valid") {
        let first = over_nats(&jaego, &example).await;
        assert!(was_taken(example.kind, &first), "{}: {first}", example.name);
        if example.kind.is_personal() {
            let mut again = over_http(&jaego, &example).await;
            assert!(was_taken(example.kind, &again), "{}: {again}", example.name);
            if matches!(example.kind, PosKind::Claim | PosKind::Late | PosKind::Reserve) {
                assert_eq!(again["replayed"], true, "{}", example.name);
                again["replayed"] = false.into();
                assert_eq!(again, first, "{}", example.name);
            }
        }
    }
}

#[tokio::test]
async fn every_invalid_example_is_turned_away_for_the_reason_in_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &["--policy", "korea-2020"]).await;
    for example in examples("invalid") {
        let (expected, _) = example.name.split_once("--").unwrap();
        let answer = over_nats(&jaego, &example).await;
        assert_eq!(answer["reason"], expected, "{:?} {}: {answer}", example.kind, example.name);
        if example.kind.is_personal() {
            let answer = over_http(&jaego, &example).await;
            assert_eq!(answer["reason"], expected, "{:?} {} over HTTP: {answer}", example.kind, example.name);
        }
    }
}
