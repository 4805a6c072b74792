//! Who lives in Korea: people by year of birth and document, to the nearest ten thousand, as of the end of 2020.
//!
//! Residents: registered population of December 2020 (주민등록 인구통계, Ministry of the Interior and Safety; 51,829,023
//! people, ten-year groups as in its notice of January 2021). The five-year groups within them are approximated from the births
//! of their years (Statistics Korea, 인구동향조사). Foreigners: about 2.5 % of all, most of working age, approximated from
//! the yearbook of the immigration service (출입국·외국인정책 통계연보 2020).

use schemas::person::PersonKind;

/// People of one document and a span of birth years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cohort {
    pub(super) kind: PersonKind,
    /// First and last year of birth.
    pub(super) born: (u16, u16),
    /// Tens of thousands of people.
    pub(super) weight: u64,
}

/// Residents aged 0 to 4, 5 to 9, … 100 to 104, in tens of thousands.
const RESIDENTS: [u64; 21] =
    [169, 230, 232, 246, 327, 354, 316, 371, 394, 435, 441, 423, 394, 281, 206, 165, 113, 57, 21, 5, 2];
/// Foreign residents by years of birth, in tens of thousands.
const FOREIGNERS: [((u16, u16), u64); 6] = [
    ((2011, 2020), 7),
    ((2001, 2010), 6),
    ((1991, 2000), 36),
    ((1981, 1990), 36),
    ((1961, 1980), 38),
    ((1941, 1960), 10),
];
/// Passports: who has not registered, or not yet.
const PASSPORTS: ((u16, u16), u64) = ((1951, 2010), 5);
/// Last year of birth.
pub(super) const LAST: u16 = 2020;

/// All cohorts, in an order of no meaning.
pub(super) fn cohorts() -> impl Iterator<Item = Cohort> {
    let residents = (0..).zip(RESIDENTS).map(|(five, weight): (u16, _)| {
        let last = LAST - 5 * five;
        Cohort { kind: PersonKind::Resident, born: (last - 4, last), weight }
    });
    let of = |kind| move |(born, weight)| Cohort { kind, born, weight };
    residents
        .chain(FOREIGNERS.into_iter().map(of(PersonKind::Foreigner)))
        .chain([PASSPORTS].into_iter().map(of(PersonKind::Passport)))
}
