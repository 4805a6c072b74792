//! The recorded behaviour of 2020, quirk by quirk, against the router as a service.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use publisher::{Face, Publisher};
use schemas::registry::{OutletType, Place};
use serde_json::{Value, json};

use crate::client::{Answer, ask, get, send};
use crate::world::{World, naive, outlet};

const STORES: &str = "/corona19-masks/v1/stores/json";
const SALES: &str = "/corona19-masks/v1/sales/json";
const GEO: &str = "/corona19-masks/v1/storesByGeo/json";
const ADDR: &str = "/corona19-masks/v1/storesByAddr/json";
const ALL: [&str; 4] = [STORES, SALES, GEO, ADDR];

const CITY_HALL: Option<Place> = Some(Place { lat: 37.5663, lng: 126.9779 });
const GANGNAM: &str = "서울특별시 강남구 논현로 1 (논현동)";

/// Six outlets: one with 120, a suspended one, a post office, a mart that never reported, one that only ever reported
/// below zero, one without coordinates that has one left.
fn six() -> World {
    let mut world = World::empty();
    for (code, name, kind, place) in [
        ("34840559", "맘&키즈 \"약국\"<간>", OutletType::Pharmacy, CITY_HALL),
        ("11823585", "현대약국", OutletType::Pharmacy, CITY_HALL),
        ("5038300744", "강남우체국", OutletType::PostOffice, CITY_HALL),
        ("3058219768", "하나로마트", OutletType::Mart, CITY_HALL),
        ("11804106", "우리약국", OutletType::Pharmacy, CITY_HALL),
        ("11800356", "우리약국", OutletType::Pharmacy, None),
    ] {
        world.add(outlet(code, name, GANGNAM, kind, place));
    }
    for (which, count) in [(5, 1), (0, 120), (2, 40), (1, 7), (4, 3)] {
        world.report(which, count);
    }
    world.item(1, |item| item.paused = true);
    world.item(4, |item| item.band = None);
    world
}

fn router(world: &mut World) -> Router {
    let publisher = Publisher::new(Face::default());
    publisher.publish(world.cut());
    publisher.router()
}

async fn ok(router: &Router, uri: &str) -> Value {
    let answer = get(router, uri).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{uri}");
    assert_open(&answer);
    answer.json()
}

