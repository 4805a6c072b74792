//! Tags, parts, codings and terms, as a cache in front relies on them.

use axum::Router;
use publisher::{Face, Publisher};

use crate::client::{ask, get};
use crate::world::World;

const FILE: &str = "/v1/outlets_with_stock.json";

fn served() -> (Publisher, Router) {
    let publisher = Publisher::new(Face::default());
    publisher.publish(World::of(200).cut());
    (publisher.clone(), publisher.router())
}

#[tokio::test]
async fn who_has_a_body_is_told_so_without_it() {
    let (publisher, router) = served();
    let first = get(&router, FILE).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert!(!tag.starts_with("W/") && tag.len() == 34, "{tag}");
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        for method in ["GET", "HEAD"] {
            let again = ask(&router, method, FILE, &[("if-none-match", &known)]).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            for kept in ["cache-control", "vary", "age", "access-control-allow-origin"] {
                assert_eq!(again.header(kept), first.header(kept), "{kept}");
            }
        }
    }
    // The tag of one coding is known in another: the reader has these facts.
    let packed = ask(&router, "GET", FILE, &[("accept-encoding", "br")]).await;
    let tag_packed = packed.header("etag").unwrap().to_owned();
    assert_ne!(tag_packed, tag);
    assert_eq!(ask(&router, "GET", FILE, &[("if-none-match", &tag_packed)]).await.status, 304);
    let mut world = World::of(200);
    world.report(0, 77);
    world.cut();
    publisher.publish(world.cut());
    assert_eq!(ask(&router, "GET", FILE, &[("if-none-match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn parts_add_up_to_the_body_in_every_coding() {
    let (_, router) = served();
    for coding in ["identity", "gzip", "zstd"] {
        let coding = ("accept-encoding", coding);
        let whole = ask(&router, "GET", FILE, &[coding]).await;
        let half = whole.body.len() / 2;
        let first = ask(&router, "GET", FILE, &[coding, ("range", &format!("bytes=0-{}", half - 1))]).await;
        let tag = first.header("etag").unwrap();
        let rest =
            ask(&router, "GET", FILE, &[coding, ("range", &format!("bytes={half}-")), ("if-range", tag)])
                .await;
        assert_eq!((first.status.as_u16(), rest.status.as_u16()), (206, 206));
        let range = format!("bytes {half}-{}/{}", whole.body.len() - 1, whole.body.len());
        assert_eq!(rest.header("content-range"), Some(range.as_str()));
        assert_eq!([first.body.clone(), rest.body.clone()].concat(), whole.body);
        let other =
            ask(&router, "GET", FILE, &[coding, ("range", "bytes=5-"), ("if-range", "\"old\"")]).await;
        assert_eq!((other.status.as_u16(), other.body), (200, whole.body.clone()));
        let beyond = ask(&router, "GET", FILE, &[coding, ("range", "bytes=999999999-")]).await;
        assert_eq!(beyond.status, 416);
        assert_eq!(beyond.header("content-range").unwrap(), format!("bytes */{}", whole.body.len()));
    }
}

#[tokio::test]
async fn terms_tell_how_long_and_for_ever_means_a_version() {
    let (publisher, router) = served();
    let now = get(&router, FILE).await;
    assert_eq!(
        now.header("cache-control"),
        Some("public, max-age=1, stale-while-revalidate=10, stale-if-error=86400")
    );
    assert_eq!(now.header("vary"), Some("Accept-Encoding"));
    assert_eq!(now.header("access-control-allow-origin"), Some("*"));
    // The world was cut in 2020: that is how old it is.
    let age: u64 = now.header("age").unwrap().parse().unwrap();
    assert!(age > 100_000_000, "{age}");
    assert_eq!(now.header("cache-status"), Some(format!("jaego; hit; ttl=-{}", age - 1).as_str()));
    let version = publisher.edition().version();
    let kept = get(&router, &format!("/v1/versions/{version}/outlets_with_stock.json")).await;
    assert_eq!(kept.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!((kept.body, kept.headers.get("etag")), (now.body, now.headers.get("etag")));
    assert_eq!(get(&router, "/v1/versions/1/stock.json").await.status, 404);
    assert_eq!(get(&router, "/v1/versions/x/stock.json").await.status, 404);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_told_so_and_a_head_has_the_length() {
    let (_, router) = served();
    let refused = ask(&router, "GET", FILE, &[("accept-encoding", "identity;q=0")]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("content-type")),
        (406, Some("application/problem+json"))
    );
    let whole = get(&router, FILE).await;
    let head = ask(&router, "HEAD", FILE, &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length").unwrap(), whole.body.len().to_string());
    assert_eq!(head.header("etag"), whole.header("etag"));
    let post = ask(&router, "POST", FILE, &[]).await;
    assert_eq!((post.status.as_u16(), post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let preflight =
        ask(&router, "OPTIONS", FILE, &[("access-control-request-headers", "if-none-match")]).await;
    assert_eq!(
        (preflight.status.as_u16(), preflight.header("access-control-allow-headers")),
        (204, Some("if-none-match"))
    );
}
