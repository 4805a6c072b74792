//! What is turned away: a typed problem each time, which never repeats what was sent.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::admission;
use crate::harness::{Jaego, LIMIT};

use super::{AT, PHARMACY, claim, get, id, post, read, send, settle, start};

/// A number that stands in no other text of a test.
const NUMBER: &str = "777777-7777777";

#[tokio::test]
async fn no_problem_repeats_what_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let person = |kind: &str, number: Value| {
        let mut body = claim(1, 1, 1);
        body["person"] = json!({ "kind": kind, "number": number });
        body.to_string()
    };
    let mut terminal = claim(1, 1, 1);
    terminal["terminal"] = format!("{NUMBER} ").into();
    for (body, status, reason) in [
        (person("resident", json!(NUMBER)), 422, "bad_person"),
        (person("passport", json!(NUMBER)), 422, "bad_person"),
        (person("resident", json!([NUMBER])), 400, "malformed"),
        (person(NUMBER, json!("1")), 400, "malformed"),
        (person("resident", json!(NUMBER)).replace('}', ""), 400, "malformed"),
        (format!("number={NUMBER}"), 400, "malformed"),
        (format!("\"{NUMBER}\""), 400, "malformed"),
        (terminal.to_string(), 422, "out_of_range"),
        (String::new(), 400, "malformed"),
    ] {
        for path in ["claims", "late-claims", "reservations"] {
            let answer = send(&jaego, path, body.clone()).await;
            assert!(!answer.text.contains("7777"), "{}", answer.text);
            if path == "claims" {
                answer.is_problem(status, reason);
            }
        }
    }
    let odd = get(&jaego, &format!("claims/{NUMBER}")).await;
    odd.is_problem(400, "malformed");
    assert!(!odd.text.contains("7777"));
    let log = crate::harness::log(dir.path());
    assert!(!log.contains("7777777"), "{log}");
}

#[tokio::test]
async fn sizes_paths_and_methods_have_their_problems() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    send(&jaego, "claims", " ".repeat(4_097)).await.is_problem(413, "oversized");
    send(&jaego, "claims/batch", " ".repeat(1_000 * 4_096 + 1)).await.is_problem(413, "oversized");
    // What is too long for one claim is read where more are allowed, and found to be none.
    send(&jaego, "claims/batch", " ".repeat(4_097)).await.is_problem(400, "malformed");
    let mut no_outlet = claim(1, 1, 1);
    no_outlet.as_object_mut().unwrap().remove("outlet");
    post(&jaego, "claims", &no_outlet).await.is_problem(400, "malformed");
    let void = json!({ "outlet": PHARMACY, "id": id(2), "terminal": "t1", "at": AT });
    post(&jaego, &format!("claims/{}/void", id(1)), &void).await.is_problem(400, "wrong_subject");
    post(&jaego, &format!("claims/{}/void", id(1)), &settle(PHARMACY)).await.is_problem(404, "unknown_claim");
    post(&jaego, &format!("reservations/{}/confirm", id(1)), &settle(PHARMACY))
        .await
        .is_problem(404, "unknown_claim");

    for (method, path, status, allow) in [
        (Method::GET, "claims", 405, Some("POST")),
        (Method::DELETE, "checks/batch", 405, Some("POST")),
        (Method::PUT, "openapi.json", 405, Some("GET,HEAD")),
        (Method::GET, "nothing", 404, None),
        (Method::HEAD, "openapi.json", 200, None),
    ] {
        let url = format!("{}/desk/v1/{path}", jaego.endpoints.desk);
        let answer = read(jaego.http.request(method.clone(), url).send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let told = answer.headers.get("allow").map(|allow| allow.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), allow, "{method} {path}");
    }
}

/// Who is let in by the head of a request and then sends no body holds a place for ten seconds, and no longer; meanwhile others
/// of its outlet find none.
#[tokio::test]
async fn a_body_that_does_not_come_gives_its_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = admission::start(dir.path()).await;
    let mut caps = admission::document("one-at-once", &[], &json!([]), &json!([]));
    let sale = &mut caps["plans"][0]["institutions"][0]["sale"]["each"];
    *sale = json!({ "per_second": 100, "burst": 100, "concurrency": 1 });
    admission::apply(&jaego, &caps).await;
    let [outlet, ..] = admission::PHARMACIES;
    let sale = admission::claim(outlet, 1);
    let address = jaego.endpoints.desk.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /desk/v1/claims HTTP/1.1\r\nHost: x\r\nJaego-Outlet: {outlet}\r\nContent-Length: 300\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until_under_way(&jaego, 1).await;
    post(&jaego, "claims", &sale).await.is_problem(429, "over_cap");
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer))
        .await
        .expect("an answer and an end")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("did not come"), "{answer}");
    until_under_way(&jaego, 0).await;
    assert_eq!(post(&jaego, "claims", &sale).await.status, 200);
}

/// Waits until so many sales wait for their answers.
async fn until_under_way(jaego: &Jaego, wanted: u64) {
    let started = std::time::Instant::now();
    loop {
        let ready: Value = serde_json::from_str(&jaego.admin("/readyz").await).unwrap();
        let classes = ready["classes"].as_array().unwrap();
        let sale = classes.iter().find(|class| class["class"] == "sale").unwrap();
        if sale["under_way"] == wanted {
            return;
        }
        assert!(started.elapsed() < LIMIT, "{ready}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
