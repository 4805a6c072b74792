//! Checks over HTTP beside a route of the same framework that reads the body and answers a constant of the same size.

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::post;

use super::people::{People, check};
use crate::jaego::Jaego;
use crate::report::Row;

/// Connections, a call under way on each.
const CONNECTIONS: usize = 64;
const ANSWER: &str = r#"{"status":"accepted","decision":"granted","remaining":2,"window_ends":"2026-11-30T00:00:00.000+09:00","next_eligible":"2026-11-25","version":17,"received_at":"2026-11-25T05:56:32.417+09:00","registered":false,"replayed":false}"#;
const GRANTED: &[u8] = br#"{"status":"accepted","decision":"granted""#;

/// Runs both.
///
/// # Errors
/// When one does not answer, or wrongly.
pub(super) async fn run(jaego: &Jaego, people: &People, seconds: f64) -> Result<Vec<Row>> {
    let url = constant()?;
    let fixed = people.post(&url, "/", GRANTED, CONNECTIONS, seconds, check).await?;
    let path = "/desk/v1/checks";
    let checks = people.post(&jaego.endpoints.desk, path, GRANTED, CONNECTIONS, seconds, check).await?;
    for load in [fixed, checks] {
        ensure!(load.errors == 0, "{load}");
    }
    Ok(vec![
        Row::plain("axum, POST answered by a constant, 64 connections", fixed.to_string()),
        Row::plain("check over HTTP, 64 connections", checks.to_string()),
        Row::at_least("check ÷ constant", checks.per_second() / fixed.per_second(), 0.7),
    ])
}

/// A server of a thread of its own, as the desk has; it ends with the process.
fn constant() -> Result<String> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/", post(|_: Bytes| async { ([(header::CONTENT_TYPE, "application/json")], ANSWER) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("a runtime")?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it listens already");
            axum::serve(listener, router).await.expect("it serves for ever");
        });
    });
    Ok(url)
}
