//! Serving while a nation sells: what is left of the peak, and how soon a stream tells of a report.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use hdrhistogram::Histogram;
use rand::Rng;
use schemas::registry::OutletInfo;
use schemas::subject::{PosKind, pos};

use super::still::{GZIP, Sample, answer, load};
use super::town::{self, Selling};
use crate::jaego::Jaego;
use crate::peers::nginx::Nginx;
use crate::report::Row;
use crate::workload::ITEM;

const REGION: &str = "/v1/regions/11680/outlets_with_stock.json";
const LINES: [&str; 1] = [GZIP];
/// Outlets that are watched by a stream each.
const WATCHED: usize = 8;
const MEASURED: Duration = Duration::from_secs(30);

/// Runs both.
///
/// # Errors
/// When a part does not run, or an answer fails.
pub(super) async fn run(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = peak(dir).await?;
    rows.extend(streams(dir).await?);
    Ok(rows)
}

/// The peak of jaego and of nginx, at rest and beside a fleet: what the fleet takes of the machine, both lose.
async fn peak(dir: &Path) -> Result<Vec<Row>> {
    let outlets = town::outlets();
    let jaego = town::start(dir, "live", "1s", &outlets)?;
    town::report_all(&jaego, &outlets).await?;
    let ours = [format!("{}{REGION}", jaego.endpoints.open)];
    let Sample { file, headers, .. } = answer(&ours[0], Some(GZIP)).await?;
    let files: [(&str, &[u8]); 2] = [("a.json", &file), ("a.json.gz", &file)];
    let nginx = Nginx::start(&dir.join("nginx-live"), &files, &headers, 2).await?;
    let theirs = [nginx.url("a.json")];
    let (quiet, quiet_nginx) = (load(&ours, &LINES).await?, load(&theirs, &LINES).await?);
    let selling = Selling::start(&outlets, &jaego.endpoints.nats).await?;
    let (busy, busy_nginx) = (load(&ours, &LINES).await?, load(&theirs, &LINES).await?);
    let rate = selling.rate();
    selling.stop().await?;
    jaego.stop()?;
    let (kept, kept_nginx) =
        (busy.per_second() / quiet.per_second(), busy_nginx.per_second() / quiet_nginx.per_second());
    Ok(vec![
        Row::plain("region file, gzip, ticks of 1 s at rest: jaego", quiet.to_string()),
        Row::plain(format!("the same while {rate:.0} deltas/s change it: jaego"), busy.to_string()),
        Row::at_least("peak under change ÷ peak at rest", kept, 0.9),
        Row::plain(
            "nginx, whose file stands still, beside the same fleet ÷ at rest",
            format!("{kept_nginx:.2}"),
        ),
        Row::at_least("what change alone costs: jaego kept ÷ nginx kept", kept / kept_nginx, 0.9),
    ])
}

/// From a POS that sends until an event of the stream tells it, at ticks of 200 ms.
async fn streams(dir: &Path) -> Result<Vec<Row>> {
    let mut outlets = town::outlets();
    let jaego = town::start(dir, "streams", "200ms", &outlets)?;
    let watched: Vec<OutletInfo> = (0..WATCHED).map(|n| outlets.swap_remove(n * 997)).collect();
    let selling = Selling::start(&outlets, &jaego.endpoints.nats).await?;
    let probes: Vec<_> = watched
        .into_iter()
        .map(|outlet| tokio::spawn(Probe::watch(outlet, jaego.endpoints.clone())))
        .collect();
    let mut all = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for probe in probes {
        all.add(probe.await??)?;
    }
    let rate = selling.rate();
    selling.stop().await?;
    Jaego::stop(jaego)?;
    let ms = |q| all.value_at_quantile(q) as f64 / 1000.0;
    let told = format!(
        "p50 {:.0} ms, p99 {:.0} ms over {} reports, {rate:.0} entries/s",
        ms(0.5),
        ms(0.99),
        all.len()
    );
    Ok(vec![
        Row::plain("POS → event of a stream, tick 200 ms", told),
        Row::at_most("POS → event p99, ms", ms(0.99), 350.0),
    ])
}

/// An outlet that reports, and a stream of its district.
struct Probe {
    outlet: OutletInfo,
    nats: async_nats::Client,
    events: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    read: Vec<u8>,
}

impl Probe {
    async fn watch(outlet: OutletInfo, at: crate::jaego::Endpoints) -> Result<Histogram<u64>> {
        let region = outlet.region.context("an outlet with a district")?;
        let url = format!("{}/v1/stream?region={:05}", at.open, region.0);
        let events = reqwest::get(url).await?.error_for_status()?.bytes_stream();
        let nats = async_nats::connect(&at.nats).await?;
        let mut probe = Self { outlet, nats, events: Box::pin(events), read: Vec::new() };
        let mut times = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let started = Instant::now();
        for count in 1.. {
            if started.elapsed() > MEASURED {
                break;
            }
            let took = probe.once(count).await?;
            times.saturating_record(u64::try_from(took.as_micros())?);
            let pause = rand::rng().random_range(0..300);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Ok(times)
    }

    async fn once(&mut self, count: u32) -> Result<Duration> {
        let at = schemas::time::Rfc3339(ingest::clock::now());
        let at = serde_json::to_string(&at)?;
        let body =
            format!(r#"{{"terminal":"probe","seq":{count},"at":{at},"item":"{ITEM}","count":{count}}}"#);
        let subject = pos(PosKind::Report, &self.outlet.code);
        let start = Instant::now();
        self.nats.publish(subject, body.into()).await?;
        self.nats.flush().await?;
        while !self.told(count).await? {
            ensure!(start.elapsed() < Duration::from_secs(30), "not told after 30 s");
        }
        Ok(start.elapsed())
    }

    /// Reads on; whether an event told this count of the outlet.
    async fn told(&mut self, count: u32) -> Result<bool> {
        let bytes = self.events.next().await.context("the stream ended")??;
        self.read.extend_from_slice(&bytes);
        let (id, count) = (format!("{{\"id\":\"{}\"", self.outlet.code), format!("\"count\":{count},"));
        let Some(end) = self.read.windows(2).rposition(|window| window == b"\n\n") else { return Ok(false) };
        let events: Vec<u8> = self.read.drain(..end + 2).collect();
        let events = std::str::from_utf8(&events).context("events are text")?;
        let row = events.rfind(&id).map(|at| events[at + 1..].split("{\"id\":").next().unwrap_or_default());
        Ok(row.is_some_and(|row| row.contains(&count)))
    }
}
