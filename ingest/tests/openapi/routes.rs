//! The router itself, without a journal: each route is there under its method, and answers problems in their form.

use std::sync::Arc;

use aggregator::Fold;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use ingest::admission::Admission;
use ingest::desk::{Act, ROUTES, router};
use ingest::identity::{Identity, PersonSecret};
use ingest::intake::{Intake, Queues};
use ingest::proof::Proof;
use schemas::status::Durability;
use tokio::sync::mpsc;
use tower::ServiceExt;

/// A way in whose journal takes nothing.
fn intake() -> Intake {
    let fold = Fold::default();
    Intake {
        queues: Queues { stock: mpsc::channel(1).0, sale: mpsc::channel(1).0 },
        admission: Admission::new(fold.outlet_types()),
        stalled: Arc::default(),
        counts: Arc::default(),
        hops: Arc::default(),
        identity: Arc::new(Identity::new(PersonSecret::from_bytes([7; 32], None), None)),
        books: fold.books(),
        proof: Proof::without(Durability::Memory),
    }
}

async fn ask(method: Method, path: &str, body: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    router(intake()).oneshot(request).await.unwrap()
}

fn method(act: Act) -> Method {
    if matches!(act, Act::Contract | Act::LookUp) { Method::GET } else { Method::POST }
}

#[tokio::test]
async fn each_route_takes_the_method_that_is_documented_and_names_it_to_others() {
    let document = crate::document();
    for (path, act) in ROUTES {
        let listed: Vec<&String> = document["paths"][path].as_object().unwrap().keys().collect();
        assert_eq!(listed, [&method(act).as_str().to_lowercase()], "{path}");
        let path = path.replace("{id}", "0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f");
        let taken = ask(method(act), &path, "{}").await;
        assert_ne!(taken.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let refused = ask(Method::PATCH, &path, "{}").await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(refused.headers()["allow"].to_str().unwrap().contains(method(act).as_str()), "{path}");
    }
}

#[tokio::test]
async fn what_can_not_be_taken_is_told_when_to_come_again() {
    let claim = r#"{"outlet":"1","id":"0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f","terminal":"t1","at":"2020-03-11T09:05:00+09:00",
        "item":"mask","quantity":1,"person":{"kind":"resident","number":"990101-1000000"}}"#;
    let answer = ask(Method::POST, "/desk/v1/claims", claim).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let body: serde_json::Value =
        serde_json::from_slice(&to_bytes(answer.into_body(), 4096).await.unwrap()).unwrap();
    assert!(u64::from(seconds) * 1000 >= body["retry_after_ms"].as_u64().unwrap(), "{body}");
}

#[tokio::test]
async fn an_id_that_is_no_text_is_a_problem_like_any_other() {
    for path in ["/desk/v1/claims/%ff", "/desk/v1/claims/0195b1f06c1e7cc398c4dc0c0c07398f"] {
        let answer = ask(Method::GET, path, "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
}
