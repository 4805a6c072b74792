//! What a POS is answered: outcomes, typed rejections, dead letters, outlets that nobody registered.

use futures::StreamExt;
use schemas::pos::{Outcome, Reason};
use schemas::status::Durability;
use serde_json::{Value, json};

use crate::harness::{Jaego, LIMIT};

fn report(seq: u64, count: u32) -> Value {
    json!({ "terminal": "t1", "seq": seq, "at": "2020-03-11T09:05:00+09:00", "item": "mask", "count": count })
}

#[tokio::test]
async fn each_outcome_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let first = jaego.pos("report", "11111111", &report(100, 50)).await;
    assert_eq!((first.status, first.durability), (Outcome::Accepted, Some(Durability::Fsynced)));
    assert_eq!((first.replayed, first.registered), (false, Some(false)));
    let again = jaego.pos("report", "11111111", &report(100, 50)).await;
    assert_eq!((again.status, again.replayed, again.high_water), (Outcome::Duplicate, true, Some(100)));
    let old = jaego.pos("report", "11111111", &report(99, 70)).await;
    assert_eq!((old.status, old.replayed), (Outcome::Superseded, false));
    assert!(old.version > again.version);
}

#[tokio::test]
async fn each_mistake_has_its_own_rejection() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let future =
        json!({ "terminal": "t1", "seq": 1, "at": "2999-01-01T00:00:00+09:00", "item": "mask", "count": 1 });
    let mut beyond = report(1, 1);
    beyond["count"] = 1_000_001.into();
    let cases = [
        ("pos.v1.report.1", b"{".to_vec(), Reason::Malformed),
        ("pos.v1.report.1", vec![b' '; 5_000], Reason::Oversized),
        ("pos.v1.report", report(1, 1).to_string().into_bytes(), Reason::WrongSubject),
        ("pos.v1.report.1.2", report(1, 1).to_string().into_bytes(), Reason::WrongSubject),
        ("pos.v1.report.1", future.to_string().into_bytes(), Reason::FutureDated),
        ("pos.v1.report.1", beyond.to_string().into_bytes(), Reason::OutOfRange),
    ];
    for (subject, payload, reason) in cases {
        let reply = jaego.request(subject.to_owned(), payload).await;
        assert_eq!((reply.status, reply.reason), (Outcome::Rejected, Some(reason)), "{reply:?}");
        assert!(reply.detail.is_some_and(|d| !d.is_empty()));
    }
    let metrics = jaego.admin("/metrics").await;
    assert!(metrics.contains("jaego_rejected_total{reason=\"wrong_subject\"} 2"), "{metrics}");
    // Nobody listens to a kind that is none: the sender is told so by NATS.
    let error = jaego.nats.request("pos.v1.rep0rt.1", "{}".into()).await.unwrap_err();
    assert_eq!(error.kind(), async_nats::RequestErrorKind::NoResponders);
}

#[tokio::test]
async fn what_cannot_be_answered_goes_to_the_dead_letters() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let mut dead = jaego.nats.subscribe("dead.v1.>").await.unwrap();
    jaego.nats.flush().await.unwrap();
    jaego.nats.publish("pos.v1.report.7", "no json".into()).await.unwrap();
    let letter = tokio::time::timeout(LIMIT, dead.next()).await.unwrap().unwrap();
    assert_eq!(letter.subject.as_str(), "dead.v1.malformed");
    // What could be a number of a person is masked, and of what is no JSON everything could.
    assert_eq!(letter.headers.unwrap().get("Jaego-Subject").unwrap().as_str(), "pos.v1.report.7");
    assert!(jaego.admin("/metrics").await.contains("jaego_dead_letters_total 1"));
    let kept = async_nats::jetstream::new(jaego.nats.clone()).get_stream("DEAD").await.unwrap();
    let kept = kept.get_last_raw_message_by_subject("dead.v1.malformed").await.unwrap();
    assert_eq!(&kept.payload[..], b"** ****");
}
