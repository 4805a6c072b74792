//! Outlets near a place and in tiles, against looking at each.

use proptest::prelude::*;
use publisher::{Face, Publisher};
use schemas::registry::{ExternalIds, Place};
use serde_json::Value;

use crate::client::get;
use crate::world::{World, event};

fn ids(document: &Value) -> Vec<String> {
    document["outlets"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nearby_is_nearest_first_and_misses_nobody(
        events in prop::collection::vec(event(), 0..40),
        lat in 37.54..37.60_f64, lng in 126.95..127.0_f64, metres in 0.0..5_000.0_f64, limit in 1..50_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = World::of(120);
        events.iter().for_each(|event| world.happen(event));
        let publisher = Publisher::new(Face::default());
        publisher.publish(world.cut());
        let centre = Place { lat, lng };
        let mut wanted: Vec<(f64, String)> = world.next.outlets.iter().flatten()
            .filter_map(|view| Some((centre.metres_to(view.info.place?), view)))
            .filter(|(far, view)| *far <= metres && view.item("mask").is_some_and(|mask| mask.level <= schemas::Level::Few))
            .map(|(far, view)| (far, view.info.code.to_string()))
            .collect();
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let uri = format!("/v1/nearby?lat={lat}&lng={lng}&radius_m={metres}&limit={limit}&min_level=few");
        let found = runtime.block_on(get(&publisher.router(), &uri)).json();
        prop_assert_eq!(found["total"].as_u64().unwrap(), wanted.len() as u64);
        let wanted_ids: Vec<String> = wanted.iter().take(limit).map(|(_, id)| id.clone()).collect();
        prop_assert_eq!(ids(&found), wanted_ids);
        for (row, (far, _)) in found["outlets"].as_array().unwrap().iter().zip(&wanted) {
            prop_assert!((row["distance_m"].as_f64().unwrap() - far).abs() <= 0.5);
        }
    }
}

#[tokio::test]
async fn the_tiles_of_a_zoom_hold_every_outlet_with_a_place_once() {
    let world = &mut World::of(300);
    let publisher = Publisher::new(Face::default());
    publisher.publish(world.cut());
    let router = publisher.router();
    let mut placed: Vec<String> = world
        .next
        .outlets
        .iter()
        .flatten()
        .filter(|v| v.info.place.is_some())
        .map(|v| v.info.code.to_string())
        .collect();
    placed.sort();
    for (z, xs, ys) in [(6, 54..=54, 24..=24), (12, 3490..=3494, 1584..=1588)] {
        let mut found = Vec::new();
        for (x, y) in xs.flat_map(|x| ys.clone().map(move |y| (x, y))) {
            let tile = get(&router, &format!("/v1/tiles/{z}/{x}/{y}.json")).await.json();
            let rows = tile["outlets"].as_array().unwrap();
            found.extend(rows.iter().map(|row| row[0].as_str().unwrap().to_owned()));
        }
        found.sort();
        assert_eq!(found, placed, "zoom {z}");
    }
}

#[tokio::test]
async fn a_wrong_question_is_told_what_is_wrong() {
    let publisher = Publisher::new(Face::default());
    publisher.publish(World::of(10).cut());
    let router = publisher.router();
    for (uri, word) in [
        ("/v1/nearby", "lat"),
        ("/v1/nearby?lat=37.5", "lng"),
        ("/v1/nearby?lat=x&lng=127", "lat"),
        ("/v1/nearby?lat=NaN&lng=127", "lat"),
        ("/v1/nearby?lat=37.5&lng=127&radius_m=5001", "radius_m"),
        ("/v1/nearby?lat=37.5&lng=127&limit=0", "limit"),
        ("/v1/nearby?lat=37.5&lng=127&limit=2.7", "limit"),
        ("/v1/nearby?lat=37.5&lng=127&limit=%2B7", "limit"),
        ("/v1/nearby?lat=37.5&lng=127&limit=1000000001", "limit"),
        ("/v1/within?bbox=126,37,128,38&limit=", "limit"),
        ("/v1/nearby?lat=37.5&lng=127&min_level=break", "min_level"),
        ("/v1/nearby?lat=37.5&lng=127&item=%20", "item"),
        ("/v1/within?bbox=127,37,128,x", "bbox"),
        ("/v1/within?bbox=1,2,3", "bbox"),
        ("/v1/within?bbox=1,2,3,NaN", "bbox"),
        ("/v1/within", "lat"),
        ("/v1/changes", "since"),
        ("/v1/changes?since=-1", "since"),
        ("/v1/changes?since=%2B5", "since"),
        ("/v1/changes?since=", "since"),
        ("/v1/stream?since=%2B5", "since"),
        ("/v1/changes?since=7&region=99", "region"),
        ("/v1/stream?region=abc", "region"),
    ] {
        let told = get(&router, uri).await;
        assert_eq!(told.status, 400, "{uri}");
        let detail = told.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(word), "{uri}: {detail}");
    }
    for nowhere in ["128,37,126,38", "126,38,128,37", "-180,-180,-170,-170"] {
        assert_eq!(get(&router, &format!("/v1/within?bbox={nowhere}")).await.json()["total"], 0);
    }
    for uri in [
        "/v1/outlets/nobody",
        "/v1/regions/99/stock.json",
        "/v1/regions/1168/stock.json",
        "/v1/stock.xml",
        "/v1/tiles/3/1/1.json",
    ] {
        assert_eq!(get(&router, uri).await.status, 404, "{uri}");
    }
    let version = publisher.edition().version();
    for (signed, status) in [("", 200), ("+", 404)] {
        let uri = format!("/v1/versions/{signed}{version}/stock.json");
        assert_eq!(get(&router, &uri).await.status, status, "{uri}");
    }
    for limit in ["7", "1000000000"] {
        let uri = format!("/v1/nearby?lat=37.5663&lng=126.9779&radius_m=5000&limit={limit}");
        assert!(get(&router, &uri).await.json()["outlets"].as_array().unwrap().len() >= 7, "{uri}");
    }
}

