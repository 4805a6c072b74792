//! The face of 2020 as caches and thrifty clients see it: tags, codings and terms beside the bytes that every client gets.

use axum::Router;
use axum::http::header;
use publisher::{Endpoint, Face, Publisher};

use crate::client::{FACE, ask, get};
use crate::world::World;

fn served(outlets: u32) -> (Publisher, Router) {
    let publisher = Publisher::new(Face::default());
    publisher.publish(World::of(outlets).cut());
    (publisher.clone(), publisher.router())
}

#[tokio::test]
async fn a_plain_client_gets_the_bytes_of_the_edition_as_they_are() {
    let (publisher, router) = served(400);
    for path in FACE {
        let answer = get(&router, path).await;
        let (endpoint, query) = path.split_once('?').unwrap_or((path, ""));
        let is = |known: &Endpoint| endpoint.trim_end_matches('/') == known.path();
        let endpoint = Endpoint::ALL.into_iter().find(is).unwrap();
        assert_eq!(answer.body, publisher.edition().answer(endpoint, query), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()), "{path}");
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
}

#[tokio::test]
async fn who_has_an_answer_is_told_so_without_it() {
    let (publisher, router) = served(400);
    let mut world = World::of(400);
    for path in FACE {
        let first = get(&router, path).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.len() == 34 && tag.starts_with('"'), "strong: {tag}");
        let packed = ask(&router, "GET", path, &[("accept-encoding", "zstd")]).await;
        for (method, known) in
            [("GET", tag.as_str()), ("HEAD", &tag), ("GET", packed.header("etag").unwrap())]
        {
            let again = ask(&router, method, path, &[("if-none-match", known)]).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path} {known}");
            for same in ["etag", "cache-control", "vary", "access-control-allow-origin"] {
                assert_eq!(again.header(same), first.header(same), "{path} {same}");
            }
        }
        let other =
            ask(&router, "GET", path, &[("if-none-match", "\"00000000000000000000000000000000\"")]).await;
        assert_eq!((other.status.as_u16(), other.body), (200, first.body), "{path}");
    }
    // A new count: who sells is as before, what they have is not.
    let tags = async || {
        let mut tags = Vec::new();
        for path in FACE {
            tags.push(get(&router, path).await.headers[header::ETAG].clone());
        }
        tags
    };
    let before = tags().await;
    (0..400).step_by(2).for_each(|which| world.report(which, 150));
    publisher.publish(world.cut());
    let changed: Vec<bool> = before.iter().zip(tags().await).map(|(old, new)| *old != new).collect();
    assert_eq!(changed, [false, false, true, false, true, true, true, true, false]);
}

#[tokio::test]
async fn codings_say_the_same_and_small_answers_go_as_they_are() {
    let (_, router) = served(2_500);
    for path in FACE.into_iter().chain(["/corona19-masks/v1/stores/json?perPage=5000"]) {
        let plain = get(&router, path).await;
        for coding in ["gzip", "br", "zstd"] {
            let packed = ask(&router, "GET", path, &[("accept-encoding", coding)]).await;
            let small = plain.body.len() < 860;
            assert_eq!(packed.header("content-encoding"), (!small).then_some(coding), "{path}");
            assert!(packed.plain() == plain.body, "{path} {coding}");
            assert!(small || packed.body.len() < plain.body.len() / 2, "{path} {coding}");
            assert_eq!(packed.header("etag") == plain.header("etag"), small, "{path}");
            assert_eq!(packed.header("vary"), Some("Accept-Encoding"));
        }
        let refused = ask(&router, "GET", path, &[("accept-encoding", "identity;q=0")]).await;
        assert_eq!(refused.status, 406, "{path}");
    }
}

#[tokio::test]
async fn a_head_tells_what_a_get_would_and_the_terms_are_those_of_the_version() {
    let (_, router) = served(400);
    for path in FACE {
        for coding in ["identity", "gzip"] {
            let [whole, head] = ["GET", "HEAD"].map(|method| (method, [("accept-encoding", coding)]));
            let whole = ask(&router, whole.0, path, &whole.1).await;
            let head = ask(&router, head.0, path, &head.1).await;
            assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
            assert_eq!(head.header("content-length").unwrap(), whole.body.len().to_string(), "{path}");
            for same in ["etag", "content-type", "content-encoding", "cache-control"] {
                assert_eq!(head.header(same), whole.header(same), "{path} {same}");
            }
        }
        let answer = get(&router, path).await;
        let terms = "public, max-age=1, stale-while-revalidate=10, stale-if-error=86400";
        assert_eq!(answer.header("cache-control"), Some(terms), "{path}");
        assert!(answer.header("age").unwrap().parse::<u64>().unwrap() > 100_000_000, "cut in 2020");
    }
}
