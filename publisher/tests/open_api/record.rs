//! The real list of 15 March 2020 gives the answers that were recorded then. Skips, and says so, where it is not at hand.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use publisher::{Edition, Endpoint, Face};
use schemas::registry::{OutletType, Place};
use serde_json::Value;

use crate::world::{World, outlet};

/// The folder of the real data: `JAEGO_DATA`, or beside the workspace.
fn data() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("JAEGO_DATA").map_or_else(beside, PathBuf::from);
    let there = folder.is_dir();
    if !there {
        println!("skipped: no real data at {}; set JAEGO_DATA to its folder", folder.display());
    }
    there.then_some(folder)
}

fn march(folder: &std::path::Path) -> Edition {
    let file = File::open(folder.join("kr-mask-stores/stores_2020-03-15.csv.gz")).unwrap();
    let mut world = World::empty();
    for row in csv::Reader::from_reader(GzDecoder::new(file)).into_records() {
        let row = row.unwrap();
        let place = row[2].parse().ok().zip(row[3].parse().ok()).map(|(lat, lng)| Place { lat, lng });
        world.add(outlet(&row[1], &row[4], &row[0], OutletType::from_code(&row[5]).unwrap(), place));
    }
    Edition::render(None, world.cut(), &Face::default())
}

fn found(edition: &Edition, endpoint: Endpoint, query: &str) -> Vec<Value> {
    let mut body: Value = serde_json::from_slice(&edition.answer(endpoint, query)).unwrap();
    let Value::Array(rows) = body["stores"].take() else { panic!("no list") };
    rows
}

fn codes(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect()
}

/// The codes of a recorded answer, in its order, without those that the list of the same day lacks: its author lost some.
fn recorded(folder: &std::path::Path, file: &str, list: &Edition) -> Vec<String> {
    let known: BTreeSet<&str> =
        list.snapshot().outlets.iter().flatten().map(|o| o.info.code.as_str()).collect();
    let rows = csv::Reader::from_path(folder.join("kr-mask-sales").join(file)).unwrap();
    let codes = rows.into_records().map(|row| row.unwrap()[1].to_owned());
    codes.filter(|code| known.contains(code.as_str())).collect()
}

#[test]
fn circles_and_districts_hold_what_was_recorded() {
    let Some(folder) = data() else { return };
    let edition = march(&folder);
    for (place, counts) in
        [("lat=37.5663&lng=126.9779", [22, 90, 339, 794]), ("lat=37.4979&lng=127.0276", [45, 101, 455, 706])]
    {
        let count = |m: u32| found(&edition, Endpoint::StoresByGeo, &format!("{place}&m={m}")).len();
        assert_eq!([500, 1_000, 3_000, 5_000].map(count), counts, "{place}");
    }

    let circle = recorded(&folder, "storesByGeo_dongjak_1km_2020-03-14_2355.csv", &edition);
    let ours = found(&edition, Endpoint::StoresByGeo, "lat=37.513489&lng=126.941986&m=1000");
    assert_eq!(circle.len(), 40);
    assert_eq!(codes(&ours), circle.into_iter().collect());

    let district = recorded(&folder, "storesByAddr_dongjak-gu_2020-03-14_2355.csv", &edition);
    let ours = found(&edition, Endpoint::StoresByAddr, "address=서울특별시 동작구");
    assert!(district.is_sorted());
    let missed: Vec<_> = district.iter().filter(|code| !codes(&ours).contains(*code)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    println!("동작구: {} rows", ours.len());

    let jinju = found(&edition, Endpoint::StoresByAddr, "address=경상남도 진주시");
    let short = jinju.iter().filter(|row| !row["addr"].as_str().unwrap().starts_with("경상남도")).count();
    assert!(short > 0 && jinju.len() > 100, "{short} of {}", jinju.len());
}
