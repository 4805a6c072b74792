//! What each person bought, day by day, in buckets of one week: a bucket that no rule looks at any more is dropped whole.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, RwLock};

use schemas::person::PersonKey;

use super::NO_NUMBER;
use super::table::{Row, Table};
use crate::calendar::{week_of, weekday};

/// A nation of 51.8 million puts some 13,800 rows in each part of a week: a table of 16,384 places takes 14,336 before it
/// doubles.
const PARTS: usize = 3760;
const WHOLE: &str = "whoever panics ends the process";

/// The pieces of one item group that a person bought in one week, by day from Monday. 24 bytes a person and week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bought {
    person: PersonKey,
    group: u8,
    days: [u8; 7],
}

impl Row for Bought {
    type Key = (PersonKey, u8);
    const BYTES: usize = 24;

    fn key(&self) -> Self::Key {
        (self.person, self.group)
    }

    /// A person key is a keyed hash already: nobody outside can choose it, and its bits are spread.
    fn hash((person, group): &Self::Key) -> u64 {
        let (first, _) = person.0.split_first_chunk::<8>().expect("16 bytes");
        u64::from_le_bytes(*first) ^ u64::from(*group)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.person.0);
        out.push(self.group);
        out.extend_from_slice(&self.days);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (person, rest) = bytes.split_first_chunk::<16>()?;
        let (group, days) = rest.split_first()?;
        Some(Self { person: PersonKey(*person), group: *group, days: days.try_into().ok()? })
    }
}

impl Bought {
    fn none(person: PersonKey, group: u8) -> Self {
        Self { person, group, days: [0; 7] }
    }

    /// This and so many pieces more on a day.
    fn and(mut self, day: i32, pieces: u8) -> Self {
        let there = &mut self.days[weekday(day)];
        *there = there.saturating_add(pieces);
        self
    }

    /// Pieces of this week on these days.
    fn pieces(&self, week: i32, days: &RangeInclusive<i32>) -> u32 {
        let monday = week * 7 - 3;
        (monday..).zip(self.days).filter(|(day, _)| days.contains(day)).map(|(_, n)| u32::from(n)).sum()
    }
}

type Bucket = Arc<Table<Bought>>;

/// The weeks that are kept, by their number since 1970.
#[derive(Debug, Default)]
pub(crate) struct Weeks(RwLock<BTreeMap<i32, Bucket>>);

impl Weeks {
    /// Pieces of a group that a person bought on these local days.
    pub(crate) fn bought(&self, person: PersonKey, group: u8, days: &RangeInclusive<i32>) -> u32 {
        let weeks = self.0.read().expect(WHOLE);
        pieces(&weeks, days, |_, bucket| bucket.get(&(person, group)))
    }

    /// Lets `decide` say, by what the person bought on other days, how many pieces of a group are bought on this one, and writes
    /// them. The row of the week is looked for once.
    ///
    /// More than 255 a day, which only late claims can bring, are kept as 255.
    pub(crate) fn buy<T>(
        &self,
        person: PersonKey,
        group: u8,
        day: i32,
        decide: impl FnOnce(&mut dyn FnMut(&RangeInclusive<i32>) -> u32) -> (T, u8),
    ) -> T {
        if group == NO_NUMBER {
            return decide(&mut |_| 0).0;
        }
        let weeks = self.0.read().expect(WHOLE);
        let (week, key) = (week_of(day), (person, group));
        let Some(bucket) = weeks.get(&week) else {
            let (decided, quantity) = decide(&mut |days| pieces(&weeks, days, |_, bucket| bucket.get(&key)));
            drop(weeks);
            if quantity > 0 {
                self.bucket(week).turn(&key, |_| ((), Some(Bought::none(person, group).and(day, quantity))));
            }
            return decided;
        };
        bucket.turn(&key, |row| {
            let (decided, quantity) = decide(&mut |days| {
                pieces(&weeks, days, |of, bucket| if of == week { row } else { bucket.get(&key) })
            });
            let more = || row.unwrap_or(Bought::none(person, group)).and(day, quantity);
            (decided, (quantity > 0).then(more))
        })
    }

    /// Touches the rows of persons who buy something of a group on about this day.
    pub(crate) fn look_ahead(&self, day: i32, rows: impl Iterator<Item = (PersonKey, u8)>) {
        if let Some(bucket) = self.0.read().expect(WHOLE).get(&week_of(day)) {
            bucket.look_ahead(rows);
        }
    }

    /// Pieces that were added are given back; a row of nothing is taken out. A day that is full stays so: nobody knows by how
    /// much it ran over.
    pub(crate) fn give_back(&self, person: PersonKey, group: u8, day: i32, pieces: u8) {
        let Some(bucket) = self.0.read().expect(WHOLE).get(&week_of(day)).cloned() else { return };
        let day = weekday(day);
        let left = bucket.change(&(person, group), |row| {
            if row.days[day] != u8::MAX {
                row.days[day] = row.days[day].saturating_sub(pieces);
            }
            row.days
        });
        if left == Some([0; 7]) {
            bucket.take(&(person, group));
        }
    }

