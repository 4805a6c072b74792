//! Persons as the journal knows them: a keyed fingerprint and what the rules ask of them, never a number or a name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A person: keyed BLAKE3 of the normalised national id, the first 128 bits. In JSON 32 hexadecimal digits.
///
/// Not reversible without the key, and still about a person: it stands in the journal and nowhere public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey(pub [u8; 16]);

/// Says that there is a key and not which.
impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

impl Serialize for PersonKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hex = [0; 32];
        for (digits, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            digits[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            digits[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        serializer.serialize_str(std::str::from_utf8(&hex).expect("hexadecimal digits are ASCII"))
    }
}

impl<'de> Deserialize<'de> for PersonKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("a person key is 32 hexadecimal digits");
        let hex = <&str>::deserialize(deserializer)?.as_bytes();
        let hex: &[u8; 32] = hex.try_into().map_err(|_| wrong())?;
        let mut key = [0; 16];
        for (byte, digits) in key.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(digits[0]).ok_or_else(wrong)? << 4 | nibble(digits[1]).ok_or_else(wrong)?;
        }
        Ok(Self(key))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The document that a person shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// Resident registration number (주민등록번호).
    Resident,
    /// Foreign resident's registration number (외국인등록번호).
    Foreigner,
    /// Passport.
    Passport,
    /// Insurance card, such as Taiwan's, by the number on it.
    Card,
}

impl PersonKind {
    /// The name on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Foreigner => "foreigner",
            Self::Passport => "passport",
            Self::Card => "card",
        }
    }
}

/// A person in a journal entry: whose allowance it is, and what a policy may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The person under the current key.
    pub key: PersonKey,
    /// The same person under the key before it, while keys change over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<PersonKey>,
    /// Document shown.
    pub kind: PersonKind,
    /// Year of birth, where the number or the outlet told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u16>,
    /// Last digit of the number, for cards only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digit: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_back_and_its_key_is_not_shown() {
        let person = Person {
            key: PersonKey(std::array::from_fn(|n| (n * 17) as u8)),
            was: None,
            kind: PersonKind::Resident,
            born: Some(1985),
            digit: None,
        };
        let json = serde_json::to_string(&person).unwrap();
        assert_eq!(json, r#"{"key":"00112233445566778899aabbccddeeff","kind":"resident","born":1985}"#);
        assert_eq!(serde_json::from_str::<Person>(&json).unwrap(), person);
        assert!(!format!("{person:?}").contains("1122"));
        assert!(serde_json::from_str::<PersonKey>(r#""0011""#).is_err());
        assert!(serde_json::from_str::<PersonKey>(r#""00112233445566778899AABBCCDDEEFF""#).is_err());
    }
}
