//! Documents of caps: what is shipped holds together, each fault is found and named, and the journal carries them.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod holds;

use aggregator::caps::{CapsFault as Fault, doubts, faults, plan_at};
use aggregator::{Applied, Fold};
use schemas::Millis;
use schemas::caps::{Caps, Class, Institution, SHIPPED};
use schemas::entry::Entry;

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

#[test]
fn the_journal_carries_them_and_a_checkpoint_keeps_them() {
    let mut fold = Fold::default();
    assert_eq!(fold.caps(), None);
    let caps = shipped("post-offices-2020");
    let line = serde_json::to_string(&Entry::Caps(Box::new(caps.clone()))).unwrap();
    assert_eq!(fold.apply(1, serde_json::from_str(&line).unwrap()), Applied::Caps { in_force: true });
    let mut faulty = caps.clone();
    faulty.plans.clear();
    assert_eq!(fold.apply(2, Entry::Caps(Box::new(faulty))), Applied::Caps { in_force: false });
    assert_eq!(fold.caps().map(|caps| (**caps).clone()), Some(caps.clone()));
    let bytes = fold.checkpoint().to_bytes();
    assert_eq!(Fold::restore(bytes.as_slice()).unwrap().caps().map(|c| (**c).clone()), Some(caps));
}

#[test]
fn checkpoints_of_before_what_was_added_later_are_read() {
    let mut fold = Fold::default();
    fold.apply(7, Entry::Rules(schemas::entry::Rules::default()));
    let now = fold.checkpoint().to_bytes();
    // Before: another number, and no blocks of these after that of the state.
    let end = |from: usize| from + 8 + u32::from_le_bytes(now[from..from + 4].try_into().unwrap()) as usize;
    let (state, caps) = (end(8), end(end(8)));
    let (ids, holds) = (end(caps), end(end(caps)));
    let rows = end(holds);
    let without_earlier = [b"JAEGOCK5", &now[8..holds], &now[rows..]].concat();
    let without_holds = [b"JAEGOCK4", &now[8..ids], &now[rows..]].concat();
    let without_ids = [b"JAEGOCK3", &now[8..caps], &now[rows..]].concat();
    let without_caps = [b"JAEGOCK2", &now[8..state], &now[rows..]].concat();
    for before in [without_earlier, without_holds, without_ids, without_caps] {
        let restored = Fold::restore(before.as_slice()).unwrap();
        assert_eq!((restored.applied(), restored.caps()), (7, None));
        assert_eq!(restored.holds().iter().count(), 0);
    }
}
