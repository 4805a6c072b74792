//! Names of selling places: mostly of a few syllables everyone uses, some with characters that a page must escape.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::seq::index;
use schemas::registry::{OutletInfo, OutletType};

use super::scaled;

const WORDS: [&str; 40] = [
    "중앙",
    "하나",
    "조은",
    "미소",
    "건강",
    "푸른",
    "행복한",
    "제일",
    "늘푸른",
    "사랑",
    "우리들",
    "드림",
    "현대",
    "서울",
    "수",
    "하나로",
    "튼튼",
    "한마음",
    "열린",
    "미래",
    "이화",
    "희망",
    "소망",
    "새봄",
    "굿모닝",
    "삼성",
    "태평양",
    "한솔",
    "정",
    "행복",
    "다나",
    "바른",
    "정다운",
    "하늘",
    "큰사랑",
    "신세계",
    "그린",
    "한사랑",
    "건강한",
    "밝은",
];
/// How often the commonest name was listed.
const WOORI: f64 = 146.0;

/// A name for an outlet of this type in this neighbourhood.
pub(super) fn compose(kind: OutletType, quarter: &str, rng: &mut StdRng) -> String {
    let stem = quarter.trim_end_matches(['동', '읍', '면']);
    let word = WORDS.choose(rng).expect("the list is not empty");
    match kind {
        OutletType::PostOffice => format!("{stem}우체국"),
        OutletType::Mart if rng.random_bool(0.01) => format!("{stem}<간> 하나로마트"),
        OutletType::Mart => format!("{stem}농협하나로마트{word}점"),
        OutletType::Pharmacy => match rng.random_range(0..1000) {
            0..5 => format!("{word}&{stem}약국"),
            5..400 => format!("{word}약국"),
            400..700 => format!("{stem}{word}약국"),
            700..900 => format!("새{stem}약국"),
            _ => format!("{}세기{word}약국", rng.random_range(20..23)),
        },
    }
}

/// Gives the commonest name to as many pharmacies as had it.
pub(super) fn most_common(rows: &mut [OutletInfo], rng: &mut StdRng) {
    let pharmacies: Vec<usize> =
        (0..rows.len()).filter(|at| rows[*at].kind == OutletType::Pharmacy).collect();
    let wanted = scaled(WOORI, rows.len()).min(pharmacies.len());
    for chosen in index::sample(rng, pharmacies.len(), wanted) {
        rows[pharmacies[chosen]].name = "우리약국".to_owned();
    }
}
