//! What an outlet tells adds up to what it knows of itself, whatever it is answered.

use std::collections::HashMap;

use rand::SeedableRng;
use schemas::claim::{ClaimId, Verdict};

use super::*;
use crate::population::Population;

const START: Millis = Millis(1_583_895_600_000);

fn outlet(habit: Habit, rng: &mut StdRng) -> Outlet {
    let mut rows = crate::registry::synthetic(1, 7);
    let mut outlet = Outlet::new(&rows.remove(0), 100, 240.0, &Options::default(), rng);
    outlet.habit = habit;
    outlet
}

#[test]
fn the_messages_of_each_terminal_are_numbered_without_a_gap_and_add_up() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut outlet = outlet(Habit::Till, &mut rng);
    let first = outlet.first_report();
    let Act::Report(mut count) = first.act else { panic!("the first word is no report") };
    let mut last = vec![100; outlet.sequences.len()];
    last[0] += 1;
    outlet.hear(&first.act, Fate::Recorded, 0.0, &mut rng);
    for round in 0..2000 {
        let told =
            if round % 100 == 0 { outlet.receive(&mut rng) } else { outlet.next(START, None, &mut rng) };
        let Some(told) = told else { continue };
        last[told.terminal] += 1;
        assert_eq!(told.seq, last[told.terminal]);
        match told.act {
            Act::Report(counted) => count = counted,
            Act::Delta(change) => count = count.checked_add_signed(change).unwrap(),
            _ => {}
        }
        outlet.hear(&told.act, Fate::Recorded, 0.0, &mut rng);
    }
    assert_eq!(outlet.standing(START), Some((count, 0, outlet.paused)));
}

#[test]
fn a_report_waits_until_nothing_else_is_on_the_way_and_holds_up_what_follows() {
    let mut rng = StdRng::seed_from_u64(2);
    let mut outlet = outlet(Habit::Till, &mut rng);
    let first = outlet.first_report();
    let noon = Moment { day: 0, minute: 12.0 * 60.0 };
    assert!(!outlet.is_open(noon) && outlet.receive(&mut rng).is_none());
    outlet.hear(&first.act, Fate::Recorded, 0.0, &mut rng);
    assert!(outlet.is_open(noon));
    let alive = outlet.sign_of_life(&mut rng);
    outlet.count = 100_000;
    for _ in 0..1000 {
        let told = outlet.next(START, None, &mut rng);
        assert!(told.is_none_or(|told| matches!(told.act, Act::Delta(-2 | -1))));
    }
    outlet.hear(&alive.act, Fate::TurnedAway(None), 0.0, &mut rng);
    assert_eq!(outlet.standing(START), None);
}

/// A ledger as simple as it can be: it refuses every fifth claim, and its tickets hold for a minute.
#[derive(Default)]
struct Ledger {
    count: u32,
    asked: u32,
    tickets: HashMap<ClaimId, (u32, Millis)>,
    seen: HashMap<&'static str, u32>,
}

impl Ledger {
    fn answer(&mut self, act: &Act, now: Millis) -> Fate {
        *self.seen.entry(act.kind().name()).or_default() += 1;
        let decided = |verdict, until| Fate::Decided { verdict, until };
        match act {
            Act::Report(count) => self.count = *count,
            Act::Delta(change) => self.count = self.count.checked_add_signed(*change).unwrap(),
            Act::Claim(sale) | Act::Reserve(sale) => {
                self.asked += 1;
                if self.asked.is_multiple_of(5) {
                    return decided(Verdict::Refused, None);
                }
                if matches!(act, Act::Claim(_)) {
                    self.count -= sale.quantity;
                    return decided(Verdict::Granted, None);
                }
                let until = now.plus(60_000);
                self.tickets.insert(sale.id, (sale.quantity, until));
                return decided(Verdict::Reserved, Some(until));
            }
            Act::Late(sale) => self.count -= sale.quantity,
            Act::Confirm(held) => {
                let (quantity, until) = self.tickets.remove(&held.id).unwrap();
                assert!(until > now, "a ticket is called up in time");
                self.count -= quantity;
            }
            Act::Void(held) => match self.tickets.remove(&held.id) {
                Some((_, until)) => assert!(until > now),
                None => self.count += held.quantity,
            },
            _ => {}
        }
        Fate::Recorded
    }

    fn promised(&self, now: Millis) -> u32 {
        self.tickets.values().filter(|(_, until)| *until > now).map(|(quantity, _)| quantity).sum()
    }
}

#[test]
fn whatever_the_ledger_decides_the_outlet_knows_its_stock_and_its_promises() {
    for (habit, kinds) in [
        (Habit::Till, &["claim", "void", "delta", "report"][..]),
        (Habit::Tickets, &["reserve", "confirm", "void", "notice"]),
        (Habit::Paper, &["late", "report"]),
    ] {
        let mut rng = StdRng::seed_from_u64(3);
        let mut outlet = outlet(habit, &mut rng);
        let mut crowd = Crowd::new(Population::new(100_000, 3), 0);
        let mut ledger = Ledger::default();
        let (mut now, mut expired, mut compared) = (START, 0, 0);
        let first = outlet.first_report();
        let fate = ledger.answer(&first.act, now);
        outlet.hear(&first.act, fate, 0.1, &mut rng);
        for round in 0..3000 {
            now = now.plus(rng.random_range(500..9000));
            expired += outlet.expire(now);
            let told = match round % 80 {
                0 => outlet.receive(&mut rng),
                _ => outlet.next(now, Some(&mut crowd), &mut rng),
            };
            if let Some(told) = told {
                let fate = ledger.answer(&told.act, now);
                outlet.hear(&told.act, fate, 0.1, &mut rng);
            }
            if let Some((count, promised, _)) = outlet.standing(now) {
                compared += 1;
                assert_eq!(
                    (count, promised),
                    (ledger.count, ledger.promised(now)),
                    "{habit:?} in round {round}"
                );
            }
        }
        assert!(compared > 1000 && kinds.iter().all(|kind| ledger.seen[kind] > 0), "{:?}", ledger.seen);
        assert_eq!(expired > 0, habit == Habit::Tickets);
    }
}
