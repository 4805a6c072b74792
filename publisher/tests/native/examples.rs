//! The examples of the contract are answers of this code, and what is to go is announced in the contract and in answers.
//!
//! After a change, `UPDATE_CONTRACT=1 cargo test -p publisher --test native examples` asks for all of them again and writes
//! `publisher/contract/examples.json`.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use publisher::{Archive, Deprecated, Deprecations, KeySecret, Publisher, Rate, ReaderLimits, Settings};
use schemas::Millis;
use schemas::entry::Notice;
use schemas::policy::Schedule;
use schemas::registry::{Hours, OutletType, Place};
use schemas::snapshot::{OutletView, Snapshot};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::client::{ask, get};
use crate::world::{World, outlet};

const HERE: &str = "lat=37.5172&lng=127.0473";
/// Lists of the whole country are shown to so many rows.
const SHOWN: usize = 3;

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract/examples.json")
}

/// Three outlets of one district: one with a notice, hours and promised stock, one that is sold out, one that never reported.
fn town() -> World {
    let mut world = World::empty();
    let place = |n: f64| Some(Place { lat: 37.5172 + n / 1000.0, lng: 127.0473 - n / 1000.0 });
    for (code, name, addr, kind, n) in [
        ("34840559", "새봄약국", "서울특별시 강남구 학동로 426 (삼성동)", OutletType::Pharmacy, 0.0),
        ("5038300744", "강남우체국", "서울특별시 강남구 개포로 619 (개포동)", OutletType::PostOffice, 1.0),
        ("3058219768", "하나로마트 삼성점", "서울특별시 강남구 테헤란로 521 (삼성동)", OutletType::Mart, 2.0),
    ] {
        world.add(outlet(code, name, addr, kind, place(n)));
    }
    let mut schedule: Schedule = toml::from_str(schemas::policy::shipped("korea-2020").unwrap()).unwrap();
    schedule.policies.truncate(1);
    world.next.schedule = Some(Arc::new(schedule));
    world.next.at = Millis::parse("2020-03-11T14:04:59+09:00").unwrap();
    change(&mut world.next, 0, |view| {
        Arc::make_mut(&mut view.info).hours = Some(Hours::default());
        let [ko, en] =
            ["번호표를 나누어 드립니다", "Number tickets are given out"].map(|text| Some(text.to_owned()));
        view.notice = Some(Arc::new(Notice { ko, en, sells_from: Some(14 * 60), tickets: true }));
    });
    world
}

fn change(next: &mut Snapshot, place: usize, change: impl FnOnce(&mut OutletView)) {
    let mut view = OutletView::clone(next.outlets[place].as_ref().unwrap());
    change(&mut view);
    next.outlets[place] = Some(Arc::new(view));
}

/// A server as operators run it, with two versions; and the older of their numbers.
fn served(deprecations: Deprecations) -> (Publisher, u64) {
    let rate = |per_second: u32| {
        let [per_second, burst] = [per_second, 10 * per_second].map(|n| NonZeroU32::new(n).unwrap());
        Some(Rate { per_second, burst })
    };
    let limits = ReaderLimits {
        connections: Some(16_000),
        connections_per_address: Some(1_000),
        rate: rate(100),
        key_rate: rate(1_000),
        key_secret: Some(KeySecret::new([5; 32])),
        ..ReaderLimits::of_time()
    };
    let publisher = Publisher::with(Settings { limits, deprecations, ..Settings::default() });
    let mut world = town();
    world.report(0, 120);
    world.next.outlets.iter_mut().flatten().for_each(|view| Arc::make_mut(view).received = None);
    let first = world.cut();
    publisher.publish(Arc::clone(&first));
    let times = world.next.at;
    world.report(0, 84);
    world.report(1, 0);
    world.happen(&crate::world::Event::Stranger(77));
    for place in [0, 1] {
        change(&mut world.next, place, |view| {
            view.items.retain(|item| item.item.as_str() == "mask");
            for item in &mut view.items {
                let (seen, taken) = (times.plus(-4_000), times.plus(-3_877));
                (item.observed, item.received, item.changed) = (seen, taken, seen);
                item.arrived = times.plus(-5 * 3_600_000);
                item.promised = if place == 0 { 6 } else { 0 };
                view.received = Some(taken);
            }
        });
    }
    publisher.publish(world.cut());
    (publisher, first.version)
}

