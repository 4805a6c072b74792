//! A reader who takes a page of every version misses no row that was there throughout.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use publisher::{Edition, Endpoint, Face};
use schemas::snapshot::Snapshot;
use serde_json::Value;

use crate::world::{Event, World, event};

fn page(snapshot: Arc<Snapshot>, endpoint: Endpoint, number: usize) -> Value {
    let edition = Edition::render(None, snapshot, &Face::default());
    serde_json::from_slice(&edition.answer(endpoint, &format!("page={number}"))).unwrap()
}

fn codes(page: &Value, key: &str) -> Vec<String> {
    let rows = page[key].as_array().unwrap().iter();
    rows.map(|row| row["code"].to_string().trim_matches('"').to_owned()).collect()
}

/// All codes of a list at one version.
fn all(snapshot: &Arc<Snapshot>, endpoint: Endpoint, key: &str) -> BTreeSet<String> {
    let edition = Edition::render(None, Arc::clone(snapshot), &Face::default());
    let whole = edition.answer(endpoint, "perPage=5000");
    codes(&serde_json::from_slice(&whole).unwrap(), key).into_iter().collect()
}

fn walk(endpoint: Endpoint, key: &str, steps: &[Vec<Event>], until_short: bool) {
    let mut world = World::of(1_700);
    let mut snapshot = world.cut();
    let mut throughout = all(&snapshot, endpoint, key);
    let mut seen = BTreeSet::new();
    let mut pages = None;
    for number in 1.. {
        let page = page(Arc::clone(&snapshot), endpoint, number);
        let rows = codes(&page, key);
        assert_eq!(page["count"], rows.len());
        let pages = *pages.get_or_insert(page["totalPages"].as_u64().unwrap());
        let last = if until_short { rows.len() < 500 } else { number as u64 == pages };
        seen.extend(rows);
        if last {
            break;
        }
        let grace = |event: &&Event| !matches!(event, Event::Close);
        steps.iter().cycle().nth(number).unwrap().iter().filter(grace).for_each(|e| world.happen(e));
        snapshot = world.cut();
        let now = all(&snapshot, endpoint, key);
        throughout.retain(|code| now.contains(code));
    }
    let missed: Vec<_> = throughout.difference(&seen).collect();
    assert!(missed.is_empty(), "missed {missed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn no_row_that_stays_is_missed(
        steps in prop::collection::vec(prop::collection::vec(event(), 0..40), 1..6),
        until_short: bool,
    ) {
        walk(Endpoint::Stores, "storeInfos", &steps, until_short);
        walk(Endpoint::Sales, "sales", &steps, until_short);
    }
}

#[test]
fn a_page_begins_at_its_place_and_goes_on_until_it_is_full() {
    let mut world = World::of(1_100);
    let before = page(world.cut(), Endpoint::Stores, 2);
    // Live rows shift as they leave, so these are the first ten, then the 500th place on.
    (0..10).for_each(|_| world.happen(&Event::Leave(0)));
    (0..5).for_each(|_| world.happen(&Event::Leave(490)));
    let snapshot = world.cut();
    let first = page(Arc::clone(&snapshot), Endpoint::Stores, 1);
    let second = page(snapshot, Endpoint::Stores, 2);
    assert_eq!((&first["count"], &second["count"]), (&500.into(), &500.into()));
    assert_eq!((&first["totalCount"], &first["totalPages"]), (&1085.into(), &3.into()));
    let (before, first, second) =
        (codes(&before, "storeInfos"), codes(&first, "storeInfos"), codes(&second, "storeInfos"));
    assert_eq!(second[0], before[5], "page 2 begins at place 500 and passes over the five that left");
    assert_eq!(first[490..], second[..10], "page 1 goes on into page 2");
}

#[test]
fn places_held_at_the_end_make_no_page() {
    let mut world = World::of(501);
    assert_eq!(page(world.cut(), Endpoint::Stores, 1)["totalPages"], 2);
    world.happen(&Event::Leave(500));
    let page = page(world.cut(), Endpoint::Stores, 1);
    assert_eq!((&page["totalPages"], &page["totalCount"]), (&1.into(), &500.into()));
}
