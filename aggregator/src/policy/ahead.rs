//! When to come back: the end of a window and the next day on which something can be bought.

use std::ops::RangeInclusive;

use schemas::policy::Window;

use super::rule::Rule;
use super::{Asked, LOOK_AHEAD_DAYS, Rulebook};
use crate::calendar::window_of;

/// What a person has bought up to today, asked for as seldom as possible.
pub(super) struct Past<F> {
    pub(super) today: i32,
    bought: F,
    /// Bought today by the decision that is being made.
    granted: u32,
    /// The last answer, and the first day that it was about.
    told: Option<(i32, u32)>,
}

impl<F: FnMut(RangeInclusive<i32>) -> u32> Past<F> {
    pub(super) fn new(today: i32, bought: F) -> Self {
        Self { today, bought, granted: 0, told: None }
    }

    pub(super) fn grant(&mut self, quantity: u32) {
        self.granted = quantity;
    }

    /// Pieces from this day to today; 0 where the day is to come.
    pub(super) fn since(&mut self, first: i32) -> u32 {
        if first > self.today {
            return 0;
        }
        let pieces = match self.told {
            Some((told, pieces)) if told == first => pieces,
            // Nothing since an earlier day is nothing since a later one.
            Some((told, 0)) if told < first => 0,
            _ => (self.bought)(first..=self.today),
        };
        self.told = Some((first, pieces));
        pieces.saturating_add(self.granted)
    }
}

/// First day after the window of today; of a rolling window, the first on which more is left than today.
pub(super) fn window_ends<F>(
    rule: &Rule,
    allowance: u32,
    window: &RangeInclusive<i32>,
    past: &mut Past<F>,
) -> i32
where
    F: FnMut(RangeInclusive<i32>) -> u32,
{
    if !matches!(rule.window, Window::RollingDays(_)) {
        return window.end() + 1;
    }
    let (first, length) = (*window.start(), window.end() - window.start() + 1);
    let used = past.since(first);
    if used == 0 {
        return past.today + length;
    }
    let left = rule.left(allowance, used);
    // A window that begins tomorrow holds nothing, so more is left of it; the first such beginning is looked for by halves.
    let (mut low, mut high) = (first + 1, past.today + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if rule.left(allowance, past.since(middle)) > left {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low + length - 1
}

impl Rulebook {
    /// First day from today on which a piece can be bought, under the first of these rules and those that follow it.
    pub(super) fn next_eligible<F>(
        &self,
        rules: &[Rule],
        asked: &Asked<'_>,
        past: &mut Past<F>,
    ) -> Option<i32>
    where
        F: FnMut(RangeInclusive<i32>) -> u32,
    {
        let last = past.today.saturating_add(LOOK_AHEAD_DAYS);
        for rule in rules {
            let days = rule.first_day.max(past.today)..=rule.last_day.min(last);
            if *days.start() > last {
                break;
            }
            if rule.ended {
                return Some(*days.start());
            }
            let found = self.first_day(rule, asked, days, past);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn first_day<F>(
        &self,
        rule: &Rule,
        asked: &Asked<'_>,
        days: RangeInclusive<i32>,
        past: &mut Past<F>,
    ) -> Option<i32>
    where
        F: FnMut(RangeInclusive<i32>) -> u32,
    {
        let allowance = rule.allowance(asked.person)?;
        let bits = rule.bits(asked);
        let mut day = *days.start();
        while day <= *days.end() {
            if self.gate(rule, day) & bits != 0 {
                let window = window_of(rule.window, day);
                if rule.left(allowance, past.since(*window.start())) > 0 {
                    return Some(day);
                }
                // Nothing is left until the window ends; a rolling one ends with its day.
                day = *window.end();
            }
            day += 1;
        }
        None
    }
}
