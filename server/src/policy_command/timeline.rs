//! Every dated rule of a schedule in its order, and what it changed against the rule before it.

use std::collections::BTreeMap;
use std::fmt;

use schemas::ItemId;
use schemas::policy::{Policy, Schedule, Words};
use serde::Serialize;

use super::describe;

/// A schedule as a table. Times are local to it.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    name: String,
    title: Words,
    rules: Vec<Row>,
    holidays: Vec<Day>,
}

/// One dated rule.
#[derive(Debug, Serialize)]
struct Row {
    from: String,
    group: ItemId,
    /// `3 per week`, or `ended`.
    quantity: String,
    /// What is other than under the rule before it.
    changes: Vec<String>,
    words: Words,
}

/// One holiday.
#[derive(Debug, Serialize)]
struct Day {
    date: String,
    gate: String,
    words: Words,
}

pub(super) fn of(schedule: &Schedule) -> Timeline {
    let mut policies: Vec<&Policy> = schedule.policies.iter().collect();
    policies.sort_by_key(|policy| policy.effective_from.0);
    let mut before: BTreeMap<&ItemId, &Policy> = BTreeMap::new();
    let rules = policies.into_iter().map(|policy| Row {
        from: policy.effective_from.0.rfc3339(schedule.offset_minutes),
        group: policy.group.clone(),
        quantity: if policy.ended { "ended".to_owned() } else { describe::quantity(policy) },
        changes: changes(before.insert(&policy.group, policy), policy),
        words: policy.words.clone(),
    });
    let mut holidays: Vec<Day> = schedule.holidays.iter().map(day).collect();
    holidays.sort_by(|a, b| a.date.cmp(&b.date));
    Timeline { name: schedule.name.clone(), title: schedule.title.clone(), rules: rules.collect(), holidays }
}

fn day(holiday: &schemas::policy::Holiday) -> Day {
    Day { date: holiday.date.to_string(), gate: describe::gate(&holiday.gate), words: holiday.words.clone() }
}

/// What `policy` changes against the one before it; against nothing, all that it says.
fn changes(before: Option<&Policy>, policy: &Policy) -> Vec<String> {
    if policy.ended {
        return vec!["ration ends".to_owned()];
    }
    let before = before.filter(|before| !before.ended);
    let mut told = Vec::new();
    tell(&mut told, before, policy, describe::quantity);
    tell(&mut told, before, policy, bands);
    tell(&mut told, before, policy, |policy| describe::parts(policy).to_owned());
    tell(&mut told, before, policy, days);
    told.extend(proxies(before, policy));
    if before.is_some() || policy.outlets.is_some() {
        tell(&mut told, before, policy, |p| format!("outlets: {}", describe::outlets(p.outlets.as_deref())));
    }
    if told.is_empty() {
        told.push("nothing but the words".to_owned());
    }
    told
}

/// Tells a part where it is other than before.
fn tell(told: &mut Vec<String>, before: Option<&Policy>, policy: &Policy, part: impl Fn(&Policy) -> String) {
    let (was, is) = (before.map(&part), part(policy));
    if was.as_ref() != Some(&is) && !(was.is_none() && is.is_empty()) {
        told.push(if is.is_empty() { "no bands".to_owned() } else { is });
    }
}

fn bands(policy: &Policy) -> String {
    policy.bands.iter().map(describe::band).collect::<Vec<_>>().join(", ")
}

fn days(policy: &Policy) -> String {
    let Some(days) = &policy.days else { return "any day".to_owned() };
    format!("days by {}: {}", describe::digit(days.by), describe::week(days))
}

/// Who may now be bought for and who no longer, and whose day counts.
fn proxies(before: Option<&Policy>, policy: &Policy) -> Vec<String> {
    let was = before.and_then(|before| before.proxy.as_ref());
    let is = policy.proxy.as_ref();
    let (old, new) = (describe::beneficiaries(was), describe::beneficiaries(is));
    let those = |all: &[String], not: &[String]| {
        all.iter().filter(|who| !not.contains(who)).cloned().collect::<Vec<_>>().join(", ")
    };
    let day = is.map(|is| is.day).filter(|day| was.map(|was| was.day) != Some(*day));
    let told = [
        ("proxies for", those(&new, &old)),
        ("no more proxies for", those(&old, &new)),
        ("proxies come", day.map_or_else(String::new, |day| describe::proxy_day(day).to_owned())),
    ];
    told.into_iter().filter(|(_, what)| !what.is_empty()).map(|(how, what)| format!("{how} {what}")).collect()
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}  {}\n", self.name, self.title.en, self.title.ko)?;
        let group = self.rules.iter().map(|row| row.group.as_str().len()).max().unwrap_or(0).max(5);
        let quantity = self.rules.iter().map(|row| row.quantity.len()).max().unwrap_or(0).max(8);
        writeln!(f, "{:<29}  {:<group$}  {:<quantity$}  CHANGES", "FROM", "GROUP", "QUANTITY")?;
        for row in &self.rules {
            let changes = row.changes.join("; ");
            writeln!(
                f,
                "{}  {:<group$}  {:<quantity$}  {changes}",
                row.from,
                row.group.as_str(),
                row.quantity
            )?;
        }
        for (place, day) in self.holidays.iter().enumerate() {
            let head = if place == 0 { "\nHOLIDAY     OPEN TO\n" } else { "" };
            writeln!(f, "{head}{}  {:<8}  {} {}", day.date, day.gate, day.words.en, day.words.ko)?;
        }
        Ok(())
    }
}
