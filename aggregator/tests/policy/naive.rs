//! The document read word by word with chrono, over a list of all purchases: slow, and simple enough to believe.

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate};
use schemas::Millis;
use schemas::claim::Refusal;
use schemas::person::Person;
use schemas::policy::{DayGate, Digit, Ground, Policy, ProxyDay, Schedule, Window};
use schemas::registry::OutletType;

#[derive(Debug, Clone)]
pub struct Question {
    pub at: Millis,
    pub quantity: u32,
    pub person: Person,
    pub buyer: Option<Person>,
    pub ground: Option<Ground>,
    pub outlet: Option<OutletType>,
}

/// The schedule, and one person's purchases: the day and the pieces of each.
#[derive(Clone)]
pub struct Naive<'s> {
    pub schedule: &'s Schedule,
    pub bought: Vec<(NaiveDate, u32)>,
}

impl Naive<'_> {
    pub fn date(&self, at: Millis) -> NaiveDate {
        let zone = FixedOffset::east_opt(i32::from(self.schedule.offset_minutes) * 60).unwrap();
        DateTime::from_timestamp_millis(at.0).unwrap().with_timezone(&zone).date_naive()
    }

    pub fn policy(&self, at: Millis) -> Option<&Policy> {
        let begun = self.schedule.policies.iter().filter(|policy| policy.effective_from.0 <= at);
        begun.max_by_key(|policy| policy.effective_from.0)
    }

    /// Pieces bought in the window, up to and including today.
    pub fn used(&self, window: Window, today: NaiveDate) -> u32 {
        let (first, _) = window_of(window, today);
        let inside = self.bought.iter().filter(|(day, _)| (first..=today).contains(day));
        inside.map(|(_, pieces)| pieces).sum()
    }

    pub fn left(&self, policy: &Policy, person: &Person, today: NaiveDate) -> Option<u32> {
        let used = self.used(policy.window, today);
        let allowance = allowance(policy, person)?;
        Some(if !policy.split && used > 0 { 0 } else { allowance.saturating_sub(used) })
    }

    pub fn refusal(&self, asked: &Question) -> Option<Refusal> {
        let today = self.date(asked.at);
        let Some(policy) = self.policy(asked.at).filter(|policy| !policy.ended) else {
            return Some(Refusal::NotRationed);
        };
        if let Some(types) = &policy.outlets
            && !asked.outlet.is_some_and(|outlet| types.contains(&outlet))
        {
            return Some(Refusal::OutletNotAdmitted);
        }
        if asked.buyer.is_some() && !may_be_bought_for(policy, asked) {
            return Some(Refusal::ProxyNotAllowed);
        }
        let digits = digits(policy, asked);
        let gate = self.gate(policy, today);
        let Some(left) = self.left(policy, &asked.person, today) else { return Some(Refusal::NotEligible) };
        if matches!(gate, DayGate::Digits(_)) && digits.is_empty() {
            return Some(Refusal::NotEligible);
        }
        let is_open = match gate {
            DayGate::Any | DayGate::CatchUp => true,
            DayGate::Closed => false,
            DayGate::Digits(open) => digits.iter().any(|digit| open.contains(digit)),
        };
        match (left, is_open) {
            (0, _) => Some(Refusal::LimitReached),
            (_, false) => Some(Refusal::NotYourDay),
            (left, true) if asked.quantity > left => Some(Refusal::LimitReached),
            _ => None,
        }
    }

    fn gate(&self, policy: &Policy, today: NaiveDate) -> DayGate {
        let holiday = self.schedule.holidays.iter().find(|holiday| holiday.date == today);
        match (&policy.days, holiday.map(|holiday| holiday.gate.clone())) {
            (Some(_), Some(gate)) => gate,
            (Some(days), None) => days.week[today.weekday().num_days_from_monday() as usize].clone(),
            (None, Some(DayGate::Closed)) => DayGate::Closed,
            (None, _) => DayGate::Any,
        }
    }

    /// First day after the window, as a till tells it after the decision.
    pub fn window_ends(&self, asked: &Question) -> Option<NaiveDate> {
        let (policy, today) = (self.policy(asked.at)?, self.date(asked.at));
        let now = self.left(policy, &asked.person, today)?;
        let (_, last) = window_of(policy.window, today);
        let Window::RollingDays(days) = policy.window else { return Some(last + Days::new(1)) };
        if self.used(policy.window, today) == 0 {
            return Some(today + Days::new(u64::from(days)));
        }
        today.iter_days().skip(1).find(|day| self.left(policy, &asked.person, *day).unwrap() > now)
    }

    /// First day on which a piece could be bought, asked for moment by moment: today's, each midnight, each change.
    pub fn next_eligible(
        &self,
        asked: &Question,
        refusal: impl Fn(&Question) -> Option<Refusal>,
    ) -> Option<NaiveDate> {
        let today = self.date(asked.at);
        let offset_ms = i64::from(self.schedule.offset_minutes) * 60_000;
        let midnight = |day: NaiveDate| {
            Millis(day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis() - offset_ms)
        };
        let midnights = today.iter_days().skip(1).take(62).map(midnight);
        let changes = self.schedule.policies.iter().map(|policy| policy.effective_from.0);
        let mut moments: Vec<Millis> = midnights.chain(changes).chain([asked.at]).collect();
        moments.retain(|at| *at >= asked.at && self.date(*at) <= today + Days::new(62));
        moments.sort_unstable();
        moments.into_iter().find(|at| self.could_buy(asked, *at, &refusal)).map(|at| self.date(at))
    }

    /// Whether one piece could be had at this moment, in person or by the buyer, somewhere.
    fn could_buy(
        &self,
        asked: &Question,
        at: Millis,
        refusal: &impl Fn(&Question) -> Option<Refusal>,
    ) -> bool {
        let visits = [None, asked.buyer].into_iter().flat_map(|buyer| {
            OutletType::ALL.map(|outlet| Question {
                at,
                quantity: 1,
                buyer,
                outlet: Some(outlet),
                ..asked.clone()
            })
        });
        visits.into_iter().any(|visit| matches!(refusal(&visit), None | Some(Refusal::NotRationed)))
    }
}

