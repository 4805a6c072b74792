//! A synthetic population of any size: person n is computed, never stored; the same size and seed give the same people.
//!
//! Numbers have the form, the days, the centuries and the check digits of real ones, and serials that are made up. No two people
//! share one. By chance one may be that of somebody real: they belong into simulations alone.

mod ages;
mod shuffle;

use std::borrow::Cow;

use chrono::{Datelike, Days, NaiveDate};
use schemas::claim::PersonSaid;
use schemas::person::PersonKind;

use ages::{Cohort, cohorts};
use shuffle::{Shuffle, Stride, hash};

/// People of South Korea, registered at the end of 2020.
pub const KOREA: u64 = 51_800_000;
/// Largest population: beyond it a day of birth could have more people than five-digit serials.
pub const LARGEST: u64 = 1_000_000_000;
/// Weights of the check digit in numbers issued before October 2020.
const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
/// Issuing countries of passports (ISO 3166-1 alpha-3), the more frequent ones more than once.
const COUNTRIES: [&str; 10] = ["CHN", "CHN", "CHN", "VNM", "VNM", "THA", "USA", "UZB", "JPN", "PHL"];

/// A person with a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    /// Document.
    pub kind: PersonKind,
    /// Its number: 13 digits with a hyphen, or that of a passport.
    pub number: String,
    /// Year of birth.
    pub born: u16,
    /// Issuing country of a passport.
    pub country: Option<&'static str>,
}

impl Person {
    /// What a till sends of this person.
    #[must_use]
    pub fn said(&self) -> PersonSaid<'_> {
        PersonSaid {
            kind: self.kind,
            number: Cow::Borrowed(&self.number),
            country: self.country.map(Cow::Borrowed),
            born: self.country.map(|_| self.born),
        }
    }
}

/// A population. Its size costs neither memory nor time.
#[derive(Debug, Clone)]
pub struct Population {
    size: u64,
    seed: u64,
    shuffle: Shuffle,
    parts: Vec<Part>,
}

/// A cohort and where it begins.
#[derive(Debug, Clone)]
struct Part {
    begin: u64,
    cohort: Cohort,
    first_day: NaiveDate,
    /// Its birthdays, each once for either sex.
    birthdays: u64,
    /// Their order, in which any few of them are spread over all.
    order: Stride,
}

impl Population {
    /// A population of `size` people, 1 to [`LARGEST`].
    #[must_use]
    pub fn new(size: u64, seed: u64) -> Self {
        let size = size.clamp(1, LARGEST);
        let total: u64 = cohorts().map(|cohort| cohort.weight).sum();
        let mut sum = 0;
        let parts = cohorts().map(|cohort| {
            let part = Part::new(size * sum / total, cohort);
            sum += cohort.weight;
            part
        });
        Self { size, seed, shuffle: Shuffle::new(size, seed), parts: parts.collect() }
    }

    /// How many people there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Person `n`, counted round and round: `n` and `n + size` are the same.
    #[must_use]
    pub fn person(&self, n: u64) -> Person {
        let place = self.shuffle.of(n % self.size);
        let part = &self.parts[self.parts.partition_point(|part| part.begin <= place) - 1];
        let at = place - part.begin;
        let (day, woman) = part.birthday(at);
        let among = at / part.birthdays;
        match part.cohort.kind {
            PersonKind::Resident | PersonKind::Foreigner => {
                self.registered(part.cohort.kind, day, woman, among)
            }
            PersonKind::Passport | PersonKind::Card => self.traveller(day, at),
        }
    }

    /// Who comes for person `n` when they do not come themselves: a parent, or of those born until 1970 a grown child; always
    /// the same one. `None` where no fitting person turns up, as in very small populations.
    #[must_use]
    pub fn relative(&self, n: u64, person: &Person) -> Option<Person> {
        let gap = if person.born > 1970 { -45..=-23 } else { 23..=45 };
        (1..64).map(|attempt| self.person(hash(self.seed ^ attempt, n))).find(|other| {
            gap.contains(&(i32::from(other.born) - i32::from(person.born)))
                && other.born <= ages::LAST - 18
                && other.kind != PersonKind::Passport
        })
    }

    /// The bearer of a registration number; of those with the same birthday the one in this place among them.
    fn registered(&self, kind: PersonKind, day: NaiveDate, woman: bool, among: u64) -> Person {
        let born = year(day);
        let century_and_sex = seventh_digit(kind, born, woman);
        let birthday = day.format("%y%m%d");
        let chance =
            hash(self.seed, u64::from(day.to_epoch_days().unsigned_abs()) << 4 | u64::from(century_and_sex));
        let number = if day < random_from() {
            let serial = Stride::new(100_000, chance).of(among);
            let twelve = format!("{birthday}{century_and_sex}{serial:05}");
            let check = check_digit(&twelve, kind);
            format!("{birthday}-{century_and_sex}{serial:05}{check}")
        } else {
            let serial = Stride::new(1_000_000, chance).of(among);
            format!("{birthday}-{century_and_sex}{serial:06}")
        };
        Person { kind, number, born, country: None }
    }

    fn traveller(&self, day: NaiveDate, at: u64) -> Person {
        let serial = Stride::new(100_000_000, hash(self.seed, 1)).of(at);
        let country = COUNTRIES[(hash(self.seed, at) % COUNTRIES.len() as u64) as usize];
        Person {
            kind: PersonKind::Passport,
            number: format!("M{serial:08}"),
            born: year(day),
            country: Some(country),
        }
    }
}

impl Part {
    fn new(begin: u64, cohort: Cohort) -> Self {
        let (first, last) = cohort.born;
        let first_day = date(first, 1, 1);
        let days = date(last + 1, 1, 1).signed_duration_since(first_day).num_days().unsigned_abs();
        Self { begin, cohort, first_day, birthdays: 2 * days, order: Stride::spread(2 * days) }
    }

    /// Day of birth of the one in this place, and whether it is a woman.
    fn birthday(&self, at: u64) -> (NaiveDate, bool) {
        let birthday = self.order.of(at % self.birthdays);
        let day = self.first_day.checked_add_days(Days::new(birthday / 2));
        (day.expect("a few years later there are days, too"), birthday % 2 == 1)
    }
}

/// Numbers for births from this day on have no check digit and no meaning after the seventh digit: 5 October 2020 (Ministry
/// of the Interior and Safety, 주민등록법 시행규칙).
fn random_from() -> NaiveDate {
    date(2020, 10, 5)
}

/// 1 and 2 residents of the 1900s, 3 and 4 of the 2000s, 5 to 8 the same for foreigners; odd men, even women.
fn seventh_digit(kind: PersonKind, born: u16, woman: bool) -> u8 {
    let foreign = if kind == PersonKind::Foreigner { 4 } else { 0 };
    1 + foreign + 2 * u8::from(born >= 2000) + u8::from(woman)
}

/// The thirteenth digit of a number of old: by the weights, plus 2 for foreigners.
fn check_digit(twelve: &str, kind: PersonKind) -> u32 {
    let digits = twelve.chars().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let extra = if kind == PersonKind::Foreigner { 2 } else { 0 };
    ((11 - sum % 11) % 10 + extra) % 10
}

fn year(day: NaiveDate) -> u16 {
    u16::try_from(day.year()).expect("people here were born after Christ")
}

fn date(year: u16, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(i32::from(year), month, day).expect("the calendar has this day")
}

#[cfg(test)]
mod tests;
