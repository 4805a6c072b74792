//! One outlet: its goods, its terminals, its habits, and what it does next.

use rand::Rng;
use rand::rngs::StdRng;
use schemas::OutletCode;
use schemas::registry::{Hours, OutletInfo};

use crate::clock::{DAWN, Moment};
use crate::hours;

/// Something an outlet tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// The count is this.
    Report(u32),
    /// The count moved by this.
    Delta(i32),
    /// Sales are suspended.
    Pause,
    /// Sales go on.
    Resume,
    /// Number tickets are given out, or no longer.
    Notice {
        /// Whether tickets are given out.
        tickets: bool,
    },
}

impl Act {
    /// Whether the outlet waits for the answer before it says anything else: what depends on its place among the messages of all
    /// terminals, and goods that nobody may sell before they are entered.
    fn waits(&self) -> bool {
        !matches!(self, Self::Delta(..=0))
    }
}

/// An act with the terminal and the sequence under which it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) terminal: usize,
    pub(super) seq: u64,
    pub(super) act: Act,
}

/// What the answers to a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the journal.
    Recorded,
    /// It was turned away for good: what the outlet knows and what is published differ from now on.
    TurnedAway,
}

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
    pub(super) fn new(info: &OutletInfo, first_seq: u64, mean_delivery: f64, rng: &mut StdRng) -> Self {
        let leftover = if rng.random_bool(0.6) { rng.random_range(0..2) } else { rng.random_range(2..250) };
        Self {
            code: info.code.clone(),
            clock_off_ms: clock_off_ms(rng),
            hours: info.hours.unwrap_or_else(|| hours::of(info.kind, rng)),
            sequences: vec![first_seq; rng.random_range(1..=3)],
            count: leftover,
            paused: false,
            tickets: false,
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
        let counted = self.on_the_way == 0 && rng.random_bool(0.5);
        let added = i32::try_from(self.delivery).unwrap_or(i32::MAX);
        let act = if counted { Act::Report(self.count) } else { Act::Delta(added) };
        Some(self.tell_somewhere(act, rng))
    }

    /// Whether it sells at this moment and may speak.
    pub(super) fn is_open(&self, now: Moment) -> bool {
        let (open, close) = self.hours.0[now.weekday()];
        !self.waiting && (f64::from(open)..f64::from(close)).contains(&now.minute)
    }

    /// What the next customer, or the next idle moment, leads to; `None` where nobody does anything.
    pub(super) fn next(&mut self, rng: &mut StdRng) -> Option<Told> {
        let alone = self.on_the_way == 0;
        let dice = rng.random::<f64>();
        let act = if self.paused {
            (alone && dice < 0.1).then_some(Act::Resume)
        } else if alone && dice < 0.004 {
            Some(if dice < 0.003 { Act::Pause } else { Act::Notice { tickets: !self.tickets } })
        } else if alone && dice < 0.03 {
            Some(Act::Report(self.count))
        } else {
            (self.count >= 2).then_some(Act::Delta(-2))
        }?;
        match act {
            Act::Delta(_) => self.count -= 2,
            Act::Pause => self.paused = true,
            Act::Resume => self.paused = false,
            Act::Notice { tickets } => self.tickets = tickets,
            Act::Report(_) => {}
        }
        Some(self.tell_somewhere(act, rng))
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
        self.sequences[terminal] += 1;
        self.on_the_way += 1;
        self.waiting = act.waits();
        Told { terminal, seq: self.sequences[terminal], act }
    }

    /// A message was answered.
    pub(super) fn hear(&mut self, act: &Act, fate: Fate) {
        self.on_the_way -= 1;
        self.waiting &= !act.waits();
        self.at_odds |= fate == Fate::TurnedAway;
    }

    /// What it knows of itself, where all it said was recorded.
    pub(super) fn standing(&self) -> Option<(u32, bool)> {
        (self.on_the_way == 0 && !self.at_odds).then_some((self.count, self.paused))
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
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn outlet(rng: &mut StdRng) -> Outlet {
        let mut rows = crate::registry::synthetic(1, 7);
        Outlet::new(&rows.remove(0), 100, 240.0, rng)
    }

    #[test]
    fn the_messages_of_each_terminal_are_numbered_without_a_gap_and_add_up() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut outlet = outlet(&mut rng);
        let first = outlet.first_report();
        let Act::Report(mut count) = first.act else { panic!("the first word is no report") };
        let mut last = vec![100; outlet.sequences.len()];
        last[0] += 1;
        outlet.hear(&first.act, Fate::Recorded);
        for round in 0..2000 {
            let told = if round % 100 == 0 { outlet.receive(&mut rng) } else { outlet.next(&mut rng) };
            let Some(told) = told else { continue };
            last[told.terminal] += 1;
            assert_eq!(told.seq, last[told.terminal]);
            match told.act {
                Act::Report(counted) => count = counted,
                Act::Delta(change) => count = count.checked_add_signed(change).unwrap(),
                _ => {}
            }
            outlet.hear(&told.act, Fate::Recorded);
        }
        assert_eq!(outlet.standing(), Some((count, outlet.paused)));
    }

    #[test]
    fn a_report_waits_until_nothing_else_is_on_the_way_and_holds_up_what_follows() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut outlet = outlet(&mut rng);
        let first = outlet.first_report();
        let noon = Moment { day: 0, minute: 12.0 * 60.0 };
        assert!(!outlet.is_open(noon) && outlet.receive(&mut rng).is_none());
        outlet.hear(&first.act, Fate::Recorded);
        assert!(outlet.is_open(noon));
        let alive = outlet.sign_of_life(&mut rng);
        outlet.count = 100_000;
        for _ in 0..1000 {
            assert_eq!(outlet.next(&mut rng).unwrap().act, Act::Delta(-2));
        }
        outlet.hear(&alive.act, Fate::TurnedAway);
        assert_eq!(outlet.standing(), None);
    }
}
