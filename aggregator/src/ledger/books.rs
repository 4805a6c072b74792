//! The books that the fold writes and everybody reads: who bought what, which claims were decided, which rules hold.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, RwLock};

use schemas::Millis;
use schemas::claim::{ClaimId, ClaimState, Verdict};
use schemas::entry::Keys;
use schemas::person::{Person, PersonKey};
use schemas::policy::{Ground, Schedule, Window};
use schemas::registry::OutletType;

use super::NO_NUMBER;
use super::claims::{Claim, Ruling};
use super::decided::Decided;
use super::log::{Log, Piece};
use super::table::{Row, Table};
use super::weeks::Weeks;
use crate::calendar::{midnight, window_of};
use crate::policy::{Asked, Judgment, Rulebook};

const WHOLE: &str = "whoever panics ends the process";
/// Parts of the table of persons who changed keys.
const ALIAS_PARTS: usize = 1024;

/// A person who is known under a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) old: PersonKey,
    pub(crate) new: PersonKey,
}

impl Row for Alias {
    type Key = PersonKey;
    const BYTES: usize = 32;

    fn key(&self) -> PersonKey {
        self.old
    }

    fn hash(key: &PersonKey) -> u64 {
        let (first, _) = key.0.split_first_chunk::<8>().expect("16 bytes");
        u64::from_le_bytes(*first)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.old.0);
        out.extend_from_slice(&self.new.0);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (old, new) = bytes.split_first_chunk::<16>()?;
        Some(Self { old: PersonKey(*old), new: PersonKey(new.try_into().ok()?) })
    }
}

/// The rules in force, with the numbers under which the books know their groups.
#[derive(Debug)]
pub(crate) struct Ration {
    pub(crate) schedule: Option<Arc<Schedule>>,
    /// Schedules that were in force before, the newest last.
    pub(crate) earlier: Vec<Arc<Schedule>>,
    pub(crate) rulebook: Option<Rulebook>,
    /// For each group of the rulebook its number in the books.
    pub(crate) groups: Vec<u8>,
    pub(crate) offset_minutes: i16,
}

impl Ration {
    /// The number of an item's group.
    pub(super) fn group_number(&self, item: &str) -> u8 {
        self.number(self.rulebook.as_ref().and_then(|rulebook| rulebook.group_of(item)))
    }

    /// What the rulebook is asked.
    pub(super) fn asked<'a>(&self, ask: &Ask<'a>) -> Asked<'a> {
        Asked {
            at: ask.at,
            group: self.rulebook.as_ref().and_then(|rulebook| rulebook.group_of(ask.item)),
            quantity: ask.quantity,
            person: ask.person,
            buyer: ask.buyer,
            ground: ask.ground,
            outlet: ask.outlet,
        }
    }

    /// The number under which the books know a group of the rulebook.
    pub(super) fn number(&self, group: Option<usize>) -> u8 {
        group.map_or(NO_NUMBER, |group| self.groups[group])
    }
}

impl Default for Ration {
    fn default() -> Self {
        let offset_minutes = schemas::time::KST_MINUTES;
        Self { schedule: None, earlier: Vec::new(), rulebook: None, groups: Vec::new(), offset_minutes }
    }
}

/// What a counter asks before it sells.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The moment it is judged by.
    pub at: Millis,
    /// Item.
    pub item: &'a str,
    /// Pieces.
    pub quantity: u32,
    /// Whose allowance it is.
    pub person: &'a Person,
    /// Who came, when it is another person.
    pub buyer: Option<&'a Person>,
    /// The proof that was shown.
    pub ground: Option<Ground>,
    /// Type of the outlet; `None` where it is not registered.
    pub outlet: Option<OutletType>,
}

/// The books. Many may read while the fold writes.
#[derive(Debug)]
pub struct Books {
    pub(crate) weeks: Weeks,
    pub(crate) claims: Log,
    pub(crate) aliases: Table<Alias>,
    /// Whether there may be any alias: mostly there is none, and nobody need look.
    renamed: AtomicBool,
    ration: RwLock<Arc<Ration>>,
    keys: RwLock<Option<Keys>>,
    /// Last journal sequence that is in them.
    pub(crate) seen: AtomicU64,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            weeks: Weeks::default(),
            claims: Log::default(),
            aliases: Table::new(ALIAS_PARTS),
            renamed: AtomicBool::new(false),
            ration: RwLock::default(),
            keys: RwLock::default(),
            seen: AtomicU64::new(0),
        }
    }
}

impl Books {
    /// May this person buy now? Nothing is written.
    #[must_use]
    pub fn check(&self, ask: &Ask<'_>) -> Decided {
        let ration = self.ration();
        // Read before the books: what they say is at least as new as the version that is told.
        let seq = self.seen.load(Acquire);
        let asked = ration.asked(ask);
        let group = ration.number(asked.group);
        let (judgment, _) = judge(&ration, &asked, false, |days| self.bought_by(ask.person, group, days));
        Decided {
            id: None,
            verdict: if judgment.refusal.is_none() { Verdict::Granted } else { Verdict::Refused },
            refusal: judgment.refusal,
            state: ClaimState::Final,
            remaining: judgment.remaining,
            window_ends: judgment.window_ends.map(|day| midnight(day, ration.offset_minutes)),
            next_eligible: judgment.next_eligible,
            over_limit: false,
            held_until: None,
            seq,
            received: ask.at,
            registered: ask.outlet.is_some(),
            replayed: false,
        }
    }

