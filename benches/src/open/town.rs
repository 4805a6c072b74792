//! A jaego with a whole registry whose outlets have reported, and a fleet that sells in it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use schemas::registry::OutletInfo;
use schemas::subject::{PosKind, pos};
use sim::fleet::{Fleet, Options};
use sim::tally::Tally;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::jaego::{Jaego, write_registry};
use crate::workload::{self, ITEM};

/// Deltas a second of a fleet.
pub(super) const RATE: f64 = 5_000.0;
const PATIENCE: Duration = Duration::from_secs(150);

/// Starts a jaego on a registry of its own.
pub(super) fn start(dir: &Path, name: &str, tick: &str, outlets: &[OutletInfo]) -> Result<Jaego> {
    let registry = write_registry(dir, outlets)?;
    let registry = registry.to_str().context("a path in UTF-8")?;
    Jaego::start(&dir.join(name), &["--registry", registry, "--tick", tick])
}

/// Has every outlet report once, and waits until all of it is published.
pub(super) async fn report_all(jaego: &Jaego, outlets: &[OutletInfo]) -> Result<()> {
    let client = async_nats::connect(&jaego.endpoints.nats).await?;
    let reports = outlets.iter().zip(0u32..).map(|(outlet, n)| {
        let client = client.clone();
        let at = "2020-03-11T09:05:00+09:00";
        let body = format!(r#"{{"terminal":"t1","seq":1,"at":"{at}","item":"{ITEM}","count":{}}}"#, n % 130);
        async move {
            let answer = client.request(pos(PosKind::Report, &outlet.code), body.into()).await?;
            let reply: schemas::pos::Reply = serde_json::from_slice(&answer.payload)?;
            reply.version.context("a report that was not accepted")
        }
    });
    let all = futures::stream::iter(reports).buffer_unordered(512);
    let last = all.try_fold(0, |high, v| async move { Ok(high.max(v)) }).await?;
    let started = Instant::now();
    while version(jaego).await? < last {
        ensure!(started.elapsed() < PATIENCE, "the reports are not published after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn version(jaego: &Jaego) -> Result<u64> {
    let url = format!("{}/v1/status.json", jaego.endpoints.open);
    let status: serde_json::Value = reqwest::get(url).await?.json().await?;
    status["version"].as_u64().context("a status without a version")
}

/// A fleet at work, after its first reports.
pub(super) struct Selling {
    stop: watch::Sender<bool>,
    fleet: JoinHandle<()>,
    tally: Arc<Tally>,
    since: (u64, Instant),
}

impl Selling {
    pub(super) async fn start(outlets: &[OutletInfo], nats: &str) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let tally = Arc::new(Tally::default());
        let options = Options { rate: RATE, ..Options::default() };
        let fleet = Fleet::connect(options, outlets, nats, Arc::clone(&tally)).await?;
        let speaking = fleet.speaking() as u64;
        let fleet = tokio::spawn(async move { drop(fleet.run(stopped).await) });
        let started = Instant::now();
        while tally.counts().accepted < speaking {
            if started.elapsed() > PATIENCE {
                bail!("{} of {speaking} first reports after {PATIENCE:?}", tally.counts().accepted);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let since = (tally.counts().accepted, Instant::now());
        Ok(Self { stop, fleet, tally, since })
    }

    /// Entries accepted a second, since the first reports.
    pub(super) fn rate(&self) -> f64 {
        (self.tally.counts().accepted - self.since.0) as f64 / self.since.1.elapsed().as_secs_f64()
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.stop.send_replace(true);
        Ok(self.fleet.await?)
    }
}

/// The registry of every measurement.
pub(super) fn outlets() -> Vec<OutletInfo> {
    workload::registry()
}
