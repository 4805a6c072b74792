//! The rationed sales of one outlet: what tills asked and have not heard, tickets out, notes on paper, and how each answer moves
//! the books.

use std::collections::VecDeque;

use rand::Rng;
use rand::rngs::StdRng;
use schemas::Millis;
use schemas::claim::{ClaimId, Verdict};
use schemas::pos::Reason;

use super::act::{Act, Customer, Fate, Held, Sale};

/// Around the end of a reservation nobody can say whether it holds: gateways expire it at a tick, and clocks differ.
const UNSURE_MS: i64 = 3_000;

/// How an outlet sells rationed goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// Each claim is asked at the till.
    Till,
    /// Number tickets in the morning, goods later.
    Tickets,
    /// On paper, entered when there is time.
    Paper,
}

/// The books of rationed sales. Pieces on hand are the outlet's; here is which of them are spoken for.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// Pieces of claims whose answer is not known.
    asked: u32,
    /// Pieces of the tickets out.
    promised: u32,
    /// Pieces handed over against paper that is not entered.
    on_paper: u32,
    /// Tickets out, the first to end first.
    tickets: VecDeque<Held>,
    /// Sales to be taken back.
    returns: Vec<Held>,
    paper: Vec<Sale>,
    /// Whether the paper is being entered.
    entering: bool,
}

/// What a settled answer does to the outlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moved {
    /// Change of the pieces on hand.
    pub(super) count: i32,
    /// What the outlet knows and what is published differ from now on.
    pub(super) at_odds: bool,
    /// The ticket's time was up before it was settled.
    pub(super) expired: bool,
}

impl Counter {
    /// Pieces on hand that are not to be sold again.
    pub(super) fn taken(&self) -> u32 {
        self.asked + self.promised + self.on_paper
    }

    /// Pieces of tickets out; `None` while one is near its end.
    pub(super) fn promised(&self, now: Millis) -> Option<u32> {
        let unsure = self.tickets.iter().any(|ticket| ends_in(ticket, now).abs() < UNSURE_MS);
        let over = self.tickets.iter().filter(|ticket| ends_in(ticket, now) < 0);
        (!unsure).then(|| self.promised - over.map(|ticket| ticket.quantity).sum::<u32>())
    }

    /// Whether every sale is entered, so that a count of the shelf is what the books say.
    pub(super) fn is_entered(&self) -> bool {
        self.on_paper == 0
    }

    /// Tickets whose time is up are no longer promised. Returns how many.
    pub(super) fn expire(&mut self, now: Millis) -> u64 {
        let before = self.tickets.len();
        while let Some(ticket) = self.tickets.pop_front_if(|ticket| ends_in(ticket, now) <= -UNSURE_MS) {
            self.promised -= ticket.quantity;
        }
        (before - self.tickets.len()) as u64
    }

    /// What is to be done about claims made before: returns, tickets that are called up, paper.
    pub(super) fn follow_up(&mut self, now: Millis, rng: &mut StdRng) -> Option<Act> {
        if let Some(sale) = self.returns.pop() {
            return Some(Act::Void(Held { at: now, ..sale }));
        }
        if self.entering {
            self.entering = self.paper.len() > 1;
            return self.paper.pop().map(|note| Act::Late(Box::new(note)));
        }
        // At two turns in five a ticket is called up, at some one is given back; those that never are expire.
        let first = self.tickets.front().is_some_and(|ticket| ends_in(ticket, now) > UNSURE_MS);
        let fate = rng.random::<f64>();
        if !first || fate > 0.45 {
            return None;
        }
        let at = rng.random_range(0..self.tickets.len());
        let ticket = Held { at: now, ..*self.tickets.get(at)? };
        if ends_in(&ticket, now) <= UNSURE_MS {
            return None;
        }
        self.tickets.remove(at);
        Some(if fate < 0.04 { Act::Void(ticket) } else { Act::Confirm(ticket) })
    }

    /// A customer is served as this outlet does; `None` where nothing is said at once.
    pub(super) fn serve(
        &mut self,
        habit: Habit,
        customer: Customer,
        now: Millis,
        rng: &mut StdRng,
    ) -> Option<Act> {
        let quantity = customer.wants;
        let sale = Sale { id: claim_id(now, rng), customer, quantity, at: now };
        if habit == Habit::Paper {
            self.on_paper += quantity;
            self.paper.push(sale);
            self.entering = self.paper.len() >= rng.random_range(3..8);
            return None;
        }
        self.asked += quantity;
        let sale = Box::new(sale);
        Some(if habit == Habit::Tickets { Act::Reserve(sale) } else { Act::Claim(sale) })
    }

    /// The answer to a claim or to what settles one. `voided` is the share of sales that come back.
    pub(super) fn hear(&mut self, act: &Act, fate: Fate, voided: f64, rng: &mut StdRng) -> Moved {
        match act {
            Act::Claim(sale) | Act::Reserve(sale) => self.decided(sale, fate, voided, rng),
            Act::Late(sale) => {
                self.on_paper -= sale.quantity;
                Moved {
                    count: -pieces(sale.quantity),
                    at_odds: matches!(fate, Fate::TurnedAway(_)),
                    expired: false,
                }
            }
            Act::Void(held) => self.settled(*held, fate, pieces(held.quantity), 0),
            Act::Confirm(held) => self.settled(*held, fate, 0, -pieces(held.quantity)),
            _ => Moved::default(),
        }
    }

    fn decided(&mut self, sale: &Sale, fate: Fate, voided: f64, rng: &mut StdRng) -> Moved {
        self.asked -= sale.quantity;
        let mut held = Held { id: sale.id, quantity: sale.quantity, until: None, at: sale.at };
        match fate {
            Fate::Decided { verdict: Verdict::Granted, .. } => {
                if rng.random_bool(voided) {
                    self.returns.push(held);
                }
                Moved { count: -pieces(sale.quantity), ..Moved::default() }
            }
            Fate::Decided { verdict: Verdict::Reserved, until } => {
                held.until = until;
                self.promised += sale.quantity;
                let at = self.tickets.partition_point(|ticket| ticket.until <= until);
                self.tickets.insert(at, held);
                Moved::default()
            }
            // Refused, or turned away: nothing has moved.
            _ => Moved::default(),
        }
    }

    /// A sale or ticket is settled: a sale's pieces come back, a ticket's are no longer promised and go, or stay.
    fn settled(&mut self, held: Held, fate: Fate, sale_back: i32, ticket_out: i32) -> Moved {
        let ticket = held.until.is_some();
        if ticket {
            self.promised -= held.quantity;
        }
        match fate {
            Fate::TurnedAway(Some(Reason::NotHeld | Reason::NothingToVoid)) if ticket => {
                Moved { expired: true, ..Moved::default() }
            }
            Fate::TurnedAway(_) => Moved { at_odds: true, ..Moved::default() },
            _ => Moved { count: if ticket { ticket_out } else { sale_back }, ..Moved::default() },
        }
    }
}

fn pieces(quantity: u32) -> i32 {
    i32::try_from(quantity).expect("nobody buys two thousand million")
}

/// Milliseconds until a reservation ends.
fn ends_in(ticket: &Held, now: Millis) -> i64 {
    ticket.until.map_or(i64::MAX, |until| until.since(now))
}

/// A UUID of version 7, by which a till's claims are in the order of their times.
fn claim_id(now: Millis, rng: &mut StdRng) -> ClaimId {
    let millis = u64::try_from(now.0).unwrap_or_default();
    ClaimId(uuid::Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid())
}

#[cfg(test)]
mod tests;