/// Gives an outlet of a world its ids in other registers.
fn name(world: &mut World, which: usize, mask: Option<&str>, hira: Option<&str>) {
    let id = |text: &str| schemas::OutletCode::new(text).unwrap();
    let mut view = schemas::snapshot::OutletView::clone(world.next.outlets[which].as_ref().unwrap());
    let ids = ExternalIds { mask: mask.map(id), hira: hira.map(id) };
    std::sync::Arc::make_mut(&mut view.info).external_ids = Some(Box::new(ids));
    world.next.outlets[which] = Some(std::sync::Arc::new(view));
    world.next.registry_version += 1;
}

#[tokio::test]
async fn an_outlet_is_found_by_what_other_registers_call_it() {
    let mut world = World::of(6);
    let codes: Vec<String> =
        world.next.outlets.iter().flatten().map(|view| view.info.code.to_string()).collect();
    name(&mut world, 0, Some("mask-0"), Some("JDQ4/MSM+aa=="));
    // Two are called alike; a third is called as a fourth calls itself.
    name(&mut world, 1, Some("twins"), None);
    name(&mut world, 2, None, Some("twins"));
    name(&mut world, 3, Some(&codes[4]), None);
    let publisher = Publisher::new(Face::default());
    let version = world.cut();
    publisher.publish(version.clone());
    let router = publisher.router();
    let own = get(&router, &format!("/v1/outlets/{}", codes[0])).await;
    assert_eq!((own.status.as_u16(), own.header("content-location")), (200, None));
    assert_eq!(
        own.json()["outlet"]["external_ids"],
        serde_json::json!({ "mask": "mask-0", "hira": "JDQ4/MSM+aa==" })
    );
    for base in ["/v1".to_owned(), format!("/v1/versions/{}", version.version)] {
        for id in ["mask-0", "JDQ4%2FMSM%2Baa%3D%3D", "JDQ4/MSM+aa=="] {
            let other = get(&router, &format!("{base}/outlets/{id}")).await;
            assert_eq!(
                (other.status, &other.body, other.header("etag")),
                (own.status, &own.body, own.header("etag"))
            );
            let canonical = format!("{base}/outlets/{}", codes[0]);
            assert_eq!(other.header("content-location"), Some(canonical.as_str()), "{id}");
        }
    }
    let fourth = get(&router, &format!("/v1/outlets/{}", codes[4])).await;
    assert_eq!(fourth.json()["outlet"]["id"], codes[4].as_str(), "its own code comes first");
    for (id, title) in [("twins", "Ambiguous id"), ("nobody", "No such outlet"), ("%FF", "No such outlet")] {
        let answer = get(&router, &format!("/v1/outlets/{id}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()["title"].as_str()), (404, Some(title)), "{id}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    // A list without the ids: nobody is called so any more.
    let mut view = schemas::snapshot::OutletView::clone(world.next.outlets[0].as_ref().unwrap());
    std::sync::Arc::make_mut(&mut view.info).external_ids = None;
    world.next.outlets[0] = Some(std::sync::Arc::new(view));
    world.next.registry_version += 1;
    publisher.publish(world.cut());
    assert_eq!(get(&router, "/v1/outlets/mask-0").await.status, 404);
    assert!(
        get(&router, &format!("/v1/outlets/{}", codes[0])).await.json()["outlet"]
            .get("external_ids")
            .is_none()
    );
}