pub fn allowance(policy: &Policy, person: &Person) -> Option<u32> {
    if policy.bands.is_empty() {
        return Some(policy.quantity);
    }
    let year = person.born?;
    let fits = policy.bands.iter().find(|band| is_between(year, band.born_from, band.born_to));
    Some(fits.map_or(policy.quantity, |band| band.quantity))
}

fn is_between(year: u16, from: Option<u16>, to: Option<u16>) -> bool {
    from.is_none_or(|from| year >= from) && to.is_none_or(|to| year <= to)
}

fn may_be_bought_for(policy: &Policy, asked: &Question) -> bool {
    let Some(proxy) = &policy.proxy else { return false };
    proxy.beneficiaries.iter().any(|clause| {
        let asks_year = clause.born_from.is_some() || clause.born_to.is_some();
        let year_fits = match asked.person.born {
            Some(year) => is_between(year, clause.born_from, clause.born_to),
            None => !asks_year,
        };
        year_fits && (clause.ground.is_none() || clause.ground == asked.ground)
    })
}

/// The digits whose day would do.
fn digits(policy: &Policy, asked: &Question) -> Vec<u8> {
    let Some(days) = &policy.days else { return Vec::new() };
    let either = policy.proxy.as_ref().is_some_and(|proxy| proxy.day == ProxyDay::Either);
    let buyer = asked.buyer.filter(|_| either && may_be_bought_for(policy, asked));
    let digit = |person: Person| match days.by {
        Digit::BirthYear => person.born.map(|year| (year % 10) as u8),
        Digit::Number => person.digit,
    };
    [Some(asked.person), buyer].into_iter().flatten().filter_map(digit).collect()
}

pub fn window_of(window: Window, today: NaiveDate) -> (NaiveDate, NaiveDate) {
    match window {
        Window::Day => (today, today),
        Window::Week => {
            let week = today.week(chrono::Weekday::Mon);
            (week.first_day(), week.last_day())
        }
        Window::Month => {
            let first = today.with_day(1).unwrap();
            (first, first + Months::new(1) - Days::new(1))
        }
        Window::RollingDays(days) => (today - Days::new(u64::from(days) - 1), today),
    }
}
