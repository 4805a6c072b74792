//! Stock bands of the open API of 2020 and the levels of the native one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much is there, as the public sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 100 or more (green).
    Plenty,
    /// 30 to 99 (yellow).
    Some,
    /// 2 to 29 (red).
    Few,
    /// 0 or 1 (grey): masks were sold two a head, so one left is none.
    Empty,
    /// Sales suspended by the outlet (판매중지); says nothing of the count.
    Break,
    /// Silent for too long, or counted below zero, or never heard.
    Unknown,
}

impl Level {
    /// All levels, in the order they are listed.
    pub const ALL: [Self; 6] = [Self::Plenty, Self::Some, Self::Few, Self::Empty, Self::Break, Self::Unknown];

    /// The name on the wire, in metrics and in the map.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plenty => "plenty",
            Self::Some => "some",
            Self::Few => "few",
            Self::Empty => "empty",
            Self::Break => "break",
            Self::Unknown => "unknown",
        }
    }
}

/// The four bands a known count falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 100 or more.
    Plenty,
    /// 30 to 99.
    Some,
    /// 2 to 29.
    Few,
    /// 0 or 1.
    Empty,
}

impl From<Band> for Level {
    fn from(band: Band) -> Self {
        match band {
            Band::Plenty => Self::Plenty,
            Band::Some => Self::Some,
            Band::Few => Self::Few,
            Band::Empty => Self::Empty,
        }
    }
}

/// Where the bands begin, as counts. The default is the official text of 10 March 2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bands {
    /// Smallest count that is `plenty`.
    pub plenty: u32,
    /// Smallest count that is `some`.
    pub some: u32,
    /// Smallest count that is `few`; fewer are `empty`.
    pub few: u32,
}

impl Default for Bands {
    fn default() -> Self {
        Self { plenty: 100, some: 30, few: 2 }
    }
}

impl Bands {
    /// The band of a count.
    #[must_use]
    #[inline]
    pub fn of(&self, count: u32) -> Band {
        match count {
            n if n >= self.plenty => Band::Plenty,
            n if n >= self.some => Band::Some,
            n if n >= self.few => Band::Few,
            _ => Band::Empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_thresholds_hold_on_both_sides() {
        let bands = Bands::default();
        for (count, band) in [
            (0, Band::Empty),
            (1, Band::Empty),
            (2, Band::Few),
            (29, Band::Few),
            (30, Band::Some),
            (99, Band::Some),
            (100, Band::Plenty),
        ] {
            assert_eq!(bands.of(count), band, "{count}");
        }
    }
}
