//! The ration ledger: each claim is decided once, by its place in the journal, and no one gets more than the policy gives.
//!
//! Deterministic as the fold is: what is decided depends on the entries before and on nothing else.

mod books;
mod claims;
mod decided;
mod image;
mod table;
mod weeks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use schemas::claim::{ClaimId, ClaimState, MAX_LATE_DAYS, Refusal};
use schemas::entry::{ClaimEntry, Keys, SettleEntry};
use schemas::person::PersonKey;
use schemas::policy::Schedule;
use schemas::pos::Reason;
use schemas::registry::OutletType;
use schemas::{ItemId, Millis, OutletCode};
use serde::{Deserialize, Serialize};

pub use books::{Ask, Books};
pub use decided::Decided;
pub(crate) use image::{Head, LedgerImage, read_block};

use books::{Alias, Ration, number_of};
use claims::{Claim, Days, NewClaim, Ruling};

use crate::calendar::day_of;
use crate::policy::{Judgment, Rulebook};

const MINUTE_MS: i64 = 60_000;

/// How an entry of the ledger moves an outlet's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) item: ItemId,
    /// Pieces on hand.
    pub(crate) count: i32,
    /// Pieces promised to reservations.
    pub(crate) promised: i32,
}

/// A reservation whose time was up.
#[derive(Debug)]
pub(crate) struct Expired {
    pub(crate) outlet: OutletCode,
    pub(crate) stock: Move,
}

/// The ledger: the books, and what only the fold needs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) books: Arc<Books>,
    names: Names,
    /// Reservations that hold, in the order of their ends.
    holds: BTreeMap<(Millis, ClaimId), OutletCode>,
    pub(crate) tally: LedgerTally,
}

/// Items and groups by their numbers in the books, which never change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Names {
    items: Vec<ItemId>,
    groups: Vec<ItemId>,
}

/// Counts since this fold began; not part of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerTally {
    /// Sales granted.
    pub granted: u64,
    /// Late claims recorded.
    pub recorded: u64,
    /// Late claims over the limit.
    pub over_limit: u64,
    /// Reservations made.
    pub reserved: u64,
    /// Reservations that became sales.
    pub confirmed: u64,
    /// Reservations whose time was up.
    pub expired: u64,
    /// Claims and reservations taken back.
    pub voided: u64,
    /// Claims that were asked again.
    pub replayed: u64,
    /// Refusals, in the order of [`Refusal::ALL`].
    pub refused: [u64; Refusal::ALL.len()],
}

impl Ledger {
    /// Decides a claim. `outlet` is the type of a registered outlet, `reported` the time of the item's last report there.
    ///
    /// # Errors
    /// [`Reason::IdConflict`].
    pub(crate) fn claim(
        &mut self,
        seq: u64,
        entry: &ClaimEntry<'_>,
        outlet: Option<OutletType>,
        reported: Option<Millis>,
    ) -> Result<(Decided, Option<Move>), Reason> {
        let ration = self.books.ration();
        if let Some(before) = self.books.claims.get(&entry.id) {
            if before.body != entry.body {
                return Err(Reason::IdConflict);
            }
            self.tally.replayed += 1;
            return Ok((Decided::of(&before, ration.offset_minutes, true), None));
        }
        let person = self.same_person(entry.person.key, entry.person.was);
        let ask = ask(entry, outlet);
        let judgment = self.judge(&ration, &ask, person, entry.occurred.is_some());
        let ruling = rule(entry, &judgment, reported);
        let claim = self.write(&NewClaim {
            id: entry.id,
            person,
            seq,
            received: entry.received,
            hold_minutes: hold_minutes(entry),
            body: entry.body,
            outlet: fingerprint(entry.outlet),
            quantity: u8::try_from(entry.quantity).unwrap_or(u8::MAX),
            item: self.names.item(entry.item),
            group: ration.group(entry.item),
            ruling,
            registered: outlet.is_some(),
            remaining: remaining(entry, &judgment),
            days: days(entry, &judgment, ration.offset_minutes),
        });
        if let Some(until) = claim.held_until() {
            let outlet =
                OutletCode::new(entry.outlet).expect("codes in the journal were checked when they came in");
            self.holds.insert((until, claim.id), outlet);
        }
        self.count(ruling);
        Ok((Decided::of(&claim, ration.offset_minutes, false), self.stock_of(&claim, ruling)))
    }

