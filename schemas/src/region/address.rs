//! From an address as people write it to the district it lies in; an ambiguous one is not guessed.

use std::sync::LazyLock;

use super::{Region, SEJONG, all, by_code};
use crate::registry::RegionCode;

/// Names of each province: the official one of 2020 first, then later, older and short ones.
const PROVINCES: [&[&str]; 17] = [
    &["서울특별시", "서울시", "서울"],
    &["부산광역시", "부산직할시", "부산시", "부산"],
    &["대구광역시", "대구직할시", "대구시", "대구"],
    &["인천광역시", "인천직할시", "인천시", "인천"],
    &["광주광역시", "광주직할시", "광주시", "광주"],
    &["대전광역시", "대전직할시", "대전시", "대전"],
    &["울산광역시", "울산시", "울산"],
    &[SEJONG, "세종시", "세종"],
    &["경기도", "경기"],
    &["강원도", "강원특별자치도", "강원"],
    &["충청북도", "충북"],
    &["충청남도", "충남"],
    &["전라북도", "전북특별자치도", "전북"],
    &["전라남도", "전남"],
    &["경상북도", "경북"],
    &["경상남도", "경남"],
    &["제주특별자치도", "제주도", "제주"],
];

/// Districts under names or provinces that they had before 2020 or got after: province, name, code of today's district.
/// A 군 that became the 시 of the same name is understood without a line here.
const OTHER_NAMES: [(&str, &str, u32); 15] = [
    ("인천광역시", "남구", 28_177),
    ("대구광역시", "군위군", 47_720),
    ("충청남도", "연기군", 36_110),
    ("충청북도", "청원군", 43_110),
    ("경상남도", "마산시 합포구", 48_125),
    ("경상남도", "마산시 회원구", 48_127),
    ("경상남도", "마산시", 48_120),
    ("경상남도", "진해시", 48_129),
    ("경기도", "부천시 원미구", 41_190),
    ("경기도", "부천시 소사구", 41_190),
    ("경기도", "부천시 오정구", 41_190),
    ("제주특별자치도", "북제주군", 50_110),
    ("제주특별자치도", "남제주군", 50_130),
    ("전라남도", "여천시", 46_130),
    ("전라남도", "여천군", 46_130),
];

/// One way to write a district, without its province.
struct Name {
    text: String,
    /// Lacks its 시 or 군 (경기 안성): a name only after a province and as a whole word.
    stem: bool,
    sido: &'static str,
    region: &'static Region,
}

/// All ways to write a district, longest first, so that 수원시 장안구 is seen before 수원시.
static NAMES: LazyLock<Vec<Name>> = LazyLock::new(|| {
    let mut names: Vec<Name> =
        all().iter().filter(|region| region.sigungu != SEJONG).flat_map(names_of).collect();
    names.extend(OTHER_NAMES.iter().map(|(sido, name, code)| Name {
        text: (*name).to_owned(),
        stem: false,
        sido,
        region: by_code(RegionCode(*code)).expect("other names point into the table"),
    }));
    names.sort_by_key(|name| std::cmp::Reverse(name.text.chars().count()));
    names
});

/// The official name; of a 구 in a 시 also without 시 (성남 분당구) and alone (분당구); of a 시 also as the 군 it was.
fn names_of(region: &'static Region) -> Vec<Name> {
    let name = |text: String, stem| Name { text, stem, sido: region.sido, region };
    let mut names = vec![name(region.sigungu.to_owned(), false)];
    if let Some((city, district)) = region.sigungu.split_once(' ') {
        names.push(name(format!("{} {district}", city.trim_end_matches('시')), false));
        names.push(name(district.to_owned(), false));
    } else if let Some(stem) = region.sigungu.strip_suffix(['시', '군']) {
        names.push(name(stem.to_owned(), true));
        if region.sigungu.ends_with('시') {
            names.push(name(format!("{stem}군"), false));
        }
    }
    names
}

