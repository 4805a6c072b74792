//! The desk as a post office meets it: real HTTP and NATS, one ration of two pieces a week, two outlets.

mod audit;
mod batches;
mod stops;
mod story;
mod wrong;

use std::path::Path;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::harness::Jaego;

pub const PHARMACY: &str = "11800001";
pub const OTHER: &str = "11800002";
pub const AT: &str = "2020-03-11T09:05:00+09:00";

const RATION: &str = r#"
name = "two-a-week"
offset_minutes = 540
[[groups]]
name = "mask"
items = ["mask"]
[[policies]]
effective_from = "2020-01-01T00:00:00+09:00"
group = "mask"
window = "week"
quantity = 2
"#;

/// What the desk answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The same body as if it were the first answer.
    pub fn as_first(&self) -> String {
        self.text.replace("\"replayed\":true", "\"replayed\":false")
    }

    /// Holds that it is a problem of this kind.
    #[track_caller]
    pub fn is_problem(&self, status: u16, reason: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.json();
        assert_eq!((&body["reason"], &body["status"]), (&json!(reason), &json!(status)), "{body}");
        assert_eq!(body["type"], format!("/desk/v1/openapi.json#/components/x-reasons/{reason}"));
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
}

/// Starts a core under the ration, with the registry of both outlets.
pub async fn start(dir: &Path) -> Jaego {
    let (ration, outlets) = (dir.join("ration.toml"), dir.join("outlets.csv"));
    std::fs::write(&ration, RATION).unwrap();
    let rows =
        [PHARMACY, OTHER].map(|code| format!("서울특별시 중구 1,{code},37.5,127.0,약국,01\n")).concat();
    std::fs::write(&outlets, format!("addr,code,latitude,longitude,name,type\n{rows}")).unwrap();
    let args = ["--policy", ration.to_str().unwrap(), "--registry", outlets.to_str().unwrap()];
    Jaego::start(dir, &args).await
}

/// Posts a body to the desk.
pub async fn post(jaego: &Jaego, path: &str, body: &Value) -> Answer {
    send(jaego, path, body.to_string()).await
}

/// Posts bytes to the desk.
pub async fn send(jaego: &Jaego, path: &str, body: String) -> Answer {
    let url = format!("{}/desk/v1/{path}", jaego.endpoints.desk);
    read(jaego.http.post(url).body(body).send().await.unwrap()).await
}

/// Gets a document of the desk.
pub async fn get(jaego: &Jaego, path: &str) -> Answer {
    read(jaego.http.get(format!("{}/desk/v1/{path}", jaego.endpoints.desk)).send().await.unwrap()).await
}

pub async fn read(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// The id of the n-th claim of a test.
pub fn id(n: u32) -> String {
    format!("0195b1f0-6c1e-7cc3-98c4-{n:012}")
}

/// The made-up number of the n-th person: its check digit can not be right for all, and no rule asks.
pub fn number(n: u32) -> String {
    format!("990101-1{n:06}")
}

/// The n-th person buys under the n-th id.
pub fn claim(claim: u32, person: u32, quantity: u32) -> Value {
    json!({
        "outlet": PHARMACY, "id": id(claim), "terminal": "t1", "at": AT, "item": "mask", "quantity": quantity,
        "person": { "kind": "resident", "number": number(person) },
    })
}

/// A void or confirmation by an outlet.
pub fn settle(outlet: &str) -> Value {
    json!({ "outlet": outlet, "terminal": "t1", "at": AT })
}

/// Counts 100 masks at the pharmacy.
pub async fn stock_up(jaego: &Jaego) {
    let report = json!({ "terminal": "t1", "seq": 1, "at": AT, "item": "mask", "count": 100 });
    jaego.pos("report", PHARMACY, &report).await;
}

/// Pieces on hand and promised at the pharmacy, of a version that is at least so new.
pub async fn stock(jaego: &Jaego, version: &Value) -> (u64, u64) {
    jaego.serves(version.as_u64().unwrap()).await;
    let outlet: Value = serde_json::from_str(&jaego.admin(&format!("/outlets/{PHARMACY}")).await).unwrap();
    let item = &outlet["items"][0];
    (item["count"].as_u64().unwrap(), item["promised"].as_u64().unwrap())
}
