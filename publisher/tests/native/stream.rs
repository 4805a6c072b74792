//! A reader of the stream that is cut off at random moments, and comes back, ends with what a fresh snapshot says.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use publisher::{Face, Publisher};
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::changes::{Held, held};
use crate::client::get;
use crate::world::{World, event};

const PATIENCE: Duration = Duration::from_secs(20);

/// One connection of a reader, and what came of an event that is not whole yet.
struct Line {
    body: Body,
    text: String,
}

impl Line {
    async fn open(publisher: &Publisher, region: &str, last: u64) -> Self {
        let request = Request::get(format!("/v1/stream{region}")).header("last-event-id", last.to_string());
        let response = publisher.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event: its name, id and data. None where the line was closed.
    async fn event(&mut self) -> Option<(String, u64, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let event = (
                    field("event").unwrap().to_owned(),
                    field("id").unwrap().parse().unwrap(),
                    serde_json::from_str(field("data").unwrap()).unwrap(),
                );
                self.text = rest.to_owned();
                return Some(event);
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("an event")?;
            self.text += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
        }
    }
}

fn take_in(held: &mut Held, data: &Value) {
    for id in data["removed"].as_array().unwrap() {
        held.remove(id.as_str().unwrap());
    }
    for row in data["upserts"].as_array().unwrap() {
        held.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_reader_that_is_cut_ends_with_a_fresh_snapshot(
        // What happens, whether the reader listens to this version, and whether it is cut after it.
        steps in prop::collection::vec((prop::collection::vec(event(), 0..10), any::<bool>(), any::<bool>()), 1..12),
        region in prop::sample::select(vec![("", "/v1"), ("?region=11", "/v1/regions/11"), ("?region=48170", "/v1/regions/48170")]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::of(40);
            let publisher = Publisher::new(Face::default());
            publisher.publish(world.cut());
            let keyframe = format!("{}/outlets_with_stock.json", region.1);
            let (mut has, mut rows) = held(&get(&publisher.router(), &keyframe).await);
            let mut line = Line::open(&publisher, region.0, has).await;
            for (n, (events, listens, cut)) in steps.iter().enumerate() {
                events.iter().for_each(|event| world.happen(event));
                publisher.publish(world.cut());
                // In the end everybody listens.
                if *listens || n + 1 == steps.len() {
                    let (name, id, data) = line.event().await.unwrap();
                    assert_eq!((name.as_str(), id), ("changes", world.next.version));
                    take_in(&mut rows, &data);
                    has = id;
                }
                if *cut {
                    line = Line::open(&publisher, region.0, has).await;
                }
            }
            let (version, wanted) = held(&get(&publisher.router(), &keyframe).await);
            assert_eq!((has, rows), (version, wanted));
        });
    }
}

#[tokio::test]
async fn who_slept_too_long_begins_anew_and_all_lines_end_when_told() {
    let mut world = World::of(4);
    let publisher = Publisher::new(Face::default());
    let first = world.cut();
    publisher.publish(first.clone());
    let mut line = Line::open(&publisher, "?region=11680", first.version - 1).await;
    let (name, id, data) = line.event().await.unwrap();
    assert_eq!((name.as_str(), id), ("reset", first.version));
    assert_eq!(data["keyframe"], "/v1/regions/11680/outlets_with_stock.json");
    let of_version = data["keyframe_of_version"].as_str().unwrap();
    assert_eq!(of_version, format!("/v1/versions/{id}/regions/11680/outlets_with_stock.json"));
    assert_eq!(get(&publisher.router(), of_version).await.json()["version"], id);
    publisher.publish(world.cut());
    assert_eq!(line.event().await.unwrap().0, "changes");
    publisher.close_streams();
    assert_eq!(line.event().await, None);
}

#[tokio::test]
async fn a_last_event_without_an_id_is_none() {
    let mut world = World::of(4);
    let publisher = Publisher::new(Face::default());
    let first = world.cut();
    publisher.publish(first.clone());
    publisher.publish(world.cut());
    let router = publisher.router();
    let uri = format!("/v1/stream?since={}", first.version);
    for (id, status) in [("", 200), (" ", 200), ("7", 200), ("+7", 400), ("x", 400)] {
        let request = Request::get(&uri).header("last-event-id", id).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{id:?}");
    }
    let request = Request::get(&uri).header("last-event-id", "").body(Body::empty()).unwrap();
    let body = router.oneshot(request).await.unwrap().into_body();
    let (name, id, _) = Line { body, text: String::new() }.event().await.unwrap();
    assert_eq!((name.as_str(), id), ("changes", world.next.version), "since tells what it has");
}