/// The district that the address lies in, as finely as the address tells: the 구 where a 시 has them, else the 시.
///
/// Understood are official, short, older and later names, missing blanks, a missing province where the district (or its
/// 읍 or 면) exists once in the country. `None` where the address names no district or might mean several.
#[must_use]
pub fn of_address(addr: &str) -> Option<RegionCode> {
    let addr = from_first_letter(addr);
    let found = in_province(addr).map(|(region, rest)| within_city(region, rest));
    found.or_else(|| without_province(addr)).or_else(|| by_town(addr)).map(|region| region.code)
}

/// The district of an address that begins with its province, and what follows.
pub(super) fn in_province(addr: &str) -> Option<(&'static Region, &str)> {
    provinces(from_first_letter(addr)).find_map(|(sido, rest)| {
        if sido == SEJONG {
            let region = all().iter().find(|region| region.sido == SEJONG).expect("the table holds it");
            // The short name must stand alone: 세종대로 is a road of 서울.
            let alone =
                if from_first_letter(addr).starts_with(SEJONG) { may_follow(rest) } else { ends_word(rest) };
            return alone.then_some((region, rest));
        }
        let (regions, rest) = longest_name(rest, |name| name.sido == sido)?;
        only(regions).map(|region| (region, rest))
    })
}

/// The district of an address that begins with its district; of several by that name, the one that has the 읍 or 면.
fn without_province(addr: &str) -> Option<&'static Region> {
    let (mut regions, rest) = longest_name(addr, |name| !name.stem)?;
    if !ends_word(rest) {
        return None;
    }
    if regions.len() > 1 {
        regions.retain(|region| region.has_town(rest));
    }
    only(regions).map(|region| within_city(region, rest))
}

/// The district of an address that begins with a 읍 or 면, or has only its province before it.
fn by_town(addr: &str) -> Option<&'static Region> {
    let (sido, rest) = provinces(addr).next().map_or((None, addr), |(sido, rest)| (Some(sido), rest));
    only(all().iter().filter(|r| sido.is_none_or(|sido| r.sido == sido) && r.has_town(rest)).collect())
}

/// The 구 of this city that has the 읍 or 면 that follows, else the region itself.
fn within_city<'r>(region: &'r Region, rest: &str) -> &'r Region {
    let district = all().iter().filter(|other| region.is_city_of(other) && other.has_town(rest)).collect();
    only(district).unwrap_or(region)
}

/// Each province whose name begins the text, with what follows the name.
fn provinces(text: &str) -> impl Iterator<Item = (&'static str, &str)> {
    PROVINCES.iter().flat_map(move |names| {
        names.iter().filter_map(move |name| Some((names[0], text.strip_prefix(name)?)))
    })
}

/// The districts that share the longest name at the beginning of the text, and what follows it.
fn longest_name(text: &str, wanted: impl Fn(&Name) -> bool) -> Option<(Vec<&'static Region>, &str)> {
    let wanted = NAMES.iter().filter(|name| wanted(name));
    let mut at_start =
        wanted.filter_map(|name| Some((name, after(text, &name.text).filter(|rest| name.may_end(rest))?)));
    let (longest, rest) = at_start.next()?;
    let others = at_start.map(|(name, _)| name).take_while(|name| name.text == longest.text);
    Some((std::iter::once(longest).chain(others).map(|name| name.region).collect(), rest))
}

impl Name {
    fn may_end(&self, rest: &str) -> bool {
        if self.stem { ends_word(rest) } else { may_follow(rest) }
    }
}

/// What follows the words of `name` at the beginning of the text, with or without blanks before each.
fn after<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    name.split(' ').try_fold(text, |rest, word| rest.trim_start().strip_prefix(word))
}

/// The one region of the list, where it holds but one.
fn only(mut regions: Vec<&Region>) -> Option<&Region> {
    regions.dedup_by_key(|region| region.code);
    if regions.len() == 1 { regions.pop() } else { None }
}

impl Region {
    /// Whether the text begins with one of its 읍 or 면, as a whole word.
    fn has_town(&self, text: &str) -> bool {
        let text = text.trim_start();
        self.towns.iter().any(|town| text.strip_prefix(town).is_some_and(ends_word))
    }
}

fn from_first_letter(addr: &str) -> &str {
    addr.trim_start_matches(|c: char| !c.is_alphabetic())
}