    /// A claim as it stands, for as long as it is kept.
    #[must_use]
    pub fn claim(&self, id: ClaimId) -> Option<Decided> {
        self.decided(id).map(|claim| Decided::of(&claim, true))
    }

    /// The row of a claim that was decided.
    pub(super) fn decided(&self, id: ClaimId) -> Option<Claim> {
        self.claims.get(&id).filter(|claim| claim.ruling() != Ruling::Withdrawn)
    }

    /// The policies that are known, past and to come.
    #[must_use]
    pub fn schedule(&self) -> Option<Arc<Schedule>> {
        self.ration().schedule.clone()
    }

    /// Whether these policies were in force before others took their place, as far as that is remembered.
    #[must_use]
    pub fn superseded(&self, schedule: &Schedule) -> bool {
        self.ration().earlier.iter().any(|earlier| **earlier == *schedule)
    }

    /// The keys in use, by their fingerprints.
    #[must_use]
    pub fn keys(&self) -> Option<Keys> {
        *self.keys.read().expect(WHOLE)
    }

    /// How many rows there are of purchases and of claims.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.weeks.len(), self.claims.len())
    }

    pub(crate) fn ration(&self) -> Arc<Ration> {
        Arc::clone(&self.ration.read().expect(WHOLE))
    }

    pub(crate) fn set_ration(&self, ration: Arc<Ration>) {
        *self.ration.write().expect(WHOLE) = ration;
    }

    pub(crate) fn set_keys(&self, keys: Keys) {
        *self.keys.write().expect(WHOLE) = Some(keys);
    }

    /// The key under which a person's purchases are.
    ///
    /// Ends, because nobody is renamed but from and to a key that has no other name then.
    pub(crate) fn known_as(&self, key: PersonKey) -> PersonKey {
        let mut known = key;
        if !self.renamed.load(Acquire) {
            return known;
        }
        while let Some(alias) = self.aliases.get(&known) {
            known = alias.new;
        }
        known
    }

    /// All that is under one key goes to another.
    pub(crate) fn rename(&self, from: PersonKey, to: PersonKey, groups: u8) {
        if from != to {
            self.weeks.rekey(from, to, groups);
            self.renamed.store(true, Release);
            self.aliases.take(&to);
            self.aliases.put(Alias { old: from, new: to });
        }
    }

    /// Old keys mean nothing more: claims learn the new ones.
    pub(crate) fn forget_aliases(&self) {
        if !self.renamed.load(Acquire) {
            return;
        }
        let pieces = self.claims.share();
        let persons = pieces.iter().flat_map(Piece::rows).map(|claim| (claim.id, claim.person));
        let renamed = persons.map(|(id, person)| (id, person, self.known_as(person)));
        let renamed: Vec<_> = renamed.filter(|(_, person, known)| person != known).collect();
        drop(pieces);
        for (id, _, known) in renamed {
            self.claims.change(&id, |claim| claim.person = known);
        }
        (0..self.aliases.parts()).for_each(|part| self.aliases.retain(part, |_| false));
        self.renamed.store(false, Release);
    }

    /// Puts aliases that a checkpoint holds.
    pub(crate) fn fill_aliases(&self, aliases: &[Alias]) {
        self.renamed.store(true, Release);
        self.aliases.fill(aliases);
    }

    /// What a person bought, under either key while keys change over.
    fn bought_by(&self, person: &Person, group: u8, days: &RangeInclusive<i32>) -> u32 {
        let key = self.known_as(person.key);
        let old = person.was.map(|was| self.known_as(was)).filter(|old| *old != key);
        self.weeks.bought(key, group, days) + old.map_or(0, |old| self.weeks.bought(old, group, days))
    }
}

/// Judges under a ration, and tells whether it is over the limit, whichever reason comes first. What was `made` already uses the
/// allowance up also where it would have been refused.
///
/// The journal's order decides, also where the clocks of two gateways stand on two sides of a midnight: purchases of later
/// days that lie in the window count as those before.
pub(super) fn judge(
    ration: &Ration,
    asked: &Asked<'_>,
    made: bool,
    mut bought: impl FnMut(&RangeInclusive<i32>) -> u32,
) -> (Judgment, bool) {
    let Some(rulebook) = &ration.rulebook else { return (Judgment::NOT_RATIONED, false) };
    let mut later = None;
    let in_window = |window, days: RangeInclusive<i32>| match window {
        Window::RollingDays(length) => {
            let today = *days.end();
            bought(&days) + *later.get_or_insert_with(|| rolling_later(length, today, &mut bought))
        }
        _ => {
            let ends = *window_of(window, *days.end()).end();
            bought(&(*days.start()..=ends))
        }
    };
    let (judgment, left) = rulebook.weigh(asked, made, in_window);
    (judgment, made && left.is_some_and(|left| asked.quantity > left))
}

/// How much more than the rolling window that ends today the fullest window that holds today has.
fn rolling_later(length: u8, today: i32, bought: &mut impl FnMut(&RangeInclusive<i32>) -> u32) -> u32 {
    let others = i32::from(length) - 1;
    if bought(&(today + 1..=today + others)) == 0 {
        return 0;
    }
    let to_today = bought(&(today - others..=today));
    let fullest = (today..=today + others).map(|last| bought(&(last - others..=last))).max();
    fullest.unwrap_or(0).saturating_sub(to_today)
}
