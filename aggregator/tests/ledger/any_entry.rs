//! Entries as a journal may hold them, however odd: whatever deserialises.

use proptest::prelude::*;
use schemas::Millis;
use schemas::claim::ClaimId;
use schemas::entry::{ClaimEntry, Entry, HoldEntry, Keys, SettleEntry, Tick};
use schemas::person::{Person, PersonKind};
use schemas::policy::{AgeBand, DayGate, DayRule, Digit, Ground, Holiday, Policy, Schedule, Window, Words};
use schemas::registry::OutletType;
use schemas::time::civil;

use crate::world::{DAY, MONDAY, OUTLETS, group, item, key, policy, schedule};

const ITEMS: [&str; 4] = ["mask", "mask_child", "gel", "never"];

/// Mostly about the same days, now and then at the ends of time.
pub fn any_time() -> impl Strategy<Value = Millis> {
    prop_oneof![
        12 => (-40 * DAY..40 * DAY).prop_map(|after| MONDAY.plus(after)),
        4 => (-DAY..DAY).prop_map(|after| MONDAY.plus(after)),
        1 => any::<i64>().prop_map(Millis),
        1 => prop::sample::select(&[i64::MIN, i64::MIN + 1, -1, 0, 1 << 43, i64::MAX - 1, i64::MAX][..]).prop_map(Millis),
    ]
}

fn any_person() -> impl Strategy<Value = Person> {
    let born = prop_oneof![4 => (1900..2021u16).prop_map(Some), 1 => any::<Option<u16>>()];
    (0..4u8, 0..3u8, prop::option::weighted(0.3, 0..3u8), born, any::<Option<u8>>()).prop_map(
        |(person, generation, was, born, digit)| Person {
            key: key(person, generation),
            was: was.map(|was| key(person, was)),
            kind: PersonKind::Card,
            born,
            digit,
        },
    )
}

fn any_quantity() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..4u32, 1 => Just(0), 1 => Just(100), 1 => 200..300u32, 1 => any::<u32>()]
}

fn any_ground() -> impl Strategy<Value = Option<Ground>> {
    prop::option::weighted(0.2, prop::sample::select(&[Ground::Family, Ground::Pregnant][..]))
}

pub fn any_claim() -> impl Strategy<Value = ClaimEntry<'static>> {
    let place = (prop::sample::select(&OUTLETS[..]), prop::sample::select(&ITEMS[..]));
    let times =
        (any_time(), prop::option::weighted(0.2, any_time()), prop::option::weighted(0.2, any_time()));
    let persons = (any_person(), prop::option::weighted(0.1, any_person().prop_map(Box::new)), any_ground());
    (0..40u128, place, times, any_quantity(), persons, 0..2u32).prop_map(
        |(id, (outlet, item), (received, occurred, until), quantity, (person, buyer, ground), body)| {
            ClaimEntry {
                id: ClaimId(uuid::Uuid::from_u128(id)),
                outlet,
                terminal: "t1",
                at: received,
                received,
                item,
                quantity,
                person,
                buyer,
                ground,
                body,
                occurred,
                until,
            }
        },
    )
}

pub fn any_settle() -> impl Strategy<Value = SettleEntry<'static>> {
    let outlet = prop::sample::select(&OUTLETS[..]);
    (0..40u128, outlet, any_time(), any::<bool>()).prop_map(|(id, outlet, at, holds_place)| SettleEntry {
        id: ClaimId(uuid::Uuid::from_u128(id)),
        outlet,
        terminal: "t1",
        at,
        received: at,
        holds_place,
    })
}

pub fn any_window() -> impl Strategy<Value = Window> {
    prop_oneof![
        2 => Just(Window::Week),
        1 => Just(Window::Day),
        1 => Just(Window::Month),
        3 => (2..36u8).prop_map(Window::RollingDays),
        1 => any::<u8>().prop_map(Window::RollingDays),
    ]
}

