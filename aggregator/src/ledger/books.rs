//! The books that the fold writes and everybody reads: who bought what, which claims were decided, which rules hold.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use schemas::claim::{ClaimId, ClaimState, Verdict};
use schemas::entry::Keys;
use schemas::person::{Person, PersonKey};
use schemas::policy::{Ground, Schedule};
use schemas::registry::OutletType;
use schemas::{ItemId, Millis};

use super::claims::{self, Claim};
use super::decided::Decided;
use super::table::{Row, Table};
use super::weeks::Weeks;
use crate::calendar::{day_of, midnight};
use crate::policy::{Asked, Judgment, Rulebook};

const WHOLE: &str = "whoever panics ends the process";
/// No window is longer.
const LONGEST_WINDOW_DAYS: i32 = 35;
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
#[derive(Debug, Default)]
pub(crate) struct Ration {
    pub(crate) schedule: Option<Arc<Schedule>>,
    pub(crate) rulebook: Option<Rulebook>,
    /// For each group of the rulebook its number in the books.
    pub(crate) groups: Vec<u8>,
    pub(crate) offset_minutes: i16,
}

/// What a counter asks before it sells.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The moment it is judged by.
    pub at: Millis,
    /// Item.
    pub item: &'a str,
    /// Pieces. With 0, whether one could be bought.
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
    pub(crate) claims: Table<Claim>,
    pub(crate) aliases: Table<Alias>,
    ration: RwLock<Arc<Ration>>,
    keys: RwLock<Option<Keys>>,
    /// Last journal sequence that is in them.
    pub(crate) seen: AtomicU64,
}

impl Default for Books {
    fn default() -> Self {
        let ration = Ration { offset_minutes: schemas::time::KST_MINUTES, ..Ration::default() };
        Self {
            weeks: Weeks::default(),
            claims: claims::table(),
            aliases: Table::new(ALIAS_PARTS),
            ration: RwLock::new(Arc::new(ration)),
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
        let seq = self.seen.load(Relaxed);
        let judgment = ration.judge(ask, |group, days| self.bought_by(ask.person, group, days));
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
        let offset = self.ration().offset_minutes;
        self.claims.get(&id).map(|claim| Decided::of(&claim, offset, true))
    }

    /// The policies that are known, past and to come.
    #[must_use]
    pub fn schedule(&self) -> Option<Arc<Schedule>> {
        self.ration().schedule.clone()
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

    pub(crate) fn set_ration(&self, ration: Ration) {
        *self.ration.write().expect(WHOLE) = Arc::new(ration);
    }

    pub(crate) fn set_keys(&self, keys: Keys) {
        *self.keys.write().expect(WHOLE) = Some(keys);
    }

    /// The key under which a person's purchases are.
    pub(crate) fn known_as(&self, key: PersonKey) -> PersonKey {
        self.aliases.get(&key).map_or(key, |alias| alias.new)
    }

    /// What a person bought, under either key while keys change over.
    fn bought_by(&self, person: &Person, group: u8, days: &RangeInclusive<i32>) -> u32 {
        let key = self.known_as(person.key);
        let old = person.was.map_or(0, |was| self.weeks.bought(was, group, days));
        old + self.weeks.bought(key, group, days)
    }
}

impl Ration {
    /// Judges a purchase; `bought` is asked by the numbers of the books, and for no day after that of the purchase.
    pub(crate) fn judge(
        &self,
        ask: &Ask<'_>,
        mut bought: impl FnMut(u8, &RangeInclusive<i32>) -> u32,
    ) -> Judgment {
        let Some(rulebook) = &self.rulebook else { return Judgment::NOT_RATIONED };
        let (asked, group) = self.asked(rulebook, ask);
        rulebook.judge(&asked, |days| bought(group, &days))
    }

    /// Whether a purchase goes over the allowance, together with those of later days that were decided before it.
    pub(crate) fn goes_over(
        &self,
        ask: &Ask<'_>,
        mut bought: impl FnMut(u8, &RangeInclusive<i32>) -> u32,
    ) -> bool {
        let Some(rulebook) = &self.rulebook else { return false };
        let (asked, group) = self.asked(rulebook, ask);
        rulebook.goes_over(&asked, |days| bought(group, &days))
    }

    /// The days after a purchase that may share a window with it.
    pub(crate) fn later(&self, at: Millis) -> RangeInclusive<i32> {
        let day = day_of(at, self.offset_minutes);
        day + 1..=day + LONGEST_WINDOW_DAYS
    }

    /// The number of an item's group in the books; 255 where it has none.
    pub(crate) fn group(&self, item: &str) -> u8 {
        let group = self.rulebook.as_ref().and_then(|rulebook| rulebook.group_of(item));
        group.map_or(u8::MAX, |group| self.groups[group])
    }

    fn asked<'a>(&self, rulebook: &Rulebook, ask: &Ask<'a>) -> (Asked<'a>, u8) {
        let group = rulebook.group_of(ask.item);
        let asked = Asked {
            at: ask.at,
            group,
            quantity: ask.quantity,
            person: ask.person,
            buyer: ask.buyer,
            ground: ask.ground,
            outlet: ask.outlet,
        };
        (asked, group.map_or(u8::MAX, |group| self.groups[group]))
    }
}

/// The number of a name in a list, added where it is new; the first 255 names have one.
pub(crate) fn number_of(names: &mut Vec<ItemId>, name: &ItemId) -> u8 {
    let at = names.iter().position(|n| n == name).unwrap_or_else(|| {
        names.push(name.clone());
        names.len() - 1
    });
    u8::try_from(at).unwrap_or(u8::MAX)
}
