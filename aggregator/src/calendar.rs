//! Local days, weeks and windows as whole numbers: no clock, no time zone tables, no allocation.
//!
//! A day is counted from 1970-01-01, a Thursday, in local time at a fixed offset from UTC.

use std::ops::RangeInclusive;

use schemas::Millis;
use schemas::policy::Window;
use schemas::time::{MAX_DAY, month};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// The local day of this moment, `offset_minutes` east of UTC; saturates at [`MAX_DAY`].
#[must_use]
pub fn day_of(at: Millis, offset_minutes: i16) -> i32 {
    let local = at.0.saturating_add(i64::from(offset_minutes) * MINUTE_MS);
    let day = local.div_euclid(DAY_MS).clamp(-i64::from(MAX_DAY), i64::from(MAX_DAY));
    i32::try_from(day).expect("clamped to 32 bits")
}

/// The moment at which this local day begins, `offset_minutes` east of UTC.
#[must_use]
pub fn midnight(day: i32, offset_minutes: i16) -> Millis {
    Millis(i64::from(day) * DAY_MS - i64::from(offset_minutes) * MINUTE_MS)
}

/// The weekday, 0 for Monday to 6 for Sunday.
#[must_use]
pub fn weekday(day: i32) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// The ISO week: week 0 began on Monday 1969-12-29.
#[must_use]
pub fn week_of(day: i32) -> i32 {
    (day + 3).div_euclid(7)
}

/// First and last day of the window that holds this day. A rolling window ends with the day itself.
#[must_use]
pub fn window_of(window: Window, day: i32) -> RangeInclusive<i32> {
    match window {
        Window::Week => {
            let monday = week_of(day) * 7 - 3;
            monday..=monday + 6
        }
        Window::Day => day..=day,
        Window::Month => {
            let (first, last) = month(day);
            first..=last
        }
        Window::RollingDays(days) => day - i32::from(days) + 1..=day,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::*;

    const SEOUL: i16 = 540;

    fn day(date: NaiveDate) -> i32 {
        i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap()
    }

    /// Every day of 1900 to 2100 as chrono knows it.
    fn two_centuries() -> impl Iterator<Item = NaiveDate> {
        let first = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
        first.iter_days().take_while(|date| date.year() <= 2100)
    }

    #[test]
    fn weekdays_and_weeks_are_those_of_chrono() {
        for date in two_centuries() {
            let monday = date.week(chrono::Weekday::Mon);
            assert_eq!(weekday(day(date)), date.weekday().num_days_from_monday() as usize, "{date}");
            let week = day(monday.first_day())..=day(monday.last_day());
            assert_eq!(window_of(Window::Week, day(date)), week, "{date}");
            let next = date + chrono::Days::new(1);
            let same_week = date.iso_week() == next.iso_week();
            assert_eq!(week_of(day(date)) == week_of(day(next)), same_week, "{date}");
        }
    }

    #[test]
    fn months_are_those_of_chrono() {
        for date in two_centuries() {
            let first = date.with_day(1).unwrap();
            let last = first + chrono::Months::new(1) - chrono::Days::new(1);
            assert_eq!(window_of(Window::Month, day(date)), day(first)..=day(last), "{date}");
        }
    }

    #[test]
    fn a_day_begins_at_its_local_midnight() {
        for date in two_centuries().step_by(17) {
            for offset in [-720_i16, -1, 0, SEOUL, 840] {
                let utc_midnight = date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis();
                let begins = midnight(day(date), offset);
                assert_eq!(begins.0, utc_midnight - i64::from(offset) * 60_000, "{date} {offset}");
                assert_eq!(day_of(begins, offset), day(date));
                assert_eq!(day_of(begins.plus(-1), offset), day(date) - 1);
            }
        }
    }

    #[test]
    fn a_rolling_window_ends_with_its_day() {
        assert_eq!(window_of(Window::RollingDays(7), 100), 94..=100);
        assert_eq!(window_of(Window::Day, 100), 100..=100);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for at in [Millis(i64::MIN), Millis(i64::MAX)] {
            let day = day_of(at, SEOUL);
            assert_eq!(day.abs(), MAX_DAY);
            for window in [Window::Week, Window::Month, Window::RollingDays(35)] {
                assert!(window_of(window, day).contains(&day));
            }
        }
    }
}
