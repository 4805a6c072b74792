//! The care for the managed NATS: started again when it died, or when a disk that was full has room and still nothing is written.

use std::sync::Arc;
use std::time::Duration;

use ingest::health::Health;
use ingest::modes::{Mode, Modes, has_room};
use ingest::nats_server::NatsServer;

/// How long it may write nothing, where its disk was full and has room, before it is started again.
const FULL_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked after.
const CARE: Duration = Duration::from_millis(200);

/// Looks after it for ever, on the same address; returns what hinders it from starting again. Without a managed NATS, waits
/// for ever.
///
/// A stream of nats-server 2.15.1 that once met a full disk refuses everything until the server is started anew. A NATS that merely
/// stands still is waited for.
pub(crate) async fn look_after(
    nats: &mut Option<NatsServer>,
    (modes, health): &(Arc<Modes>, Arc<Health>),
) -> anyhow::Error {
    let mut care = tokio::time::interval(CARE);
    let (mut was_full, mut refused) = (false, 0);
    loop {
        care.tick().await;
        let Some(server) = nats.as_mut() else { return std::future::pending().await };
        let slow = health.is_slow(ingest::clock::now(), 0);
        was_full = modes.since(Mode::DiskFull).is_some() || (was_full && slow);
        refused = if was_full && slow && has_room(server.dir()) { refused + 1 } else { 0 };
        if CARE * refused >= FULL_LIMIT {
            refused = 0;
            tracing::error!(
                pid = server.pid(),
                "the managed NATS still has no room though its disk has; starting it again"
            );
            server.kill();
        }
        if !server.is_running() {
            tracing::error!(pid = server.pid(), "the managed NATS died; starting it again");
            if let Err(error) = server.restart() {
                return error.into();
            }
        }
    }
}
