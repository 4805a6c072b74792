//! Times as whole milliseconds since 1970 UTC, and the two written forms: RFC 3339 and the naive Korean one of 2020.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Korean Standard Time, minutes east of UTC; Korea has had no summer time since 1988.
pub const KST_MINUTES: i16 = 9 * 60;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. In the journal it is this bare number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Reads `2020-03-11T09:05:00+09:00`.
    ///
    /// # Errors
    /// [`BadTime`] when the text is not RFC 3339 with an offset.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        DateTime::parse_from_rfc3339(text).map(|t| Self(t.timestamp_millis())).map_err(|_| BadTime)
    }

    /// Reads the naive `2020/03/11 09:05:00` as local time `offset_minutes` east of UTC.
    ///
    /// # Errors
    /// [`BadTime`] when the text is not of that form.
    pub fn parse_naive(text: &str, offset_minutes: i16) -> Result<Self, BadTime> {
        let local = NaiveDateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S").map_err(|_| BadTime)?;
        Ok(Self(local.and_utc().timestamp_millis() - i64::from(offset_minutes) * 60_000))
    }

    /// RFC 3339 with an offset and milliseconds: `2020-03-11T09:05:00.000+09:00`.
    #[must_use]
    pub fn rfc3339(self, offset_minutes: i16) -> String {
        self.four_digit_years(offset_minutes)
            .unwrap_or_else(|| self.at_offset(offset_minutes).to_rfc3339_opts(SecondsFormat::Millis, false))
    }

    /// The same for the years 0 to 9999, digit by digit: it is written several times in each row and answer.
    fn four_digit_years(self, offset_minutes: i16) -> Option<String> {
        let offset = i64::from(offset_minutes);
        let local = self.0.checked_add(offset * 60_000)?;
        let date = civil(i32::try_from(local.div_euclid(DAY_MS)).ok()?);
        let year = i64::from(date.year());
        if !(0..10_000).contains(&year) || offset.abs() >= 24 * 60 {
            return None;
        }
        let of_day = local.rem_euclid(DAY_MS);
        let mut text = String::with_capacity(29);
        push_digits::<4>(&mut text, "", year);
        push_digits::<2>(&mut text, "-", i64::from(date.month()));
        push_digits::<2>(&mut text, "-", i64::from(date.day()));
        push_digits::<2>(&mut text, "T", of_day / 3_600_000);
        push_digits::<2>(&mut text, ":", of_day / 60_000 % 60);
        push_digits::<2>(&mut text, ":", of_day / 1_000 % 60);
        push_digits::<3>(&mut text, ".", of_day % 1_000);
        push_digits::<2>(&mut text, if offset < 0 { "-" } else { "+" }, offset.abs() / 60);
        push_digits::<2>(&mut text, ":", offset.abs() % 60);
        Some(text)
    }

    /// The form of 2020, local and without zone: `2020/03/11 09:05:00`.
    #[must_use]
    pub fn naive(self, offset_minutes: i16) -> String {
        self.at_offset(offset_minutes).format("%Y/%m/%d %H:%M:%S").to_string()
    }

    /// This time moved by so many milliseconds; saturates at the ends of the calendar.
    #[must_use]
    #[inline]
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this; negative where `earlier` is later.
    #[must_use]
    #[inline]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    fn at_offset(self, offset_minutes: i16) -> DateTime<FixedOffset> {
        let offset = FixedOffset::east_opt(i32::from(offset_minutes) * 60)
            .unwrap_or_else(|| FixedOffset::east_opt(0).expect("zero is an offset"));
        let utc = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        });
        // Room for the offset at both ends of the calendar.
        utc.clamp(
            DateTime::<Utc>::MIN_UTC + TimeDelta::days(1),
            DateTime::<Utc>::MAX_UTC - TimeDelta::days(1),
        )
        .with_timezone(&offset)
    }
}

const DAY_MS: i64 = 86_400_000;

