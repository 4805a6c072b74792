//! What the dated policies say of one purchase: granted or why not, what remains, and when to come back.
//!
//! A [`Rulebook`] is a [`Schedule`] made ready for many judgments. A judgment depends on what is asked and on how much the
//! person has bought on which local day, on nothing else; it allocates nothing and reads no clock.

mod ahead;
mod check;
mod fault;
mod rule;

use std::ops::RangeInclusive;

use schemas::claim::Refusal;
use schemas::person::Person;
use schemas::policy::{Ground, Schedule, Window};
use schemas::registry::OutletType;
use schemas::{ItemId, Millis};

use self::ahead::Past;
pub use self::fault::{MAX_ALLOWANCE, PolicyName, ScheduleFault, Spot};
use self::rule::{OPEN, Rule, gate_bits};
use crate::calendar::{day_of, window_of};

/// `next_eligible` is looked for on the day of the question and on so many days after it.
pub const LOOK_AHEAD_DAYS: i32 = 62;

/// The policies of a ration, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulebook {
    offset_minutes: i16,
    names: Vec<ItemId>,
    /// Each item and the place of its group, sorted by item.
    items: Vec<(ItemId, usize)>,
    /// The rules of each group, by the moment from which they are in force.
    rules: Vec<Vec<Rule>>,
    /// Local days with a gate of their own, sorted.
    holidays: Vec<(i32, u16)>,
    look_back_days: i32,
}

/// One purchase that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The moment by which it is judged.
    pub at: Millis,
    /// The group of its item, as [`Rulebook::group_of`] knows it.
    pub group: Option<usize>,
    /// Pieces. With 0 nothing is bought: whether one piece could be.
    pub quantity: u32,
    /// Whose allowance it is.
    pub person: &'a Person,
    /// Who came, when it is another person.
    pub buyer: Option<&'a Person>,
    /// The proof that was shown.
    pub ground: Option<Ground>,
    /// Type of the outlet; absent where it is in no registry.
    pub outlet: Option<OutletType>,
}

/// What the policy in force says of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgment {
    /// Why not; absent: granted.
    pub refusal: Option<Refusal>,
    /// Pieces that remain in the window, after this decision. Absent where nothing is rationed, and where the allowance goes
    /// by a year of birth that was not told.
    pub remaining: Option<u32>,
    /// First local day after the window. For a rolling window the first day on which more remains than now, or, where
    /// nothing was bought, on which a window ends that begins today. Absent where `remaining` is.
    pub window_ends: Option<i32>,
    /// First local day, today included, on which this person could buy at least one piece after this decision, as the
    /// schedule stands; absent where there is none within [`LOOK_AHEAD_DAYS`], and where nothing is rationed now.
    ///
    /// The person may have to come in person, or to an outlet that takes part. A buyer's day counts on the days on which the
    /// policy lets this buyer come and counts either's day. Once a policy has ended the ration, everybody can buy.
    pub next_eligible: Option<i32>,
}

impl Judgment {
    /// Nobody rations this item.
    pub(crate) const NOT_RATIONED: Self =
        Self { refusal: Some(Refusal::NotRationed), remaining: None, window_ends: None, next_eligible: None };
}

impl Rulebook {
    /// Compiles a schedule.
    ///
    /// # Errors
    /// All its faults, each saying where it is and what to do.
    pub fn new(schedule: &Schedule) -> Result<Self, Vec<ScheduleFault>> {
        let faults = check::faults(schedule);
        if faults.is_empty() { Ok(Self::compile(schedule)) } else { Err(faults) }
    }

    fn compile(schedule: &Schedule) -> Self {
        let names: Vec<ItemId> = schedule.groups.iter().map(|group| group.name.clone()).collect();
        let numbered = schedule.groups.iter().enumerate();
        let mut items: Vec<(ItemId, usize)> =
            numbered.flat_map(|(n, group)| group.items.iter().map(move |item| (item.clone(), n))).collect();
        items.sort_unstable();
        let mut holidays: Vec<(i32, u16)> = schedule
            .holidays
            .iter()
            .map(|holiday| (schemas::time::day_number(holiday.date), gate_bits(&holiday.gate)))
            .collect();
        holidays.sort_unstable();
        let rules: Vec<Vec<Rule>> = names.iter().map(|name| Rule::timeline(schedule, name)).collect();
        let look_back_days = rules.iter().flatten().map(Rule::look_back_days).max().unwrap_or(0);
        Self { offset_minutes: schedule.offset_minutes, names, items, rules, holidays, look_back_days }
    }

    /// Local time, minutes east of UTC.
    #[must_use]
    pub fn offset_minutes(&self) -> i16 {
        self.offset_minutes
    }

    /// The groups, in the order of the document; at most 255.
    #[must_use]
    pub fn groups(&self) -> &[ItemId] {
        &self.names
    }

