//! Resident and foreigner numbers of Korea, `YYMMDD-SNNNNNN`: the seventh digit tells century and kind.

use chrono::NaiveDate;
use schemas::person::PersonKind;

use super::text::Text;
use super::{BadPerson, Parsed};

/// Weights of the check digit, as in the rules in force until October 2020.
const WEIGHTS: [u8; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

/// Reads a number. What kind the till named does not matter: the number tells, so that one number is one person.
pub(super) fn read(written: &str) -> Result<Parsed, BadPerson> {
    let number = Text::normalised(written).ok_or(BadPerson::NotThirteenDigits)?;
    let Ok(digits) = <&[u8; 13]>::try_from(number.as_bytes()) else {
        return Err(BadPerson::NotThirteenDigits);
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadPerson::NotThirteenDigits);
    }
    let (kind, century) = kind_and_century(digits[6]);
    let year = century + u16::from(pair(digits, 0));
    NaiveDate::from_ymd_opt(i32::from(year), u32::from(pair(digits, 2)), u32::from(pair(digits, 4)))
        .ok_or(BadPerson::NoSuchDay)?;
    let check_digit_ok = Some(check_digit(digits, kind) == digits[12] - b'0');
    Ok(Parsed { kind, country: Text::default(), born: Some(year), digit: None, check_digit_ok, number })
}

/// What the seventh digit says: 1 and 2 the 1900s, 3 and 4 the 2000s, 9 and 0 the 1800s; foreigners 5 and 6 the 1900s,
/// 7 and 8 the 2000s. Odd is male and even female, which no rule here asks.
fn kind_and_century(digit: u8) -> (PersonKind, u16) {
    match digit {
        b'1' | b'2' => (PersonKind::Resident, 1900),
        b'3' | b'4' => (PersonKind::Resident, 2000),
        b'5' | b'6' => (PersonKind::Foreigner, 1900),
        b'7' | b'8' => (PersonKind::Foreigner, 2000),
        _ => (PersonKind::Resident, 1800),
    }
}

fn pair(digits: &[u8; 13], first: usize) -> u8 {
    (digits[first] - b'0') * 10 + (digits[first + 1] - b'0')
}

/// The digit that numbers issued before October 2020 end in; later ones end in any.
fn check_digit(digits: &[u8; 13], kind: PersonKind) -> u8 {
    let sum: u16 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u16::from((digit - b'0') * weight)).sum();
    let digit = (11 - sum % 11) % 10;
    let digit = if kind == PersonKind::Foreigner { (digit + 2) % 10 } else { digit };
    u8::try_from(digit).expect("below ten")
}
