//! The parts of a policy in short English words, as operators read them side by side.

use schemas::policy::{
    AgeBand, Beneficiary, DayGate, DayRule, Digit, Ground, Policy, ProxyDay, ProxyRule, Window,
};
use schemas::registry::OutletType;

/// Weekdays from Monday.
pub(super) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `3 per week`.
pub(super) fn quantity(policy: &Policy) -> String {
    format!("{} per {}", policy.quantity, window(policy.window))
}

pub(super) fn window(window: Window) -> String {
    match window {
        Window::Week => "week".to_owned(),
        Window::Day => "day".to_owned(),
        Window::Month => "month".to_owned(),
        Window::RollingDays(days) => format!("{days} days"),
    }
}

/// When a window begins and ends.
pub(super) fn extent(window: Window) -> &'static str {
    match window {
        Window::Week => "Monday to Sunday",
        Window::Day => "midnight to midnight",
        Window::Month => "the first to the last of the month",
        Window::RollingDays(_) => "rolling: the day itself and those before it",
    }
}

/// `5 for born 2002 or later`.
pub(super) fn band(band: &AgeBand) -> String {
    format!("{} for {}", band.quantity, born(band.born_from, band.born_to).unwrap_or_default())
}

fn born(from: Option<u16>, to: Option<u16>) -> Option<String> {
    match (from, to) {
        (None, None) => None,
        (Some(from), None) => Some(format!("born {from} or later")),
        (None, Some(to)) => Some(format!("born {to} or earlier")),
        (Some(from), Some(to)) if from == to => Some(format!("born {from}")),
        (Some(from), Some(to)) => Some(format!("born {from} to {to}")),
    }
}

pub(super) fn parts(policy: &Policy) -> &'static str {
    if policy.split { "in parts" } else { "at one purchase" }
}

pub(super) fn gate(gate: &DayGate) -> String {
    match gate {
        DayGate::Any => "all".to_owned(),
        DayGate::Closed => "nobody".to_owned(),
        DayGate::CatchUp => "catch-up".to_owned(),
        DayGate::Digits(digits) => digits.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
    }
}

/// `Mon 1,6 · Tue 2,7 · …`.
pub(super) fn week(rule: &DayRule) -> String {
    let days = WEEKDAYS.iter().zip(&rule.week).map(|(day, open)| format!("{day} {}", gate(open)));
    days.collect::<Vec<_>>().join(" · ")
}

pub(super) fn digit(digit: Digit) -> &'static str {
    match digit {
        Digit::BirthYear => "last digit of the birth year",
        Digit::Number => "last digit of the card's number",
    }
}

/// Who can be bought for, one text for each clause.
pub(super) fn beneficiaries(rule: Option<&ProxyRule>) -> Vec<String> {
    rule.map_or_else(Vec::new, |rule| rule.beneficiaries.iter().map(beneficiary).collect())
}

fn beneficiary(clause: &Beneficiary) -> String {
    let said: Vec<String> = born(clause.born_from, clause.born_to)
        .into_iter()
        .chain(clause.ground.map(|ground| proof(ground).to_owned()))
        .collect();
    if said.is_empty() { "everybody".to_owned() } else { said.join(" and ") }
}

fn proof(ground: Ground) -> &'static str {
    match ground {
        Ground::Family => "family",
        Ground::Inpatient => "in-patients",
        Ground::Pregnant => "pregnant women",
        Ground::Veteran => "veterans",
        Ground::Disabled => "disabled people",
        Ground::LongTermCare => "people in long-term care",
    }
}

pub(super) fn proxy_day(day: ProxyDay) -> &'static str {
    match day {
        ProxyDay::Beneficiary => "on the day of the person bought for",
        ProxyDay::Either => "on either person's day",
    }
}

pub(super) fn outlets(types: Option<&[OutletType]>) -> String {
    types.map_or_else(
        || "all".to_owned(),
        |types| types.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
    )
}
