//! Admission on the admin port: how it stands, and caps on their way into the journal.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ingest::admission::Admitting;
use ingest::journal::Sealed;
use schemas::batch::push_line;
use schemas::caps::{Caps, faults, plan_at};
use schemas::entry::Entry;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::in_time::InTime;

/// What became of caps that were applied.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InForce {
    /// Name of the document.
    pub(crate) name: String,
    /// Journal sequence from which it is known.
    pub(crate) version: u64,
}

/// Where a document begins later.
const NOT_YET: &str = "no plan of this document is in force now: until its first begins the built-in caps would hold, which let everybody in. \
    Add a plan for the time until then, such as the one that is in force now\n";
/// Where the journal did not say that it has it.
const NOT_KNOWN: &str = "the journal did not answer within some seconds: the document may or may not come into force. GET /caps tells which \
    one is known; apply it again when /readyz says that the journal is well\n";

pub(super) fn routes() -> Router<Admin> {
    Router::new().route("/admission", get(report)).route("/caps", get(show).post(apply))
}

async fn report(State(admin): State<Admin>) -> Json<Admitting> {
    Json(admin.admission.report())
}

/// The document of the journal; 404 while none ever came and the built-in caps hold.
async fn show(State(admin): State<Admin>) -> Response {
    let caps = admin.view.borrow().caps.clone();
    match caps {
        Some(caps) => Json(&*caps).into_response(),
        None => {
            (StatusCode::NOT_FOUND, "no caps were ever applied: the built-in ones hold\n").into_response()
        }
    }
}

/// Puts a document into the journal. Answers when the fold knows it.
async fn apply(State(admin): State<Admin>, InTime(Json(caps)): InTime<Json<Caps>>) -> Response {
    let faults = faults(&caps);
    if !faults.is_empty() {
        let told: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        return (StatusCode::BAD_REQUEST, told).into_response();
    }
    if plan_at(&caps, ingest::clock::now()).is_none() {
        return (StatusCode::BAD_REQUEST, NOT_YET).into_response();
    }
    let name = caps.name.clone();
    let mut payload = Vec::new();
    push_line(&mut payload, &Entry::Caps(Box::new(caps)));
    let id = format!("caps-{:016x}", rand::random::<u64>());
    let sealed = Sealed { payload: payload.into(), count: 1, id, writer: None };
    // One attempt: what an operator was told has failed is not to come into force an hour later.
    let Ok(ack) = admin.journal.try_append(&sealed).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, NOT_KNOWN).into_response();
    };
    let mut applied = admin.applied.clone();
    match applied.wait_for(|applied| *applied >= ack.seq).await {
        Ok(_) => Json(InForce { name, version: ack.seq }).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "this server is stopping\n").into_response(),
    }
}
