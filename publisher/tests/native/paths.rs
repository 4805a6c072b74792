//! Which paths there are: before there is a version, with a slash behind them, and for each method.

use axum::Router;
use publisher::{Archive, Face, KeySecret, Publisher, ReaderLimits, Settings};
use serde_json::Value;

use crate::client::{ask, get};
use crate::world::World;

const NOWHERE: [&str; 9] = [
    "/nothing",
    "/v1/",
    "/v1/nothing",
    "/v1/stock.xml",
    "/v1/regions/99/stock.json",
    "/v1/tiles/3/1/1.json",
    "/v1/versions/7/nothing",
    "/v1/versions/7/stream",
    "/corona19-masks/v1/stores",
];

fn served() -> (Publisher, Router) {
    let publisher = Publisher::new(Face::default());
    publisher.publish(World::of(20).cut());
    (publisher.clone(), publisher.router())
}

/// An address of each path of the contract that is asked with GET.
async fn all(publisher: &Publisher, router: &Router) -> Vec<String> {
    let outlets = get(router, "/v1/outlets.json").await.json();
    let id = outlets["outlets"][0]["id"].as_str().unwrap();
    let version = publisher.edition().version().to_string();
    let filled =
        [("{code}", "11680"), ("{id}", id), ("{version}", &version), ("{z}/{x}/{y}", "12/3493/1587")];
    let contract = get(router, "/openapi.json").await.json();
    let read = contract["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("get").is_some());
    let address = |(path, _): (&String, &Value)| {
        filled.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value))
    };
    read.map(address).filter(|path| !path.contains("history")).collect()
}

fn with_question(path: &str) -> String {
    let query = match path.trim_end_matches('/') {
        "/v1/nearby" => "?lat=37.5663&lng=126.9779",
        "/v1/within" => "?bbox=126,37,128,38",
        "/v1/changes" => "?since=10",
        _ => "",
    };
    format!("{path}{query}")
}

#[tokio::test]
async fn a_slash_behind_a_path_does_not_matter() {
    let (publisher, router) = served();
    let pages = ["/status", "/docs"].map(str::to_owned);
    for path in all(&publisher, &router).await.into_iter().chain(pages).filter(|path| path != "/v1/stream") {
        let plain = get(&router, &with_question(&path)).await;
        let slashed = get(&router, &with_question(&format!("{path}/"))).await;
        assert_eq!((plain.status.as_u16(), slashed.status.as_u16()), (200, 200), "{path}");
        assert_eq!(plain.header("etag"), slashed.header("etag"), "{path}");
        assert!(plain.body == slashed.body || path.contains("status"), "{path}");
    }
    let limits = ReaderLimits { key_secret: Some(KeySecret::new([7; 32])), ..ReaderLimits::of_time() };
    let router = Publisher::with(Settings { limits, ..Settings::default() }).router();
    for path in ["/v1/keys", "/v1/keys/"] {
        assert_eq!(ask(&router, "GET", path, &[]).await.header("allow"), Some("POST, OPTIONS"), "{path}");
    }
}

#[tokio::test]
async fn where_there_is_nothing_no_method_is_right_and_elsewhere_only_those_that_read() {
    let (publisher, router) = served();
    let awaited = Publisher::new(Face::default()).router();
    for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
        for path in NOWHERE {
            for router in [&router, &awaited] {
                assert_eq!(ask(router, method, path, &[]).await.status, 404, "{method} {path}");
            }
        }
    }
    for path in all(&publisher, &router).await {
        for router in [&router, &awaited] {
            assert_eq!(ask(router, "OPTIONS", &path, &[]).await.status, 204, "{path}");
            assert_eq!(ask(router, "POST", &path, &[]).await.status, 405, "{path}");
        }
    }
    assert_eq!(ask(&router, "OPTIONS", "*", &[]).await.status, 204, "it asks of the server");
}

#[tokio::test]
async fn before_there_is_a_version_all_is_answered_that_needs_none() {
    let (published, router) = served();
    let publisher = Publisher::new(Face::default());
    let dir = tempfile::tempdir().unwrap();
    publisher.keep_history(Archive::open(dir.path().to_owned(), 9, Face::default()).unwrap());
    let awaited = publisher.router();
    for path in ["/openapi.json", "/v1/limits.json"] {
        let [now, then] = [get(&awaited, path).await, get(&router, path).await];
        assert_eq!((now.status.as_u16(), now.header("etag")), (200, then.header("etag")), "{path}");
    }
    let index = get(&awaited, "/v1/history.json").await;
    assert_eq!((index.status.as_u16(), index.json()["keep_days"].as_u64()), (200, Some(9)));
    let gone = get(&awaited, "/v1/history/changes-2020-03-11.parquet").await;
    assert_eq!((gone.status.as_u16(), gone.json()["title"].as_str()), (404, Some("No such file")));
    let of_versions = all(&published, &router).await.into_iter();
    for path in
        of_versions.filter(|path| !["/openapi.json", "/v1/limits.json", "/v1/status.json"].contains(&&**path))
    {
        let answer = get(&awaited, &with_question(&path)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["title"].as_str()),
            (503, Some("No version yet")),
            "{path}"
        );
    }
}
