//! Each claim is decided once, settled once, and remembered as long as somebody may need it and no longer.

use schemas::Millis;
use schemas::claim::{ClaimState, KEPT_MS, Verdict};
use schemas::entry::{Entry, SettleEntry};
use schemas::policy::Window;
use schemas::pos::Reason;

use crate::world::*;

#[test]
fn the_same_claim_gets_the_same_decision_for_a_day_over_restarts_and_schedules() {
    let mut world = World::under(masks(Window::Week, 2));
    world.tick(MONDAY);
    let asked = [
        claim(1, 1, 2, MONDAY.plus(1)),
        claim(2, 1, 1, MONDAY.plus(2)),
        late(3, 1, 3, MONDAY.plus(-6 * DAY), MONDAY.plus(3)),
        reserve(4, 2, 1, MONDAY.plus(4), 12 * HOUR),
        claim(5, 3, 0, Millis(-7)),
        claim(6, 4, 300, Millis(i64::MAX)),
    ];
    let first: Vec<_> = asked.iter().map(|claim| world.claim(claim.clone()).unwrap()).collect();
    // Local time of another place: what was told of days stays.
    let mut moved = masks(Window::RollingDays(3), 1);
    moved.offset_minutes = -720;
    world.schedule(moved);
    for step in 0..=96 {
        world.tick(MONDAY.plus(step * KEPT_MS / 96));
        world = if step % 32 == 7 { world.restarted() } else { world };
        for (claim, first) in asked.iter().zip(&first).take(4) {
            let mut again = claim.clone();
            again.received = MONDAY.plus(step * KEPT_MS / 96);
            let mut said = world.claim(again.clone()).unwrap();
            assert!(std::mem::replace(&mut said.replayed, false), "step {step}");
            said.state = first.state;
            assert_eq!(said, *first, "step {step}");
            again.body += 1;
            assert_eq!(world.claim(again), Err(Reason::IdConflict));
        }
    }
    assert_eq!(first[3].state, ClaimState::Held);
    assert_eq!(world.fold.books().claim(asked[3].id).unwrap().state, ClaimState::Expired);
}

#[test]
fn schedules_that_were_in_force_before_are_known_after_a_restart() {
    let mut world = World::default();
    let of = |quantity| masks(Window::Week, quantity);
    for quantity in (1..=20).chain([19]) {
        world.schedule(of(quantity));
    }
    for _ in 0..2 {
        let books = world.fold.books();
        let known: Vec<u32> = (1..=21).filter(|quantity| books.superseded(&of(*quantity))).collect();
        assert_eq!(known, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20], "19 is in force again");
        world = world.restarted();
    }
}

#[test]
fn a_claim_is_void_once_by_its_outlet() {
    let mut world = World::under(masks(Window::Week, 2));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    world.claim(claim(1, 1, 2, MONDAY)).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY), (Some(48), 0));
    assert_eq!(world.void(1, OUTLETS[1], MONDAY), Err(Reason::OtherOutlet));
    assert_eq!(world.void(9, OUTLETS[0], MONDAY), Err(Reason::UnknownClaim));
    assert_eq!(world.confirm(1, OUTLETS[0], MONDAY), Err(Reason::NotHeld));
    for replayed in [false, true, true] {
        let said = world.void(1, OUTLETS[0], MONDAY).unwrap();
        assert_eq!((said.state, said.replayed), (ClaimState::Voided, replayed));
        assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY), (Some(50), 0));
    }
    // The allowance is back, once.
    assert_eq!(world.claim(claim(2, 1, 2, MONDAY)).unwrap().verdict, Verdict::Granted);
    assert_eq!(world.claim(claim(3, 1, 1, MONDAY)).unwrap().verdict, Verdict::Refused);
    assert_eq!(world.void(3, OUTLETS[0], MONDAY), Err(Reason::NothingToVoid));
    // A retry of the first claim is told what was decided then.
    let said = world.claim(claim(1, 1, 2, MONDAY)).unwrap();
    assert_eq!((said.verdict, said.state, said.replayed), (Verdict::Granted, ClaimState::Voided, true));
}

#[test]
fn what_is_taken_back_is_no_delivery() {
    let mut world = World::under(masks(Window::Week, 2));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    let later = MONDAY.plus(60_000);
    world.claim(claim(1, 1, 2, later)).unwrap();
    world.void(1, OUTLETS[0], later).unwrap();
    let snapshot = world.cut(later.plus(1_000));
    let mut rows = snapshot.outlets.iter().flatten();
    let row = rows.find(|row| row.info.code.as_str() == OUTLETS[0]).unwrap();
    let mask = row.item("mask").unwrap();
    assert_eq!((mask.count, mask.arrived, mask.changed), (Some(50), MONDAY, later));
}

#[test]
fn a_claim_that_comes_after_its_void_is_not_decided() {
    let mut world = World::under(masks(Window::Week, 2));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    world.tick(MONDAY);
    for _ in 0..2 {
        assert_eq!(world.void(1, OUTLETS[0], MONDAY), Err(Reason::UnknownClaim));
    }
    let later = MONDAY.plus(KEPT_MS);
    for at in [MONDAY, later] {
        world = world.restarted();
        let coming = [claim(1, 1, 2, at), reserve(1, 1, 2, at, HOUR), late(1, 1, 2, MONDAY, at)];
        for coming in coming {
            assert_eq!(world.claim(coming), Err(Reason::Withdrawn));
        }
        assert_eq!(world.confirm(1, OUTLETS[0], at), Err(Reason::UnknownClaim));
        assert_eq!(world.void(1, OUTLETS[1], at), Err(Reason::UnknownClaim));
        assert!(world.fold.books().claim(claim(1, 1, 2, at).id).is_none());
        assert_eq!(world.stock(OUTLETS[0], "mask", at), (Some(50), 0));
    }
    // All of the allowance is there, under another id.
    let said = world.claim(claim(2, 1, 2, later)).unwrap();
    assert_eq!((said.verdict, said.remaining), (Verdict::Granted, Some(0)));
    // Kept no longer than a claim is.
    world.tick(later.plus(HOUR));
    assert_eq!(world.claim(claim(1, 2, 2, later.plus(HOUR))).unwrap().verdict, Verdict::Granted);
}