fn any_gate() -> impl Strategy<Value = DayGate> {
    prop_oneof![
        3 => Just(DayGate::Any),
        1 => Just(DayGate::Closed),
        1 => Just(DayGate::CatchUp),
        3 => prop::collection::vec(0..10u8, 1..5).prop_map(DayGate::Digits),
        1 => prop::collection::vec(any::<u8>(), 0..3).prop_map(DayGate::Digits),
    ]
}

fn any_days() -> impl Strategy<Value = DayRule> {
    let by = prop::sample::select(&[Digit::BirthYear, Digit::Number][..]);
    (by, prop::array::uniform7(any_gate())).prop_map(|(by, week)| DayRule { by, week })
}

/// Moments that RFC 3339 can write.
fn any_from() -> impl Strategy<Value = Millis> {
    prop_oneof![Just(Millis(0)), (-40 * DAY..40 * DAY).prop_map(|after| MONDAY.plus(after))]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let quantity = prop_oneof![8 => 1..6u32, 1 => 200..300u32, 1 => any::<u32>()];
    let band = (any::<Option<u16>>(), any::<Option<u16>>(), 1..9u32)
        .prop_map(|(born_from, born_to, quantity)| AgeBand { born_from, born_to, quantity });
    let who = (prop::collection::vec(band, 0..2), prop::option::weighted(0.4, any_days()), any::<bool>());
    let kinds = prop::option::weighted(0.2, Just(vec![OutletType::Pharmacy]));
    let name = prop::sample::select(&["mask", "gel"][..]);
    ((name, any_window(), quantity, any_from()), who, kinds, prop::bool::weighted(0.1)).prop_map(
        |((name, window, quantity, from), (bands, days, split), outlets, ended)| Policy {
            bands,
            days,
            split,
            outlets,
            ended,
            ..policy(name, window, quantity, from)
        },
    )
}

pub fn any_schedule() -> impl Strategy<Value = Schedule> {
    let groups = prop_oneof![
        Just(vec![group("mask", &["mask", "mask_child"]), group("gel", &["gel"])]),
        Just(vec![group("gel", &["gel", "mask_child"]), group("mask", &["mask"])]),
        Just(vec![group("mask", &["gel"])]),
    ];
    let holiday = (18_300..18_360i32, any_gate()).prop_map(|(day, gate)| Holiday {
        date: civil(day),
        gate,
        words: Words::default(),
    });
    let offset = prop_oneof![Just(540i16), -720..841i16, any::<i16>()];
    let policies = prop::collection::vec(any_policy(), 0..5);
    (groups, policies, prop::collection::vec(holiday, 0..3), offset).prop_map(
        |(groups, mut policies, holidays, offset_minutes)| {
            // So that most are free of faults.
            policies.push(policy(groups[0].name.as_str(), Window::Week, 2, Millis(1)));
            policies.push(policy(groups[groups.len() - 1].name.as_str(), Window::Week, 2, Millis(2)));
            Schedule { holidays, offset_minutes, ..schedule(groups, policies) }
        },
    )
}

pub fn any_entry() -> impl Strategy<Value = Entry<'static>> {
    prop_oneof![
        20 => any_claim().prop_map(Entry::Claim),
        5 => any_settle().prop_map(Entry::Void),
        5 => any_settle().prop_map(Entry::Confirm),
        2 => any_schedule().prop_map(|schedule| Entry::Schedule(Box::new(schedule))),
        2 => (0..3u64, prop::option::of(0..3u64)).prop_map(|(current, previous)| Entry::Keys(Keys { current, previous })),
        1 => (any_time(), any_time()).prop_map(|(since, until)| Entry::Hold(HoldEntry { core: "a", since, until })),
        6 => any_time().prop_map(|at| Entry::Tick(Tick { at, interval_ms: 1_000 })),
    ]
}

/// Names in the strategies are names that identifiers allow.
#[test]
fn items_are_items() {
    ITEMS.iter().for_each(|name| drop(item(name)));
}
