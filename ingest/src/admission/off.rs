//! What each protection of the door is for: the same storm with it and without it, and the other way round it ends.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use schemas::caps::{Cap, ClassCaps};
use schemas::pos::Reason;

use super::class::{Bounds, Look};
use super::rate::{Bucket, Rate};
use super::tests::{OFFICE, PHARMACY, admission, plan};
use super::*;

const OTHER_OFFICE: &str = "3";

const fn cap(number: u32) -> Cap {
    Cap { per_second: 0.001, burst: number, concurrency: number }
}

/// Under these caps of checks of post offices.
fn under(caps: &ClassCaps) -> Arc<Admission> {
    let mut plan = plan();
    for institution in &mut plan.institutions {
        if institution.kind == Institution::PostOffice {
            institution.check = Some(caps.clone());
        }
    }
    admission(plan, None)
}

fn let_in(
    admission: &Arc<Admission>,
    (outlet, terminal): (&str, &str),
    now: Instant,
) -> Result<Permit, Refusal> {
    let mut permit = admission.enter(Class::Check, outlet, now, false)?;
    permit.terminal(terminal)?;
    Ok(permit)
}

/// How many checks of a storm are let in, and whether a neighbour is after them; they wait for their answers or are done at
/// once.
fn storm(
    admission: &Arc<Admission>,
    by: &[(&str, &str)],
    neighbour: (&str, &str),
    all_wait: bool,
) -> (usize, bool) {
    let (now, mut waiting, mut entered) = (Instant::now(), Vec::new(), 0);
    for who in by.iter().cycle().take(100) {
        let Ok(permit) = let_in(admission, *who, now) else { continue };
        entered += 1;
        waiting.extend(Some(permit).filter(|_| all_wait));
    }
    (entered, let_in(admission, neighbour, now).is_ok())
}

#[test]
fn a_cap_of_terminals_leaves_room_to_others_of_the_outlet() {
    for (terminal, entered, room) in [(Some(cap(4)), 4, true), (None, 10, false)] {
        let each = Cap { burst: 1_000, ..cap(10) };
        let admission = under(&ClassCaps { all: None, each, terminal });
        assert_eq!(storm(&admission, &[(OFFICE, "t1")], (OFFICE, "t2"), true), (entered, room));
    }
    // Of its outlet's rate a terminal takes what it asks, let in or not: the outlet pays for what is read.
    for (terminal, entered) in [(Some(cap(4)), 4), (None, 10)] {
        let admission = under(&ClassCaps { all: None, each: cap(10), terminal });
        assert_eq!(storm(&admission, &[(OFFICE, "t1")], (OFFICE, "t2"), false), (entered, false));
    }
}

#[test]
fn a_cap_of_institutions_leaves_room_to_others_of_the_kind() {
    for all_wait in [true, false] {
        for (each, entered, room) in [(cap(4), 4, true), (cap(10), 10, false)] {
            let admission = under(&ClassCaps { all: Some(cap(10)), each, terminal: None });
            let stormed = storm(&admission, &[(OFFICE, "t1")], (OTHER_OFFICE, "t1"), all_wait);
            assert_eq!(stormed, (entered, room), "each waits: {all_wait}");
        }
    }
}

#[test]
fn a_cap_of_a_kind_leaves_room_to_other_kinds_of_the_class() {
    let offices = [(OFFICE, "t1"), (OTHER_OFFICE, "t1")];
    for (all, entered, room) in [(Some(cap(16)), 16, true), (None, 32, false)] {
        let admission = under(&ClassCaps { all, each: cap(16), terminal: None });
        admission.classes[Class::Check as usize].set_limit(32);
        assert_eq!(storm(&admission, &offices, (PHARMACY, "t1"), true), (entered, room));
        // And in any case to other classes.
        assert!(admission.enter(Class::Sale, PHARMACY, Instant::now(), false).is_ok());
    }
    // A rate without a cap of the kind is as much as all of it send.
    for (all, entered) in [(Some(cap(16)), 16), (None, 32)] {
        let admission = under(&ClassCaps { all, each: cap(16), terminal: None });
        assert_eq!(storm(&admission, &offices, (PHARMACY, "t1"), false), (entered, true));
    }
}