    /// Takes a claim back.
    ///
    /// # Errors
    /// [`Reason::UnknownClaim`], [`Reason::OtherOutlet`] and [`Reason::NothingToVoid`].
    pub(crate) fn void(&mut self, entry: &SettleEntry<'_>) -> Result<(Decided, Option<Move>), Reason> {
        let claim = self.own_claim(entry)?;
        let moved = match (claim.ruling(), claim.state()) {
            (Ruling::Refused(_), _) | (_, ClaimState::Expired) => return Err(Reason::NothingToVoid),
            (_, ClaimState::Voided) => return Ok((self.told(&claim, true), None)),
            (_, ClaimState::Confirmed) => Ruling::Granted,
            (ruling, _) => ruling,
        };
        self.give_back(&claim);
        let claim = self.settle(&claim, ClaimState::Voided);
        self.tally.voided += 1;
        let stock = self.stock_of(&claim, moved);
        Ok((self.told(&claim, false), stock.map(Move::back)))
    }

    /// Makes a sale of a reservation.
    ///
    /// # Errors
    /// [`Reason::UnknownClaim`], [`Reason::OtherOutlet`] and [`Reason::NotHeld`].
    pub(crate) fn confirm(&mut self, entry: &SettleEntry<'_>) -> Result<(Decided, Option<Move>), Reason> {
        let claim = self.own_claim(entry)?;
        match claim.state() {
            ClaimState::Held => {}
            ClaimState::Confirmed => return Ok((self.told(&claim, true), None)),
            _ => return Err(Reason::NotHeld),
        }
        let claim = self.settle(&claim, ClaimState::Confirmed);
        self.tally.confirmed += 1;
        let quantity = i32::from(claim.quantity);
        let stock =
            self.names.named(claim.item).map(|item| Move { item, count: -quantity, promised: -quantity });
        Ok((self.told(&claim, false), stock))
    }

    /// Puts policies into force, in place of all that were known. Policies that contradict themselves change nothing.
    ///
    /// Returns whether they are in force.
    pub(crate) fn schedule(&mut self, schedule: Schedule) -> bool {
        let Ok(rulebook) = Rulebook::new(&schedule) else { return false };
        for group in &schedule.groups {
            group.items.iter().for_each(|item| {
                number_of(&mut self.names.items, item);
            });
        }
        let groups = rulebook.groups().iter().map(|name| number_of(&mut self.names.groups, name)).collect();
        let offset_minutes = rulebook.offset_minutes();
        let schedule = Some(Arc::new(schedule));
        self.books.set_ration(Ration { schedule, rulebook: Some(rulebook), groups, offset_minutes });
        true
    }

    /// Persons are known under these keys from here on. With the end of a change-over, old keys mean nothing more.
    pub(crate) fn keys(&mut self, keys: Keys) {
        if keys.previous.is_none() {
            (0..self.books.aliases.parts()).for_each(|part| self.books.aliases.retain(part, |_| false));
        }
        self.books.set_keys(keys);
    }

    /// Time passed: reservations end, and what nobody can ask for any more is forgotten.
    pub(crate) fn tick(&mut self, before: Millis, now: Millis) -> Vec<Expired> {
        let ration = self.books.ration();
        let (yesterday, today) = (day_of(before, ration.offset_minutes), day_of(now, ration.offset_minutes));
        if today != yesterday
            && let Some(rulebook) = &ration.rulebook
        {
            let late = i32::try_from(MAX_LATE_DAYS).expect("a week");
            self.books.weeks.forget_before(rulebook.first_day_needed(today - late - 1));
        }
        claims::sweep(&self.books.claims, before, now);
        let mut ended = Vec::new();
        while let Some(first) = self.holds.first_entry().filter(|hold| hold.key().0 <= now) {
            let ((_, id), outlet) = first.remove_entry();
            ended.extend(self.expire(id, outlet));
        }
        ended
    }