fn assert_open(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

fn texts<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[tokio::test]
async fn stores_rows_are_written_as_in_2020() {
    let answer = get(&router(&mut six()), STORES).await;
    let first = r#"{"count":6,"page":"1","storeInfos":[{"addr":"서울특별시 강남구 논현로 1 (논현동)","code":"34840559","lat":37.5663,"lng":126.9779,"name":"맘&키즈 \"약국\"<간>","type":"01"},"#;
    assert!(answer.text.starts_with(first), "{}", answer.text);
    assert!(answer.text.ends_with(r#"}],"totalCount":6,"totalPages":1}"#), "{}", answer.text);
    let rows = &answer.json()["storeInfos"];
    assert_eq!(rows[2]["code"], json!(5_038_300_744_u64), "post offices have numeric codes in /stores");
    assert_eq!(rows[3]["code"], json!("3058219768"));
    assert_eq!((&rows[5]["lat"], &rows[5]["lng"]), (&Value::Null, &Value::Null));
    assert_eq!(texts(rows, "type"), ["01", "01", "02", "03", "01", "01"]);
}

#[tokio::test]
async fn sales_leave_out_who_never_reported_and_keep_the_order_of_first_reports() {
    let mut world = six();
    let body = ok(&router(&mut world), SALES).await;
    let rows = &body["sales"];
    assert_eq!(texts(rows, "code"), ["11800356", "34840559", "5038300744", "11823585"]);
    assert_eq!(texts(rows, "remain_stat"), ["empty", "plenty", "some", "break"]);
    assert_eq!((&body["count"], &body["totalCount"], &body["totalPages"]), (&json!(4), &json!(4), &json!(1)));
    let view = world.next.outlets[0].clone().unwrap();
    let item = view.item("mask").unwrap();
    let stock_at = rows[1]["stock_at"].as_str().unwrap();
    assert_eq!(rows[1]["created_at"], naive(item.received));
    assert!(naive(item.arrived).starts_with(&stock_at[..17]) && stock_at.ends_with(":00"), "{stock_at}");
    assert_eq!(stock_at.len(), "2020/03/11 09:05:00".len());
}

#[tokio::test]
async fn joined_rows_have_nine_keys_and_a_null_triple() {
    let router = router(&mut six());
    for (uri, count) in [(GEO, 5), (ADDR, 6)] {
        let body = ok(&router, uri).await;
        assert_eq!(body["count"], count);
        for row in body["stores"].as_array().unwrap() {
            assert_eq!(row.as_object().unwrap().len(), 9, "{row}");
            let never = ["3058219768", "11804106"].contains(&row["code"].as_str().unwrap());
            for key in ["created_at", "remain_stat", "stock_at"] {
                assert_eq!(row[key].is_null(), never, "{row}");
            }
        }
    }
    let body = ok(&router, ADDR).await;
    let codes = texts(&body["stores"], "code");
    assert!(codes.is_sorted(), "{codes:?}");
    assert_eq!(body["address"], "");
}

#[tokio::test]
async fn the_last_band_stays_when_an_outlet_falls_silent() {
    let mut world = six();
    world.item(0, |item| item.level = schemas::Level::Unknown);
    let router = router(&mut world);
    assert_eq!(ok(&router, SALES).await["sales"][1]["remain_stat"], "plenty");
    assert_eq!(ok(&router, "/v1/status.json").await["outlets"]["levels"]["plenty"], 0);
}

#[tokio::test]
async fn page_is_echoed_as_text_whatever_it_was() {
    let router = router(&mut World::of(1_200));
    for (query, echo, first, count) in [
        ("", "1", 0, 500),
        ("?", "1", 0, 500),
        ("?page=1", "1", 0, 500),
        ("?page=0", "0", 0, 500),
        ("?page=3", "3", 1_000, 200),
        ("?page=02", "02", 500, 500),
        ("?page=abc%22", "abc\"", 0, 500),
        ("?page=-4", "-4", 0, 500),
        ("?page=", "", 0, 500),
        ("?page=%EC%9D%BC", "일", 0, 500),
        ("?page=2&perPage=1000&foo=%zz&&=", "2", 1_000, 200),
        ("?perPage=1", "1", 0, 500),
        ("?perPage=99999", "1", 0, 1_200),
        ("?perPage=many&page=2", "2", 500, 500),
        ("?perpage=1000", "1", 0, 500),
    ] {
        let body = ok(&router, &format!("{STORES}{query}")).await;
        let all = ok(&router, &format!("{STORES}?perPage=5000")).await;
        assert_eq!((&body["page"], &body["count"]), (&json!(echo), &json!(count)), "{query}");
        assert_eq!(body["storeInfos"][0], all["storeInfos"][first], "{query}");
        assert_eq!(body["totalCount"], 1_200, "{query}");
    }
}

#[tokio::test]
async fn past_the_end_is_an_empty_list() {
    let mut world = World::of(1_000);
    let router = router(&mut world);
    for (path, key, pages) in [(STORES, "storeInfos", 2), (SALES, "sales", 1)] {
        for page in ["3", "1000000", "99999999999999999999999999"] {
            let body = ok(&router, &format!("{path}?page={page}")).await;
            assert_eq!((&body["count"], &body[key]), (&json!(0), &json!([])), "{path} {page}");
            assert_eq!((&body["page"], &body["totalPages"]), (&json!(page), &json!(pages)));
        }
    }
}

#[tokio::test]
async fn nothing_found_is_an_empty_list() {
    let router = router(&mut six());
    for uri in [
        "/corona19-masks/v1/storesByGeo/json?lat=34&lng=125&m=5000",
        "/corona19-masks/v1/storesByGeo/json?lat=91&lng=181&m=5000",
        "/corona19-masks/v1/storesByGeo/json?lat=undefined&lng=NaN",
        "/corona19-masks/v1/storesByAddr/json?address=%EC%84%9C%EC%9A%B8%ED%8A%B9%EB%B3%84%EC%8B%9C",
        "/corona19-masks/v1/storesByAddr/json?address=%ff%fe%",
        "/corona19-masks/v1/storesByAddr/json?address=",
    ] {
        let body = ok(&router, uri).await;
        assert_eq!((&body["count"], &body["stores"]), (&json!(0), &json!([])), "{uri}");
    }
}

#[tokio::test]
async fn a_radius_is_clamped_never_refused() {
    let mut world = World::empty();
    for (code, lat) in [("1", 37.5663), ("2", 37.5663 + 0.0440), ("3", 37.5663 + 0.0460)] {
        let place = Some(Place { lat, lng: 126.9779 });
        world.add(outlet(code, "약국", GANGNAM, OutletType::Pharmacy, place));
    }
    let router = router(&mut world);
    for (m, count) in
        [("m=10000", 2), ("m=5000", 2), ("m=0", 1), ("m=-3", 1), ("m=x", 1), ("radius=9", 1), ("m=1e9", 2)]
    {
        let body = ok(&router, &format!("{GEO}?lat=37.5663&lng=126.9779&{m}")).await;
        assert_eq!(body["count"], count, "{m}");
    }
}

#[tokio::test]
async fn addresses_come_in_every_spelling_of_a_url() {
    let router = router(&mut six());
    let encoded = "%EC%84%9C%EC%9A%B8%ED%8A%B9%EB%B3%84%EC%8B%9C{}%EA%B0%95%EB%82%A8%EA%B5%AC{}%EB%85%BC%ED%98%84%EB%8F%99";
    for query in [
        format!("?address={}", encoded.replace("{}", "+")),
        format!("/?address={}", encoded.replace("{}", "%20")),
        "?address=서울특별시%20강남구+논현동".to_owned(),
    ] {
        let body = ok(&router, &format!("{ADDR}{query}")).await;
        assert_eq!(body["address"], "서울특별시 강남구 논현동", "{query}");
        assert_eq!(body["count"], 6, "{query}");
    }
}

#[tokio::test]
async fn a_slash_behind_and_a_body_along_do_not_matter() {
    let router = router(&mut six());
    for path in ALL {
        let plain = get(&router, path).await;
        assert_eq!(get(&router, &format!("{path}/")).await.text, plain.text);
        let request = Request::get(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from("lat=33&lng=124&page=2"))
            .unwrap();
        assert_eq!(send(&router, request).await.text, plain.text);
    }
}

#[tokio::test]
async fn head_options_and_others() {
    let router = router(&mut six());
    for path in ALL.into_iter().chain(["/", "/v1/status.json", "/v1/unregistered.json"]) {
        let head = ask(&router, "HEAD", path).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        assert_open(&head);
        let preflight = ask(&router, "OPTIONS", path).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(preflight.header("access-control-allow-headers"), Some("*"));
        assert_open(&preflight);
        let post = ask(&router, "POST", path).await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(post.header("allow"), Some("GET, HEAD, OPTIONS"));
        assert_problem(&post);
    }
    let request = Request::options(SALES).header("access-control-request-headers", "content-type, x-app");
    let preflight = send(&router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type, x-app"));
}

fn assert_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json()["status"], answer.status.as_u16());
    assert!(answer.json()["detail"].is_string() && answer.json()["title"].is_string());
    assert_open(answer);
}

#[tokio::test]
async fn a_wrong_path_is_told_the_next_step() {
    let router = router(&mut six());
    for path in ["/corona19-masks/v1/Stores/json", "/corona19-masks/v1/stores", "/nothing"] {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.json()["detail"].as_str().unwrap().contains("GET /openapi.json lists"));
        assert_problem(&answer);
    }
}

#[tokio::test]
async fn before_the_first_version_readers_are_asked_to_wait() {
    let publisher = Publisher::new(Face::default());
    let router = publisher.router();
    for path in ALL.into_iter().chain(["/v1/status.json", "/v1/unregistered.json"]) {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_problem(&answer);
    }
    let mut waits = BTreeSet::new();
    for _ in 0..100 {
        waits.insert(get(&router, STORES).await.header("retry-after").unwrap().to_owned());
    }
    assert!(waits.iter().map(String::as_str).eq(["1", "2", "3"]), "all come again together: {waits:?}");
    assert!(!publisher.edition().is_published());
    publisher.publish(six().cut());
    assert!(publisher.edition().is_published());
    assert_eq!(ok(&router, STORES).await["count"], 6);
}

#[tokio::test]
async fn a_list_of_nobody_is_no_error() {
    let router = router(&mut World::empty());
    assert_eq!(
        get(&router, SALES).await.text,
        r#"{"count":0,"page":"1","sales":[],"totalCount":0,"totalPages":0}"#
    );
    assert_eq!(get(&router, GEO).await.text, r#"{"count":0,"stores":[]}"#);
    assert_eq!(get(&router, ADDR).await.text, r#"{"address":"","count":0,"stores":[]}"#);
}

#[tokio::test]
async fn the_status_page_tells_age_hops_and_outlets() {
    let publisher = Publisher::new(Face::default());
    let mut world = six();
    world.happen(&crate::world::Event::Stranger(77));
    world.happen(&crate::world::Event::Silence(0));
    publisher.publish(world.cut());
    let router = publisher.router();
    let page = ok(&router, "/v1/status.json").await;
    assert_eq!(page["version"], world.next.version);
    assert_eq!(page["last_updated"], "2020-03-11T00:00:01.000+09:00");
    assert_eq!(page["ttl"], 1);
    assert!(page["age_ms"].as_i64().unwrap() > 86_400_000);
    let hops = page["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 4);
    assert_eq!(hops[0], json!({"hop": "pos_to_received", "count": 0, "p50_ms": null, "p99_ms": null}));
    assert_eq!(
        page["outlets"],
        json!({
            "registered": 6, "heard": 5, "silent": 1, "unregistered": 1,
            "levels": {"plenty": 1, "some": 1, "few": 2, "empty": 1, "break": 0, "unknown": 1},
        })
    );
    let [gloves, masks] = [5, 171].map(|count| json!({ "outlets": 5, "count": count }));
    assert_eq!(page["items"], json!({ "gloves": gloves, "mask": masks }));
    let mut status: schemas::status::Status = serde_json::from_value(page).unwrap();
    status.journal_bytes = 99;
    publisher.set_status(status);
    assert_eq!(ok(&router, "/v1/status.json").await["journal_bytes"], 99);
    assert_eq!(get(&router, "/v1/status.json").await.header("cache-control"), Some("no-store"));
    let strangers = ok(&router, "/v1/unregistered.json").await;
    assert_eq!(strangers["outlets"], json!(["77"]));
    assert_eq!(strangers["version"], world.next.version);
}

#[tokio::test]
async fn the_face_can_show_another_item() {
    let publisher = Publisher::new(Face { item: schemas::ItemId::new("gloves").unwrap() });
    publisher.publish(six().cut());
    let body = ok(&publisher.router(), SALES).await;
    assert_eq!(texts(&body["sales"], "code")[0], "11800356");
    let all_empty = texts(&body["sales"], "remain_stat");
    assert!(all_empty.iter().filter(|stat| **stat == "empty").count() >= 3, "{all_empty:?}");
}
