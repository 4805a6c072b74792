//! The synthetic registry is like the list of 2020-03-15 (25,439 rows; figures counted on it), and the same for the same seed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use schemas::region;
use schemas::registry::{OutletInfo, OutletType};
use sim::registry::{read_csv, synthetic, write_csv};

const ROWS: usize = 25_439;

fn country() -> Vec<OutletInfo> {
    synthetic(ROWS, 2020)
}

fn share(rows: &[OutletInfo], kind: OutletType, of: impl Fn(&OutletInfo) -> bool) -> f64 {
    let (mut all, mut such) = (0.0, 0.0);
    for row in rows.iter().filter(|row| row.kind == kind) {
        all += 1.0;
        such += f64::from(u8::from(of(row)));
    }
    such / all
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not within {tolerance} of {expected}");
}

#[test]
fn types_are_exactly_in_proportion() {
    let mut kinds: BTreeMap<OutletType, usize> = BTreeMap::new();
    for row in country() {
        *kinds.entry(row.kind).or_default() += 1;
    }
    assert_eq!(kinds.into_values().collect::<Vec<_>>(), [22_276, 1_366, 1_797]);
}

#[test]
fn pharmacies_are_spread_over_districts_as_in_the_register() {
    let rows = country();
    let mut found: HashMap<u32, f64> = HashMap::new();
    for row in rows.iter().filter(|row| row.kind == OutletType::Pharmacy) {
        *found.entry(row.region.unwrap().0).or_default() += 1.0;
    }
    for district in region::all() {
        let expected = f64::from(district.pharmacies) * 22_276.0 / 23_107.0;
        // Five deviations of a count, and room for the smallest districts.
        near(found.get(&district.code.0).copied().unwrap_or(0.0), expected, 5.0 * expected.sqrt() + 3.0);
    }
}

#[test]
fn addresses_are_written_as_they_were() {
    let rows = country();
    let full = |row: &OutletInfo| region::all().iter().any(|r| row.addr.starts_with(r.sido));
    near(share(&rows, OutletType::Pharmacy, full), 1.0, 0.0);
    near(share(&rows, OutletType::PostOffice, full), 0.44, 0.05);
    near(share(&rows, OutletType::Mart, full), 0.02, 0.012);
    let brackets = |row: &OutletInfo| row.addr.trim_end_matches([' ', ',']).ends_with(')');
    near(share(&rows, OutletType::Pharmacy, brackets), 0.86, 0.05);
    let comma = rows.iter().filter(|row| row.addr.ends_with(',')).count();
    near(comma as f64, 424.0, 100.0);
    let blank = rows.iter().filter(|row| row.addr.trim() != row.addr).count();
    near(blank as f64, 477.0, 100.0);
    let double = rows.iter().filter(|row| row.addr.contains("  ")).count();
    near(double as f64, 98.0, 45.0);
}

#[test]
fn coordinates_are_shared_and_missing_as_they_were() {
    let rows = country();
    let missing = rows.iter().filter(|row| row.place.is_none()).count();
    near(missing as f64, 411.0, 90.0);
    let mut points: HashMap<(u64, u64), usize> = HashMap::new();
    for place in rows.iter().filter_map(|row| row.place) {
        assert!((33.0..38.7).contains(&place.lat) && (124.5..132.0).contains(&place.lng), "{place:?}");
        *points.entry((place.lat.to_bits(), place.lng.to_bits())).or_default() += 1;
    }
    let shared: usize = points.values().filter(|rows| **rows > 1).sum();
    near(shared as f64, 1_965.0, 30.0);
    assert_eq!(points.values().max(), Some(&15));
}

#[test]
fn codes_are_unique_and_of_the_right_length() {
    let rows = country();
    let codes: HashSet<&str> = rows.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes.len(), ROWS);
    assert!(
        rows.iter()
            .all(|row| row.code.as_str().len() == if row.kind == OutletType::Pharmacy { 8 } else { 10 })
    );
    let seoul = |row: &OutletInfo| row.code.as_str().starts_with('1');
    near(share(&rows, OutletType::Pharmacy, seoul), 5_055.0 / 22_276.0, 0.015);
}

#[test]
fn names_repeat_and_need_escapes() {
    let rows = country();
    assert_eq!(rows.iter().filter(|row| row.name == "우리약국").count(), 146);
    assert!(rows.iter().any(|row| row.name.contains('&')) && rows.iter().any(|row| row.name.contains('<')));
    assert!(rows.iter().all(|row| row.name.chars().count() <= 21));
}

#[test]
fn addresses_are_understood_to_lie_where_they_were_made() {
    let rows = country();
    let understood = rows.iter().filter(|row| region::of_address(&row.addr) == row.region).count();
    near(understood as f64 / ROWS as f64, 1.0, 0.01);
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another() {
    let file = |seed| {
        let mut bytes = Vec::new();
        write_csv(&synthetic(500, seed), &mut bytes).unwrap();
        bytes
    };
    assert_eq!(file(1), file(1));
    assert_ne!(file(1), file(2));
}

#[test]
fn what_was_written_is_read_back() {
    let rows: Vec<_> = synthetic(500, 3).into_iter().map(|row| OutletInfo { region: None, ..row }).collect();
    let mut bytes = Vec::new();
    write_csv(&rows, &mut bytes).unwrap();
    assert_eq!(read_csv(&*bytes).unwrap(), rows);
    let error =
        read_csv(&b"addr,code,latitude,longitude,name,type\na,1,,,n,01\na,2,,,n,09\n"[..]).unwrap_err();
    assert!(format!("{error:#}").contains("row 2"), "{error:#}");
}

#[test]
fn the_smallest_registries_can_be_made() {
    for rows in 0..4 {
        assert_eq!(synthetic(rows, 1).len(), rows);
    }
}

/// The figures above are those of the list itself, wherever it is at hand.
#[test]
fn the_figures_are_those_of_the_real_list() {
    let Some(text) = real_list() else { return };
    let rows = read_csv(&*text).unwrap();
    assert_eq!(rows.len(), ROWS);
    assert_eq!(rows.iter().filter(|row| row.name == "우리약국").count(), 146);
    assert_eq!(rows.iter().filter(|row| row.place.is_none()).count(), 411);
    assert_eq!(rows.iter().filter(|row| row.addr.trim() != row.addr).count(), 477);
}

/// The list, unpacked; `None`, with a word why, where it is not at hand.
fn real_list() -> Option<Vec<u8>> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let folder = std::env::var_os("JAEGO_DATA").map_or(beside, PathBuf::from);
    let file = folder.join("kr-mask-stores/stores_2020-03-15.csv.gz");
    let Ok(packed) = File::open(&file) else {
        println!("skipped: no {}; name the folder of the data in JAEGO_DATA", file.display());
        return None;
    };
    let mut text = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut text).expect("the list is whole");
    Some(text)
}