    /// Judges a claim. Gateways' clocks differ, and late claims are late: what was decided before for a later day counts too.
    fn judge(&self, ration: &Ration, ask: &Ask<'_>, person: PersonKey, late: bool) -> Judgment {
        let bought = |group, days: &_| self.books.weeks.bought(person, group, days);
        let judgment = ration.judge(ask, bought);
        let looks_on =
            late || judgment.refusal.is_none() && bought(ration.group(ask.item), &ration.later(ask.at)) > 0;
        if looks_on && ration.goes_over(ask, bought) {
            let remaining = if late { judgment.remaining } else { Some(0) };
            return Judgment { refusal: Some(Refusal::LimitReached), remaining, ..judgment };
        }
        judgment
    }

    /// The books are up to this sequence.
    pub(crate) fn seen(&self, seq: u64) {
        self.books.seen.store(seq, Relaxed);
    }

    fn expire(&mut self, id: ClaimId, outlet: OutletCode) -> Option<Expired> {
        let claim = self.books.claims.get(&id)?;
        self.give_back(&claim);
        let claim = self.settle(&claim, ClaimState::Expired);
        self.tally.expired += 1;
        Some(Expired { outlet, stock: self.stock_of(&claim, Ruling::Reserved)?.back() })
    }

    /// Writes a new claim into the books, and its pieces where it has any.
    fn write(&mut self, new: &NewClaim) -> Claim {
        if !matches!(new.ruling, Ruling::Refused(_)) && new.group != u8::MAX {
            self.books.weeks.add(new.person, new.group, new.days.counts, new.quantity);
        }
        let claim = Claim::new(new);
        self.books.claims.upsert(&claim.id, || claim, |_| ());
        claim
    }

    fn give_back(&self, claim: &Claim) {
        let days = claim.days(day_of(claim.received(), self.books.ration().offset_minutes));
        if claim.group != u8::MAX {
            let person = self.books.known_as(claim.person);
            self.books.weeks.give_back(person, claim.group, days.counts, claim.quantity);
        }
    }

    /// The claim of a void or confirmation, where its outlet made it.
    fn own_claim(&self, entry: &SettleEntry<'_>) -> Result<Claim, Reason> {
        let claim = self.books.claims.get(&entry.id).ok_or(Reason::UnknownClaim)?;
        if claim.outlet == fingerprint(entry.outlet) { Ok(claim) } else { Err(Reason::OtherOutlet) }
    }

    /// Sets the state of a claim, which ends its hold.
    fn settle(&mut self, claim: &Claim, state: ClaimState) -> Claim {
        if let Some(until) = claim.held_until() {
            self.holds.remove(&(until, claim.id));
        }
        let mut settled = *claim;
        settled.set_state(state);
        self.books.claims.change(&claim.id, |row| *row = settled);
        settled
    }

    fn told(&self, claim: &Claim, replayed: bool) -> Decided {
        Decided::of(claim, self.books.ration().offset_minutes, replayed)
    }

    /// The key of a person. Who comes with the key before it is known under the new one from here on.
    fn same_person(&self, key: PersonKey, was: Option<PersonKey>) -> PersonKey {
        match was.filter(|was| *was != key) {
            None => self.books.known_as(key),
            Some(old) => {
                if self.books.aliases.get(&old).is_none() {
                    let groups = u8::try_from(self.names.groups.len()).unwrap_or(u8::MAX);
                    self.books.weeks.rekey(old, key, groups);
                    self.books.aliases.upsert(&old, || Alias { old, new: key }, |_| ());
                }
                key
            }
        }
    }