/// An address that asks an operation.
fn address(path: &str, version: u64) -> String {
    let filled = [
        ("{code}", "11680"),
        ("{id}", "34840559"),
        ("{version}", &version.to_string()),
        ("{z}/{x}/{y}", "12/3493/1587"),
    ];
    let filled = filled.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let query = match path {
        "/v1/nearby" => format!("?{HERE}&radius_m=300"),
        "/v1/within" => "?bbox=127.04,37.51,127.05,37.52".to_owned(),
        "/v1/changes" | "/v1/stream" => format!("?since={version}"),
        "/corona19-masks/v1/storesByGeo/json" => format!("?{HERE}&m=500"),
        _ => String::new(),
    };
    filled + &query
}

/// The first event of a stream.
async fn event(router: &Router, address: &str) -> String {
    let request = Request::get(address).body(Body::empty()).unwrap();
    let mut body = router.clone().oneshot(request).await.unwrap().into_body();
    let mut text = String::new();
    while !text.ends_with("\n\n") || !text.contains("data: ") {
        let frame =
            tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap().unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    text
}

/// What a server over a socket answers to somebody who wants a key; the key itself is made up anew each time.
async fn new_key(publisher: &Publisher) -> Value {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut reader = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let serving = publisher.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    reader.write_all(b"POST /v1/keys HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).await.unwrap();
    let mut key: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(key["key"].as_str().unwrap().len(), 64, "{key}");
    key["key"] = "0".repeat(64).into();
    key
}

/// The list of days of a server that saw two; lengths and digests are made up, for they are those of a compressor's version.
async fn history() -> Value {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with(Settings::default());
    publisher.keep_history(Archive::open(dir.path().to_owned(), 31, Settings::default().face).unwrap());
    let mut world = town();
    publisher.publish(world.cut());
    world.report(0, 84);
    publisher.publish(world.cut());
    world.next.at = world.next.at.plus(10 * 3_600_000);
    publisher.publish(world.cut());
    crate::history::until_sealed(&publisher.router(), 1).await;
    let mut index = get(&publisher.router(), "/v1/history.json").await.json();
    for file in index["days"][0]["files"].as_array_mut().unwrap() {
        file["bytes"] = 4_321.into();
        file["sha256"] = "0".repeat(64).into();
    }
    index
}

/// Without what is of this moment or of the whole country.
fn shortened(id: &str, mut document: Value) -> Value {
    match id {
        "status" => {
            document["age_ms"] = 412.into();
            document["source"] = "live".into();
        }
        "openapi" => {
            document["paths"] = json!({});
            document["components"] = json!({});
        }
        _ => {}
    }
    for list in ["regions", "files"] {
        if let Some(rows) = document.get_mut(list).and_then(Value::as_array_mut) {
            // Those with outlets first, as nobody wants to read zeros.
            rows.sort_by_key(|row| row["outlets"].as_u64() == Some(0));
            rows.truncate(SHOWN);
        }
    }
    document
}

/// Asks for every operation's example.
async fn asked() -> Map<String, Value> {
    let (publisher, version) = served(Deprecations::default());
    let router = publisher.router();
    let contract = get(&router, "/openapi.json").await.json();
    let mut examples = Map::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        let (id, address) = (operation["operationId"].as_str().unwrap(), address(path, version));
        let media = operation["responses"]["200"]["content"].as_object().unwrap().keys().next().unwrap();
        let example = if id == "stream" {
            event(&router, &address).await.into()
        } else if id == "history" {
            history().await
        } else if id == "history_file" {
            // Bytes are an example of nothing.
            continue;
        } else {
            let answer = get(&router, &address).await;
            assert_eq!(answer.status, 200, "{address}: {}", answer.text());
            assert!(answer.header("content-type").unwrap().starts_with(media), "{address}");
            if media.ends_with("json") && !media.ends_with("ndjson") {
                shortened(id, answer.json())
            } else {
                answer.text().into()
            }
        };
        examples.insert(id.to_owned(), example);
    }
    examples.insert("new_key".to_owned(), new_key(&publisher).await);
    examples.insert("Problem".to_owned(), get(&router, "/v1/outlets/1").await.json());
    examples
}

#[tokio::test]
async fn the_committed_examples_are_answers_of_this_code() {
    let now = serde_json::to_string_pretty(&asked().await).unwrap() + "\n";
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(file(), &now).unwrap();
    }
    let committed = std::fs::read_to_string(file()).unwrap();
    assert!(committed == now, "an answer is another one: run with UPDATE_CONTRACT=1");
}

