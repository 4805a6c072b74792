//! Many requests in one: each is decided for itself, and the answers stand in the order of the requests.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join_all;
use schemas::pos::Reason;
use schemas::subject::PosKind;
use serde_json::value::RawValue;

use super::entrance::Entrance;
use super::{Desk, MAX_BATCH, ask, body_of, bytes_of, json, problem};
use crate::decode::Rejection;
use crate::decode::claim::Address;
use crate::intake::{Answer, Intake, wipe};

/// Answers `{"answers": […]}`: for each request what it would have been answered alone, as a decision or as a reply with
/// `rejected`.
pub(super) async fn many(State(desk): State<Desk>, kind: PosKind, request: Request) -> Response {
    let entered = match Entrance::by_head(&desk, kind, request.headers(), true) {
        Ok(entrance) => entrance,
        Err(rejection) => return problem::rejected(&desk.rejected(rejection)),
    };
    let body = match body_of(&desk, request).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let answered = match requests_of(&body) {
        Ok(requests) => {
            let told = entered.outlet.as_deref();
            let each = requests.iter().map(|request| each(&desk, kind, told, request.get().as_bytes()));
            json(StatusCode::OK, joined(join_all(each).await))
        }
        Err(rejection) => problem::rejected(&desk.rejected(rejection)),
    };
    wipe(body);
    answered
}

fn requests_of(body: &[u8]) -> Result<Vec<&RawValue>, Rejection> {
    let requests: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
        let place =
            format!("line {}, column {}: expected an array of requests", error.line(), error.column());
        Rejection::new(Reason::Malformed, place)
    })?;
    if requests.len() > MAX_BATCH {
        let detail = format!("{} requests, at most {MAX_BATCH} are allowed in one batch", requests.len());
        return Err(Rejection::new(Reason::Oversized, detail));
    }
    Ok(requests)
}

async fn each(desk: &Intake, kind: PosKind, told: Option<&str>, request: &[u8]) -> Answer {
    let entrance = Entrance::of_many(told);
    if kind != PosKind::Check {
        return ask(desk, kind, None, request, entrance).await;
    }
    let address = Address { outlet: entrance.outlet.as_deref(), claim: None };
    match desk.check(address, request, (entrance.door, entrance.taken)) {
        Ok(decision) => Ok(bytes_of(&decision)),
        Err(rejection) => Err(Box::new(desk.rejected(rejection))),
    }
}

fn joined(answers: Vec<Answer>) -> Vec<u8> {
    let mut body = br#"{"answers":["#.to_vec();
    for (n, answer) in answers.into_iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        match answer {
            Ok(decision) => body.extend_from_slice(&decision),
            Err(reply) => {
                serde_json::to_writer(&mut body, &*reply).expect("a reply holds only text and numbers");
            }
        }
    }
    body.extend_from_slice(b"]}");
    body
}
