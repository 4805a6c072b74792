//! The connection to NATS: jittered reconnects, and slow consumers reported as the faults they are.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};
use rand::Rng;

/// Connects as this name to one of these servers, a list with commas between, and keeps reconnecting for ever: when the
/// server dies that it is connected to, to another one.
///
/// # Errors
/// When the first connection fails within ten seconds at each of them.
pub async fn connect(urls: &str, name: &str) -> Result<Client, async_nats::ConnectError> {
    options(name).connect(servers(urls)).await
}

/// The same, where the servers may come later: returns at once and connects when it can.
///
/// # Errors
/// When an address can not be understood.
pub async fn connect_whenever(urls: &str, name: &str) -> Result<Client, async_nats::ConnectError> {
    options(name).retry_on_initial_connect().connect(servers(urls)).await
}

/// The same for checks: so few wait unread that a flood is told at once, and what is beyond is dropped.
///
/// # Errors
/// As [`connect`].
pub async fn connect_for_checks(urls: &str, name: &str) -> Result<Client, async_nats::ConnectError> {
    options(name).subscription_capacity(CHECKS_UNREAD).connect(servers(urls)).await
}

fn servers(urls: &str) -> Vec<&str> {
    urls.split(',').map(str::trim).collect()
}

/// Checks that wait unread: some tenths of a second's worth of turning away.
const CHECKS_UNREAD: usize = 64 * 1024;

fn options(name: &str) -> ConnectOptions {
    ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(10))
        .request_timeout(Some(Duration::from_secs(5)))
        .subscription_capacity(128 * 1024)
        .client_capacity(16 * 1024)
        .ping_interval(Duration::from_secs(10))
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(|event| async move { report(&event) })
}

/// Full jitter, doubling to four seconds: a fleet that lost the same server does not come back at the same moment.
fn reconnect_delay(attempt: usize) -> Duration {
    let ceiling_ms = 50u64 << attempt.min(6);
    Duration::from_millis(rand::rng().random_range(0..=ceiling_ms.max(1)))
}

/// When something was last said of slow consumers: seconds since 1970.
static SLOW: Seldom = Seldom(AtomicI64::new(0));

/// What is said at most once a second.
struct Seldom(AtomicI64);

impl Seldom {
    fn is_due(&self) -> bool {
        let now = crate::clock::now().0 / 1_000;
        self.0.swap(now, Relaxed) != now
    }
}

fn report(event: &Event) {
    match event {
        // One word a second: of a flood each dropped message tells one.
        Event::SlowConsumer(subscription) if SLOW.is_due() => {
            tracing::error!(
                subscription,
                "slow consumer: messages were dropped on the way in; they stay unanswered and are sent again"
            );
        }
        Event::SlowConsumer(_) => {}
        Event::Disconnected => tracing::warn!("disconnected from NATS; reconnecting"),
        Event::ClientError(error) => tracing::warn!(%error, "NATS client"),
        Event::ServerError(error) => tracing::warn!(%error, "NATS server"),
        _ => tracing::debug!(%event, "NATS"),
    }
}
