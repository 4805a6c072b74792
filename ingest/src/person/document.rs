//! Passports and insurance cards: capital letters and digits, and what must be said beside them.

use schemas::claim::PersonSaid;
use schemas::person::PersonKind;

use super::text::{LONGEST, Text};
use super::{BadPerson, Parsed, born};

/// A passport: its country and a year of birth must be said, for the number tells neither.
pub(super) fn passport(said: &PersonSaid<'_>) -> Result<Parsed, BadPerson> {
    let number = alphanumeric(said, 5)?;
    let country = said.country.as_deref().and_then(Text::normalised).ok_or(BadPerson::NoCountry)?;
    if country.as_bytes().len() != 3 || !country.as_bytes().iter().all(u8::is_ascii_uppercase) {
        return Err(BadPerson::NoCountry);
    }
    let born = born(said.born)?.ok_or(BadPerson::NoBirthYear)?;
    Ok(Parsed {
        kind: PersonKind::Passport,
        country,
        number,
        born: Some(born),
        digit: None,
        check_digit_ok: None,
    })
}

/// An insurance card: its number alone is the person; a country that is said beside it does not matter.
pub(super) fn card(said: &PersonSaid<'_>) -> Result<Parsed, BadPerson> {
    let number = alphanumeric(said, 6)?;
    let digit = number.as_bytes().iter().rfind(|c| c.is_ascii_digit()).map(|c| c - b'0');
    Ok(Parsed {
        kind: PersonKind::Card,
        country: Text::default(),
        number,
        born: born(said.born)?,
        digit,
        check_digit_ok: None,
    })
}

/// A number of at least so many letters and digits, of which one at least is a digit.
fn alphanumeric(said: &PersonSaid<'_>, min: usize) -> Result<Text, BadPerson> {
    Text::normalised(&said.number)
        .filter(|number| number.as_bytes().len() >= min && number.as_bytes().iter().any(u8::is_ascii_digit))
        .ok_or(BadPerson::NotANumber { kind: said.kind, min, max: LONGEST })
}
