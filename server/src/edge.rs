//! `jaego serve --role edge`: the open API alone, fed by the relay. It holds no journal, no ledger and no person, and serves on
//! what it has, ever older and saying so, when cores or NATS are gone, after a start too: its last snapshot is on its disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use async_nats::Client;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use publisher::Publisher;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::core::reached;
use crate::data_dir;
use crate::endpoints::Endpoints;
use crate::history;
use crate::metrics::Metrics;
use crate::relay::{follow, kept};
use crate::serve::{announce, bind, bind_open, serve_admin, serve_open};
use crate::settings::Settings;
use crate::stop;
use crate::threads;

/// From SIGTERM to the end.
const STOP_LIMIT: Duration = Duration::from_secs(9);

/// Serves until a signal comes.
///
/// # Errors
/// When it can not start.
pub fn run(settings: &Settings, nats: &str) -> anyhow::Result<()> {
    let dir = &settings.data_dir;
    let _held = data_dir::hold(dir)?;
    Endpoints::remove(dir).context("removing the endpoints of an earlier run")?;
    let (reading, publishing) = (threads::reading()?, threads::publishing()?);
    let served = reading.block_on(serve(settings, nats, publishing.handle()));
    for runtime in [publishing, reading] {
        runtime.shutdown_timeout(Duration::from_millis(200));
    }
    served
}

async fn serve(settings: &Settings, nats: &str, threads: &Handle) -> anyhow::Result<()> {
    let open = bind_open(settings)?;
    let admin = bind("admin-addr", settings.admin_addr).await?;
    let endpoints = Endpoints {
        open: format!("http://{}", open.local_addr()?),
        desk: String::new(),
        admin: format!("http://{}", admin.local_addr()?),
        nats: nats.to_owned(),
        pid: std::process::id(),
    };
    // A NATS that is away now is waited for: an edge that does not start is no help to anybody.
    let client = ingest::nats::connect_whenever(nats, "jaego-edge")
        .await
        .with_context(|| format!("understanding the address of NATS {nats}"))?;
    let publisher = Publisher::with(settings.publisher());
    history::show(&publisher, None, settings);
    let (published_in, published) = watch::channel(0);
    let stop = CancellationToken::new();
    let ready = Arc::new(AtomicBool::new(false));
    let servers = [
        tokio::spawn(serve_open(&publisher, open, &stop)),
        tokio::spawn(serve_admin(admin, health(&ready, &publisher), settings.admin_limits.clone(), &stop)),
    ];
    let kept = kept::path(&settings.data_dir);
    follow_cores(threads, &client, &publisher, published_in, &kept);
    let mut stopped = std::pin::pin!(stop::requested(settings.exit_on_stdin_close)?);
    tokio::select! {
        () = reached(published, |version| *version > 0) => {
            ready.store(true, Relaxed);
            announce(&endpoints, &settings.data_dir)?;
            stopped.as_mut().await;
        }
        () = stopped.as_mut() => {}
    }
    tracing::info!("stopping");
    ready.store(false, Relaxed);
    stop.cancel();
    let ended = async {
        kept::keep_now(&kept, publisher.edition()).await;
        for server in servers {
            server.await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(STOP_LIMIT, ended).await.context("not every answer was taken in time")??;
    Endpoints::remove(&settings.data_dir).context("removing endpoints.json")?;
    tracing::info!("stopped");
    Ok(())
}

/// All go on until the process ends.
fn follow_cores(
    threads: &Handle,
    client: &Client,
    publisher: &Publisher,
    published: watch::Sender<u64>,
    path: &Path,
) {
    threads.spawn(kept::keep(path.to_owned(), publisher.clone(), published.subscribe()));
    threads.spawn(follow::versions(client.clone(), publisher.clone(), published, path.to_owned()));
    threads.spawn(follow::status(client.clone(), publisher.clone()));
}

/// Health and metrics: an edge is ready once it has a version, and stays so however old that becomes.
fn health(ready: &Arc<AtomicBool>, publisher: &Publisher) -> Router {
    let ready = Arc::clone(ready);
    let metrics = Arc::new(Metrics::of_edge(publisher));
    let readyz = move || async move {
        match ready.load(Relaxed) {
            true => (StatusCode::OK, "ready\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready: no version has come from a core yet\n"),
        }
    };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(async move || metrics.answer()))
}
