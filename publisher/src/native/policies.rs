//! The rules in force at a version, in words and as data, and whose day it is.

use chrono::{Datelike, NaiveDate};
use schemars::JsonSchema;
use schemas::policy::{DayGate, Digit, Policy, Schedule, Window, Words};
use schemas::snapshot::Snapshot;
use schemas::{ItemId, Millis};
use serde::Serialize;

use super::body::Body;
use super::document::document;

#[derive(Serialize)]
struct Rest<'a> {
    today: Today<'a>,
    schedule: Option<&'a Schedule>,
}

/// Who may buy on the day of the version.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Today<'a> {
    date: NaiveDate,
    weekday: &'static str,
    /// Whether no rule keeps anybody away today.
    everyone: bool,
    /// Last digits of the year of birth of those who may come today, where it goes by them.
    birth_digits: Option<&'a [u8]>,
    /// Last digits of the card's number of those who may come today, where it goes by them.
    number_digits: Option<&'a [u8]>,
    /// The name of the holiday, where it is one.
    holiday: Option<&'a Words>,
    rules: Vec<Rule<'a>>,
}

/// The rule of one group of items.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Rule<'a> {
    group: &'a ItemId,
    items: &'a [ItemId],
    quantity: u32,
    window: Window,
    /// `any`, `closed`, `catch_up` or `digits`.
    gate: &'static str,
    words: &'a Words,
    source: &'a str,
}

/// Writes `/v1/policies.json`.
pub(crate) fn write(snapshot: &Snapshot) -> Body {
    let schedule = snapshot.schedule.as_deref();
    document(snapshot, &Rest { today: Today::of(schedule, snapshot), schedule })
}

impl<'a> Today<'a> {
    fn of(schedule: Option<&'a Schedule>, snapshot: &Snapshot) -> Self {
        let offset = schedule.map_or(snapshot.rules.offset_minutes, |schedule| schedule.offset_minutes);
        let date = local_date(snapshot.at, offset);
        let holiday = schedule.and_then(|s| s.holidays.iter().find(|holiday| holiday.date == date));
        let in_force = schedule.map_or_else(Vec::new, |schedule| in_force(schedule, snapshot.at));
        let gate = |policy: &'a Policy| match (&policy.days, holiday) {
            (None, _) => &DayGate::Any,
            (Some(_), Some(holiday)) => &holiday.gate,
            (Some(days), None) => &days.week[date.weekday().num_days_from_monday() as usize],
        };
        let digits = |by: Digit| {
            in_force.iter().find_map(|(_, policy)| match (gate(policy), &policy.days) {
                (DayGate::Digits(digits), Some(days)) if days.by == by => Some(digits.as_slice()),
                _ => None,
            })
        };
        let rules = in_force.iter().map(|(items, policy)| Rule {
            group: &policy.group,
            items,
            quantity: policy.quantity,
            window: policy.window,
            gate: match gate(policy) {
                DayGate::Any => "any",
                DayGate::Closed => "closed",
                DayGate::CatchUp => "catch_up",
                DayGate::Digits(_) => "digits",
            },
            words: &policy.words,
            source: &policy.source,
        });
        Self {
            date,
            weekday: WEEKDAYS[date.weekday().num_days_from_monday() as usize],
            everyone: in_force
                .iter()
                .all(|(_, policy)| matches!(gate(policy), DayGate::Any | DayGate::CatchUp)),
            birth_digits: digits(Digit::BirthYear),
            number_digits: digits(Digit::Number),
            holiday: holiday.map(|holiday| &holiday.words),
            rules: rules.collect(),
        }
    }
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The policy of each group that is rationed at a moment, with the items of the group.
fn in_force(schedule: &Schedule, at: Millis) -> Vec<(&[ItemId], &Policy)> {
    let newest = |group: &ItemId| {
        let of_group = schedule.policies.iter().filter(|policy| policy.group == *group);
        of_group.filter(|policy| policy.effective_from.0 <= at).max_by_key(|policy| policy.effective_from.0)
    };
    let rules =
        schedule.groups.iter().filter_map(|group| Some((group.items.as_slice(), newest(&group.name)?)));
    rules.filter(|(_, policy)| !policy.ended).collect()
}

fn local_date(at: Millis, offset_minutes: i16) -> NaiveDate {
    let day = (at.0 + i64::from(offset_minutes) * 60_000).div_euclid(86_400_000);
    schemas::time::civil(i32::try_from(day).expect("days of the calendar"))
}
