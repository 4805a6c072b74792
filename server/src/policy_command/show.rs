//! The rules in force at a moment: for each group its policy, what it says of today, and how long it holds.

use std::fmt;

use aggregator::calendar::{day_of, weekday};
use schemas::policy::{DayGate, Holiday, ItemGroup, Policy, Schedule, Words};
use schemas::time::{civil, day_number};
use schemas::{ItemId, Millis};
use serde::Serialize;

use super::describe;

/// A schedule at a moment. Times are local to the schedule.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    name: String,
    title: Words,
    at: String,
    date: String,
    weekday: &'static str,
    /// Name of the day where it is a holiday.
    #[serde(skip_serializing_if = "Option::is_none")]
    holiday: Option<Words>,
    groups: Vec<Group>,
}

/// A group at a moment.
#[derive(Debug, Serialize)]
struct Group {
    group: ItemId,
    items: Vec<ItemId>,
    /// Whether a policy rations it now.
    rationed: bool,
    /// Since when that stands; absent before the first policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Until when; absent where no later policy is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Who may come today.
    #[serde(skip_serializing_if = "Option::is_none")]
    today: Option<DayGate>,
    /// The policy in force, as the document has it; it may be the one that ended the ration.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
}

pub(super) fn at(schedule: &Schedule, at: Millis) -> Shown {
    let day = day_of(at, schedule.offset_minutes);
    Shown {
        name: schedule.name.clone(),
        title: schedule.title.clone(),
        at: at.rfc3339(schedule.offset_minutes),
        date: civil(day).to_string(),
        weekday: describe::WEEKDAYS[weekday(day)],
        holiday: holiday(schedule, day).map(|holiday| holiday.words.clone()),
        groups: schedule.groups.iter().map(|group| Group::at(schedule, group, at)).collect(),
    }
}

fn holiday(schedule: &Schedule, day: i32) -> Option<&Holiday> {
    schedule.holidays.iter().find(|holiday| day_number(holiday.date) == day)
}

/// Who may come on a day, as [`aggregator::Rulebook`] judges: a holiday takes the place of its weekday; without a rule of
/// days only a closed one does.
fn gate(schedule: &Schedule, policy: &Policy, day: i32) -> DayGate {
    let holiday = holiday(schedule, day).map(|holiday| &holiday.gate);
    match (&policy.days, holiday) {
        (None, Some(DayGate::Closed)) => DayGate::Closed,
        (None, _) => DayGate::Any,
        (Some(_), Some(gate)) => gate.clone(),
        (Some(days), None) => days.week[weekday(day)].clone(),
    }
}

impl Group {
    fn at(schedule: &Schedule, group: &ItemGroup, at: Millis) -> Self {
        let own = || schedule.policies.iter().filter(|policy| policy.group == group.name);
        let begun = own().filter(|policy| policy.effective_from.0 <= at);
        let current = begun.max_by_key(|policy| policy.effective_from.0);
        let next = own().map(|policy| policy.effective_from.0).filter(|from| *from > at).min();
        let policy = current.filter(|policy| !policy.ended);
        let local = |moment: Millis| moment.rfc3339(schedule.offset_minutes);
        Self {
            group: group.name.clone(),
            items: group.items.clone(),
            rationed: policy.is_some(),
            since: current.map(|policy| local(policy.effective_from.0)),
            until: next.map(local),
            today: policy.map(|policy| gate(schedule, policy, day_of(at, schedule.offset_minutes))),
            policy: current.cloned(),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        words(f, "", &self.title)?;
        write!(f, "at {} ({}", self.at, self.weekday)?;
        if let Some(words) = &self.holiday {
            write!(f, ", {} {}", words.en, words.ko)?;
        }
        writeln!(f, ")")?;
        self.groups.iter().try_for_each(|group| write!(f, "\n{group}"))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<&str> = self.items.iter().map(ItemId::as_str).collect();
        writeln!(f, "{} ({})", self.group.as_str(), items.join(", "))?;
        if !self.rationed {
            row(f, "rationed", if self.policy.is_some() { "no longer" } else { "not yet" })?;
        }
        row(f, "since", self.since.as_deref().unwrap_or("–"))?;
        row(f, "until", self.until.as_deref().unwrap_or("no later policy is known"))?;
        let Some(policy) = &self.policy else { return Ok(()) };
        if self.rationed {
            self.rule(f, policy)?;
        }
        words(f, "  ", &policy.words)?;
        if policy.source.is_empty() { Ok(()) } else { row(f, "source", &policy.source) }
    }
}

impl Group {
    fn rule(&self, f: &mut fmt::Formatter<'_>, policy: &Policy) -> fmt::Result {
        let quantity = format!("{}, {}", describe::quantity(policy), describe::parts(policy));
        row(f, "quantity", &quantity)?;
        row(f, "window", describe::extent(policy.window))?;
        for band in &policy.bands {
            row(f, "band", &describe::band(band))?;
        }
        self.days(f, policy)?;
        proxies(f, policy)?;
        row(f, "outlets", &describe::outlets(policy.outlets.as_deref()))
    }

    fn days(&self, f: &mut fmt::Formatter<'_>, policy: &Policy) -> fmt::Result {
        match &policy.days {
            None => row(f, "days", "all")?,
            Some(days) => {
                row(f, "days", &describe::week(days))?;
                row(f, "by", describe::digit(days.by))?;
            }
        }
        row(f, "today", &self.today.as_ref().map_or_else(String::new, describe::gate))
    }
}

fn proxies(f: &mut fmt::Formatter<'_>, policy: &Policy) -> fmt::Result {
    let Some(proxy) = &policy.proxy else { return row(f, "proxies", "nobody may be bought for") };
    row(f, "proxies", describe::proxy_day(proxy.day))?;
    describe::beneficiaries(Some(proxy)).iter().try_for_each(|who| row(f, "", &format!("for {who}")))
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<10}{value}")
}

fn words(f: &mut fmt::Formatter<'_>, indent: &str, words: &Words) -> fmt::Result {
    let said = [("한국어", &words.ko), ("English", &words.en)];
    for (language, text) in said.into_iter().filter(|(_, text)| !text.is_empty()) {
        // Korean letters are two columns wide: three of them and four blanks fill ten columns.
        let pad = if language.is_ascii() { "   " } else { "    " };
        writeln!(f, "{indent}{language}{pad}{text}")?;
    }
    Ok(())
}
