//! One dated policy made ready: days as bit masks, bands and clauses as ranges of birth years.

use schemas::person::Person;
use schemas::policy::{
    AgeBand, Beneficiary, DayGate, DayRule, Digit, Ground, Policy, ProxyDay, Schedule, Window,
};
use schemas::registry::OutletType;
use schemas::{ItemId, Millis};

use super::Asked;
use crate::calendar::{day_of, window_of};

/// The bit of a day that is open whatever the digit; bits 0 to 9 are the last digits.
pub(super) const OPEN: u16 = 1 << 10;

/// Whom a day is open to. A day for catching up needs no bit of its own: that something remains is asked on every day.
pub(super) fn gate_bits(gate: &DayGate) -> u16 {
    match gate {
        DayGate::Any | DayGate::CatchUp => OPEN,
        DayGate::Closed => 0,
        DayGate::Digits(digits) => digits.iter().fold(0, |bits, digit| bits | digit_bit(*digit)),
    }
}

fn digit_bit(digit: u8) -> u16 {
    if digit < 10 { 1 << digit } else { 0 }
}

/// A dated policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) from: Millis,
    /// First and last local day on which it is in force at some moment.
    pub(super) first_day: i32,
    pub(super) last_day: i32,
    pub(super) ended: bool,
    pub(super) window: Window,
    quantity: u32,
    bands: Vec<(Born, u32)>,
    split: bool,
    pub(super) days: Option<Days>,
    proxy: Option<Proxy>,
    /// Bit n for the outlet type of place n in [`OutletType::ALL`].
    outlets: Option<u8>,
}

/// A rule of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days {
    by: Digit,
    /// Gates from Monday.
    pub(super) week: [u16; 7],
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Proxy {
    either_day: bool,
    clauses: Vec<(Born, Option<Ground>)>,
}

/// A range of birth years, ends included; absent: everybody, also those whose year is not known.
type Born = Option<(u16, u16)>;

fn born(from: Option<u16>, to: Option<u16>) -> Born {
    (from.is_some() || to.is_some()).then(|| (from.unwrap_or(0), to.unwrap_or(u16::MAX)))
}

fn fits(range: Born, year: Option<u16>) -> bool {
    range.is_none_or(|(from, to)| year.is_some_and(|year| (from..=to).contains(&year)))
}

impl Rule {
    /// The policies of one group, by the moment from which they are in force.
    pub(super) fn timeline(schedule: &Schedule, group: &ItemId) -> Vec<Self> {
        let mut policies: Vec<&Policy> = schedule.policies.iter().filter(|p| p.group == *group).collect();
        policies.sort_by_key(|policy| policy.effective_from.0);
        let starts = policies.iter().map(|policy| policy.effective_from.0);
        let ends = starts.skip(1).map(|next| day_of(next.plus(-1), schedule.offset_minutes));
        let last_days = ends.chain([i32::MAX]);
        policies.iter().zip(last_days).map(|(p, last)| Self::new(p, last, schedule.offset_minutes)).collect()
    }

    fn new(policy: &Policy, last_day: i32, offset_minutes: i16) -> Self {
        let from = policy.effective_from.0;
        Self {
            from,
            first_day: day_of(from, offset_minutes),
            last_day,
            ended: policy.ended,
            window: policy.window,
            quantity: policy.quantity,
            bands: policy.bands.iter().map(band).collect(),
            split: policy.split,
            days: policy.days.as_ref().map(days),
            proxy: policy.proxy.as_ref().map(|proxy| Proxy {
                either_day: proxy.day == ProxyDay::Either,
                clauses: proxy.beneficiaries.iter().map(clause).collect(),
            }),
            outlets: policy.outlets.as_deref().map(outlet_bits),
        }
    }

    /// How many days before its own a window may begin.
    pub(super) fn look_back_days(&self) -> i32 {
        match self.window {
            _ if self.ended => 0,
            Window::Month => 30,
            Window::Week => 6,
            window @ (Window::Day | Window::RollingDays(_)) => -*window_of(window, 0).start(),
        }
    }

    /// Pieces for this person in each window; nothing where they go by a year of birth that is not known.
    pub(super) fn allowance(&self, person: &Person) -> Option<u32> {
        if self.bands.is_empty() {
            return Some(self.quantity);
        }
        person.born?;
        let band = self.bands.iter().find(|(range, _)| fits(*range, person.born));
        Some(band.map_or(self.quantity, |(_, quantity)| *quantity))
    }

    /// What is left of an allowance of which so much was used.
    pub(super) fn left(&self, allowance: u32, used: u32) -> u32 {
        if self.split || used == 0 { allowance.saturating_sub(used) } else { 0 }
    }

    pub(super) fn admits(&self, outlet: Option<OutletType>) -> bool {
        self.outlets.is_none_or(|bits| outlet.is_some_and(|outlet| bits & outlet_bits(&[outlet]) != 0))
    }

    /// Whether this person may be bought for on this proof.
    pub(super) fn allows_proxy(&self, asked: &Asked<'_>) -> bool {
        let clauses = self.proxy.as_ref().map_or(&[][..], |proxy| &proxy.clauses);
        clauses.iter().any(|(range, ground)| {
            fits(*range, asked.person.born) && (ground.is_none() || *ground == asked.ground)
        })
    }

    /// The bits of the days that are open to this person, or to the buyer where the day of either counts.
    pub(super) fn bits(&self, asked: &Asked<'_>) -> u16 {
        let Some(days) = &self.days else { return OPEN };
        let own = days.bits(asked.person);
        let either_day = self.proxy.as_ref().is_some_and(|proxy| proxy.either_day);
        match asked.buyer {
            Some(buyer) if either_day && self.allows_proxy(asked) => own | days.bits(buyer),
            _ => own,
        }
    }
}

impl Days {
    fn bits(&self, person: &Person) -> u16 {
        let digit = match self.by {
            Digit::BirthYear => person.born.map(|year| (year % 10) as u8),
            Digit::Number => person.digit,
        };
        OPEN | digit.map_or(0, digit_bit)
    }
}

fn band(band: &AgeBand) -> (Born, u32) {
    (born(band.born_from, band.born_to), band.quantity)
}

fn clause(clause: &Beneficiary) -> (Born, Option<Ground>) {
    (born(clause.born_from, clause.born_to), clause.ground)
}

fn days(rule: &DayRule) -> Days {
    Days { by: rule.by, week: std::array::from_fn(|n| gate_bits(&rule.week[n])) }
}

fn outlet_bits(outlets: &[OutletType]) -> u8 {
    outlets.iter().fold(0, |bits, outlet| bits | 1 << (*outlet as u8))
}
