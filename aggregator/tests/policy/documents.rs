//! Schedules and questions of all sorts, for the properties.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::{
    AgeBand, Beneficiary, DayGate, DayRule, Digit, Ground, Holiday, ItemGroup, Policy, ProxyDay, ProxyRule,
    Schedule, Window,
};
use schemas::registry::OutletType;
use schemas::time::{Rfc3339, civil};
use schemas::{ItemId, Millis};

use crate::naive::Question;

/// 2020-02-01, a day on which policies and questions begin.
const FIRST_DAY: i32 = 18_293;
const DAY_MS: i64 = 86_400_000;
/// Years around the edges that bands and clauses have.
const YEARS: [u16; 6] = [1940, 1941, 1985, 2001, 2002, 2010];

pub fn mask() -> ItemId {
    ItemId::new("mask").unwrap()
}

/// A schedule without faults for one group; its policies begin at local midnights and in the middle of days.
pub fn schedule() -> impl Strategy<Value = Schedule> {
    let starts = proptest::collection::btree_set(start(), 1..5);
    let offset = select(vec![-720_i16, -210, 0, 480, 540, 840]);
    let holidays = proptest::collection::btree_map(0..120, gate(), 0..4);
    (starts, offset, holidays)
        .prop_flat_map(|(starts, offset, holidays)| {
            let rules = vec(rule(), starts.len());
            (Just(starts), Just(offset), Just(holidays), rules)
        })
        .prop_map(|(starts, offset_minutes, holidays, rules)| Schedule {
            name: "made-up".to_owned(),
            title: Default::default(),
            offset_minutes,
            groups: vec![ItemGroup { name: mask(), items: vec![mask()] }],
            policies: starts
                .into_iter()
                .zip(rules)
                .map(|(at, rule)| dated(at, offset_minutes, rule))
                .collect(),
            holidays: holidays
                .into_iter()
                .map(|(day, gate)| Holiday { date: civil(FIRST_DAY + day), gate, words: Default::default() })
                .collect(),
        })
}

/// Minutes of local time after the first day.
fn start() -> impl Strategy<Value = i64> {
    prop_oneof![4 => (0..100_i64).prop_map(|day| day * 1440), 1 => 0..144_000_i64]
}

fn dated(minutes: i64, offset_minutes: i16, rule: Policy) -> Policy {
    let at = i64::from(FIRST_DAY) * DAY_MS + (minutes - i64::from(offset_minutes)) * 60_000;
    Policy { effective_from: Rfc3339(Millis(at)), ..rule }
}

fn rule() -> impl Strategy<Value = Policy> {
    let who = (option::of(days()), option::of(proxy()), option::weighted(0.2, outlets()));
    (prop::bool::weighted(0.1), window(), 1..6_u32, bands(), any::<bool>(), who).prop_map(
        |(ended, window, quantity, bands, split, (days, proxy, outlets))| Policy {
            effective_from: Rfc3339(Millis(0)),
            group: mask(),
            ended,
            window,
            quantity,
            bands,
            split,
            days,
            proxy,
            outlets,
            words: Default::default(),
            source: String::new(),
        },
    )
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![
        3 => Just(Window::Week),
        1 => Just(Window::Day),
        1 => Just(Window::Month),
        3 => (2..=35_u8).prop_map(Window::RollingDays),
    ]
}

fn bands() -> impl Strategy<Value = Vec<AgeBand>> {
    let band = |born_from, born_to, quantity| AgeBand { born_from, born_to, quantity };
    prop_oneof![
        2 => Just(vec![]),
        1 => (1..9_u32).prop_map(move |n| vec![band(Some(2002), None, n)]),
        1 => (1..9_u32, 1..9_u32)
            .prop_map(move |(n, m)| vec![band(None, Some(1940), n), band(Some(1930), Some(1990), m)]),
    ]
}

fn days() -> impl Strategy<Value = DayRule> {
    let by = select(vec![Digit::BirthYear, Digit::Number]);
    (by, proptest::array::uniform7(gate())).prop_map(|(by, week)| DayRule { by, week })
}

fn gate() -> impl Strategy<Value = DayGate> {
    prop_oneof![
        1 => Just(DayGate::Any),
        1 => Just(DayGate::CatchUp),
        1 => Just(DayGate::Closed),
        4 => subsequence((0..10).collect::<Vec<u8>>(), 1..7).prop_map(DayGate::Digits),
    ]
}

fn proxy() -> impl Strategy<Value = ProxyRule> {
    let clause = (option::of(select(&YEARS[..])), any::<bool>(), option::of(ground())).prop_map(
        |(year, up, ground)| Beneficiary {
            born_from: year.filter(|_| up),
            born_to: year.filter(|_| !up),
            ground,
        },
    );
    let day = select(vec![ProxyDay::Beneficiary, ProxyDay::Either]);
    (day, vec(clause, 1..3)).prop_map(|(day, beneficiaries)| ProxyRule { day, beneficiaries })
}

fn ground() -> impl Strategy<Value = Ground> {
    select(vec![Ground::Family, Ground::Inpatient])
}

fn outlets() -> impl Strategy<Value = Vec<OutletType>> {
    subsequence(OutletType::ALL.to_vec(), 1..3)
}

fn person(number: u8) -> impl Strategy<Value = Person> {
    (option::weighted(0.9, select(&YEARS[..])), option::weighted(0.9, 0..10_u8)).prop_map(
        move |(born, digit)| Person {
            key: PersonKey([number; 16]),
            was: None,
            kind: PersonKind::Card,
            born,
            digit,
        },
    )
}

/// What one person asks for, in the order of time, with or without one and the same buyer.
pub fn questions() -> impl Strategy<Value = Vec<Question>> {
    let visit = (moment(), 0..5_u32, any::<bool>(), option::of(ground()), option::weighted(0.9, outlet()));
    (person(1), person(2), vec(visit, 1..40)).prop_map(|(person, buyer, mut visits)| {
        visits.sort_by_key(|visit| visit.0);
        let question = |(at, quantity, by_other, ground, outlet)| Question {
            at: Millis(at),
            quantity,
            person,
            buyer: Some(buyer).filter(|_| by_other),
            ground,
            outlet,
        };
        visits.into_iter().map(question).collect()
    })
}

/// Any moment of some 130 days, often near a midnight of some zone.
fn moment() -> impl Strategy<Value = i64> {
    let first = i64::from(FIRST_DAY - 5) * DAY_MS;
    let near_an_hour =
        (0..130 * 24_i64, -1..=1_i64).prop_map(move |(hour, ms)| first + hour * 3_600_000 + ms);
    prop_oneof![near_an_hour, (0..130 * DAY_MS).prop_map(move |ms| first + ms)]
}

fn outlet() -> impl Strategy<Value = OutletType> {
    select(OutletType::ALL.to_vec())
}
