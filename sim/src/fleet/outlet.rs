//! One outlet: its goods, its terminals, its habits, and what it does next.

use rand::Rng;
use rand::rngs::StdRng;
use schemas::registry::{Hours, OutletInfo};
use schemas::{Millis, OutletCode};

use super::Options;
use super::act::{Act, Fate, Told};
use super::counter::{Counter, Habit};
use super::crowd::Crowd;
use crate::clock::{DAWN, Moment};
use crate::hours;

/// One outlet of the fleet.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) code: OutletCode,
    /// How far its clock is ahead of the real time, in milliseconds.
    pub(super) clock_off_ms: i64,
    hours: Hours,
    /// The sequence last used by each terminal.
    sequences: Vec<u64>,
    count: u32,
    paused: bool,
    tickets: bool,
    habit: Habit,
    counter: Counter,
    /// Minute of the day at which the day's goods arrive.
    pub(super) arrival: f64,
    delivery: u32,
    on_the_way: u32,
    waiting: bool,
    at_odds: bool,
}

/// Hours at which stock arrived, per thousand of 999 recorded arrivals (`stock_at`, 2020-03-14): from 07 h to 16 h.
const ARRIVALS: [u32; 10] = [19, 142, 194, 191, 136, 83, 93, 30, 11, 8];

impl Outlet {
    pub(super) fn new(
        info: &OutletInfo,
        first_seq: u64,
        mean_delivery: f64,
        options: &Options,
        rng: &mut StdRng,
    ) -> Self {
        let leftover = if rng.random_bool(0.6) { rng.random_range(0..2) } else { rng.random_range(2..250) };
        let clock_off_ms = clock_off_ms(rng);
        Self {
            code: info.code.clone(),
            clock_off_ms,
            hours: info.hours.unwrap_or_else(|| hours::of(info.kind, rng)),
            sequences: vec![first_seq; rng.random_range(1..=3)],
            count: leftover,
            paused: false,
            tickets: false,
            habit: habit(clock_off_ms, options, rng),
            counter: Counter::default(),
            arrival: arrival(rng),
            delivery: (mean_delivery * rng.random_range(0.4..1.6)) as u32,
            on_the_way: 0,
            waiting: false,
            at_odds: false,
        }
    }

    /// The first word: how many there are.
    pub(super) fn first_report(&mut self) -> Told {
        self.tell(0, Act::Report(self.count))
    }

    /// The day's goods arrive; every other outlet counts them, the others add what the paper says.
    pub(super) fn receive(&mut self, rng: &mut StdRng) -> Option<Told> {
        if self.waiting {
            return None;
        }
        self.count += self.delivery;
        let counted = self.on_the_way == 0 && self.counter.is_entered() && rng.random_bool(0.5);
        let added = i32::try_from(self.delivery).unwrap_or(i32::MAX);
        let act = if counted { Act::Report(self.count) } else { Act::Delta(added) };
        Some(self.tell_somewhere(act, rng))
    }

    /// Whether it sells at this moment and may speak.
    pub(super) fn is_open(&self, now: Moment) -> bool {
        let (open, close) = self.hours.0[now.weekday()];
        !self.waiting && (f64::from(open)..f64::from(close)).contains(&now.minute)
    }

    /// What the next customer, or the next idle moment, leads to; `None` where nobody does anything that is told. Where there is
    /// no crowd goods are not rationed.
    pub(super) fn next(&mut self, now: Millis, crowd: Option<&mut Crowd>, rng: &mut StdRng) -> Option<Told> {
        let chore = self.chore(rng);
        let act = if chore.is_some() || self.paused {
            chore
        } else if let Some(crowd) = crowd {
            self.serve(now, crowd, rng)
        } else {
            self.sell(2)
        }?;
        match act {
            Act::Pause => self.paused = true,
            Act::Resume => self.paused = false,
            Act::Notice { tickets } => self.tickets = tickets,
            _ => {}
        }
        Some(self.tell_somewhere(act, rng))
    }

    /// What is done beside selling, now and then.
    fn chore(&mut self, rng: &mut StdRng) -> Option<Act> {
        let alone = self.on_the_way == 0;
        let dice = rng.random::<f64>();
        let by_tickets = self.habit == Habit::Tickets;
        match dice {
            _ if self.paused => (alone && dice < 0.1).then_some(Act::Resume),
            0.0..0.003 => alone.then_some(Act::Pause),
            0.003..0.004 => (alone && by_tickets).then_some(Act::Notice { tickets: !self.tickets }),
            0.004..0.03 => (alone && self.counter.is_entered()).then_some(Act::Report(self.count)),
            // A pack is torn, or goes to the staff.
            0.03..0.05 => self.sell(1),
            0.05..0.3 => (alone && by_tickets && !self.tickets).then_some(Act::Notice { tickets: true }),
            _ => None,
        }
    }

