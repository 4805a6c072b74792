//! The probe: reports once a second as an outlet that is none, over NATS as a POS does, and tells when that is served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Client;
use ingest::modes::Modes;
use schemas::OutletCode;
use schemas::pos::{Head, Reply, Report};
use schemas::subject::{PROBE_OUTLET, PosKind, pos};
use schemas::time::Rfc3339;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);
/// A probe that took longer has not come through.
const LIMIT: Duration = Duration::from_secs(5);

/// Probes until told to stop. Each process is a terminal of its own, whose sequence begins with it.
pub(crate) async fn run(
    nats: Client,
    served: watch::Receiver<u64>,
    modes: Arc<Modes>,
    stop: CancellationToken,
) {
    let terminal = format!("{:016x}", rand::random::<u64>());
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for seq in 1.. {
        tokio::select! {
            _ = timer.tick() => {}
            () = stop.cancelled() => return,
        }
        let probed = tokio::time::timeout(LIMIT, once(&nats, served.clone(), &terminal, seq)).await;
        if !stop.is_cancelled() {
            modes.probed(probed.ok().flatten());
        }
    }
}

/// Reports, and waits until a version that holds the report is served. Nothing where it was not taken.
async fn once(nats: &Client, mut served: watch::Receiver<u64>, terminal: &str, seq: u64) -> Option<Duration> {
    let sent = Instant::now();
    let outlet = OutletCode::new(PROBE_OUTLET).expect("a test reads its subject");
    let head = Head { outlet: None, terminal, seq, at: Rfc3339(ingest::clock::now()), sent_at: None };
    let report = Report { head, item: "probe", count: 0 };
    let body = serde_json::to_vec(&report).expect("a report holds only text and numbers");
    let answer = nats.request(pos(PosKind::Report, &outlet), body.into()).await.ok()?;
    let version = serde_json::from_slice::<Reply>(&answer.payload).ok()?.version?;
    served.wait_for(|served| *served >= version).await.ok()?;
    Some(sent.elapsed())
}
