//! One person, one allowance: check, claim, claim again, void, ticket, late claim, and the stock that moves with them.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{AT, OTHER, PHARMACY, claim, get, id, number, post, settle, start, stock, stock_up};

fn check(person: u32) -> Value {
    json!({
        "outlet": PHARMACY, "terminal": "t1", "at": AT, "item": "mask",
        "person": { "kind": "resident", "number": number(person) },
    })
}

#[tokio::test]
async fn a_claim_moves_allowance_and_stock_at_one_version() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    stock_up(&jaego).await;
    let may = post(&jaego, "checks", &check(1)).await.json();
    assert_eq!((&may["decision"], &may["remaining"]), (&json!("granted"), &json!(2)), "{may}");
    assert!(may["id"].is_null() && may["durability"].is_null(), "{may}");

    let first = post(&jaego, "claims", &claim(1, 1, 2)).await;
    let granted = first.json();
    assert_eq!(
        (first.status, &granted["decision"], &granted["remaining"]),
        (200, &json!("granted"), &json!(0))
    );
    assert_eq!((&granted["registered"], &granted["durability"]), (&json!(true), &json!("fsynced")));
    assert_eq!(stock(&jaego, &granted["version"]).await, (98, 0));
    let again = post(&jaego, "claims", &claim(1, 1, 2)).await;
    assert_eq!((again.json()["replayed"].clone(), again.as_first()), (json!(true), first.text));
    post(&jaego, "claims", &claim(1, 1, 1)).await.is_problem(409, "id_conflict");
    assert_eq!(stock(&jaego, &granted["version"]).await, (98, 0));

    let refused = post(&jaego, "claims", &claim(2, 1, 1)).await.json();
    assert_eq!(
        (&refused["decision"], &refused["reason"]),
        (&json!("refused"), &json!("limit_reached")),
        "{refused}"
    );
    assert_eq!(refused["remaining"], 0);
    let ends = DateTime::parse_from_rfc3339(refused["window_ends"].as_str().unwrap()).unwrap();
    assert_eq!(refused["next_eligible"], ends.date_naive().to_string(), "{refused}");
    post(&jaego, &format!("claims/{}/void", id(2)), &settle(PHARMACY))
        .await
        .is_problem(409, "nothing_to_void");

    post(&jaego, &format!("claims/{}/void", id(1)), &settle(OTHER)).await.is_problem(403, "other_outlet");
    let void = post(&jaego, &format!("claims/{}/void", id(1)), &settle(PHARMACY)).await.json();
    assert_eq!((&void["state"], &void["replayed"]), (&json!("voided"), &json!(false)), "{void}");
    let void = post(&jaego, &format!("claims/{}/void", id(1)), &settle(PHARMACY)).await.json();
    assert_eq!((&void["state"], &void["replayed"]), (&json!("voided"), &json!(true)), "{void}");
    let anew = post(&jaego, "claims", &claim(3, 1, 1)).await.json();
    assert_eq!((&anew["decision"], &anew["remaining"]), (&json!("granted"), &json!(1)), "{anew}");
    assert_eq!(stock(&jaego, &anew["version"]).await, (99, 0));
    assert_eq!(get(&jaego, &format!("claims/{}", id(1))).await.json()["state"], "voided");
    get(&jaego, &format!("claims/{}", id(99))).await.is_problem(404, "unknown_claim");

    // A void that overtook its claim: the claim sells nothing when it comes.
    post(&jaego, &format!("claims/{}/void", id(4)), &settle(PHARMACY)).await.is_problem(404, "unknown_claim");
    let late = post(&jaego, "claims", &claim(4, 1, 1)).await;
    assert!(late.text.contains("make a new id"), "{}", late.text);
    late.is_problem(409, "withdrawn");
    get(&jaego, &format!("claims/{}", id(4))).await.is_problem(404, "unknown_claim");
    assert_eq!(post(&jaego, "checks", &check(1)).await.json()["remaining"], 1);

    // Who buys for themselves is no proxy, though the till says who came.
    let mut own = claim(5, 1, 1);
    own["buyer"] = own["person"].clone();
    let own = post(&jaego, "claims", &own).await.json();
    assert_eq!((&own["decision"], &own["remaining"]), (&json!("granted"), &json!(0)), "{own}");

    // A late claim is judged as of its day: what comes next a check tells.
    let mut late = claim(6, 3, 1);
    late["occurred_at"] = (Utc::now() - Duration::days(5)).to_rfc3339().into();
    let late = post(&jaego, "late-claims", &late).await.json();
    assert_eq!((&late["decision"], &late["next_eligible"]), (&json!("recorded"), &json!(null)), "{late}");

    // What was turned away is counted, also where only the books could tell.
    let metrics = jaego.admin("/metrics").await;
    let once = ["id_conflict", "nothing_to_void", "other_outlet", "withdrawn"].map(|reason| (reason, 1));
    // A void and two who asked what became of a claim.
    for (reason, times) in once.into_iter().chain([("unknown_claim", 3)]) {
        let counted = format!("jaego_rejected_total{{reason=\"{reason}\"}} {times}\n");
        assert!(metrics.contains(&counted), "{reason}: {metrics}");
    }
}

