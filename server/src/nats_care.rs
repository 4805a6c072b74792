//! The care for the managed NATS: started again when it died, or when a disk that was full has room and still nothing is written.

use std::sync::Arc;
use std::time::Duration;

use ingest::health::Health;
use ingest::modes::{Mode, Modes, has_room};
use ingest::nats_server::NatsServer;
use tokio::time::{Instant, MissedTickBehavior};

/// How long it may write nothing, where its disk was full and has room, before it is started again.
const FULL_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked after.
const CARE: Duration = Duration::from_millis(200);
/// An append that waits for longer than this, in milliseconds, stands; under load there is always one under way.
const STANDS_MS: i64 = 1_000;
/// After a start it is left alone for so long: callers come back within seconds, and their first appends are to come through.
const GRACE: Duration = Duration::from_secs(15);

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
    // A start takes its time: the looks that it delayed are not made up for.
    care.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut was_full, mut refused) = (false, 0);
    let mut restarted: Option<Instant> = None;
    loop {
        care.tick().await;
        let Some(server) = nats.as_mut() else { return std::future::pending().await };
        let slow = health.is_slow(ingest::clock::now(), STANDS_MS);
        let is_new = restarted.is_some_and(|at| at.elapsed() < GRACE);
        was_full = modes.since(Mode::DiskFull).is_some() || (was_full && slow);
        refused = if was_full && slow && !is_new && has_room(server.dir()) { refused + 1 } else { 0 };
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
            restarted = Some(Instant::now());
        }
    }
}
