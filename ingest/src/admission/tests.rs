//! Who is let in under which caps, and what one kind of institution can take from another.

use std::time::Duration;

use aggregator::Fold;
use schemas::caps::{Cap, ClassCaps, Cohort, InstitutionCaps, Plan};
use schemas::entry::{Entry, RegistryCommit};
use schemas::pos::Reason;
use schemas::registry::{OutletInfo, OutletType};
use schemas::time::Rfc3339;

use super::*;

pub(super) const PHARMACY: &str = "11111111";
pub(super) const OFFICE: &str = "2222222222";

/// One pharmacy and two post offices.
fn outlets() -> OutletTypes {
    let mut fold = Fold::default();
    let kinds =
        [(PHARMACY, OutletType::Pharmacy), (OFFICE, OutletType::PostOffice), ("3", OutletType::PostOffice)];
    for (code, kind) in kinds {
        let outlet = OutletInfo::bare(OutletCode::new(code).unwrap(), "", "", kind);
        fold.apply(1, Entry::RegistryRow { import: 1, outlet: Box::new(outlet) });
    }
    let commit = RegistryCommit { import: 1, rows: 3, digest: 1, source: String::new(), received: Millis(0) };
    fold.apply(1, Entry::RegistryCommit(commit));
    fold.outlet_types()
}

fn cap(per_second: f64, burst: u32, concurrency: u32) -> Cap {
    Cap { per_second, burst, concurrency }
}

pub(super) fn plan() -> Plan {
    let wide = cap(1e6, 1_000_000, 1_000_000);
    let class = |each| Some(ClassCaps { all: None, each, terminal: None });
    let pharmacy = InstitutionCaps {
        kind: Institution::Pharmacy,
        stock: class(wide),
        sale: class(wide),
        check: class(wide),
    };
    let office = InstitutionCaps {
        kind: Institution::PostOffice,
        stock: None,
        sale: class(wide),
        check: Some(ClassCaps {
            all: Some(cap(1.0, 6, 4)),
            each: cap(1.0, 4, 3),
            terminal: Some(cap(1.0, 2, 1)),
        }),
    };
    Plan {
        effective_from: Rfc3339(Millis(0)),
        words: schemas::policy::Words::default(),
        institutions: vec![pharmacy, office],
        cohorts: Vec::new(),
        holds: Vec::new(),
    }
}

pub(super) fn admission(plan: Plan, held_since: Option<Millis>) -> Arc<Admission> {
    let admission = Admission::new(outlets());
    let caps = Arc::clone(&admission.rules.load().caps);
    admission.rules.store(Arc::new(Rules::new(2, caps, plan, None, held_since)));
    admission
}

fn good(mut permit: Permit) -> Permit {
    permit.good();
    permit
}

fn reason(outcome: Result<Permit, Refusal>) -> Reason {
    outcome.expect_err("it is turned away").reason
}

#[test]
fn what_is_not_in_the_plan_is_not_admitted() {
    let (admission, now) = (admission(plan(), None), Instant::now());
    let enter = |class, code| admission.enter(class, code, now, false);
    assert_eq!(reason(enter(Class::Stock, OFFICE)), Reason::NotAdmitted);
    assert_eq!(reason(enter(Class::Sale, "nobody")), Reason::NotAdmitted);
    assert!(enter(Class::Sale, OFFICE).is_ok() && enter(Class::Stock, PHARMACY).is_ok());
}

#[test]
fn an_institution_and_its_kind_have_caps_that_others_do_not_feel() {
    let (admission, now) = (admission(plan(), None), Instant::now());
    let enter = |code| admission.enter(Class::Check, code, now, false);
    let waiting: Vec<Permit> = (0..3).map(|_| enter(OFFICE).unwrap()).collect();
    assert_eq!(reason(enter(OFFICE)), Reason::OverCap, "three wait already");
    let other = enter("3").unwrap();
    assert_eq!(reason(enter("3")), Reason::OverCap, "and four of the kind");
    drop((waiting, other));
    // The rate of the institution is used up after four, that of the kind after six.
    assert!(enter(OFFICE).is_ok());
    let refusal = enter(OFFICE).unwrap_err();
    assert!(refusal.reason == Reason::OverCap && refusal.retry_after_ms >= 900, "{refusal:?}");
    assert!(enter("3").is_ok());
    assert_eq!(reason(enter("3")), Reason::OverCap);
    for _ in 0..10_000 {
        assert!(enter(PHARMACY).is_ok());
    }
    assert!(admission.enter(Class::Check, OFFICE, now + Duration::from_secs(2), false).is_ok());
    assert_eq!(admission.report().most_refused[0].who, OFFICE);
}