    /// The group of an item, as its place in [`Self::groups`].
    #[must_use]
    pub fn group_of(&self, item: &str) -> Option<usize> {
        let place = self.items.binary_search_by(|(known, _)| known.as_str().cmp(item)).ok()?;
        Some(self.items[place].1)
    }

    /// How many days before the day of a judgment it may ask for, at most: 6 for weeks, 30 for months, N−1 for N rolling
    /// days, whichever policy of the schedule goes back the furthest.
    #[must_use]
    pub fn look_back_days(&self) -> i32 {
        self.look_back_days
    }

    /// The first day that a window, under any policy, holds together with this day or a later one.
    #[must_use]
    pub fn first_day_needed(&self, day: i32) -> i32 {
        let rules = self.rules.iter().flatten();
        rules.map(|rule| *window_of(rule.window, day).start()).min().unwrap_or(day)
    }

    /// Judges one purchase.
    ///
    /// `bought(days)` tells how many pieces of the group this person has bought, or holds reserved, on these local days. It
    /// is called as seldom as possible: once for a weekly window. It is never called for days after that of `asked.at`: who
    /// judges out of order (a claim timed before one that is already granted) adds what lies later in the window.
    ///
    /// Reasons in their order: nothing is rationed; the outlet does not take part; the buyer may not come for this person;
    /// the year of birth or the card's digit is needed and absent; nothing remains; not this person's day; less remains than
    /// is asked for. So on a wrong day `not_your_day` is told to whom something remains, and `limit_reached` to who need
    /// not come back in this window.
    pub fn judge(&self, asked: &Asked<'_>, mut bought: impl FnMut(RangeInclusive<i32>) -> u32) -> Judgment {
        self.weigh(asked, false, |_, days| bought(days)).0
    }

    /// The judgment, and what was left before it. A purchase that was `made` already uses the allowance up also where it would
    /// have been refused. `bought` is told the window of the policy in force besides.
    pub(crate) fn weigh(
        &self,
        asked: &Asked<'_>,
        made: bool,
        mut bought: impl FnMut(Window, RangeInclusive<i32>) -> u32,
    ) -> (Judgment, Option<u32>) {
        let Some(rules) = self.in_force(asked) else { return (Judgment::NOT_RATIONED, None) };
        let rule = &rules[0];
        let mut past = Past::new(day_of(asked.at, self.offset_minutes), |days| bought(rule.window, days));
        let window = window_of(rule.window, past.today);
        let first = *window.start();
        let allowance = rule.allowance(asked.person);
        let before = allowance.map(|allowance| rule.left(allowance, past.since(first)));
        let refusal = self.refusal(rule, asked, past.today, before);
        if made || refusal.is_none() {
            past.grant(asked.quantity);
        }
        let judgment = Judgment {
            refusal,
            remaining: allowance.map(|allowance| rule.left(allowance, past.since(first))),
            window_ends: allowance.map(|allowance| ahead::window_ends(rule, allowance, &window, &mut past)),
            next_eligible: self.next_eligible(rules, asked, &mut past),
        };
        (judgment, before)
    }

    /// The rule in force and those to come, or nothing where the group is not rationed.
    fn in_force(&self, asked: &Asked<'_>) -> Option<&[Rule]> {
        let rules = self.rules.get(asked.group?)?;
        let begun = rules.partition_point(|rule| rule.from <= asked.at);
        let rules = &rules[begun.checked_sub(1)?..];
        (!rules[0].ended).then_some(rules)
    }

    fn refusal(&self, rule: &Rule, asked: &Asked<'_>, today: i32, left: Option<u32>) -> Option<Refusal> {
        if !rule.admits(asked.outlet) {
            return Some(Refusal::OutletNotAdmitted);
        }
        if asked.buyer.is_some() && !rule.allows_proxy(asked) {
            return Some(Refusal::ProxyNotAllowed);
        }
        let (gate, bits) = (self.gate(rule, today), rule.bits(asked));
        let is_digit_absent = gate != 0 && gate & OPEN == 0 && bits == OPEN;
        let Some(left) = left.filter(|_| !is_digit_absent) else { return Some(Refusal::NotEligible) };
        if left == 0 {
            Some(Refusal::LimitReached)
        } else if gate & bits == 0 {
            Some(Refusal::NotYourDay)
        } else {
            (asked.quantity > left).then_some(Refusal::LimitReached)
        }
    }

    /// Whom a day is open to, as bits of [`gate_bits`]. A policy without a day rule is open to everybody on all days but those
    /// on which the schedule closes to everybody.
    fn gate(&self, rule: &Rule, day: i32) -> u16 {
        let holiday = self.holidays.binary_search_by_key(&day, |(day, _)| *day).ok();
        match (&rule.days, holiday.map(|place| self.holidays[place].1)) {
            (None, Some(0)) => 0,
            (None, _) => OPEN,
            (Some(_), Some(gate)) => gate,
            (Some(days), None) => days.week[crate::calendar::weekday(day)],
        }
    }
}
