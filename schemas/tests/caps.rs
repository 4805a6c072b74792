//! Documents of caps: what is shipped holds together, and each fault is found and named.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use schemas::Millis;
use schemas::caps::{Caps, CapsFault as Fault, Class, Institution, SHIPPED, doubts, faults, plan_at};

fn shipped(name: &str) -> Caps {
    let (_, document) = SHIPPED.iter().find(|(known, _)| *known == name).unwrap();
    toml::from_str(document).unwrap()
}

fn changed(change: impl FnOnce(&mut Caps)) -> Vec<Fault> {
    let mut caps = shipped("post-offices-2020");
    change(&mut caps);
    faults(&caps)
}

#[test]
fn shipped_documents_are_without_fault_under_their_names() {
    for (name, _) in SHIPPED {
        let caps = shipped(name);
        assert_eq!((caps.name.as_str(), faults(&caps)), (name, Vec::new()));
        assert_eq!(serde_json::from_str::<Caps>(&serde_json::to_string(&caps).unwrap()).unwrap(), caps);
    }
}

#[test]
fn the_newest_plan_that_has_begun_is_in_force() {
    let caps = shipped("post-offices-2020");
    let at = |text: &str| plan_at(&caps, Millis::parse(text).unwrap()).unwrap();
    let has = |plan: &schemas::caps::Plan, kind| plan.institutions.iter().any(|i| i.kind == kind);
    assert!(!has(at("2020-03-10T23:59:59+09:00"), Institution::PostOffice));
    assert!(has(at("2020-03-11T00:00:00+09:00"), Institution::PostOffice));
    assert_eq!(plan_at(&caps, Millis(-1)), None);
}

#[test]
fn what_is_seldom_meant_is_told() {
    for (name, _) in SHIPPED {
        let crowded = name == "built-in";
        assert_eq!(doubts(&shipped(name)).is_empty(), !crowded, "{name}: {:?}", doubts(&shipped(name)));
    }
    let told = |change: fn(&mut Caps)| {
        let mut caps = shipped("post-offices-2020");
        change(&mut caps);
        doubts(&caps).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let wide = told(|c| {
        c.plans[1].institutions[1].sale.as_mut().unwrap().all = None;
        c.plans[1].institutions[1].stock.as_mut().unwrap().all.as_mut().unwrap().concurrency = 513;
    });
    assert_eq!(wide.len(), 2);
    assert!(
        wide[0].starts_with("plan 2, post_office, stock: ") && wide[0].contains("512 or less"),
        "{wide:?}"
    );
    assert!(wide[1].starts_with("plan 2, post_office, sale: "), "{wide:?}");
    let without = told(|c| c.plans[1].institutions.retain(|caps| caps.kind != Institution::Pharmacy));
    assert!(without.len() == 1 && without[0].contains("admits no pharmacies"), "{without:?}");
}

#[test]
fn each_fault_is_found_and_tells_its_place() {
    type Change = fn(&mut Caps);
    let cases: [(Change, &str); 16] = [
        (|c| c.name.clear(), "the name is empty; give one"),
        (
            |c| c.plans[1].cohorts[0].regions = vec!["99".to_owned()],
            "plan 2, cohort 1: no district has a code that begins with \"99\"",
        ),
        (|c| c.plans.clear(), "there are no plans; add one"),
        (|c| c.plans[1].effective_from = c.plans[0].effective_from, "plan 2: another plan is in force"),
        (|c| c.plans[0].institutions.clear(), "plan 1: it admits no institution"),
        (
            |c| c.plans[0].institutions.extend_from_within(..),
            "plan 1, pharmacy: the kind is there twice; join the two",
        ),
        (
            |c| {
                let pharmacy = &mut c.plans[0].institutions[0];
                (pharmacy.stock, pharmacy.sale, pharmacy.check) = (None, None, None);
            },
            "plan 1, pharmacy: it has none of stock, sale and check",
        ),
        (
            |c| {
                c.plans[1].institutions[1].check.as_mut().unwrap().terminal.as_mut().unwrap().per_second =
                    0.0;
            },
            "plan 2, post_office, check.terminal: per_second is not",
        ),
        (
            |c| c.plans[1].institutions[1].check.as_mut().unwrap().terminal.as_mut().unwrap().burst = 0,
            "plan 2, post_office, check.terminal: burst and concurrency",
        ),
        (
            |c| c.plans[1].institutions[1].check.as_mut().unwrap().each.concurrency = 100_000,
            "plan 2, post_office, check.each: it is above that of the larger circle",
        ),
        (|c| c.plans[1].cohorts[0].kind = Institution::Mart, "plan 2, cohort 1: its kind has no caps"),
        (|c| c.plans[1].cohorts[1].percent = 0, "plan 2, cohort 2: percent = 0"),
        (|c| c.plans[1].cohorts[1].regions = vec!["Seoul".to_owned()], "plan 2, cohort 2: \"Seoul\" is no"),
        (|c| c.plans[1].holds[0].seconds = 0, "plan 2, hold 1: give p99_ms, waiting or both"),
        (
            |c| (c.plans[1].holds[0].p99_ms, c.plans[1].holds[0].waiting) = (None, None),
            "plan 2, hold 1: give p99_ms, waiting or both",
        ),
        (|c| c.plans[1].holds[0].class = Class::Open, "plan 2, hold 1: only stock, sale and check"),
    ];
    for (change, told) in cases {
        let found = changed(change);
        assert!(matches!(found.as_slice(), [one] if one.to_string().starts_with(told)), "{told}: {found:#?}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let found = changed(|c| {
        c.plans[1].cohorts[0].percent = 101;
        c.plans[1].holds[0].seconds = 4000;
    });
    assert!(matches!(found.as_slice(), [Fault::Percent(_, 101), Fault::EmptyHold(_)]), "{found:#?}");
}
