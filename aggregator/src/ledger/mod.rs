//! The ration ledger: each claim is decided once, by its place in the journal, and no one gets more than the policy gives.
//!
//! Deterministic as the fold is: what is decided depends on the entries before and on nothing else.

mod books;
mod claims;
mod decided;
mod image;
mod index;
mod log;
mod table;
mod weeks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;

use schemas::claim::{ClaimId, ClaimState, MAX_LATE_DAYS, Refusal};
use schemas::entry::{ClaimEntry, Keys, SettleEntry};
use schemas::person::{Person, PersonKey};
use schemas::policy::Schedule;
use schemas::pos::Reason;
use schemas::registry::OutletType;
use schemas::{ItemId, Millis, OutletCode};
use serde::{Deserialize, Serialize};

pub use books::{Ask, Books};
pub use decided::Decided;
pub(crate) use image::{Head, LedgerImage, read_block};

use books::{Ration, judge};
use claims::{Claim, Days, NewClaim, Ruling};

use crate::calendar::day_of;
use crate::policy::{Judgment, Rulebook};

const MINUTE_MS: i64 = 60_000;
/// Further back than this no late claim lies: gateways take none, and one that is in the journal anyhow counts at its end.
const LATE_MS: i64 = (MAX_LATE_DAYS + 1) * 86_400_000;
/// So many schedules that were in force before are remembered.
const EARLIER: usize = 16;
/// Items and groups have numbers below this one.
const NO_NUMBER: u8 = u8::MAX;

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
    /// The rules in force, as the books have them.
    ration: Arc<Ration>,
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
    /// [`Reason::Withdrawn`] and [`Reason::IdConflict`].
    pub(crate) fn claim(
        &mut self,
        seq: u64,
        entry: &ClaimEntry<'_>,
        outlet: Option<OutletType>,
        reported: Option<Millis>,
    ) -> Result<(Decided, Option<Move>), Reason> {
        let (claim, was_there) =
            self.books.claims.get_or_put(&entry.id, || self.decide(seq, entry, outlet, reported));
        if was_there {
            if claim.ruling() == Ruling::Withdrawn {
                return Err(Reason::Withdrawn);
            }
            if claim.body != entry.body {
                return Err(Reason::IdConflict);
            }
            self.tally.replayed += 1;
            return Ok((Decided::of(&claim, true), None));
        }
        let ruling = claim.ruling();
        if let Some(until) = claim.held_until() {
            let outlet =
                OutletCode::new(entry.outlet).expect("codes in the journal were checked when they came in");
            self.holds.insert((until, claim.id), outlet);
        }
        self.count(ruling);
        Ok((Decided::of(&claim, false), self.stock_of(&claim, ruling)))
    }

    /// Prepares for claims that are decided next.
    pub(crate) fn look_ahead<'e>(&self, claims: impl Iterator<Item = &'e ClaimEntry<'e>> + Clone) {
        let Some(first) = claims.clone().next() else { return };
        self.books.claims.look_ahead(claims.clone().map(|claim| claim.id));
        let mut last = (first.item, self.ration.group_number(first.item));
        let rows = claims.map(|claim| {
            if claim.item != last.0 {
                last = (claim.item, self.ration.group_number(claim.item));
            }
            (claim.person.key, last.1)
        });
        let day = day_of(claims::in_range(first.received), self.ration.offset_minutes);
        self.books.weeks.look_ahead(day, rows);
    }

    /// The claim as it is decided; its pieces, where it has any, are written.
    fn decide(
        &self,
        seq: u64,
        entry: &ClaimEntry<'_>,
        outlet: Option<OutletType>,
        reported: Option<Millis>,
    ) -> Claim {
        let ration = &*self.ration;
        let offset_minutes = ration.offset_minutes;
        let person = self.same_person(&entry.person);
        let received = claims::in_range(entry.received);
        let asked = ration.asked(&ask(entry, received, outlet));
        let (group, day) = (ration.number(asked.group), day_of(asked.at, offset_minutes));
        let quantity = u8::try_from(entry.quantity).unwrap_or(u8::MAX);
        let counted = reported.is_some_and(|reported| reported >= asked.at);
        let (judgment, ruling) = self.books.weeks.buy(person, group, day, |bought| {
            let (judgment, over) = judge(ration, &asked, entry.occurred.is_some(), bought);
            let ruling = rule(entry, &judgment, over, counted);
            ((judgment, ruling), if matches!(ruling, Ruling::Refused(_)) { 0 } else { quantity })
        });
        Claim::new(&NewClaim {
            id: entry.id,
            person,
            seq,
            received,
            hold_minutes: if ruling == Ruling::Reserved { hold_minutes(entry) } else { 0 },
            offset_minutes,
            body: entry.body,
            outlet: fingerprint(entry.outlet),
            quantity,
            item: number(&self.names.items, entry.item),
            group,
            ruling,
            registered: outlet.is_some(),
            remaining: judgment.remaining,
            days: Days {
                received: day_of(received, offset_minutes),
                counts: day,
                window_ends: judgment.window_ends,
                // As seen from the day of the sale it may be past, or wrong by what was bought since: a check tells it.
                next_eligible: judgment.next_eligible.filter(|_| entry.occurred.is_none()),
            },
        })
    }

    /// Takes a claim back. Where it is not known its place is held, if the entry says so: it is not decided when it comes after all.
    ///
    /// # Errors
    /// [`Reason::UnknownClaim`], [`Reason::OtherOutlet`] and [`Reason::NothingToVoid`].
    pub(crate) fn void(
        &mut self,
        seq: u64,
        entry: &SettleEntry<'_>,
    ) -> Result<(Decided, Option<Move>), Reason> {
        let claim = match self.own_claim(entry) {
            Err(Reason::UnknownClaim) if entry.holds_place => {
                self.books.claims.get_or_put(&entry.id, || Claim::withdrawn(seq, entry));
                return Err(Reason::UnknownClaim);
            }
            claim => claim?,
        };
        let moved = match (claim.ruling(), claim.state()) {
            (Ruling::Refused(_), _) | (_, ClaimState::Expired) => {
                return Err(Reason::NothingToVoid);
            }
            (_, ClaimState::Voided) => return Ok((Decided::of(&claim, true), None)),
            (_, ClaimState::Confirmed) => Ruling::Granted,
            (ruling, _) => ruling,
        };
        self.give_back(&claim);
        let claim = self.settle(&claim, ClaimState::Voided);
        self.tally.voided += 1;
        let stock = self.stock_of(&claim, moved);
        Ok((Decided::of(&claim, false), stock.map(Move::back)))
    }

    /// Makes a sale of a reservation.
    ///
    /// # Errors
    /// [`Reason::UnknownClaim`], [`Reason::OtherOutlet`] and [`Reason::NotHeld`].
    pub(crate) fn confirm(&mut self, entry: &SettleEntry<'_>) -> Result<(Decided, Option<Move>), Reason> {
        let claim = self.own_claim(entry)?;
        match claim.state() {
            ClaimState::Held => {}
            ClaimState::Confirmed => return Ok((Decided::of(&claim, true), None)),
            _ => return Err(Reason::NotHeld),
        }
        let claim = self.settle(&claim, ClaimState::Confirmed);
        self.tally.confirmed += 1;
        let quantity = i32::from(claim.quantity);
        let stock =
            self.names.named(claim.item).map(|item| Move { item, count: -quantity, promised: -quantity });
        Ok((Decided::of(&claim, false), stock))
    }

    /// Puts policies into force, in place of all that were known. Policies that contradict themselves change nothing, nor do
    /// those that bring more items or groups than the books have numbers for, over all schedules there ever were.
    ///
    /// Returns whether they are in force.
    pub(crate) fn schedule(&mut self, schedule: Schedule) -> bool {
        let Ok(rulebook) = Rulebook::new(&schedule) else { return false };
        let Some(names) = self.names.with(&schedule) else { return false };
        let groups = rulebook.groups().iter().map(|name| number(&names.groups, name.as_str())).collect();
        self.names = names;
        let offset_minutes = rulebook.offset_minutes();
        let earlier = self.ration.earlier_than(&schedule);
        let schedule = Some(Arc::new(schedule));
        self.set_ration(Ration { schedule, earlier, rulebook: Some(rulebook), groups, offset_minutes });
        true
    }

    fn set_ration(&mut self, ration: Ration) {
        self.ration = Arc::new(ration);
        self.books.set_ration(Arc::clone(&self.ration));
    }

    /// Persons are known under these keys from here on. With the end of a change-over, old keys mean nothing more. Keys that
    /// do not follow those that are known change nothing: under them nobody would be known, and everybody could buy again.
    ///
    /// Returns whether they are in force.
    pub(crate) fn keys(&mut self, keys: Keys) -> bool {
        if self.books.keys().is_some_and(|known| !keys.follow(known)) {
            return false;
        }
        if keys.previous.is_none() {
            self.books.forget_aliases();
        }
        self.books.set_keys(keys);
        true
    }

    /// Time passed: reservations end, and what nobody can ask for any more is forgotten.
    pub(crate) fn tick(&mut self, before: Millis, now: Millis) -> Vec<Expired> {
        let mut ended = Vec::new();
        while let Some(first) = self.holds.first_entry().filter(|hold| hold.key().0 <= now) {
            let ((_, id), outlet) = first.remove_entry();
            ended.extend(self.expire(id, outlet));
        }
        self.forget(before, now);
        ended
    }

    /// Comes after the reservations have ended: they give back to what is forgotten here.
    fn forget(&self, before: Millis, now: Millis) {
        let ration = &self.ration;
        let (yesterday, today) = (day_of(before, ration.offset_minutes), day_of(now, ration.offset_minutes));
        if today != yesterday
            && let Some(rulebook) = &ration.rulebook
        {
            let late = i32::try_from(MAX_LATE_DAYS).expect("a week");
            self.books.weeks.forget_before(rulebook.first_day_needed(today - late - 1));
        }
        claims::sweep(&self.books.claims, before, now);
    }

    /// The books are up to this sequence.
    pub(crate) fn seen(&self, seq: u64) {
        self.books.seen.store(seq, Release);
    }

    fn expire(&mut self, id: ClaimId, outlet: OutletCode) -> Option<Expired> {
        let claim = self.books.claims.get(&id)?;
        self.give_back(&claim);
        let claim = self.settle(&claim, ClaimState::Expired);
        self.tally.expired += 1;
        Some(Expired { outlet, stock: self.stock_of(&claim, Ruling::Reserved)?.back() })
    }

    fn give_back(&self, claim: &Claim) {
        let days = claim.days();
        if claim.group != NO_NUMBER {
            let person = self.books.known_as(claim.person);
            self.books.weeks.give_back(person, claim.group, days.counts, claim.quantity);
        }
    }

    /// The claim of a void or confirmation, where its outlet made it.
    fn own_claim(&self, entry: &SettleEntry<'_>) -> Result<Claim, Reason> {
        let claim = self.books.decided(entry.id).ok_or(Reason::UnknownClaim)?;
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

    /// The key of a person. Who comes with the key before it is known under the new one from here on.
    ///
    /// The new key may itself have been left for another before: who takes a change of keys back finds all again.
    fn same_person(&self, person: &Person) -> PersonKey {
        let (books, key) = (&self.books, person.key);
        let Some(old) = person.was.filter(|was| *was != key) else { return books.known_as(key) };
        let groups = u8::try_from(self.names.groups.len()).unwrap_or(NO_NUMBER);
        books.rename(books.known_as(key), key, groups);
        books.rename(books.known_as(old), key, groups);
        key
    }

    /// How a claim of this ruling moves stock.
    fn stock_of(&self, claim: &Claim, ruling: Ruling) -> Option<Move> {
        let quantity = i32::from(claim.quantity);
        let (count, promised) = match ruling {
            Ruling::Granted | Ruling::Recorded { counted: false, .. } => (-quantity, 0),
            Ruling::Reserved => (0, quantity),
            Ruling::Recorded { counted: true, .. } | Ruling::Refused(_) | Ruling::Withdrawn => return None,
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
            Ruling::Withdrawn => {}
        }
    }
}

