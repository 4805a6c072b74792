//! Who plays needs people only where persons come, and knows what is turned away for now from what is refused for good.

use serde_json::json;

use super::*;
use crate::registry;
use crate::rehearse::catalog;

const RATION: Ration = Ration { quantity: 2, weekdays: false };

#[test]
fn a_day_of_readers_needs_no_people() {
    let mut tills = Tills::new(&[], &registry::synthetic(30, 1), 0, RATION, 1);
    assert_eq!(tills.open().len(), 30);
}

/// The tills of a scenario, and a request of a class that was sent once.
fn sent(scenario: &str, class: &str) -> (Tills, Request) {
    let scenario = catalog::find(scenario).unwrap();
    let mut tills = Tills::new(&scenario.loads, &registry::synthetic(300, 1), 1_000, RATION, 1);
    let mut asks = Vec::new();
    tills.arrive(scenario.class(class).unwrap(), Duration::ZERO, &mut asks);
    // Where little is left a delivery comes before the sale.
    let request = Request { tries: 1, ..asks.pop().unwrap() };
    (tills, request)
}

/// What becomes of a request that is answered with this status and document.
fn said(tills: &mut Tills, request: &Request, status: u16, body: &serde_json::Value) -> Next {
    let body = body.to_string();
    tills.answered(request, &Answer { status, body: body.as_bytes() }, &mut Vec::new())
}

/// What becomes of a request of a class of the masks that is answered so.
fn answered(class: &str, status: u16, body: &serde_json::Value) -> Next {
    let (mut tills, request) = sent("mask-2020-03-11", class);
    said(&mut tills, &request, status, body)
}

#[test]
fn what_is_turned_away_for_now_has_its_reason_and_what_is_refused_for_good_has_failed() {
    let problem = |reason: &str| json!({ "title": reason, "reason": reason, "retry_after_ms": 10 });
    for (status, reason) in
        [(429, "over_cap"), (403, "not_admitted"), (503, "overloaded"), (503, "unavailable")]
    {
        assert_eq!(answered("post_check", status, &problem(reason)), Next::TurnedAway(reason));
        // A sale is sent again, and was turned away nevertheless.
        let next = answered("post_sale", status, &problem(reason));
        assert!(matches!(next, Next::Again(_, Some(why)) if why == reason), "{next:?}");
    }
    let reply = json!({
        "status": "rejected", "reason": "over_cap", "received_at": "2020-03-11T09:05:00+09:00", "replayed": false,
        "retry_after_ms": 10,
    });
    let next = answered("sale", 200, &reply);
    assert!(matches!(next, Next::Again(_, Some("over_cap"))), "{next:?}");
    let refused = json!({ "title": "bad_person", "reason": "bad_person" });
    assert_eq!(answered("post_check", 422, &refused), Next::Failed);
    assert_eq!(answered("post_sale", 422, &refused), Next::Failed);
}

#[test]
fn a_check_is_asked_again_as_often_as_the_scenario_says_and_not_before_it_may() {
    let (mut tills, check) = sent("retry-storm", "post_check");
    let problem = json!({ "title": "over_cap", "reason": "over_cap", "retry_after_ms": 1_500 });
    let mut next = |tries| said(&mut tills, &Request { tries, ..check }, 429, &problem);
    for tries in 1..=3 {
        let next = next(tries);
        let waits = matches!(next, Next::Again(after, Some("over_cap")) if after.as_millis() > 1_500);
        assert!(waits, "{next:?}");
    }
    assert_eq!(next(4), Next::TurnedAway("over_cap"));
}

#[test]
fn the_copy_of_a_sale_that_is_turned_away_is_no_delivery() {
    let (mut tills, sale) = sent("mask-2020-03-11", "post_sale");
    let granted: Decision = serde_json::from_value(json!({
        "status": "accepted", "decision": "granted", "version": 7, "registered": true, "received_at": "2020-03-11T09:05:00+09:00", "replayed": false,
    }))
    .unwrap();
    tills.acts[sale.what as usize].as_mut().unwrap().first = Some(Box::new(granted));
    let problem = json!({ "title": "over_cap", "reason": "over_cap", "retry_after_ms": 10 });
    let next = said(&mut tills, &Request { class: None, ..sale }, 429, &problem);
    assert!(matches!(next, Next::Again(_, None)), "{next:?}");
}

#[test]
fn a_load_comes_from_all_terminals_of_its_outlets() {
    let scenario = catalog::find("mask-2020-03-11").unwrap();
    let mut tills = Tills::new(&scenario.loads, &registry::synthetic(300, 1), 1_000, RATION, 1);
    let mut of = |class: &str| {
        let class = scenario.class(class).unwrap();
        let mut asks = Vec::new();
        (0..2_000).for_each(|_| tills.arrive(class, Duration::ZERO, &mut asks));
        let own = asks.iter().filter(|request| request.class == Some(class));
        let bodies = own.map(|request| tills.acts[request.what as usize].as_ref().unwrap().body.clone());
        let terminal = |body: Vec<u8>| {
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["terminal"].to_string()
        };
        bodies.map(terminal).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!((of("post_check").len(), of("sale").len()), (43, 1));
}
