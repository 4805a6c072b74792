//! Staged opening: who joins later is told when, joins by itself, and not while sales are late.

use std::time::Duration;

use schemas::Millis;
use schemas::time::KST_MINUTES;
use serde_json::json;

use super::*;
use crate::harness::LIMIT;

fn after(ms: i64) -> String {
    ingest::clock::now().plus(ms).rfc3339(KST_MINUTES)
}

#[tokio::test]
async fn a_cohort_joins_at_its_moment_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let opens = ingest::clock::now().plus(2_500);
    // The outlets of the registry lie in 강남구, 11680.
    let cohorts = json!([
        { "at": opens.rfc3339(KST_MINUTES), "kind": "post_office", "regions": ["11680"] },
        { "at": after(-60_000), "kind": "mart", "regions": ["26"] },
    ]);
    let others = [("post_office", wide()), ("mart", wide())];
    apply(&jaego, &document("staged", &others, &cohorts, &json!([]))).await;
    let told = jaego.pos("report", OFFICE, &report(1)).await;
    if ingest::clock::now() < opens {
        let wait = away(&told, "not_admitted");
        assert!(wait <= 2_500 + 30_000, "{wait}");
    }
    let joined = loop {
        let reply = jaego.pos("report", OFFICE, &report(1)).await;
        match reply.reason {
            None => break ingest::clock::now(),
            Some(_) => away(&reply, "not_admitted"),
        };
        assert!(ingest::clock::now() < opens.plus(i64::try_from(LIMIT.as_millis()).unwrap()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(joined >= opens, "joined {joined:?}, before {opens:?}");
    away(&jaego.pos("report", MART, &report(1)).await, "not_admitted");
    let admission: Value = serde_json::from_str(&jaego.admin("/admission").await).unwrap();
    assert_eq!(admission["most_refused"][0]["kind"], "post_office", "{admission}");
    assert_eq!(Millis::parse(admission["most_refused"][0]["joins"].as_str().unwrap()).unwrap(), opens);
    // Without cohorts all of a kind are there at once.
    apply(&jaego, &document("at-once", &others, &json!([]), &json!([]))).await;
    for outlet in ["2180000002", MART] {
        assert_eq!(jaego.pos("report", outlet, &report(1)).await.reason, None);
    }
}
