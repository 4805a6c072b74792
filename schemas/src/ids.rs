//! Identifiers: short validated strings that fit one NATS subject token, each kind its own type.

use std::borrow::{Borrow, Cow};
use std::fmt;

use compact_str::CompactString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing between the quotes or dots.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier.
        what: &'static str,
    },
    /// Longer than the identifier may be.
    #[error("{what} is {len} bytes long, at most {max} are allowed")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The longest allowed, in bytes.
        max: usize,
    },
    /// Holds a character that the identifier may not hold.
    #[error("{what} holds a character outside {allowed}")]
    BadCharacter {
        /// Which identifier.
        what: &'static str,
        /// The characters that are allowed, as a regular expression class.
        allowed: &'static str,
    },
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $class:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "CompactString", into = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// The longest form, in bytes.
            pub const MAX_LEN: usize = $max;

            /// Takes the text if it is a valid identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long, or holds a character outside the allowed class.
            pub fn new(text: &str) -> Result<Self, IdError> {
                Self::check(text)?;
                Ok(Self(CompactString::new(text)))
            }

            /// Whether the text is a valid identifier, without keeping it.
            ///
            /// # Errors
            /// As [`Self::new`].
            pub fn check(text: &str) -> Result<(), IdError> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() {
                    return Err(IdError::Empty { what: $what });
                }
                if text.len() > $max {
                    return Err(IdError::TooLong { what: $what, len: text.len(), max: $max });
                }
                if !text.bytes().all(allowed) {
                    return Err(IdError::BadCharacter { what: $what, allowed: $class });
                }
                Ok(())
            }

            /// The text.
            #[must_use]
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = IdError;
            fn try_from(text: CompactString) -> Result<Self, IdError> {
                Self::check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for CompactString {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Borrow<str> for $name {
            #[inline]
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "minLength": 1, "maxLength": $max,
                    "pattern": concat!("^", $class, "+$"),
                })
            }
        }
    };
}

id!(
    /// One selling place (판매처): 8 digits for a pharmacy, 10 for a post office or mart in the lists of 2020;
    /// HIRA's register uses base64 of up to 100 characters.
    OutletCode, "outlet code", 100, "[0-9A-Za-z_+/=-]",
    |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'/' | b'=' | b'-')
);
id!(
    /// One cash desk or computer of an outlet; it owns a sequence of its own.
    TerminalId, "terminal", 32, "[0-9A-Za-z_-]",
    |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
);
id!(
    /// One kind of goods, such as `mask`, `mask_adult`, `mask_child`.
    ItemId, "item", 32, "[0-9a-z_-]",
    |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-')
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_lists_of_2020_hold_and_refuses_subject_syntax() {
        for good in ["34840559", "658303480", "JDQ4MTg4MSM1MSMkMSMk=="] {
            assert_eq!(OutletCode::new(good).unwrap().as_str(), good);
        }
        assert_eq!(OutletCode::new(""), Err(IdError::Empty { what: "outlet code" }));
        for bad in ["a.b", "a*", ">", "a b", "약국"] {
            assert!(matches!(OutletCode::new(bad), Err(IdError::BadCharacter { .. })), "{bad}");
        }
        assert!(matches!(TerminalId::new(&"x".repeat(33)), Err(IdError::TooLong { len: 33, max: 32, .. })));
    }
}