#[test]
fn what_was_decided_after_a_void_of_before_the_rule_stays() {
    let mut world = World::under(masks(Window::Week, 2));
    let before = SettleEntry { holds_place: false, ..settle(1, OUTLETS[0], MONDAY) };
    assert_eq!(world.said(Entry::Void(before)), Err(Reason::UnknownClaim));
    assert_eq!(world.claim(claim(1, 1, 2, MONDAY)).unwrap().verdict, Verdict::Granted);
}

#[test]
fn a_reservation_is_confirmed_once_also_at_its_very_end() {
    let mut world = World::under(masks(Window::Week, 2));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    world.claim(reserve(1, 1, 2, MONDAY, 10 * MINUTE)).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY), (Some(50), 2));
    let end = MONDAY.plus(10 * MINUTE);
    world.tick(end.plus(-1));
    for replayed in [false, true] {
        let said = world.confirm(1, OUTLETS[0], end).unwrap();
        assert_eq!((said.state, said.replayed), (ClaimState::Confirmed, replayed));
        assert_eq!(world.stock(OUTLETS[0], "mask", end), (Some(48), 0));
    }
    world.void(1, OUTLETS[0], end).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", end), (Some(50), 0));
    // The tick at the end came first: too late.
    world.claim(reserve(2, 1, 2, end, MINUTE)).unwrap();
    world.tick(end.plus(MINUTE));
    assert_eq!(world.confirm(2, OUTLETS[0], end.plus(MINUTE)), Err(Reason::NotHeld));
    assert_eq!(world.void(2, OUTLETS[0], end.plus(MINUTE)), Err(Reason::NothingToVoid));
    assert_eq!(world.stock(OUTLETS[0], "mask", end.plus(MINUTE)), (Some(50), 0));
    assert_eq!(world.claim(claim(3, 1, 2, end.plus(MINUTE))).unwrap().verdict, Verdict::Granted);
}

#[test]
fn a_schedule_in_other_local_time_gives_back_on_the_day_it_took_from() {
    let mut world = World::under(masks(Window::Day, 2));
    world.claim(claim(1, 1, 2, MONDAY.plus(HOUR))).unwrap();
    let mut utc = masks(Window::Day, 2);
    utc.offset_minutes = 0;
    world.schedule(utc);
    world.void(1, OUTLETS[0], MONDAY.plus(2 * HOUR)).unwrap();
    let again = world.claim(claim(2, 1, 2, MONDAY.plus(10 * HOUR))).unwrap();
    assert_eq!((again.verdict, again.remaining), (Verdict::Granted, Some(0)));
}

#[test]
fn a_late_claim_that_was_counted_already_moves_no_stock() {
    let mut world = World::under(masks(Window::Week, 5));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    world.claim(late(1, 1, 1, MONDAY, MONDAY.plus(HOUR))).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY.plus(HOUR)), (Some(50), 0));
    world.void(1, OUTLETS[0], MONDAY.plus(HOUR)).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY.plus(HOUR)), (Some(50), 0));
    world.claim(late(2, 1, 1, MONDAY.plus(1), MONDAY.plus(HOUR))).unwrap();
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY.plus(HOUR)), (Some(49), 0));
}

/// Purchases of a week are needed until no late claim can lie in it; claims for a day.
#[test]
fn what_nobody_can_ask_for_is_forgotten_and_nothing_before() {
    let mut world = World::under(masks(Window::Week, 2));
    world.tick(MONDAY);
    for person in 0..100 {
        world.claim(claim(u128::from(person), person, 2, MONDAY)).unwrap();
    }
    let (mut now, mut claims_gone, mut purchases_gone) = (MONDAY, None, None);
    while now.since(MONDAY) < 20 * DAY {
        now = now.plus(10 * MINUTE);
        world.tick(now);
        let (purchases, claims) = world.fold.books().sizes();
        claims_gone = claims_gone.or((claims < 100).then_some(now.since(MONDAY)));
        purchases_gone = purchases_gone.or((purchases < 100).then_some(now.since(MONDAY)));
        assert!(claims == 0 || now.since(MONDAY) <= KEPT_MS + HOUR + 10 * MINUTE);
    }
    assert!(claims_gone.unwrap() > KEPT_MS);
    // The last late claim of that Sunday comes seven days after it.
    assert!((14 * DAY..17 * DAY).contains(&purchases_gone.unwrap()), "{purchases_gone:?}");
    assert_eq!(world.fold.books().sizes(), (0, 0));
}

#[test]
fn an_outlet_known_only_by_a_conflict_is_listed_and_forgotten_as_others() {
    let mut world = World::under(masks(Window::Week, 2));
    world.claim(claim(1, 1, 2, MONDAY)).unwrap();
    let mut other = claim(1, 1, 2, MONDAY);
    (other.outlet, other.body) = (OUTLETS[2], 2);
    assert_eq!(world.claim(other), Err(Reason::IdConflict));
    let unregistered =
        world.cut(MONDAY).unregistered.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(unregistered, [OUTLETS[2]]);
}
