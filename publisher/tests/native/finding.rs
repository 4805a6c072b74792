//! Outlets near a place and in tiles, against looking at each.

use proptest::prelude::*;
use publisher::{Face, Publisher};
use schemas::registry::Place;
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
        ("/v1/nearby?lat=37.5&lng=127&min_level=break", "min_level"),
        ("/v1/nearby?lat=37.5&lng=127&item=%20", "item"),
        ("/v1/within?bbox=127,37,128,x", "bbox"),
        ("/v1/within?bbox=1,2,3", "bbox"),
        ("/v1/within?bbox=1,2,3,NaN", "bbox"),
        ("/v1/within", "lat"),
        ("/v1/changes", "since"),
        ("/v1/changes?since=-1", "since"),
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
}
