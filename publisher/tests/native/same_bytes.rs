//! Same version and address, same bytes and tag: whatever a server published before, in every coding, and after a restart.

use proptest::prelude::*;
use publisher::{Archive, Face, Publisher};

use crate::client::{Answer, FACE, ask, paths};
use crate::world::{Event, World, event};

/// The answer without what is of this moment.
fn lasting(mut answer: Answer) -> Answer {
    for moment in ["age", "cache-status"] {
        answer.headers.remove(moment);
    }
    answer
}

fn all_paths() -> impl Iterator<Item = String> {
    paths().into_iter().chain(FACE.map(str::to_owned))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_server_gives_the_same_bytes(steps in prop::collection::vec(prop::collection::vec(event(), 0..12), 1..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = World::of(60);
        let old = Publisher::new(Face::default());
        old.publish(world.cut());
        // The old server has made and compressed bodies of every version before.
        for step in &steps {
            runtime.block_on(async {
                for path in all_paths() {
                    ask(&old.router(), "GET", &path, &[("accept-encoding", "zstd")]).await;
                }
            });
            step.iter().for_each(|event| world.happen(event));
            old.publish(world.cut());
        }
        let new = Publisher::new(Face::default());
        new.publish(std::sync::Arc::new(old.edition().snapshot().clone()));
        runtime.block_on(async {
            for path in all_paths() {
                let mut tags = Vec::new();
                for coding in ["identity", "gzip", "br", "zstd"] {
                    let headers = [("accept-encoding", coding)];
                    let [a, b] = [&old, &new].map(|publisher| publisher.router());
                    let a = lasting(ask(&a, "GET", &path, &headers).await);
                    let b = lasting(ask(&b, "GET", &path, &headers).await);
                    assert!(a.status == 200 && !a.body.is_empty(), "{path}: {a:?}");
                    // A list of files holds for a minute: the servers may list different versions.
                    if !path.contains("manifest") {
                        assert_eq!(a, b, "{path}");
                    }
                    let (tag, plain) = (a.header("etag").unwrap().to_owned(), a.plain());
                    tags.push((tag, plain));
                }
                let plain: std::collections::HashSet<_> = tags.iter().map(|(_, plain)| plain).collect();
                assert_eq!(plain.len(), 1, "{path} says something else when it is compressed");
            }
        });
    }

    #[test]
    fn lists_of_files_are_equal_whatever_a_server_holds(steps in prop::collection::vec(event(), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::of(30);
        let [core, edge, late] = [(); 3].map(|()| Publisher::new(Face::default()));
        core.keep_history(Archive::open(dir.path().to_owned(), 3, Face::default()).unwrap());
        edge.history_is_at("https://core.example".to_owned());
        for publisher in [&core, &edge] {
            publisher.publish(world.cut());
        }
        steps.iter().for_each(|event| world.happen(event));
        let last = world.cut();
        for publisher in [&core, &edge, &late] {
            publisher.publish(last.clone());
        }
        let [core, edge, late] = [core, edge, late].map(|publisher| {
            lasting(runtime.block_on(ask(&publisher.router(), "GET", "/v1/manifest.json", &[])))
        });
        assert_eq!(core.json()["history"], "/v1/history.json");
        assert_eq!(core.json()["version"], last.version);
        assert!(core == edge && edge == late, "they tell more than the version does");
    }

    #[test]
    fn tags_are_equal_exactly_where_bytes_are(steps in prop::collection::vec(event(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = World::of(20);
        let publisher = Publisher::new(Face::default());
        let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
        for step in std::iter::once(&Event::Close).chain(&steps) {
            world.happen(step);
            publisher.publish(world.cut());
            let native = ["/v1/outlets.csv", "/v1/stock.ndjson", "/v1/regions/11680/stock.json"];
            for path in native.into_iter().chain(FACE) {
                let answer = runtime.block_on(ask(&publisher.router(), "GET", path, &[]));
                seen.push((answer.header("etag").unwrap().to_owned(), answer.body));
            }
        }
        for (n, (tag, body)) in seen.iter().enumerate() {
            for (other_tag, other_body) in &seen[..n] {
                assert_eq!(tag == other_tag, body == other_body);
            }
        }
    }
}