#[tokio::test]
async fn every_operation_has_an_example_that_fits_its_schema() {
    let contract = get(&served(Deprecations::default()).0.router(), "/openapi.json").await.json();
    let mut checked = 0;
    let check = |name: &str, content: &Value| {
        let mut schema = content["schema"].clone();
        schema["components"] = contract["components"].clone();
        let example = content.get("example").unwrap_or_else(|| panic!("{name} has no example"));
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        let faults: Vec<String> = validator.iter_errors(example).map(|e| e.to_string()).take(3).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    };
    for (path, item) in contract["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let good = if method == "post" { "201" } else { "200" };
            for content in operation["responses"][good]["content"].as_object().unwrap().values() {
                if content["schema"]["$ref"] == "#/components/schemas/Bytes" {
                    continue;
                }
                check(path, content);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 15 + 4 + 24 + 1, "operations, the face of 2020, files, keys");
    check("Problem", &contract["components"]["responses"]["Problem"]["content"]["application/problem+json"]);
}

fn to_go() -> Deprecations {
    let day = |text: &str| Millis::parse(text).unwrap();
    let one = |path: &str| Deprecated {
        path: path.to_owned(),
        since: day("2027-01-01T09:00:00+09:00"),
        sunset: day("2027-07-01T00:00:00Z"),
        link: "https://jaego.example/docs/nearby".to_owned(),
    };
    Deprecations::new(&[one("/v1/nearby"), one("/v1/tiles/{z}/{x}/{y}.json")]).unwrap()
}

#[tokio::test]
async fn what_is_to_go_says_so_in_every_answer_and_nothing_else_does() {
    let router = served(to_go()).0.router();
    for (address, status) in [
        (format!("/v1/nearby?{HERE}"), 200),
        ("/v1/nearby?lat=north".to_owned(), 400),
        ("/v1/tiles/12/3493/1587.json".to_owned(), 200),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&router, method, &address, &[]).await;
            assert_eq!(answer.status, status, "{address}");
            // 1 January 2027 midnight UTC, as `date -d @1798761600` tells.
            assert_eq!(answer.header("deprecation"), Some("@1798761600"), "{address}");
            assert_eq!(answer.header("sunset"), Some("Thu, 01 Jul 2027 00:00:00 GMT"));
            let link = "<https://jaego.example/docs/nearby>; rel=\"deprecation\", <https://jaego.example/docs/nearby>; rel=\"sunset\"";
            assert_eq!(answer.header("link"), Some(link));
        }
    }
    for address in ["/v1/outlets/34840559", "/corona19-masks/v1/stores/json", "/nowhere", "/"] {
        let answer = get(&router, address).await;
        assert_eq!((answer.header("deprecation"), answer.header("sunset")), (None, None), "{address}");
    }
    let contract = get(&router, "/openapi.json").await.json();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let goes = ["/v1/nearby", "/v1/tiles/{z}/{x}/{y}.json"].contains(&path.as_str());
        for operation in item.as_object().unwrap().values() {
            assert_eq!(operation.get("deprecated") == Some(&json!(true)), goes, "{path}");
            let told = operation["responses"]["200"]["headers"].get("Deprecation").is_some();
            assert_eq!(told, goes, "{path}");
        }
    }
}

#[tokio::test]
async fn nothing_of_this_version_is_to_go() {
    assert!(Deprecations::of_this_version().is_empty());
    let router = served(Deprecations::of_this_version()).0.router();
    for address in ["/corona19-masks/v1/sales/json", "/v1/regions.json", "/openapi.json"] {
        assert_eq!(get(&router, address).await.header("deprecation"), None, "{address}");
    }
    assert!(!get(&router, "/openapi.json").await.text().contains("\"deprecated\":true"));
}

#[tokio::test]
async fn the_contract_names_the_key_and_the_headers_of_answers() {
    let contract = get(&served(Deprecations::default()).0.router(), "/openapi.json").await.json();
    let key = &contract["components"]["securitySchemes"]["Key"];
    assert_eq!([&key["type"], &key["in"], &key["name"]], ["apiKey", "header", "X-Api-Key"]);
    let resolved = |value: &Value| match value["$ref"].as_str() {
        Some(at) => contract.pointer(at.trim_start_matches('#')).unwrap_or_else(|| panic!("{at}")).clone(),
        None => value.clone(),
    };
    let mut counted = 0;
    for (path, item) in contract["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let headers = resolved(answer)["headers"].clone();
                let has = |name: &str| headers.get(name).map(&resolved).is_some();
                assert!(has("RateLimit") && has("RateLimit-Policy"), "{path} {status}");
                assert_eq!(has("Retry-After"), ["429", "503"].contains(&&**status), "{path} {status}");
                assert_eq!(has("Content-Range"), ["206", "416"].contains(&&**status), "{path} {status}");
                assert_eq!(
                    has("ETag"),
                    ["200", "206", "304"].contains(&&**status) && has("Age"),
                    "{path} {status}"
                );
                counted += 1;
            }
        }
    }
    assert!(counted > 300, "{counted}");
    let one = &contract["paths"]["/v1/outlets/{id}"]["get"]["responses"]["200"]["headers"];
    assert!(one.get("Content-Location").is_some());
}
