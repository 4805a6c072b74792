//! The `address` parameter of the open API: a district by its province, optionally one 읍, 면 or 동 of it.

use super::{address, all};
use crate::registry::RegionCode;

/// What an `address` asks for. Rows are found by region code, so it does not matter how their own address is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressQuery {
    regions: Vec<RegionCode>,
    town: Option<String>,
}

impl AddressQuery {
    /// Understands `서울특별시 강남구`, `경기도 수원시` (all its 구), `세종특별자치시`, `경기도 파주시 파주읍`,
    /// `서울특별시 용산구 보광동`. `None` without a province (short names will do), and for a province alone.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let (asked, rest) = address::in_province(address)?;
        let regions = all().iter().filter(|region| asked.covers(region)).map(|region| region.code).collect();
        Some(Self { regions, town: words(rest).next().map(str::to_owned) })
    }

    /// The districts asked for, sorted: one, or a city and all its 구.
    #[must_use]
    pub fn regions(&self) -> &[RegionCode] {
        &self.regions
    }

    /// Whether an address within [`Self::regions`] is also within the 읍, 면 or 동 asked for: it stands in the address as a
    /// whole word, as `(보광동)` does at the end of most. True where only a district was asked for.
    #[must_use]
    pub fn matches(&self, addr: &str) -> bool {
        self.town.as_deref().is_none_or(|town| words(addr).any(|word| word == town))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(address: &str) -> Option<Vec<u32>> {
        AddressQuery::parse(address).map(|query| query.regions().iter().map(|code| code.0).collect())
    }

    #[test]
    fn districts_are_asked_for_with_their_province() {
        assert_eq!(codes("서울특별시 강남구"), Some(vec![11_680]));
        assert_eq!(codes("경기도 부천시"), Some(vec![41_190]));
        assert_eq!(codes("경기도 수원시"), Some(vec![41_110, 41_111, 41_113, 41_115, 41_117]));
        assert_eq!(codes("경기도 수원시 장안구"), Some(vec![41_111]));
        assert_eq!(codes("경남 진주시"), codes("경상남도 진주시"));
        assert_eq!(codes("세종특별자치시"), Some(vec![36_110]));
        for too_coarse in ["서울특별시", "경기도", "경기도 ", "강남구", "진주시", "", "서울특별시 없는구"]
        {
            assert_eq!(codes(too_coarse), None, "{too_coarse}");
        }
    }

    #[test]
    fn a_town_stands_in_the_address_as_a_whole_word() {
        let dong = AddressQuery::parse("서울특별시 용산구 보광동").unwrap();
        assert_eq!(dong.regions(), [RegionCode(11_170)]);
        assert!(dong.matches("서울특별시 용산구 장문로 66-1 (보광동)"));
        assert!(dong.matches("서울특별시 용산구 장문로 66-1 (보광동, 상가)"));
        assert!(!dong.matches("서울특별시 용산구 보광로 1 (이태원동)"));
        let town = AddressQuery::parse("경기도 파주시 파주읍").unwrap();
        assert!(town.matches("파주시 파주읍 술이홀로 1"));
        assert!(!town.matches("경기도 파주시 금릉로 1 (금촌동)"));
        assert!(AddressQuery::parse("경기도 파주시").unwrap().matches(""));
    }
}
