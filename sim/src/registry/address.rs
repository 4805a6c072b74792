//! Addresses as they were really written: full and short province names, none at all, commas and blanks left over.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use schemas::region::Region;
use schemas::registry::OutletType;

const STEMS: [&str; 32] = [
    "중앙", "신흥", "봉명", "송정", "상계", "화정", "덕천", "금곡", "대명", "연산", "수내", "서현", "역삼",
    "도화", "신정", "가양", "문화", "태평", "월산", "용봉", "산성", "남산", "구월", "만수", "효자", "인후",
    "율하", "범어", "호계", "정자", "장산", "학익",
];
const BUILDINGS: [&str; 8] =
    ["대우빌딩", "메디칼타워", "현대상가", "중앙프라자", "한빛상가", "동아아파트", "시장상가", "제일빌딩"];

/// The neighbourhood within a district: a 동 in a city, an 읍 or 면 in a 군.
pub(super) fn quarter(region: &Region, rng: &mut StdRng) -> String {
    let stem = STEMS.choose(rng).expect("the list is not empty");
    match region.sigungu.strip_suffix('군') {
        Some(seat) if rng.random_bool(0.5) => format!("{seat}읍"),
        Some(_) => format!("{stem}면"),
        None => format!("{stem}동"),
    }
}

/// One line of the list's column `addr`.
pub(super) fn written(kind: OutletType, region: &Region, quarter: &str, rng: &mut StdRng) -> String {
    let mut text = province(kind, region.sido, rng).to_owned();
    // 35 of 22,276 pharmacies, 38 of 1,366 post offices and 25 of 1,797 marts had two blanks somewhere.
    let (double, comma, blank) = match kind {
        OutletType::Pharmacy => (0.0016, 0.019, 0.0003),
        OutletType::PostOffice => (0.028, 0.0, 0.344),
        OutletType::Mart => (0.014, 0.0006, 0.0006),
    };
    if !text.is_empty() {
        text.push_str(if rng.random_bool(double) { "  " } else { " " });
    }
    if region.sigungu != region.sido {
        text.push_str(region.sigungu);
        text.push(' ');
    }
    text.push_str(&street(kind, quarter, rng));
    if rng.random_bool(comma) {
        text.push(',');
    }
    if rng.random_bool(blank) {
        text.push(' ');
    }
    text
}

/// Road, number and what follows; 86 % of pharmacies, 10 % of post offices and 12 % of marts end in `(동)` or a building.
fn street(kind: OutletType, quarter: &str, rng: &mut StdRng) -> String {
    let road = STEMS.choose(rng).expect("the list is not empty");
    let number = rng.random_range(1..900);
    let road = match rng.random_range(0..3) {
        0 => format!("{road}대로 {number}"),
        1 => format!("{road}로 {number}"),
        _ => format!("{road}로{}번길 {number}", rng.random_range(1..300)),
    };
    let building = BUILDINGS.choose(rng).expect("the list is not empty");
    let floor = if rng.random_bool(0.4) { format!(" {}층", rng.random_range(1..4)) } else { String::new() };
    let in_brackets = match kind {
        OutletType::Pharmacy => 0.95,
        OutletType::PostOffice => 0.10,
        OutletType::Mart => 0.12,
    };
    match (quarter.ends_with('동'), rng.random_bool(in_brackets)) {
        (true, true) if rng.random_bool(0.3) => format!("{road}{floor} ({quarter}, {building})"),
        (true, true) => format!("{road}{floor} ({quarter})"),
        (true, false) => format!("{road}{floor}"),
        (false, true) if rng.random_bool(0.4) => format!("{quarter} {road}{floor} ({building})"),
        (false, _) => format!("{quarter} {road}{floor}"),
    }
}

/// The province: always in full for pharmacies; short or left out for 56 % of post offices (one in four of them left out) and
/// 98 % of marts.
fn province(kind: OutletType, sido: &'static str, rng: &mut StdRng) -> &'static str {
    let (not_full, left_out) = match kind {
        OutletType::Pharmacy => (0.0, 0.0),
        OutletType::PostOffice => (0.56, 0.25),
        OutletType::Mart => (0.98, 0.0),
    };
    if !rng.random_bool(not_full) {
        sido
    } else if sido != "세종특별자치시" && rng.random_bool(left_out) {
        ""
    } else {
        short(sido)
    }
}

/// The short name, such as 경남; for the others the first two syllables.
fn short(sido: &'static str) -> &'static str {
    match sido {
        "충청북도" => "충북",
        "충청남도" => "충남",
        "전라북도" => "전북",
        "전라남도" => "전남",
        "경상북도" => "경북",
        "경상남도" => "경남",
        other => other.char_indices().nth(2).map_or(other, |(end, _)| &other[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_in_use() {
        for (sido, expected) in
            [("경상남도", "경남"), ("강원도", "강원"), ("제주특별자치도", "제주"), ("서울특별시", "서울")]
        {
            assert_eq!(short(sido), expected);
        }
    }
}
