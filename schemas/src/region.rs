//! Districts (시군구) as of 2020: a table of our own, and how written addresses are understood by it.
//!
//! Codes and names are of the Ministry of the Interior's standard codes (행정표준코드, 2020-10-04), counts of HIRA's
//! register of 2020-07; the head of `regions.tsv` says how each column was made.

mod address;
mod query;

use std::sync::LazyLock;

pub use address::of_address;
pub use query::AddressQuery;

use crate::registry::{Place, RegionCode};

/// One district, or a city that is divided into general districts (수원시, code 41110, beside its 구 41111 and on).
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// First five digits of the 법정동 code.
    pub code: RegionCode,
    /// Official name of the province as of 2020, such as 경기도.
    pub sido: &'static str,
    /// Official name of the district, such as 수원시 장안구; equal to the province's for 세종특별자치시.
    pub sigungu: &'static str,
    /// Median position of the pharmacies in it; degrees, rounded to four decimals.
    pub place: Place,
    /// Pharmacies in mid-2020; 0 for a city whose pharmacies are counted in its 구.
    pub pharmacies: u32,
    /// Its 읍 and 면.
    towns: Vec<&'static str>,
}

static TABLE: LazyLock<Vec<Region>> = LazyLock::new(|| {
    include_str!("regions.tsv").lines().filter(|line| !line.starts_with('#')).map(Region::of_line).collect()
});

/// All districts, sorted by code.
#[must_use]
pub fn all() -> &'static [Region] {
    &TABLE
}

/// The district with this code.
#[must_use]
pub fn by_code(code: RegionCode) -> Option<&'static Region> {
    all().binary_search_by_key(&code, |region| region.code).ok().map(|at| &all()[at])
}

impl Region {
    fn of_line(line: &'static str) -> Self {
        let mut columns = line.split('\t');
        let mut next = || columns.next().expect("the embedded table has seven columns");
        Self {
            code: RegionCode(number(next())),
            sido: next(),
            sigungu: Some(next()).filter(|name| !name.is_empty()).unwrap_or(SEJONG),
            place: Place { lat: number(next()), lng: number(next()) },
            pharmacies: number(next()),
            towns: next().split(' ').filter(|town| !town.is_empty()).collect(),
        }
    }

    /// Whether `other` is this district, or one of the general districts of this city.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.code == other.code || self.is_city_of(other)
    }

    fn is_city_of(&self, other: &Self) -> bool {
        self.sido == other.sido
            && other.sigungu.strip_prefix(self.sigungu).is_some_and(|rest| rest.starts_with(' '))
    }
}

/// The one province that is not divided into districts.
const SEJONG: &str = "세종특별자치시";

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("the embedded table holds numbers in its number columns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_whole_and_inside_the_country() {
        assert_eq!(all().len(), 261);
        assert!(all().windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(all().iter().map(|r| r.pharmacies).sum::<u32>(), 23_107);
        for region in all() {
            let Place { lat, lng } = region.place;
            assert!((33.0..38.7).contains(&lat) && (124.5..132.0).contains(&lng), "{region:?}");
            assert_eq!(by_code(region.code), Some(region));
        }
        assert_eq!(by_code(RegionCode(11_000)), None);
    }

    #[test]
    fn a_city_covers_its_districts_and_no_neighbour() {
        let region = |code| by_code(RegionCode(code)).unwrap();
        assert!(region(41_110).covers(region(41_111)));
        assert!(!region(41_111).covers(region(41_110)));
        // 영동군 and 증평군 differ in the last digit only.
        assert!(!region(43_740).covers(region(43_745)));
        assert_eq!(region(36_110).sigungu, "세종특별자치시");
    }
}
