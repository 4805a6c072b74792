//! 11 March 2020 again: post offices storm the duplicate check while pharmacies sell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_nats::Subscriber;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use super::*;
use crate::harness::LIMIT;

/// Checks of a storm: fewer than wait unread before they are dropped, so that each is answered.
const STORM: u32 = 60_000;

/// A storm of checks by 40 post offices, sent as fast as they can be.
pub(super) struct Storm {
    /// What was answered so far, unread.
    heard: Arc<AtomicU32>,
    answers: JoinHandle<Vec<Bytes>>,
}

/// What became of a storm's checks.
#[derive(Debug, Default)]
pub(super) struct Told {
    accepted: u32,
    capped: u32,
    overloaded: u32,
}

impl Storm {
    /// Begins it, and returns when all was sent.
    pub(super) async fn send(jaego: &Jaego) -> Self {
        let options = async_nats::ConnectOptions::new().subscription_capacity(1 << 20);
        let nats = options.connect(jaego.endpoints.nats.as_str()).await.unwrap();
        let inbox = nats.new_inbox();
        let answers = nats.subscribe(inbox.clone()).await.unwrap();
        let heard = Arc::new(AtomicU32::new(0));
        let answers = tokio::spawn(hear(answers, Arc::clone(&heard)));
        for n in 0..STORM {
            let outlet = format!("218{:07}", 1 + n % 40);
            let body = check(&outlet, n).to_string().into();
            nats.publish_with_reply(format!("pos.v1.check.{outlet}"), inbox.clone(), body).await.unwrap();
        }
        nats.flush().await.unwrap();
        Self { heard, answers }
    }

    /// Waits until every check is answered, each in the words of the contract.
    pub(super) async fn told(self) -> Told {
        let mut told = Told::default();
        for answer in self.answers.await.unwrap() {
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            match (answer["status"].as_str(), answer["reason"].as_str()) {
                (Some("accepted"), _) => told.accepted += 1,
                (_, Some("over_cap")) if answer["retry_after_ms"].is_u64() => told.capped += 1,
                (_, Some("overloaded")) if answer["retry_after_ms"].is_u64() => told.overloaded += 1,
                _ => panic!("{answer}"),
            }
        }
        told
    }
}

async fn hear(mut answers: Subscriber, heard: Arc<AtomicU32>) -> Vec<Bytes> {
    let mut all = Vec::new();
    while heard.load(Relaxed) < STORM {
        let answer = tokio::time::timeout(LIMIT, answers.next()).await.expect("an answer").unwrap();
        all.push(answer.payload);
        heard.fetch_add(1, Relaxed);
    }
    all
}

/// Pharmacies sell, each the next piece when the last is answered, until told to stop. Returns how many were sold and the
/// longest wait; every one must be taken.
async fn sell(jaego: &Jaego, over: Arc<AtomicBool>) -> (u32, Duration) {
    let (next, mut tills) = (Arc::new(AtomicU32::new(0)), JoinSet::new());
    for pharmacy in PHARMACIES {
        let (nats, next, over) = (jaego.nats.clone(), Arc::clone(&next), Arc::clone(&over));
        tills.spawn(async move {
            let (mut sold, mut longest) = (0, Duration::ZERO);
            while !over.load(Relaxed) || sold < 50 {
                let started = Instant::now();
                let body = claim(pharmacy, next.fetch_add(1, Relaxed)).to_string();
                let answer = nats.request(format!("pos.v1.claim.{pharmacy}"), body.into()).await.unwrap();
                let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
                assert_eq!(answer["status"], "accepted", "{answer}");
                longest = longest.max(started.elapsed());
                sold += 1;
            }
            (sold, longest)
        });
    }
    tills.join_all().await.into_iter().fold((0, Duration::ZERO), |all, one| (all.0 + one.0, all.1.max(one.1)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_go_on_while_post_offices_storm_the_check_and_what_is_too_much_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let cap = |per_second: u32| json!({ "per_second": per_second, "burst": per_second, "concurrency": 64 });
    let mut office = wide();
    office["check"] = json!({ "all": cap(200), "each": cap(10) });
    apply(&jaego, &document("capped", &[("post_office", office)], &json!([]), &json!([]))).await;
    let over = Arc::new(AtomicBool::new(false));
    let storm = async {
        let storm = Storm::send(&jaego).await;
        over.store(true, Relaxed);
        storm.told().await
    };
    let (told, (sold, longest)) = tokio::join!(storm, sell(&jaego, Arc::clone(&over)));
    eprintln!("{told:?}; {sold} sold, longest {longest:?}");
    assert!(told.accepted > 0 && told.accepted < STORM / 10, "{told:?}");
    assert!(told.capped > STORM / 10 && sold >= 200, "{told:?}, {sold} sold");
}

/// What a message hears that came after a storm without caps, and how many checks of that are still to be answered then.
async fn after_a_storm(jaego: &Jaego, ask: impl Future<Output = Value>) -> (Value, u32) {
    let storm = Storm::send(jaego).await;
    let answer = ask.await;
    let unanswered = STORM - storm.heard.load(Relaxed);
    let told = storm.told().await;
    eprintln!("{unanswered} unanswered; {told:?}");
    assert!(told.accepted > 0 && told.capped == 0, "{told:?}");
    (answer, unanswered)
}

/// A check like those of the storm, which waits as long as they do.
async fn ask_like_the_storm(jaego: &Jaego) -> Value {
    let body = check(PHARMACIES[0], 1).to_string().into();
    let request = async_nats::Request::new().payload(body).timeout(Some(LIMIT));
    let answer = jaego.nats.send_request(format!("pos.v1.check.{}", PHARMACIES[0]), request).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_caps_a_sale_is_still_answered_before_the_checks_that_came_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    apply(&jaego, &document("wide", &[("post_office", wide())], &json!([]), &json!([]))).await;
    let claim = claim(PHARMACIES[0], 1);
    let (answer, sale) = after_a_storm(&jaego, send(&jaego, "claim", PHARMACIES[0], &claim)).await;
    assert_eq!(answer["status"], "accepted", "{answer}");
    assert!(sale > STORM / 20, "only {sale} checks were still to be answered");
    // What is in one queue with the storm comes after it.
    let (answer, check) = after_a_storm(&jaego, ask_like_the_storm(&jaego)).await;
    assert!(answer["status"] == "accepted" || answer["reason"] == "overloaded", "{answer}");
    assert!(
        check < STORM / 20 && check < sale / 4,
        "{check} checks were still to be answered, {sale} for a sale"
    );
}
