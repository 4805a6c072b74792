//! Circles are exact to the metre; districts find rows however their address is written.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use publisher::{Edition, Endpoint, Face};
use schemas::registry::{OutletType, Place};
use serde_json::Value;

use crate::world::{World, outlet};

/// 6,000 outlets around Seoul on a fine lattice, so that many lie on one point or close to an edge.
static CITY: LazyLock<Edition> = LazyLock::new(|| {
    let mut world = World::empty();
    for n in 0..6_000u32 {
        let step = |k: u32| f64::from(n.wrapping_mul(k) >> 16 & 0x3ff) / 8_000.0;
        let place = Place { lat: 37.5 + step(2_654_435_761), lng: 126.9 + step(40_503_517) };
        let info = outlet(&n.to_string(), "약국", "", OutletType::Mart, (n % 9 > 0).then_some(place));
        world.add(info);
    }
    Edition::render(None, world.cut(), &Face::default())
});

fn rows(edition: &Edition, endpoint: Endpoint, query: &str) -> Vec<Value> {
    let mut body: Value = serde_json::from_slice(&edition.answer(endpoint, query)).unwrap();
    let Value::Array(rows) = body["stores"].take() else { panic!("no list") };
    assert_eq!(body["count"], rows.len());
    rows
}

fn codes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["code"].as_str().unwrap()).collect()
}

/// What a reader who measures every outlet would find.
fn measured(edition: &Edition, centre: Place, metres: f64) -> Vec<&str> {
    let outlets = edition.snapshot().outlets.iter().flatten();
    let near = outlets.filter(|o| o.info.place.is_some_and(|p| centre.metres_to(p) <= metres));
    near.map(|o| o.info.code.as_str()).collect()
}

proptest! {
    #[test]
    fn a_circle_holds_exactly_what_lies_within_it(
        lat in 37.45..37.7f64, lng in 126.85..127.1f64, metres in 0..6_000u32,
    ) {
        let found = rows(&CITY, Endpoint::StoresByGeo, &format!("lat={lat}&lng={lng}&m={metres}"));
        let expected = measured(&CITY, Place { lat, lng }, f64::from(metres.min(5_000)));
        prop_assert_eq!(codes(&found), expected);
    }

    #[test]
    fn the_edge_belongs_to_the_circle(which in 1..6_000usize, other in 1..6_000usize) {
        let place = |n: usize| CITY.snapshot().outlets[n].as_ref().unwrap().info.place;
        let (Some(centre), Some(edge)) = (place(which), place(other)) else { return Ok(()) };
        let metres = centre.metres_to(edge);
        prop_assume!(metres <= 5_000.0);
        let query = format!("lat={}&lng={}&m={metres}", centre.lat, centre.lng);
        let found = rows(&CITY, Endpoint::StoresByGeo, &query);
        prop_assert!(codes(&found).contains(&other.to_string().as_str()));
    }
}

#[test]
fn circles_far_north_and_at_the_limits_are_exact_too() {
    let mut world = World::empty();
    for n in 0..4_000u32 {
        let place = Place { lat: 42.95 + f64::from(n % 63) / 600.0, lng: 131.9 + f64::from(n / 63) / 400.0 };
        world.add(outlet(&n.to_string(), "약국", "", OutletType::Mart, Some(place)));
    }
    let edition = Edition::render(None, world.cut(), &Face::default());
    let found = rows(&edition, Endpoint::StoresByGeo, "lat=43&lng=132&m=5000");
    assert!(found.len() > 100);
    assert_eq!(codes(&found), measured(&edition, Place { lat: 43.0, lng: 132.0 }, 5_000.0));
}

#[test]
fn districts_find_short_named_rows_sorted_by_code() {
    let mut world = World::empty();
    for (code, addr) in [
        ("34000003", "경남 진주시 동진로 4 "),
        ("34000001", "경상남도 진주시 남강로 3 (상대동),"),
        ("5038300744", "진주시 진주대로 5"),
        ("34000009", "경상남도 창원시 성산구 마디미로 1 (상남동)"),
        ("11000002", "서울특별시 용산구 장문로 66-1 (보광동)"),
        ("11000001", "서울특별시 용산구 보광로 1 (이태원동)"),
    ] {
        world.add(outlet(code, "약국", addr, OutletType::Pharmacy, None));
    }
    let edition = Edition::render(None, world.cut(), &Face::default());
    for (address, found) in [
        ("경상남도 진주시", &["34000001", "34000003", "5038300744"][..]),
        ("경상남도+창원시", &["34000009"]),
        ("서울특별시%20용산구", &["11000001", "11000002"]),
        ("서울특별시 용산구 보광동", &["11000002"]),
        ("서울특별시", &[]),
        ("경상남도 없는시", &[]),
        ("", &[]),
    ] {
        let rows = rows(&edition, Endpoint::StoresByAddr, &format!("address={address}&page=2"));
        assert_eq!(codes(&rows), found, "{address}");
    }
}

#[test]
fn one_that_left_is_found_nowhere() {
    let mut world = World::empty();
    let place = Some(Place { lat: 37.5663, lng: 126.9779 });
    world.add(outlet("1", "약국", "서울특별시 강남구 논현로 1", OutletType::Pharmacy, place));
    let first = Edition::render(None, world.cut(), &Face::default());
    world.happen(&crate::world::Event::Leave(0));
    let second = Edition::render(Some(&first), Arc::clone(&world.cut()), &Face::default());
    for endpoint in [Endpoint::StoresByGeo, Endpoint::StoresByAddr] {
        assert_eq!(codes(&rows(&first, endpoint, "")), ["1"]);
        assert_eq!(codes(&rows(&second, endpoint, "")), [""; 0]);
    }
}