    /// Pieces go out without a claim.
    fn sell(&mut self, pieces: u32) -> Option<Act> {
        (self.free() >= pieces).then(|| {
            self.count -= pieces;
            Act::Delta(-i32::try_from(pieces).expect("a handful"))
        })
    }

    /// Rationed goods: what was begun goes on, or the next customer is served.
    fn serve(&mut self, now: Millis, crowd: &mut Crowd, rng: &mut StdRng) -> Option<Act> {
        if let Some(act) = self.counter.follow_up(now, rng) {
            return Some(act);
        }
        let free = self.free();
        if free == 0 {
            return None;
        }
        let mut customer = crowd.next(now, rng);
        customer.wants = customer.wants.min(free);
        let habit = if self.habit == Habit::Tickets && !self.tickets { Habit::Till } else { self.habit };
        self.counter.serve(habit, customer, now, rng)
    }

    /// Pieces that can be sold.
    fn free(&self) -> u32 {
        self.count - self.counter.taken()
    }

    /// Takes back what was promised to tickets whose time is up. Returns how many.
    pub(super) fn expire(&mut self, now: Millis) -> u64 {
        self.counter.expire(now)
    }

    /// "Still here": what a POS says when there is nothing to sell.
    pub(super) fn sign_of_life(&mut self, rng: &mut StdRng) -> Told {
        self.tell_somewhere(Act::Delta(0), rng)
    }

    fn tell_somewhere(&mut self, act: Act, rng: &mut StdRng) -> Told {
        let terminal = rng.random_range(0..self.sequences.len());
        self.tell(terminal, act)
    }

    fn tell(&mut self, terminal: usize, act: Act) -> Told {
        let numbered = !act.kind().is_personal();
        self.sequences[terminal] += u64::from(numbered);
        self.on_the_way += 1;
        self.waiting = act.waits();
        Told { terminal, seq: if numbered { self.sequences[terminal] } else { 0 }, act }
    }

    /// A message was answered. Returns whether a ticket turned out to have expired; `voided` is the share of sales that come
    /// back.
    pub(super) fn hear(&mut self, act: &Act, fate: Fate, voided: f64, rng: &mut StdRng) -> bool {
        self.on_the_way -= 1;
        self.waiting &= !act.waits();
        if !act.kind().is_personal() {
            self.at_odds |= matches!(fate, Fate::TurnedAway(_));
            return false;
        }
        let moved = self.counter.hear(act, fate, voided, rng);
        self.count = self.count.checked_add_signed(moved.count).expect("what is sold was on hand");
        self.at_odds |= moved.at_odds;
        moved.expired
    }

    /// What is published of it, as far as it knows, where all it said was recorded: pieces, those of them that are promised,
    /// and whether sales are suspended. Goods that went against paper count until they are entered.
    pub(super) fn standing(&self, now: Millis) -> Option<(u32, u32, bool)> {
        let promised = self.counter.promised(now)?;
        (self.on_the_way == 0 && !self.at_odds).then_some((self.count, promised, self.paused))
    }
}

/// Who works on paper has a clock that is right: what is entered late is placed by it.
fn habit(clock_off_ms: i64, options: &Options, rng: &mut StdRng) -> Habit {
    let dice = rng.random::<f64>();
    if dice < options.paper && clock_off_ms.abs() < 2000 {
        Habit::Paper
    } else if dice < options.paper + options.tickets {
        Habit::Tickets
    } else {
        Habit::Till
    }
}

/// In the order of the recorded arrivals, but not before the fleet's day begins.
fn arrival(rng: &mut StdRng) -> f64 {
    let mut dice = rng.random_range(0..ARRIVALS.iter().sum());
    let hour = ARRIVALS.iter().position(|share| {
        let here = dice < *share;
        dice = dice.saturating_sub(*share);
        here
    });
    let hour = 7.0 + hour.expect("the dice is below the sum") as f64;
    let minute = (hour + rng.random::<f64>()) * 60.0;
    if minute < DAWN { DAWN + rng.random_range(0.0..20.0) } else { minute }
}

/// One POS in 200 is 3 to 40 minutes slow, one in 5,000 is 5 minutes fast; a gateway measures both by `sent_at`.
fn clock_off_ms(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..5000) {
        0 => 5 * 60_000,
        1..=25 => -60_000 * rng.random_range(3..40),
        _ => rng.random_range(-1500..500),
    }
}

#[cfg(test)]
mod tests;
