//! The admin port: health, metrics, single outlets, and the registry as it stands and as it should be. Keep it private.

mod admission;
mod in_time;

pub(crate) use self::admission::InForce;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ingest::admission::{Admission, ClassReport};
use ingest::apply::View;
use ingest::import::ImportError;
use ingest::journal::Journal;
use ingest::modes::Modes;
use ingest::registry::check_texts;
use schemas::registry::OutletInfo;
use schemas::status::Writing;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};

use self::in_time::InTime;
use crate::core::registered;
use crate::metrics::Metrics;

/// Largest registry that is taken: some 200,000 rows.
const MAX_REGISTRY_BYTES: usize = 64 * 1024 * 1024;

/// What the admin port shows and does.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The journal, for imports.
    pub journal: Journal,
    /// The last sequence that the fold applied.
    pub applied: watch::Receiver<u64>,
    /// What the fold shows.
    pub view: watch::Receiver<View>,
    /// Version being served.
    pub published: watch::Receiver<u64>,
    /// Whether the open API serves a version and messages are taken.
    pub ready: Arc<AtomicBool>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Who may send.
    pub admission: Arc<Admission>,
    /// What is wrong with the writing side.
    pub modes: Arc<Modes>,
    /// One import at a time: the class `bulk` has this one place.
    pub bulk: Arc<Semaphore>,
}

/// The routes of the admin port.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/outlets/{code}", get(outlet))
        .route("/registry", get(show).post(import))
        .merge(admission::routes())
        .layer(DefaultBodyLimit::max(MAX_REGISTRY_BYTES))
        .with_state(admin)
}

/// Whether it is ready, and what is wrong with it, however ready it is.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    applied: u64,
    writing: Writing,
    classes: [ClassReport; 3],
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let ready = admin.ready.load(Relaxed);
    let readiness = Readiness {
        ready,
        applied: *admin.applied.borrow(),
        writing: admin.modes.writing(&admin.admission),
        classes: admin.admission.class_reports(),
    };
    // Readers are answered in every mode: what is wrong with writing takes no core out of their way.
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.metrics.answer()
}

/// All that the newest version holds of one outlet.
async fn outlet(State(admin): State<Admin>, Path(code): Path<String>) -> Response {
    let view = admin.view.borrow();
    let mut outlets = view.cut.iter().flat_map(|cut| cut.snapshot.outlets.iter().flatten());
    match outlets.find(|outlet| outlet.info.code.as_str() == code) {
        Some(outlet) => Json(&**outlet).into_response(),
        None => (StatusCode::NOT_FOUND, "no registered outlet has this code\n").into_response(),
    }
}

/// The registry of the newest version, one outlet a line.
async fn show(State(admin): State<Admin>) -> Response {
    let rows = registered(&admin.view.borrow());
    let mut body = Vec::new();
    for row in &rows {
        serde_json::to_writer(&mut body, row).expect("a row holds only text and numbers");
        body.push(b'\n');
    }
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

#[derive(Deserialize)]
struct Source {
    source: String,
}

/// What became of an import.
#[derive(Debug, Serialize, Deserialize)]
pub struct Imported {
    /// Fingerprint of the list.
    pub import: u64,
    /// A version that is served now and shows it.
    pub version: u64,
    /// Rows.
    pub rows: u32,
}

/// Imports a list: one outlet a line. Answers when a version that shows it is served.
async fn import(
    State(admin): State<Admin>,
    Query(source): Query<Source>,
    InTime(body): InTime<Bytes>,
) -> Response {
    let Ok(place) = Arc::clone(&admin.bulk).try_acquire_owned() else {
        let words = "another registry is being imported; try again when it is in force\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], words).into_response();
    };
    let rows = match read_rows(&body) {
        Ok(rows) if !rows.is_empty() => rows,
        Ok(_) => {
            return (StatusCode::BAD_REQUEST, "no rows: an empty registry is not imported\n").into_response();
        }
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    // Once begun an import goes to its end, also when the caller hangs up.
    let done = tokio::spawn(async move {
        let _place = place;
        import_rows(&admin, &source.source, &rows).await
    })
    .await;
    match done {
        Ok(Ok(Some(imported))) => Json(imported).into_response(),
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Ok(Ok(None)) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the journal holds the import but the fold refused it; see the log\n",
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// What became of it; `None` where the fold refused it.
async fn import_rows(
    admin: &Admin,
    source: &str,
    rows: &[OutletInfo],
) -> Result<Option<Imported>, ImportError> {
    let import = ingest::registry::digest(rows);
    let ack = ingest::import::import(&admin.journal, source, import, rows).await?;
    let mut published = admin.published.clone();
    let version = published.wait_for(|version| *version >= ack.seq).await.ok().map(|version| *version);
    let in_force = admin.view.borrow().imports.iter().any(|import| import.seq == ack.seq);
    let imported = |version| Some(Imported { import, version, rows: u32::try_from(rows.len()).ok()? });
    Ok(version.filter(|_| in_force).and_then(imported))
}

fn read_rows(body: &[u8]) -> Result<Vec<OutletInfo>, String> {
    body.split(|b| *b == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(n, line)| read_row(line).map_err(|e| format!("line {}: {e}", n + 1)))
        .collect()
}

fn read_row(line: &[u8]) -> Result<OutletInfo, String> {
    let row: OutletInfo = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    check_texts(&row.name, &row.addr).map_err(|e| format!("outlet {}: {e}", row.code))?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_too_long_is_told_with_its_line() {
        let row =
            |name: &str| format!("{{\"code\":\"1\",\"name\":\"{name}\",\"addr\":\"\",\"type\":\"mart\"}}\n");
        let long = "나".repeat(401);
        assert_eq!(read_rows((row("가") + &row(&long[3..])).as_bytes()).unwrap().len(), 2);
        let error = read_rows((row("가") + &row(&long)).as_bytes()).unwrap_err();
        assert_eq!(error, "line 2: outlet 1: the name is 401 characters long, at most 400 are allowed");
    }
}
