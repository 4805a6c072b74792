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

#[tokio::test]
async fn who_wants_another_body_than_this_is_told_that_it_is_not_here() {
    let (_, router) = served();
    for path in
        [FILE, "/v1/nearby?lat=37.5663&lng=126.9779", "/corona19-masks/v1/stores/json", "/openapi.json", "/"]
    {
        let tag = get(&router, path).await.header("etag").unwrap().to_owned();
        let packed = format!("{}-br\"", tag.trim_end_matches('"'));
        for method in ["GET", "HEAD"] {
            for here in [tag.clone(), packed.clone(), format!("\"x\", {tag}"), "*".to_owned()] {
                let answer = ask(&router, method, path, &[("if-match", &here)]).await;
                assert_eq!(answer.status, 200, "{path} {here}");
            }
            for not_here in ["\"x\"".to_owned(), format!("W/{tag}"), tag.trim_matches('"').to_owned()] {
                let known = [("if-match", not_here.as_str()), ("if-none-match", tag.as_str())];
                let answer = ask(&router, method, path, &known).await;
                assert_eq!(answer.status, 412, "{path} {not_here}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            }
        }
        let known = ask(&router, "GET", path, &[("if-match", &tag), ("if-none-match", &tag)]).await;
        assert_eq!(known.status, 304, "{path}");
    }
    let missing = ask(&router, "GET", "/v1/outlets/nobody", &[("if-match", "\"x\"")]).await;
    assert_eq!(missing.status, 404, "of what is not here no tag is asked for");
}

#[tokio::test]
async fn formats_without_a_head_tell_version_time_and_terms_in_headers() {
    let (publisher, router) = served();
    let document = get(&router, FILE).await.json();
    let version = document["version"].to_string();
    let told = |answer: &crate::client::Answer| {
        ["jaego-version", "jaego-last-updated", "link"].map(|name| answer.header(name).map(str::to_owned))
    };
    let licence = "<https://www.kogl.or.kr/info/license.do>; rel=\"license\"";
    let wanted =
        [&*version, document["last_updated"].as_str().unwrap(), licence].map(|text| Some(text.to_owned()));
    let kept = format!("/v1/versions/{}/stock.csv", publisher.edition().version());
    let since = format!("/v1/changes?since={version}");
    for path in ["/v1/outlets.csv", "/v1/regions/11680/outlets_with_stock.ndjson", &*kept, &*since] {
        let whole = get(&router, path).await;
        assert_eq!(told(&whole), wanted, "{path}");
        assert_eq!(whole.header("last-modified"), None, "two versions may lie within one second");
        let known = ask(&router, "GET", path, &[("if-none-match", whole.header("etag").unwrap())]).await;
        let part = ask(&router, "GET", path, &[("range", "bytes=0-3"), ("accept-encoding", "gzip")]).await;
        assert_eq!((known.status.as_u16(), part.status.as_u16()), (304, 206), "{path}");
        assert_eq!([told(&known), told(&part)], [wanted.clone(), wanted.clone()], "{path}");
    }
    assert_eq!(told(&get(&router, FILE).await), [const { None }; 3], "it tells all this itself");
    let contract = get(&router, "/openapi.json").await.json();
    for (path, format) in [("/v1/stock.csv", true), ("/v1/changes", true), ("/v1/stock.json", false)] {
        let headers = &contract["paths"][path]["get"]["responses"]["200"]["headers"];
        assert_eq!(headers.get("Jaego-Version").is_some(), format, "{path}");
    }
}

#[tokio::test]
async fn who_is_in_no_registry_is_told_like_all_else() {
    let mut world = World::of(20);
    (0..200).for_each(|n| world.happen(&crate::world::Event::Stranger(1_000 + n)));
    let publisher = Publisher::new(Face::default());
    publisher.publish(world.cut());
    let router = publisher.router();
    let path = "/v1/unregistered.json";
    let whole = get(&router, path).await;
    let other = get(&router, FILE).await;
    assert_eq!(whole.header("cache-control"), other.header("cache-control"));
    assert_eq!(whole.json()["outlets"].as_array().unwrap().len(), 200);
    for member in ["version", "last_updated", "ttl", "licence", "attribution"] {
        assert_eq!(whole.json()[member], other.json()[member], "{member}");
    }
    let tag = whole.header("etag").unwrap();
    assert_eq!(ask(&router, "GET", path, &[("if-none-match", tag)]).await.status, 304);
    let packed = ask(&router, "GET", path, &[("accept-encoding", "zstd")]).await;
    assert_eq!((packed.header("content-encoding"), packed.plain()), (Some("zstd"), whole.body.clone()));
}
