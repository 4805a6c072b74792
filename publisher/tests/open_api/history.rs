//! An edition rendered from the one before it is byte for byte the edition rendered from nothing.

use std::sync::Arc;

use proptest::prelude::*;
use publisher::{Edition, Endpoint, Face, Publisher};
use schemas::snapshot::Snapshot;

use crate::client::{self, Alphabetical};
use crate::world::{World, event};

const QUERIES: [(Endpoint, &str); 14] = [
    (Endpoint::Stores, ""),
    (Endpoint::Stores, "page=2"),
    (Endpoint::Stores, "page=3"),
    (Endpoint::Stores, "page=4"),
    (Endpoint::Stores, "perPage=777&page=2"),
    (Endpoint::Sales, ""),
    (Endpoint::Sales, "page=2"),
    (Endpoint::Sales, "page=0"),
    (Endpoint::Sales, "perPage=5000"),
    (Endpoint::StoresByGeo, ""),
    (Endpoint::StoresByGeo, "lat=37.56&lng=126.97&m=500"),
    (Endpoint::StoresByAddr, ""),
    (Endpoint::StoresByAddr, "address=경상남도 진주시"),
    (Endpoint::StoresByAddr, "address=경기도 수원시"),
];

fn assert_alike(one: &Edition, other: &Edition) {
    for (endpoint, query) in QUERIES {
        assert_eq!(one.answer(endpoint, query), other.answer(endpoint, query), "{endpoint:?} {query}");
    }
    assert_eq!(one.unregistered(), other.unregistered());
}

async fn status(snapshots: &[Arc<Snapshot>]) -> [serde_json::Value; 2] {
    let publisher = Publisher::new(Face::default());
    snapshots.iter().for_each(|snapshot| publisher.publish(Arc::clone(snapshot)));
    let mut page = client::get(&publisher.router(), "/v1/status.json").await.json();
    ["outlets", "items"].map(|key| page[key].take())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_was_taken_over_is_what_would_have_been_rendered(
        versions in prop::collection::vec(prop::collection::vec(event(), 0..6), 1..10),
    ) {
        let face = Face::default();
        let mut world = World::of(1_150);
        let mut snapshots = vec![world.cut()];
        let mut edition = Edition::render(None, Arc::clone(&snapshots[0]), &face);
        for events in &versions {
            events.iter().for_each(|event| world.happen(event));
            let snapshot = world.cut();
            edition = Edition::render(Some(&edition), Arc::clone(&snapshot), &face);
            assert_alike(&edition, &Edition::render(None, Arc::clone(&snapshot), &face));
            snapshots.push(snapshot);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let last = snapshots.len() - 1;
        prop_assert_eq!(
            runtime.block_on(status(&snapshots)),
            runtime.block_on(status(&snapshots[last..]))
        );
    }

    #[test]
    fn every_row_is_json_with_sorted_keys(
        events in prop::collection::vec(event(), 0..60),
        (name, addr) in ("\\PC*", any::<String>()),
    ) {
        let mut world = World::of(60);
        events.iter().for_each(|event| world.happen(event));
        let kind = schemas::registry::OutletType::PostOffice;
        world.add(crate::world::outlet("00", &name, &addr, kind, None));
        let edition = Edition::render(None, world.cut(), &Face::default());
        for (endpoint, query) in QUERIES {
            let body = edition.answer(endpoint, query);
            serde_json::from_slice::<Alphabetical>(&body).unwrap();
        }
        let list: serde_json::Value = serde_json::from_slice(&edition.answer(Endpoint::Stores, "")).unwrap();
        let row = list["storeInfos"].as_array().unwrap().last().unwrap();
        prop_assert_eq!(&row["name"], &name);
        prop_assert_eq!(&row["addr"], &addr);
    }
}

#[test]
fn other_rules_of_time_render_every_row_again() {
    let mut world = World::of(3);
    let first = Edition::render(None, world.cut(), &Face::default());
    Arc::make_mut(&mut world.next.rules).offset_minutes = 0;
    let snapshot = world.cut();
    let second = Edition::render(Some(&first), Arc::clone(&snapshot), &Face::default());
    assert_alike(&second, &Edition::render(None, snapshot, &Face::default()));
    assert_ne!(first.answer(Endpoint::Sales, ""), second.answer(Endpoint::Sales, ""));
}

#[test]
fn pages_in_which_nothing_changed_are_the_same_memory() {
    let mut world = World::of(2_200);
    let first = Edition::render(None, world.cut(), &Face::default());
    world.report(0, 12);
    let second = Edition::render(Some(&first), world.cut(), &Face::default());
    let shared =
        |endpoint, query| first.answer(endpoint, query).as_ptr() == second.answer(endpoint, query).as_ptr();
    assert!(shared(Endpoint::Stores, "page=1"));
    assert!(!shared(Endpoint::Sales, "page=1"));
    assert!(shared(Endpoint::Sales, "page=2"));
}

#[test]
fn a_journal_started_anew_leaves_nothing_of_the_old_one() {
    let mut renamed = World::of(3);
    renamed.happen(&crate::world::Event::Rename(1));
    for mut new in [renamed, World::of(2)] {
        let mut old = World::of(3);
        new.next.registry_version = old.next.registry_version;
        let first = Edition::render(None, old.cut(), &Face::default());
        let snapshot = new.cut();
        let second = Edition::render(Some(&first), Arc::clone(&snapshot), &Face::default());
        assert_alike(&second, &Edition::render(None, snapshot, &Face::default()));
    }
}