    /// How a claim of this ruling moves stock.
    fn stock_of(&self, claim: &Claim, ruling: Ruling) -> Option<Move> {
        let quantity = i32::from(claim.quantity);
        let (count, promised) = match ruling {
            Ruling::Granted | Ruling::Recorded { counted: false, .. } => (-quantity, 0),
            Ruling::Reserved => (0, quantity),
            Ruling::Recorded { counted: true, .. } | Ruling::Refused(_) => return None,
        };
        Some(Move { item: self.names.named(claim.item)?, count, promised })
    }

    fn count(&mut self, ruling: Ruling) {
        let tally = &mut self.tally;
        match ruling {
            Ruling::Granted => tally.granted += 1,
            Ruling::Reserved => tally.reserved += 1,
            Ruling::Recorded { over, .. } => {
                tally.recorded += 1;
                tally.over_limit += u64::from(over);
            }
            Ruling::Refused(refusal) => {
                let at = Refusal::ALL.iter().position(|r| *r == refusal).expect("all reasons are listed");
                tally.refused[at] += 1;
            }
        }
    }
}

impl Names {
    /// The number of an item; 255 where it was never rationed.
    fn item(&self, item: &str) -> u8 {
        let at = self.items.iter().position(|i| i.as_str() == item);
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
    }

    fn named(&self, item: u8) -> Option<ItemId> {
        self.items.get(usize::from(item)).cloned()
    }
}

impl Move {
    /// The same pieces, the other way.
    fn back(self) -> Self {
        Self { count: -self.count, promised: -self.promised, ..self }
    }
}

fn ask<'a>(entry: &'a ClaimEntry<'_>, outlet: Option<OutletType>) -> Ask<'a> {
    Ask {
        at: entry.occurred.unwrap_or(entry.received),
        item: entry.item,
        quantity: entry.quantity,
        person: &entry.person,
        buyer: entry.buyer.as_deref(),
        ground: entry.ground,
        outlet,
    }
}

/// What becomes of a claim that was judged so: a late one is recorded whatever the judgment.
fn rule(entry: &ClaimEntry<'_>, judgment: &Judgment, reported: Option<Millis>) -> Ruling {
    match (entry.occurred, judgment.refusal) {
        (Some(occurred), refusal) => Ruling::Recorded {
            over: refusal == Some(Refusal::LimitReached),
            counted: reported.is_some_and(|reported| reported >= occurred),
        },
        (None, Some(refusal)) => Ruling::Refused(refusal),
        (None, None) if entry.until.is_some() => Ruling::Reserved,
        (None, None) => Ruling::Granted,
    }
}

/// Minutes that a reservation holds, 1 to 720.
fn hold_minutes(entry: &ClaimEntry<'_>) -> u16 {
    entry.until.map_or(0, |until| {
        let minutes = (until.since(entry.received) / MINUTE_MS).clamp(1, 720);
        u16::try_from(minutes).expect("at most 720")
    })
}

/// What remains after the decision; a late claim takes its pieces whatever the judgment.
fn remaining(entry: &ClaimEntry<'_>, judgment: &Judgment) -> Option<u32> {
    let taken = if entry.occurred.is_some() && judgment.refusal.is_some() { entry.quantity } else { 0 };
    judgment.remaining.map(|remaining| remaining.saturating_sub(taken))
}

fn days(entry: &ClaimEntry<'_>, judgment: &Judgment, offset_minutes: i16) -> Days {
    let received = day_of(entry.received, offset_minutes);
    let occurred = entry.occurred.map_or(received, |at| day_of(at, offset_minutes));
    let late = i32::try_from(MAX_LATE_DAYS).expect("a week") + 1;
    Days {
        received,
        counts: occurred.clamp(received - late, received),
        window_ends: judgment.window_ends,
        next_eligible: judgment.next_eligible,
    }
}

/// 32 bits of an outlet's code: enough to notice that a claim was made elsewhere.
fn fingerprint(outlet: &str) -> u32 {
    crc32c::crc32c(outlet.as_bytes())
}
