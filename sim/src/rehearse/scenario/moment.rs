//! A moment of the day that is played: hours, minutes and seconds after its midnight. Hours from 24 on are those of the next day.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Seconds after midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u32);

impl Moment {
    /// Seconds from another moment to this one; below zero where it is earlier.
    #[must_use]
    pub fn since(self, other: Self) -> f64 {
        f64::from(self.0) - f64::from(other.0)
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split(':').map(str::parse).collect::<Result<Vec<u32>, _>>();
        let parts = parts.ok().filter(|parts| (2..=3).contains(&parts.len()));
        let parts = parts.with_context(|| format!("{text:?} is no moment; write 09:00 or 09:00:30"))?;
        ensure!(parts[0] < 240 && parts[1..].iter().all(|part| *part < 60), "{text:?} is no moment");
        Ok(Self(parts[0] * 3600 + parts[1] * 60 + parts.get(2).unwrap_or(&0)))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(seconds) = self;
        write!(f, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
        if seconds % 60 > 0 { write!(f, ":{:02}", seconds % 60) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_shown_alike() {
        for text in ["08:00", "09:00:30", "24:05"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        for wrong in ["8", "08:60", "noon", "08:00:00:00"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