    /// All that a person bought becomes another key's: the same person, under a new secret.
    pub(crate) fn rekey(&self, old: PersonKey, new: PersonKey, groups: u8) {
        let weeks = self.0.read().expect(WHOLE).clone();
        for (bucket, group) in weeks.values().flat_map(|bucket| (0..groups).map(move |group| (bucket, group)))
        {
            if bucket.get(&(old, group)).is_none() {
                continue;
            }
            let Some(row) = bucket.take(&(old, group)) else { continue };
            bucket.turn(&(new, group), |there| {
                let mut both = there.unwrap_or(Bought::none(new, group));
                for (sum, more) in both.days.iter_mut().zip(row.days) {
                    *sum = sum.saturating_add(more);
                }
                ((), Some(both))
            });
        }
    }

    /// Drops the weeks that end before this day.
    pub(crate) fn forget_before(&self, day: i32) {
        let mut weeks = self.0.write().expect(WHOLE);
        *weeks = weeks.split_off(&week_of(day));
    }

    /// Rows of all weeks.
    pub(crate) fn len(&self) -> usize {
        self.0.read().expect(WHOLE).values().map(|bucket| bucket.len()).sum()
    }

    /// Every week that is kept, oldest first.
    pub(crate) fn share(&self) -> Vec<(i32, Bucket)> {
        self.0.read().expect(WHOLE).iter().map(|(week, bucket)| (*week, Arc::clone(bucket))).collect()
    }

    /// The bucket of a week, begun empty where it is new.
    pub(crate) fn bucket(&self, week: i32) -> Bucket {
        if let Some(bucket) = self.0.read().expect(WHOLE).get(&week) {
            return Arc::clone(bucket);
        }
        Arc::clone(self.0.write().expect(WHOLE).entry(week).or_insert_with(|| Arc::new(Table::new(PARTS))))
    }
}

/// Pieces on these days, by the row of each week that they touch.
fn pieces(
    weeks: &BTreeMap<i32, Bucket>,
    days: &RangeInclusive<i32>,
    row: impl Fn(i32, &Table<Bought>) -> Option<Bought>,
) -> u32 {
    let (first, last) = (week_of(*days.start()), week_of(*days.end()));
    let in_week = |week, bucket: &Bucket| row(week, bucket).map_or(0, |row| row.pieces(week, days));
    if first == last {
        return weeks.get(&first).map_or(0, |bucket| in_week(first, bucket));
    }
    weeks.range(first..=last).map(|(week, bucket)| in_week(*week, bucket)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PersonKey = PersonKey([7; 16]);
    const B: PersonKey = PersonKey([8; 16]);
    /// Monday 2020-03-09.
    const MONDAY: i32 = 18_330;

    impl Weeks {
        fn add(&self, person: PersonKey, group: u8, day: i32, pieces: u8) {
            self.buy(person, group, day, |_| ((), pieces));
        }
    }

    #[test]
    fn days_add_up_over_weeks_and_are_given_back() {
        let weeks = Weeks::default();
        weeks.add(A, 0, MONDAY - 1, 1);
        weeks.add(A, 0, MONDAY, 2);
        weeks.add(A, 0, MONDAY + 6, 3);
        weeks.add(A, 1, MONDAY, 9);
        weeks.add(A, 2, MONDAY, 0);
        assert_eq!(weeks.bought(A, 0, &(MONDAY..=MONDAY + 6)), 5);
        assert_eq!(weeks.bought(A, 0, &(MONDAY - 1..=MONDAY + 5)), 3);
        assert_eq!(weeks.bought(B, 0, &(MONDAY - 7..=MONDAY + 6)), 0);
        let seen = weeks.buy(A, 0, MONDAY + 1, |bought| {
            let seen = [MONDAY..=MONDAY, MONDAY - 7..=MONDAY + 6, MONDAY - 3..=MONDAY + 5];
            (seen.map(|days| bought(&days)), 0)
        });
        assert_eq!(seen, [2, 6, 3]);
        weeks.give_back(A, 0, MONDAY, 2);
        weeks.give_back(A, 0, MONDAY + 6, 3);
        assert_eq!(weeks.bought(A, 0, &(MONDAY..=MONDAY + 6)), 0);
        assert_eq!(weeks.len(), 2);
        weeks.forget_before(MONDAY);
        assert_eq!((weeks.bought(A, 0, &(MONDAY - 7..=MONDAY - 1)), weeks.len()), (0, 1));
    }

    #[test]
    fn who_gets_a_new_key_keeps_what_was_bought() {
        let weeks = Weeks::default();
        weeks.add(A, 0, MONDAY, 2);
        weeks.add(B, 0, MONDAY + 1, 1);
        weeks.rekey(A, B, 1);
        assert_eq!(weeks.bought(B, 0, &(MONDAY..=MONDAY + 6)), 3);
        assert_eq!((weeks.bought(A, 0, &(MONDAY..=MONDAY + 6)), weeks.len()), (0, 1));
    }
}
