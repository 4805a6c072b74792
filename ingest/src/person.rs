//! Persons as a counter says them: one form for each document, however it was written, and never a word of it in an error.

mod document;
mod number;
#[cfg(test)]
mod tests;
mod text;

use schemas::claim::PersonSaid;
use schemas::person::PersonKind;
use schemas::pos::Reason;
use zeroize::Zeroize;

pub(crate) use self::text::Text;
use crate::decode::Rejection;

/// Years of birth that a till may say.
const BORN: std::ops::RangeInclusive<u16> = 1850..=2200;

/// What is wrong with a person as said. No part of the number stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadPerson {
    /// Not thirteen digits.
    #[error("a resident or foreigner number has 13 digits; blanks and hyphens do not matter")]
    NotThirteenDigits,
    /// The first six digits and the century are no day of the calendar.
    #[error("the number begins with a day that does not exist: read the document again")]
    NoSuchDay,
    /// Too short, too long, or with characters that such a document does not have.
    #[error("a {} number has {min} to {max} letters A to Z and digits, with at least one digit", kind.name())]
    NotANumber {
        /// Document.
        kind: PersonKind,
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A passport without its country.
    #[error("a passport needs its country, three letters as in ISO 3166-1 alpha-3, such as KOR")]
    NoCountry,
    /// A passport without a year of birth.
    #[error("a passport does not tell the year of birth: send it as born, such as 1985")]
    NoBirthYear,
    /// A year of birth that nobody has.
    #[error("born is a year from {} to {}", BORN.start(), BORN.end())]
    BirthYear,
}

impl From<BadPerson> for Rejection {
    fn from(bad: BadPerson) -> Self {
        Self::new(Reason::BadPerson, bad.to_string())
    }
}

/// A person as said, in the one form in which it is fingerprinted. Wiped when it is dropped.
pub(crate) struct Parsed {
    /// Document, as the number itself tells it.
    pub(crate) kind: PersonKind,
    /// Country of a passport, else nothing.
    pub(crate) country: Text,
    /// The number: digits, or capital letters and digits.
    pub(crate) number: Text,
    /// Year of birth, where it is known.
    pub(crate) born: Option<u16>,
    /// Last digit of a card's number.
    pub(crate) digit: Option<u8>,
    /// Whether the check digit is right; `None` for documents of which none is known here.
    pub(crate) check_digit_ok: Option<bool>,
}

impl Parsed {
    /// Reads what a counter said.
    ///
    /// # Errors
    /// [`BadPerson`].
    pub(crate) fn read(said: &PersonSaid<'_>) -> Result<Self, BadPerson> {
        match said.kind {
            PersonKind::Resident | PersonKind::Foreigner => number::read(&said.number),
            PersonKind::Passport => document::passport(said),
            PersonKind::Card => document::card(said),
        }
    }
}

/// Wipes the copy of the number that decoding made; a number that is borrowed from the message is in the message alone.
pub fn wipe(said: &mut PersonSaid<'_>) {
    if let std::borrow::Cow::Owned(number) = &mut said.number {
        number.zeroize();
    }
}

/// The year of birth that was said, if it is one.
fn born(said: Option<u16>) -> Result<Option<u16>, BadPerson> {
    match said {
        Some(year) if !BORN.contains(&year) => Err(BadPerson::BirthYear),
        said => Ok(said),
    }
}
