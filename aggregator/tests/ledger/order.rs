//! The limit holds in the order of the journal, whatever the clocks of the gateways say.

use schemas::claim::{Refusal, Verdict};
use schemas::policy::{Ground, Window};

use crate::world::*;

fn verdict(said: Said) -> (Verdict, Option<u32>) {
    let decided = said.unwrap();
    (decided.verdict, decided.remaining)
}

/// Two gateways whose clocks stand on two sides of a midnight within the week.
#[test]
fn a_purchase_of_tomorrow_counts_today_where_they_share_a_window() {
    let midnight = MONDAY.plus(3 * DAY);
    for window in [Window::Week, Window::Month, Window::RollingDays(2), Window::RollingDays(35)] {
        let mut world = World::under(masks(window, 2));
        assert_eq!(verdict(world.claim(claim(1, 1, 2, midnight))), (Verdict::Granted, Some(0)));
        let before = world.claim(claim(2, 1, 1, midnight.plus(-1)));
        assert_eq!(before.unwrap().refusal, Some(Refusal::LimitReached), "{window:?}");
        assert_eq!(verdict(world.claim(claim(3, 1, 1, midnight.plus(-2 * DAY)))).0, {
            if window == Window::RollingDays(2) { Verdict::Granted } else { Verdict::Refused }
        });
    }
}

#[test]
fn a_purchase_of_monday_does_not_count_on_sunday() {
    for window in [Window::Week, Window::Day] {
        let mut world = World::under(masks(window, 2));
        assert_eq!(verdict(world.claim(claim(1, 1, 2, MONDAY))), (Verdict::Granted, Some(0)));
        assert_eq!(verdict(world.claim(claim(2, 1, 2, MONDAY.plus(-1)))), (Verdict::Granted, Some(0)));
    }
}

/// Windows on both sides of the day, each looked at on its own.
#[test]
fn a_rolling_window_counts_the_fullest_that_holds_the_day() {
    let mut world = World::under(masks(Window::RollingDays(7), 2));
    let day = |n: i64| MONDAY.plus(n * DAY);
    assert_eq!(verdict(world.claim(claim(1, 1, 1, day(0)))), (Verdict::Granted, Some(1)));
    assert_eq!(verdict(world.claim(claim(2, 1, 1, day(7)))), (Verdict::Granted, Some(1)));
    assert_eq!(verdict(world.claim(claim(3, 1, 1, day(6)))), (Verdict::Granted, Some(0)));
    assert_eq!(verdict(world.claim(claim(4, 1, 1, day(6)))), (Verdict::Refused, Some(0)));
}

#[test]
fn a_late_claim_over_the_limit_is_flagged_whatever_else_is_wrong_and_leaves_nothing() {
    let mut world = World::under(masks(Window::Week, 2));
    let now = MONDAY.plus(4 * DAY);
    assert_eq!(verdict(world.claim(claim(1, 1, 1, now))), (Verdict::Granted, Some(1)));
    // Before a purchase of the same window, and by another person, whom no rule lets come.
    let mut by_another = late(2, 1, 2, MONDAY.plus(HOUR), now);
    by_another.buyer = Some(Box::new(born(2, 1990)));
    by_another.ground = Some(Ground::Family);
    let said = world.claim(by_another).unwrap();
    assert_eq!((said.verdict, said.over_limit, said.remaining), (Verdict::Recorded, true, Some(0)));
    // Refused for its buyer, but within the limit: recorded, not flagged, and used up.
    let mut within = late(3, 3, 2, MONDAY.plus(HOUR), now);
    within.buyer = Some(Box::new(born(2, 1990)));
    let said = world.claim(within).unwrap();
    assert_eq!((said.verdict, said.over_limit, said.remaining), (Verdict::Recorded, false, Some(0)));
    assert_eq!(verdict(world.claim(claim(4, 3, 1, now))), (Verdict::Refused, Some(0)));
}

#[test]
fn a_refused_reservation_has_nothing_to_give_back() {
    let mut world = World::under(masks(Window::Week, 2));
    assert_eq!(verdict(world.claim(claim(1, 1, 2, MONDAY))).0, Verdict::Granted);
    let refused = world.claim(reserve(2, 1, 2, MONDAY, MINUTE)).unwrap();
    assert_eq!((refused.verdict, refused.held_until), (Verdict::Refused, None));
    // One that is late as well is a late claim, not a reservation.
    let mut both = reserve(3, 2, 2, MONDAY.plus(1), MINUTE);
    both.occurred = Some(MONDAY);
    assert_eq!(world.claim(both).unwrap().held_until, None);
    world.tick(MONDAY);
    world.tick(MONDAY.plus(HOUR));
    assert_eq!(verdict(world.claim(claim(4, 1, 1, MONDAY.plus(HOUR)))), (Verdict::Refused, Some(0)));
    assert_eq!(verdict(world.claim(claim(5, 2, 1, MONDAY.plus(HOUR)))), (Verdict::Refused, Some(0)));
    assert_eq!(world.fold.ledger_tally().expired, 0);
}

/// After days without a tick the first one ends reservations before it forgets claims.
#[test]
fn a_reservation_gives_back_also_when_time_jumps_over_days() {
    let mut world = World::under(masks(Window::Month, 2));
    world.report(OUTLETS[0], "mask", 50, MONDAY);
    world.tick(MONDAY);
    assert_eq!(verdict(world.claim(reserve(1, 1, 2, MONDAY, HOUR))), (Verdict::Reserved, Some(0)));
    assert_eq!(world.stock(OUTLETS[0], "mask", MONDAY), (Some(50), 2));
    let later = MONDAY.plus(3 * DAY);
    assert_eq!(world.stock(OUTLETS[0], "mask", later), (Some(50), 0));
    assert_eq!(verdict(world.claim(claim(2, 1, 2, later))), (Verdict::Granted, Some(0)));
}

/// More late pieces on a day than its byte can hold, some of them taken back.
#[test]
fn a_day_that_ran_over_stays_full() {
    let mut world = World::under(masks(Window::Week, 200));
    for id in 1..=3 {
        world.claim(late(id, 1, 100, MONDAY, MONDAY.plus(HOUR))).unwrap();
    }
    world.void(1, OUTLETS[0], MONDAY.plus(HOUR)).unwrap();
    assert_eq!(verdict(world.claim(claim(4, 1, 1, MONDAY.plus(HOUR)))), (Verdict::Refused, Some(0)));
}

#[test]
fn a_schedule_with_more_than_the_books_can_count_is_not_in_force() {
    let mut world = World::under(masks(Window::Week, 2));
    let refused = aggregator::Applied::Schedule { in_force: false };
    assert_eq!(world.schedule(masks(Window::Week, 255)), refused);
    let many = |from: usize| {
        let names: Vec<String> = (from..from + 200).map(|n| format!("g{n}")).collect();
        let groups = names.iter().map(|name| group(name, &[name])).collect();
        let policies = names.iter().map(|name| policy(name, Window::Week, 2, MONDAY)).collect();
        schedule(groups, policies)
    };
    assert_eq!(world.schedule(many(0)), aggregator::Applied::Schedule { in_force: true });
    assert_eq!(world.schedule(many(100)), refused);
    let mut gel = claim(1, 1, 2, MONDAY);
    gel.item = "g199";
    assert_eq!(verdict(world.claim(gel.clone())).0, Verdict::Granted);
    gel.id = claim(2, 1, 1, MONDAY).id;
    assert_eq!(verdict(world.claim(gel)).0, Verdict::Refused);
}
