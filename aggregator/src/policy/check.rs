//! Finds every fault of a schedule in one reading, in the order of the document.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ItemId;
use schemas::policy::{DayGate, Policy, Schedule, Window};
use schemas::time::day_number;

use super::fault::{MAX_ALLOWANCE, PolicyName, ScheduleFault as Fault, Spot};

/// All that is wrong; empty for a schedule that can be compiled.
pub(super) fn faults(schedule: &Schedule) -> Vec<Fault> {
    let mut faults = Vec::new();
    if schedule.name.is_empty() {
        faults.push(Fault::NoName);
    }
    if schedule.groups.is_empty() {
        faults.push(Fault::NoGroups);
    }
    if !(-720..=840).contains(&schedule.offset_minutes) {
        faults.push(Fault::Offset(schedule.offset_minutes));
    }
    groups(schedule, &mut faults);
    items(schedule, &mut faults);
    for (number, policy) in (1..).zip(&schedule.policies) {
        let name = PolicyName {
            number,
            group: policy.group.clone(),
            from: policy.effective_from.0,
            offset_minutes: schedule.offset_minutes,
        };
        place(schedule, &name, &mut faults);
        if !policy.ended {
            quantities(policy, &name, &mut faults);
            bands(policy, &name, &mut faults);
            days(policy, &name, &mut faults);
            admission(policy, &name, &mut faults);
        }
    }
    holidays(schedule, &mut faults);
    faults
}

fn groups(schedule: &Schedule, faults: &mut Vec<Fault>) {
    if schedule.groups.len() > 255 {
        faults.push(Fault::TooManyGroups(schedule.groups.len()));
    }
    let rationed: BTreeSet<&ItemId> = schedule.policies.iter().map(|policy| &policy.group).collect();
    let mut names = BTreeSet::new();
    for group in &schedule.groups {
        if !names.insert(&group.name) {
            faults.push(Fault::DuplicateGroup(group.name.clone()));
        } else if !rationed.contains(&group.name) {
            faults.push(Fault::NoPolicy(group.name.clone()));
        }
        if group.items.is_empty() {
            faults.push(Fault::EmptyGroup(group.name.clone()));
        }
    }
}

fn items(schedule: &Schedule, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<&ItemId, &ItemId> = BTreeMap::new();
    for group in &schedule.groups {
        for item in &group.items {
            let first = *owners.entry(item).or_insert(&group.name);
            let (item, second) = (item.clone(), group.name.clone());
            if *first != group.name {
                faults.push(Fault::ItemInTwoGroups { item, first: first.clone(), second });
            } else if group.items.iter().filter(|other| **other == item).count() > 1 {
                let fault = Fault::DuplicateItem { group: second, item };
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
}

fn place(schedule: &Schedule, name: &PolicyName, faults: &mut Vec<Fault>) {
    if !schedule.groups.iter().any(|group| group.name == name.group) {
        let known: Vec<&str> = schedule.groups.iter().map(|group| group.name.as_str()).collect();
        faults.push(Fault::UnknownGroup(name.clone(), known.join(", ")));
    }
    let before = schedule.policies.iter().take(name.number - 1);
    let same = |policy: &Policy| policy.group == name.group && policy.effective_from.0 == name.from;
    if let Some(place) = before.clone().position(same) {
        faults.push(Fault::SameMoment(name.clone(), place + 1));
    }
}

fn quantities(policy: &Policy, name: &PolicyName, faults: &mut Vec<Fault>) {
    quantity(policy.quantity, Spot::Policy(name.clone()), faults);
    if let Window::RollingDays(days) = policy.window
        && !(2..=35).contains(&days)
    {
        faults.push(Fault::RollingDays(name.clone(), days));
    }
}

fn quantity(pieces: u32, spot: Spot, faults: &mut Vec<Fault>) {
    match pieces {
        0 => faults.push(Fault::NoQuantity(spot)),
        1..=MAX_ALLOWANCE => {}
        _ => faults.push(Fault::TooMuch(spot, pieces)),
    }
}

fn bands(policy: &Policy, name: &PolicyName, faults: &mut Vec<Fault>) {
    let mut taken: Vec<Years> = Vec::new();
    for (number, band) in (1..).zip(&policy.bands) {
        let spot = Spot::Band(name.clone(), number);
        quantity(band.quantity, spot.clone(), faults);
        let years = (band.born_from.unwrap_or(0), band.born_to.unwrap_or(u16::MAX));
        if band.born_from.is_none() && band.born_to.is_none() {
            faults.push(Fault::BandOfAll(spot));
        } else if years.0 > years.1 {
            faults.push(Fault::BornRange(spot, years.0, years.1));
        } else if are_taken(years, &taken) {
            faults.push(Fault::BandNeverFits(spot));
        }
        taken.push(years);
    }
}

/// First and last year of birth.
type Years = (u16, u16);

/// Whether each of these years is in one of the ranges: else the first that is not begins the years, or follows a range.
fn are_taken(years: Years, ranges: &[Years]) -> bool {
    let after_a_range = ranges.iter().filter_map(|(_, to)| to.checked_add(1));
    let mut first_ones = after_a_range.filter(|year| (years.0..=years.1).contains(year)).chain([years.0]);
    first_ones.all(|year| ranges.iter().any(|(from, to)| (*from..=*to).contains(&year)))
}

fn days(policy: &Policy, name: &PolicyName, faults: &mut Vec<Fault>) {
    if let Some(rule) = &policy.days {
        for (day, open) in rule.week.iter().enumerate() {
            gate(open, &Spot::Weekday(name.clone(), day), faults);
        }
    }
}

fn gate(gate: &DayGate, spot: &Spot, faults: &mut Vec<Fault>) {
    let DayGate::Digits(digits) = gate else { return };
    if digits.is_empty() {
        faults.push(Fault::EmptyDigits(spot.clone()));
    }
    let none = digits.iter().filter(|digit| **digit > 9);
    faults.extend(none.map(|digit| Fault::NoDigit(spot.clone(), *digit)));
}

fn admission(policy: &Policy, name: &PolicyName, faults: &mut Vec<Fault>) {
    if policy.outlets.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Fault::NoOutlets(name.clone()));
    }
    let Some(proxy) = &policy.proxy else { return };
    if proxy.beneficiaries.is_empty() {
        faults.push(Fault::NoBeneficiary(name.clone()));
    }
    for (number, clause) in (1..).zip(&proxy.beneficiaries) {
        if let (Some(from), Some(to)) = (clause.born_from, clause.born_to)
            && from > to
        {
            faults.push(Fault::BornRange(Spot::Clause(name.clone(), number), from, to));
        }
    }
}

fn holidays(schedule: &Schedule, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for holiday in &schedule.holidays {
        let spot = Spot::Holiday(day_number(holiday.date));
        if !seen.insert(holiday.date) {
            faults.push(Fault::DuplicateHoliday(spot.clone()));
        }
        gate(&holiday.gate, &spot, faults);
    }
}