#[test]
fn a_terminal_has_a_cap_within_its_outlet() {
    let (admission, now) = (admission(plan(), None), Instant::now());
    let mut first = admission.enter(Class::Check, OFFICE, now, false).unwrap();
    first.terminal("t1").unwrap();
    let mut second = admission.enter(Class::Check, OFFICE, now, false).unwrap();
    assert_eq!(second.terminal("t1").unwrap_err().reason, Reason::OverCap);
    assert!(second.terminal("t2").is_ok());
    drop(first);
    let mut third = admission.enter(Class::Check, OFFICE, now, false).unwrap();
    assert!(third.terminal("t1").is_ok());
}

#[test]
fn many_at_once_are_held_to_the_rate_and_not_to_the_concurrency() {
    let (admission, now) = (admission(plan(), None), Instant::now());
    let enter = || admission.enter(Class::Check, OFFICE, now, true);
    let all: Vec<_> = (0..4).map(|_| enter().unwrap()).collect();
    assert_eq!(reason(enter()), Reason::OverCap);
    drop(all);
    assert_eq!(reason(enter()), Reason::OverCap);
}

#[test]
fn a_class_that_is_full_turns_away_whoever_comes_and_other_classes_do_not_feel_it() {
    let (admission, now) = (admission(plan(), None), Instant::now());
    admission.classes[Class::Check as usize].set_limit(2);
    let enter = |class| admission.enter(class, PHARMACY, now, false).map(good);
    let full = [enter(Class::Check).unwrap(), enter(Class::Check).unwrap()];
    let refusal = enter(Class::Check).unwrap_err();
    assert!(refusal.reason == Reason::Overloaded && refusal.retry_after_ms >= 1_000);
    assert_eq!(admission.knock(Class::Check).unwrap_err().reason, Reason::Overloaded);
    assert!(enter(Class::Sale).is_ok() && admission.knock(Class::Sale).is_ok());
    drop(full);
    assert!(enter(Class::Check).is_ok() && admission.knock(Class::Check).is_ok());
    assert_eq!(admission.class_reports().map(|class| class.under_way), [0; 3]);
    assert_eq!(admission.tally().admitted(Class::Check, Institution::Pharmacy), 3);
}

#[test]
fn a_cohort_joins_at_its_moment_unless_it_is_held() {
    let now = crate::clock::now();
    let cohort = |after_ms| Cohort {
        at: Rfc3339(now.plus(after_ms)),
        kind: Institution::PostOffice,
        regions: Vec::new(),
        percent: 100,
    };
    let enter = |cohorts, held_since| {
        let admission = admission(Plan { cohorts, ..plan() }, held_since);
        assert!(admission.enter(Class::Sale, PHARMACY, Instant::now(), false).is_ok());
        admission.enter(Class::Sale, OFFICE, Instant::now(), false).map(drop)
    };
    let refused = enter(vec![cohort(60_000)], None).unwrap_err();
    assert_eq!(refused.reason, Reason::NotAdmitted);
    assert!((55_000..=90_000).contains(&refused.retry_after_ms), "{refused:?}");
    assert!(enter(vec![cohort(60_000), cohort(-1_000)], None).is_ok());
    assert!(enter(vec![cohort(-1_000)], Some(now.plus(-500))).is_ok());
    let held = enter(vec![cohort(-1_000)], Some(now.plus(-2_000))).unwrap_err();
    assert!(held.reason == Reason::NotAdmitted && held.detail.contains("while answers are late"));
}

#[test]
fn what_is_turned_away_after_the_door_says_nothing_of_how_soon_good_ones_are_answered() {
    let admission = admission(plan(), None);
    let long_ago = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    let enter = |at| admission.enter(Class::Sale, PHARMACY, at, false).unwrap();
    drop(good(enter(long_ago)));
    for _ in 0..1_000 {
        drop(enter(Instant::now()));
    }
    let state = &admission.classes[Class::Sale as usize];
    let median = state.measure(&mut class::Look::default(), 0).median;
    assert!(median.is_some_and(|median| median >= Duration::from_secs(1)), "{median:?}");
    assert_eq!(state.under_way(), 0);
    assert_eq!(admission.tally().admitted(Class::Sale, Institution::Pharmacy), 1);
}
