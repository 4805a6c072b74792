//! 11 March 2020 again: post offices storm the duplicate check while pharmacies sell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::harness::LIMIT;

/// Checks of a storm: fewer than wait unread before they are dropped, so that each is answered.
const STORM: u32 = 60_000;

/// Sends checks as fast as it can, by 40 post offices, and counts what is answered by reason.
async fn storm(jaego: &Jaego, over: Arc<AtomicBool>) -> (u32, u32, u32) {
    let nats = async_nats::ConnectOptions::new()
        .subscription_capacity(1 << 20)
        .connect(jaego.endpoints.nats.as_str())
        .await
        .unwrap();
    let inbox = nats.new_inbox();
    let mut answers = nats.subscribe(inbox.clone()).await.unwrap();
    for n in 0..STORM {
        let outlet = format!("218{:07}", 1 + n % 40);
        let body = check(&outlet, n).to_string();
        nats.publish_with_reply(format!("pos.v1.check.{outlet}"), inbox.clone(), body.into()).await.unwrap();
    }
    nats.flush().await.unwrap();
    over.store(true, Relaxed);
    let (mut accepted, mut capped, mut others) = (0, 0, 0);
    while accepted + capped + others < STORM {
        let answer = tokio::time::timeout(LIMIT, answers.next()).await.expect("an answer").unwrap();
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
        match (answer["status"].as_str(), answer["reason"].as_str()) {
            (Some("accepted"), _) => accepted += 1,
            (_, Some("over_cap")) if answer["retry_after_ms"].is_u64() => capped += 1,
            (_, Some("overloaded")) if answer["retry_after_ms"].is_u64() => others += 1,
            _ => panic!("{answer}"),
        }
    }
    assert_eq!(
        accepted + capped + others,
        STORM,
        "{accepted} accepted, {capped} capped, {others} overloaded"
    );
    (accepted, capped, others)
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
    let ((accepted, capped, others), (sold, longest)) =
        tokio::join!(storm(&jaego, Arc::clone(&over)), sell(&jaego, Arc::clone(&over)));
    eprintln!(
        "{accepted} accepted, {capped} over cap, {others} overloaded; {sold} sold, longest {longest:?}"
    );
    assert!(sold >= 200 && accepted > 0 && capped > STORM / 10);
    assert!(accepted < STORM / 10, "the caps let {accepted} checks in");
    // A check is refused before its turn, or dropped by its own connection: claims wait for neither.
    assert!(longest < Duration::from_secs(2), "a sale waited {longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_caps_on_checks_the_storm_has_a_queue_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    apply(&jaego, &document("wide", &[("post_office", wide())], &json!([]), &json!([]))).await;
    let over = Arc::new(AtomicBool::new(false));
    let ((accepted, capped, others), (sold, longest)) =
        tokio::join!(storm(&jaego, Arc::clone(&over)), sell(&jaego, Arc::clone(&over)));
    eprintln!(
        "{accepted} accepted, {capped} over cap, {others} overloaded; {sold} sold, longest {longest:?}"
    );
    assert!(sold >= 200 && accepted > 0);
    // In one queue with the checks, sales waited more than a second here.
    assert!(longest < Duration::from_millis(700), "a sale waited {longest:?}");
}