impl Ration {
    /// What is remembered once this schedule takes the place of the one in force.
    fn earlier_than(&self, schedule: &Schedule) -> Vec<Arc<Schedule>> {
        let known = self.earlier.iter().chain(&self.schedule);
        let earlier: Vec<_> = known.filter(|known| ***known != *schedule).cloned().collect();
        earlier[earlier.len().saturating_sub(EARLIER)..].to_vec()
    }
}

impl Names {
    /// These and the names of a schedule; nothing where they are too many.
    fn with(&self, schedule: &Schedule) -> Option<Self> {
        let mut all = self.clone();
        for group in &schedule.groups {
            add(&mut all.groups, &group.name);
            group.items.iter().for_each(|item| add(&mut all.items, item));
        }
        (all.items.len().max(all.groups.len()) <= usize::from(NO_NUMBER)).then_some(all)
    }

    /// An item that was rationed at some time.
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

fn add(names: &mut Vec<ItemId>, name: &ItemId) {
    if !names.contains(name) {
        names.push(name.clone());
    }
}

/// The number of a name; 255 where it has none.
fn number(names: &[ItemId], name: &str) -> u8 {
    let at = names.iter().position(|n| n.as_str() == name);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(NO_NUMBER)
}

fn ask<'a>(entry: &'a ClaimEntry<'_>, received: Millis, outlet: Option<OutletType>) -> Ask<'a> {
    Ask {
        at: entry.occurred.map_or(received, |at| at.clamp(received.plus(-LATE_MS), received)),
        item: entry.item,
        quantity: entry.quantity,
        person: &entry.person,
        buyer: entry.buyer.as_deref(),
        ground: entry.ground,
        outlet,
    }
}

/// What becomes of a claim that was judged so: a late one is recorded whatever the judgment.
fn rule(entry: &ClaimEntry<'_>, judgment: &Judgment, over: bool, counted: bool) -> Ruling {
    match (entry.occurred, judgment.refusal) {
        (Some(_), _) => Ruling::Recorded { over, counted },
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

/// 32 bits of an outlet's code: enough to notice that a claim was made elsewhere.
fn fingerprint(outlet: &str) -> u32 {
    crc32c::crc32c(outlet.as_bytes())
}