#[tokio::test]
async fn a_ticket_promises_stock_until_it_is_a_sale_or_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    stock_up(&jaego).await;
    for n in [1, 2] {
        let held = post(&jaego, "reservations", &claim(n, n, 2)).await.json();
        assert_eq!((&held["decision"], &held["remaining"]), (&json!("reserved"), &json!(0)), "{held}");
        let [until, received] = ["held_until", "received_at"]
            .map(|at| DateTime::parse_from_rfc3339(held[at].as_str().unwrap()).unwrap());
        assert_eq!(until - received, Duration::minutes(60));
        assert_eq!(stock(&jaego, &held["version"]).await, (100, u64::from(2 * n)));
    }
    assert_eq!(post(&jaego, "claims", &claim(3, 1, 1)).await.json()["reason"], "limit_reached");
    let confirm = format!("reservations/{}/confirm", id(1));
    post(&jaego, &confirm, &settle(OTHER)).await.is_problem(403, "other_outlet");
    let sale = post(&jaego, &confirm, &settle(PHARMACY)).await.json();
    assert_eq!((&sale["state"], &sale["replayed"]), (&json!("confirmed"), &json!(false)), "{sale}");
    assert_eq!(post(&jaego, &confirm, &settle(PHARMACY)).await.json()["replayed"], true);
    post(&jaego, &format!("claims/{}/void", id(2)), &settle(PHARMACY)).await;
    post(&jaego, &format!("reservations/{}/confirm", id(2)), &settle(PHARMACY))
        .await
        .is_problem(409, "not_held");
    let after = post(&jaego, "claims", &claim(4, 2, 2)).await.json();
    assert_eq!(after["decision"], "granted", "{after}");
    assert_eq!(stock(&jaego, &after["version"]).await, (96, 0));
}

#[tokio::test]
async fn a_late_claim_is_recorded_and_flagged_where_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let late = |n: u32, occurred: DateTime<Utc>| {
        let mut body = claim(n, 1, 2);
        body["occurred_at"] = occurred.to_rfc3339().into();
        body
    };
    // Both in one window, whatever the day.
    let occurred = Utc::now() - Duration::seconds(1);
    for (n, over) in [(1, false), (2, true)] {
        let recorded = post(&jaego, "late-claims", &late(n, occurred)).await.json();
        assert_eq!(recorded["decision"], "recorded", "{recorded}");
        assert_eq!(recorded["over_limit"] == true, over, "{recorded}");
    }
    post(&jaego, "late-claims", &late(3, occurred - Duration::days(8))).await.is_problem(422, "out_of_range");
    post(&jaego, "late-claims", &late(3, occurred + Duration::minutes(10)))
        .await
        .is_problem(422, "future_dated");
    assert_eq!(post(&jaego, "checks", &check(1)).await.json()["reason"], "limit_reached");
}

#[tokio::test]
async fn a_late_claim_of_a_clock_that_is_ahead_is_known_again() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let mut late = claim(1, 1, 2);
    late["occurred_at"] = (Utc::now() + Duration::minutes(1)).to_rfc3339().into();
    let first = post(&jaego, "late-claims", &late).await;
    assert_eq!(first.json()["decision"], "recorded", "{}", first.text);
    // It comes at another moment, and so was sold at another one by the clock here.
    for _ in 0..3 {
        let again = post(&jaego, "late-claims", &late).await;
        assert_eq!(again.json()["replayed"], true, "{}", again.text);
        assert_eq!(again.as_first(), first.text);
    }
}

#[tokio::test]
async fn nats_and_http_give_one_person_one_allowance() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let ask = |body: Value| jaego.nats.request(format!("pos.v1.claim.{PHARMACY}"), body.to_string().into());
    let first = ask(claim(1, 1, 2)).await.unwrap();
    let again = post(&jaego, "claims", &claim(1, 1, 2)).await;
    assert_eq!(again.as_first().as_bytes(), &first.payload[..]);
    assert_eq!(post(&jaego, "claims", &claim(2, 1, 1)).await.json()["reason"], "limit_reached");
}