/// Checks come twice as fast as they can be answered, for ten seconds: how long the last one that was answered had waited, and
/// how many were.
fn overload(adapts: bool) -> (Duration, u32) {
    const COME: usize = 8;
    const ANSWERED: usize = 4;
    let (state, bounds, mut look) =
        (ClassState::new(Class::Check), Bounds::of(Class::Check), Look::default());
    let (mut waiting, mut longest, mut answered) = (VecDeque::new(), Duration::ZERO, 0);
    for ms in 1..=10_000_u64 {
        let now_ns = ms * 1_000_000;
        waiting.extend((0..COME).filter(|_| state.join(now_ns)).map(|_| ms));
        for came in waiting.drain(..ANSWERED.min(waiting.len())) {
            longest = Duration::from_millis(ms - came);
            state.done(longest, now_ns);
            answered += 1;
        }
        if adapts && ms.is_multiple_of(100) {
            state.set_limit(bounds.next(state.limit(), state.measure(&mut look, now_ns).median));
        }
    }
    (longest, answered)
}

#[test]
fn a_limit_that_adapts_keeps_answers_in_time_and_answers_no_fewer() {
    let (with, without) = (overload(true), overload(false));
    assert!(with.0 < Duration::from_millis(200), "{with:?}");
    assert!(without.0 > Duration::from_millis(900), "{without:?}");
    assert_eq!(with.1, without.1);
}

/// Two thousand come in the same millisecond, and again when they are told, until each was let in. How often they asked, and
/// how many came within ten milliseconds after the first second.
fn comes_again(ask: impl Fn(usize, Duration) -> Option<u64>) -> (usize, usize) {
    const COMERS: usize = 2_000;
    let mut due: BinaryHeap<_> = (0..COMERS).map(|who| Reverse((0, who))).collect();
    let (mut asked, mut slots) = (0, vec![0; 1_000]);
    while let Some(Reverse((ms, who))) = due.pop() {
        asked += 1;
        slots[(ms / 10) as usize] += 1;
        if let Some(wait_ms) = ask(who, Duration::from_millis(ms)) {
            due.push(Reverse((ms + wait_ms, who)));
        }
    }
    (asked, *slots[100..].iter().max().expect("there are slots"))
}

#[test]
fn who_is_told_a_time_of_chance_comes_back_spread_and_who_is_told_the_bare_wait_in_step() {
    let kind = Cap { per_second: 1_000.0, burst: 100, concurrency: 2_000 };
    let admission = under(&ClassCaps { all: Some(kind), each: kind, terminal: None });
    let start = Instant::now();
    let with = comes_again(|n, at| {
        // All come as institutions of one kind; which of them it is does not matter here.
        let refused = admission.enter(Class::Check, [OFFICE, OTHER_OFFICE][n % 2], start + at, true).err()?;
        assert_eq!(refused.reason, Reason::OverCap);
        Some(refused.retry_after_ms.into())
    });
    let bucket = Bucket::default();
    let without = comes_again(|_, at| {
        let now_ns = u64::try_from(at.as_nanos()).expect("ten seconds");
        bucket.take(Rate::of(&kind), now_ns).err().map(|wait_ns| wait_ns / 1_000_000 + 1)
    });
    assert!(with.0 < 10 * 2_000 && with.1 < 100, "{with:?}");
    assert!(without.0 > 100 * 2_000 && without.1 > 1_000, "{without:?}");
}

#[test]
fn who_waits_for_an_opening_does_not_come_at_one_instant() {
    let told: Vec<u32> =
        (0..1_000).map(|_| Refusal::not_yet(Millis(0), Millis(60_000)).retry_after_ms).collect();
    let within = |from: u32| told.iter().filter(|wait| (from..from + 1_000).contains(wait)).count();
    assert!((60..90).all(|second| (5..100).contains(&within(second * 1_000))), "{told:?}");
}
