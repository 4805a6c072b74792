//! Changes applied to an older version give the newer one, for the country and for each part of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use publisher::{Face, Publisher};
use serde_json::Value;

use crate::client::{Answer, get};
use crate::world::{World, event};

/// What a reader has: rows by id.
pub(crate) type Held = BTreeMap<String, Value>;

pub(crate) fn held(keyframe: &Answer) -> (u64, Held) {
    let document = keyframe.json();
    let rows = document["outlets"].as_array().unwrap().iter();
    let held = rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row.clone())).collect();
    (document["version"].as_u64().unwrap(), held)
}

/// Takes in the lines of `changes`, and tells the version that the reader then has.
fn take_in(held: &mut Held, changes: &Answer) -> u64 {
    let mut next = None;
    for line in changes.text().lines() {
        assert_eq!(next, None, "something comes after the last line");
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(row) = line.get("upsert") {
            held.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
        } else if let Some(id) = line.get("remove") {
            held.remove(id.as_str().unwrap());
        } else {
            next = Some(line["next"].as_u64().unwrap());
        }
    }
    next.unwrap()
}

const BASES: [(&str, &str); 4] = [
    ("/v1", ""),
    ("/v1/regions/11", "&region=11"),
    ("/v1/regions/48170", "&region=48170"),
    ("/v1/regions/41110", "&region=41110"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn changes_since_any_version_lead_to_this_one(
        steps in prop::collection::vec(prop::collection::vec(event(), 0..12), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = World::of(40);
        let publisher = Publisher::new(Face::default());
        let router = publisher.router();
        let mut readers: Vec<(&str, &str, u64, Held)> = Vec::new();
        publisher.publish(world.cut());
        for step in &steps {
            for (base, region) in BASES {
                let keyframe = runtime.block_on(get(&router, &format!("{base}/outlets_with_stock.json")));
                let (version, held) = held(&keyframe);
                readers.push((base, region, version, held));
            }
            step.iter().for_each(|event| world.happen(event));
            publisher.publish(world.cut());
        }
        for (base, region, since, mut has) in readers {
            let changes = runtime.block_on(get(&router, &format!("/v1/changes?since={since}{region}")));
            let next = take_in(&mut has, &changes);
            let (version, wanted) =
                held(&runtime.block_on(get(&router, &format!("{base}/outlets_with_stock.json"))));
            prop_assert_eq!(next, version);
            prop_assert_eq!(has, wanted);
        }
    }
}

#[tokio::test]
async fn who_is_too_far_behind_is_shown_the_keyframe() {
    let mut world = World::of(10);
    let publisher = Publisher::new(Face::default());
    let first = world.cut();
    publisher.publish(first.clone());
    let router = publisher.router();
    let before = format!("/v1/changes?region=11&since={}", first.version - 1);
    let gone = get(&router, &before).await;
    assert_eq!(
        (gone.status.as_u16(), gone.json()["keyframe"].as_str()),
        (410, Some("/v1/regions/11/outlets_with_stock.json"))
    );
    let since = format!("/v1/changes?since={}", first.version);
    assert_eq!(get(&router, &since).await.text(), format!("{{\"next\":{}}}\n", first.version));
    // Another server may be ahead: time does not run backwards for its reader.
    assert_eq!(get(&router, "/v1/changes?since=999999").await.text(), "{\"next\":999999}\n");
    for n in 0..600 {
        world.report(n % 10, 5);
        publisher.publish(world.cut());
    }
    assert_eq!(get(&router, &since).await.status, 200);
    publisher.publish(world.cut());
    assert_eq!(get(&router, &since).await.status, 410);
}
