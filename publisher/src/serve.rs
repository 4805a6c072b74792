//! Serves a router on a socket until told to stop, then lets running answers finish.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long answers under way may take to finish after the stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves, then accepts no more, closes idle connections and waits at most [`DRAIN`] for the rest.
/// Small answers go out at once (`TCP_NODELAY`).
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // A socket that refuses the option was closed by its peer; reading it says so.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = Arc::new(Notify::new());
    let stopping = Arc::clone(&stopped);
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        stopping.notify_one();
    });
    let overdue = async {
        stopped.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = server => result,
        () = overdue => Ok(()),
    }
}
