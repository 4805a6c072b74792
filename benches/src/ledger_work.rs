//! What the ledger is measured on: a nation's persons, their claims, and the rules of March 2020.

use aggregator::{Applied, Fold};
use schemas::claim::ClaimId;
use schemas::entry::{ClaimEntry, Entry};
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::{DayGate, DayRule, Digit, ItemGroup, Policy, Schedule, Window, Words};
use schemas::registry::OutletInfo;
use schemas::time::Rfc3339;
use schemas::{ItemId, Millis};

use crate::workload::{self, ITEM};

/// Monday 2020-03-09 00:00 KST, when the ration by weekdays began.
pub const MONDAY: Millis = Millis(1_583_679_600_000);

/// The rules under which claims are decided: two pieces a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// On any day.
    Week,
    /// On the day of the last digit of the year of birth, the weekend for who missed it.
    Days,
}

/// The schedule of a rule.
#[must_use]
pub fn schedule(rule: Rule) -> Schedule {
    let item = ItemId::new(ITEM).expect("a short word");
    let policy = Policy {
        effective_from: Rfc3339(MONDAY),
        group: item.clone(),
        ended: false,
        window: Window::Week,
        quantity: 2,
        bands: Vec::new(),
        split: true,
        days: (rule == Rule::Days).then(weekdays),
        proxy: None,
        outlets: None,
        words: Words::default(),
        source: String::new(),
    };
    Schedule {
        name: "bench".to_owned(),
        title: Words::default(),
        offset_minutes: 540,
        groups: vec![ItemGroup { name: item.clone(), items: vec![item] }],
        policies: vec![policy],
        holidays: Vec::new(),
    }
}

fn weekdays() -> DayRule {
    let digits = |day: u8| DayGate::Digits(vec![day + 1, (day + 6) % 10]);
    let day = |day: usize| if day < 5 { digits(u8::try_from(day).expect("5")) } else { DayGate::CatchUp };
    DayRule { by: Digit::BirthYear, week: std::array::from_fn(day) }
}

/// A fold in the morning, under this schedule, and the last sequence that it applied.
#[must_use]
pub fn fold(outlets: &[OutletInfo], schedule: &Schedule) -> (Fold, u64) {
    let (mut fold, next) = workload::morning(outlets);
    let applied = fold.apply(next, Entry::Schedule(Box::new(schedule.clone())));
    assert_eq!(applied, Applied::Schedule { in_force: true });
    (fold, next)
}

/// A claim for one piece, of a person whose day is this weekday, 0 for Monday.
#[must_use]
pub fn claim(number: u64, person: u64, day: u16, outlet: &str, received: Millis) -> ClaimEntry<'_> {
    ClaimEntry {
        id: ClaimId(id(number, received)),
        outlet,
        terminal: "t1",
        at: received.plus(-40),
        received,
        item: ITEM,
        quantity: 1,
        person: Person {
            key: key(person),
            was: None,
            kind: PersonKind::Resident,
            born: Some(1961 + day),
            digit: None,
        },
        buyer: None,
        ground: None,
        body: number as u32,
        occurred: None,
        until: None,
    }
}

/// The fingerprint of a person: even over all its bits, as a keyed hash is.
#[must_use]
pub fn key(person: u64) -> PersonKey {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(person).to_le_bytes());
    bytes[8..].copy_from_slice(&mix(!person).to_le_bytes());
    PersonKey(bytes)
}

/// An id as tills make them: version 7, the time first.
fn id(number: u64, at: Millis) -> uuid::Uuid {
    let random = u128::from(mix(number)) << 64 | u128::from(mix(number ^ 1 << 63));
    let bytes = (random & (u128::MAX >> 48) | u128::from(at.0.unsigned_abs()) << 80).to_be_bytes();
    let mut tail = [0; 10];
    tail.copy_from_slice(&bytes[6..]);
    uuid::Builder::from_unix_timestamp_millis(at.0.unsigned_abs(), &tail).into_uuid()
}

/// Splitmix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