/// Whether a word ends before this text.
fn ends_word(rest: &str) -> bool {
    !rest.starts_with(char::is_alphabetic)
}

/// Whether a district's name may end before this text, blank or not: 김제시요촌동 may, 중구청로 and 동구릉로 may not.
fn may_follow(rest: &str) -> bool {
    let word_end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let glued = &rest[..word_end];
    glued.is_empty() || !glued.starts_with(['로', '길', '청', '역', '릉'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(addr: &str) -> Option<u32> {
        of_address(addr).map(|code| code.0)
    }

    #[test]
    fn the_ways_in_which_addresses_are_written() {
        let cases = [
            ("서울특별시 강남구 논현로 10 (논현동)", 11_680),
            ("  서울특별시  중구 명동7길 20 1, 2층 (명동1가)", 11_140),
            ("서울 중구 세종대로 1", 11_140),
            ("(04533) 서울시 중구 명동", 11_140),
            ("경기도 수원시 장안구 정자로 1", 41_111),
            ("경기 수원장안구 정자로 1", 41_111),
            ("경기도 성남시분당구 판교로 1", 41_135),
            ("경기 분당구 판교로 1", 41_135),
            ("성남시 분당구 판교로 1", 41_135),
            ("경기도 수원시 정자로 1", 41_110),
            ("경남 진주시 남강로 1", 48_170),
            ("진주시 금산면 1", 48_170),
            ("전북김제시 요촌로 1", 45_210),
            ("전북 김제시요촌동 1", 45_210),
            ("전북특별자치도 김제시 1", 45_210),
            ("강원특별자치도 춘천시 동면", 42_110),
            ("경남거창군 위천면 원학길 359", 48_880),
            ("경기 안성 금광면 금광초교길 71", 41_550),
            ("강원 고성군 간성읍", 42_820),
            ("경남 고성군 고성읍", 48_820),
            ("고성군 거진읍 거탄진로102", 42_820),
            ("고성군 고성읍 성내로 1", 48_820),
            ("청주시 오창읍 1", 43_114),
            ("충북 청원군 오창읍 1", 43_114),
            ("충청북도 청원군 1", 43_110),
            ("충남 연기군 조치원읍", 36_110),
            ("세종특별자치시 조치원읍 1", 36_110),
            ("세종 한누리대로 1", 36_110),
            ("인천 남구 주안로 1", 28_177),
            ("대구광역시 군위군 군위읍", 47_720),
            ("경기 부천시 원미구 중동", 41_190),
            ("경기도 여주군 여주읍", 41_670),
            ("광주시 북구 용봉로 1", 29_170),
            ("광주시 경안로 1", 41_610),
            ("경기 광주시 경안로 1", 41_610),
            ("제주시 연동 1", 50_110),
            ("제주 서귀포시 1", 50_130),
            ("내면 창촌로 45-5", 42_720),
            ("홍천읍 연봉중앙로 54", 42_720),
            ("강원도 서석면 구룡령로 2518", 42_720),
        ];
        for (addr, expected) in cases {
            assert_eq!(code(addr), Some(expected), "{addr}");
        }
    }

    #[test]
    fn what_names_no_district_or_several_is_not_guessed() {
        for addr in [
            "",
            "   ",
            "12-3",
            "동면 공작산로 510",
            "남구 봉선로 1",
            "강서구 공항대로 1",
            "고성군 중앙로 1",
            "서울특별시",
            "경기도",
            "서울특별시 수원시",
            "경상남도 달서구",
            "경기 안성로 1",
            "안성 금광면 금광초교길 71",
            "세종대로 110",
            "중구청로 1",
            "대구 동구릉로 1",
            "Seoul, Gangnam-gu",
        ] {
            assert_eq!(code(addr), None, "{addr}");
        }
    }

    #[test]
    fn every_district_is_found_by_its_own_name() {
        for region in all() {
            let address = format!("{} {} 1", region.sido, region.sigungu);
            assert_eq!(of_address(&address), Some(region.code), "{address}");
            assert_eq!(of_address(&address.replace(' ', "")), Some(region.code), "{address}");
        }
    }
}