/// Appends what stands before, and the last `N` digits of a number.
fn push_digits<const N: usize>(text: &mut String, before: &str, number: i64) {
    let mut digits = [b'0'; N];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).expect("a remainder below ten");
        rest /= 10;
    }
    text.push_str(before);
    text.push_str(std::str::from_utf8(&digits).expect("digits"));
}

/// Days from 1970-01-01 to the last day that this program reckons with, and as far back: some 137,000 years either way.
pub const MAX_DAY: i32 = 50_000_000;

/// The civil date (proleptic Gregorian) of a day counted from 1970-01-01; saturates at [`MAX_DAY`].
#[must_use]
pub fn civil(day: i32) -> NaiveDate {
    let days_from_ce = day.clamp(-MAX_DAY, MAX_DAY) + UNIX_EPOCH_FROM_CE;
    NaiveDate::from_num_days_from_ce_opt(days_from_ce).expect("chrono reckons 262,000 years either way")
}

/// The day counted from 1970-01-01 of a civil date; saturates at [`MAX_DAY`].
#[must_use]
pub fn day_number(date: NaiveDate) -> i32 {
    (date.num_days_from_ce() - UNIX_EPOCH_FROM_CE).clamp(-MAX_DAY, MAX_DAY)
}

/// Days from 0000-12-31 to 1970-01-01.
const UNIX_EPOCH_FROM_CE: i32 = 719_163;

/// First and last day of the calendar month that holds this day, both counted from 1970-01-01.
#[must_use]
pub fn month(day: i32) -> (i32, i32) {
    let date = civil(day);
    let first = day_number(date) - date.day0() as i32;
    (first, first + i32::from(date.num_days_in_month()) - 1)
}

/// The text is not a time of the form that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time: expected RFC 3339 with an offset, such as 2020-03-11T09:05:00+09:00")]
pub struct BadTime;

/// A time as POS messages write it: RFC 3339 with an offset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rfc3339(pub Millis);

impl fmt::Debug for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.rfc3339(KST_MINUTES))
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Millis::parse(&text).map(Rfc3339).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339(KST_MINUTES))
    }
}

impl JsonSchema for Rfc3339 {
    fn schema_name() -> Cow<'static, str> {
        "Rfc3339".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "examples": ["2020-03-11T09:05:00+09:00"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn digits_are_those_of_the_calendar(millis: i64, near in -62_200_000_000_000..260_000_000_000_000_i64, offset in -1_600..1_600_i16) {
            for at in [Millis(millis), Millis(near), Millis(near / 1_000)] {
                let calendar = at.at_offset(offset).to_rfc3339_opts(SecondsFormat::Millis, false);
                proptest::prop_assert_eq!(at.rfc3339(offset), calendar);
            }
        }
    }

    #[test]
    fn both_forms_name_the_same_instant() {
        let t = Millis::parse("2020-03-11T09:05:00+09:00").unwrap();
        assert_eq!(t, Millis::parse("2020-03-11T00:05:00Z").unwrap());
        assert_eq!(t, Millis::parse_naive("2020/03/11 09:05:00", KST_MINUTES).unwrap());
        assert_eq!(t.rfc3339(KST_MINUTES), "2020-03-11T09:05:00.000+09:00");
        assert_eq!(t.naive(KST_MINUTES), "2020/03/11 09:05:00");
        assert_eq!(Millis::parse("2020-03-11T09:05:00"), Err(BadTime));
    }

    #[test]
    fn days_and_civil_dates_are_each_others_inverse() {
        let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(civil(0), date(1970, 1, 1));
        assert_eq!(day_number(date(2020, 3, 9)), 18_330);
        assert_eq!(civil(i32::MAX), civil(MAX_DAY));
        assert_eq!(day_number(civil(i32::MIN)), -MAX_DAY);
        assert_eq!(
            month(day_number(date(2020, 2, 11))),
            (day_number(date(2020, 2, 1)), day_number(date(2020, 2, 29)))
        );
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_panic() {
        for t in [Millis(i64::MIN), Millis(i64::MAX), Millis(i64::MIN / 2)] {
            assert!(!t.rfc3339(KST_MINUTES).is_empty());
        }
    }
}
