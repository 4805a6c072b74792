//! What answers that are not the usual ones do to the books of a counter.

use rand::SeedableRng;

use super::*;
use crate::population::Population;

const NOW: Millis = Millis(1_583_895_600_000);

/// A counter with one ticket of three out, which holds for a minute.
fn with_ticket(rng: &mut StdRng) -> Counter {
    let mut counter = Counter::default();
    let act = counter.serve(Habit::Tickets, customer(), NOW, rng).unwrap();
    assert_eq!(counter.taken(), 3);
    let fate = Fate::Decided { verdict: Verdict::Reserved, until: Some(NOW.plus(60_000)) };
    assert_eq!(counter.hear(&act, fate, 0.0, rng), Moved::default());
    counter
}

fn customer() -> Customer {
    Customer { person: Population::new(10, 1).person(0), buyer: None, ground: None, wants: 3 }
}

#[test]
fn a_ticket_is_promised_until_its_time_is_up_and_unsure_in_between() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut counter = with_ticket(&mut rng);
    let promised = [0, 50_000, 59_000, 61_000, 70_000].map(|later| counter.promised(NOW.plus(later)));
    assert_eq!(promised, [Some(3), Some(3), None, None, Some(0)]);
    assert_eq!((counter.expire(NOW.plus(61_000)), counter.taken()), (0, 3));
    assert!((0..100).all(|_| counter.follow_up(NOW.plus(58_000), &mut rng).is_none()), "too near its end");
    assert_eq!((counter.expire(NOW.plus(64_000)), counter.taken()), (1, 0));
}

#[test]
fn a_ticket_that_was_called_up_too_late_has_expired_and_nothing_is_at_odds() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut counter = with_ticket(&mut rng);
    let ticket = counter.tickets.pop_front().unwrap();
    let late = Fate::TurnedAway(Some(Reason::NotHeld));
    let moved = counter.hear(&Act::Confirm(ticket), late, 0.0, &mut rng);
    assert_eq!(moved, Moved { expired: true, ..Moved::default() });
    assert_eq!((counter.taken(), counter.promised(NOW)), (0, Some(0)));
}

#[test]
fn what_is_turned_away_moves_nothing_where_nothing_was_sold() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut counter = Counter::default();
    let act = counter.serve(Habit::Till, customer(), NOW, &mut rng).unwrap();
    let away = Fate::TurnedAway(Some(Reason::BadPerson));
    assert_eq!((counter.hear(&act, away, 1.0, &mut rng), counter.taken()), (Moved::default(), 0));
    assert_eq!(counter.serve(Habit::Paper, customer(), NOW, &mut rng), None);
    let note = Act::Late(Box::new(counter.paper.pop().unwrap()));
    assert!(counter.hear(&note, away, 0.0, &mut rng).at_odds, "these goods are gone");
}

#[test]
fn a_sale_that_comes_back_is_voided_under_its_id() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut counter = Counter::default();
    let act = counter.serve(Habit::Till, customer(), NOW, &mut rng).unwrap();
    let granted = Fate::Decided { verdict: Verdict::Granted, until: None };
    assert_eq!(counter.hear(&act, granted, 1.0, &mut rng).count, -3);
    let Some(void @ Act::Void(held)) = counter.follow_up(NOW.plus(1), &mut rng) else { panic!("no void") };
    assert!(matches!(act, Act::Claim(sale) if sale.id == held.id));
    assert_eq!(counter.hear(&void, granted, 1.0, &mut rng).count, 3);
}
