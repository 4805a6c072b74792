//! Ten thousand readers of streams on one edge: whether each has a version within a second of its cut, and what memory they take.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use schemas::registry::OutletInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::town::{self, Selling};
use crate::jaego::Jaego;
use crate::report::Row;

const LISTENERS: usize = 10_000;
/// How long versions are watched once all listen.
const WATCHED: Duration = Duration::from_secs(20);
/// An edge that takes longer to answer anybody has broken down.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// What a listener reads at once.
const READ: usize = 8 * 1024;
/// So long before the end a version may still be on its way.
const STILL_COMING_MS: i64 = 2_000;

/// Versions that a listener was told, and when, in milliseconds since 1970.
type Heard = Vec<(u64, i64)>;

/// Runs it.
///
/// # Errors
/// When a part does not run, or a stream ends.
pub(super) async fn run(dir: &Path) -> Result<Vec<Row>> {
    let outlets = town::outlets();
    let core = town::start(dir, "relay", "1s", &outlets)?;
    town::report_all(&core, &outlets).await?;
    let edge = Jaego::start(&dir.join("edge"), &["--role", "edge", "--nats", &core.endpoints.nats])?;
    let started = edge.ready_after.as_secs_f64();
    // It is told the same and nobody listens to it.
    let twin = Jaego::start(&dir.join("twin"), &["--role", "edge", "--nats", &core.endpoints.nats])?;
    let selling = Selling::start(&outlets, &core.endpoints.nats).await?;
    let (heard, cuts) = listen(&edge, &outlets).await?;
    let (listened, alone) = (edge.resident_mib()?, twin.resident_mib()?);
    twin.stop()?;
    let rate = selling.rate();
    selling.stop().await?;
    edge.stop()?;
    core.stop()?;
    let lags = lags(&heard, &cuts)?;
    let told = format!(
        "p50 {} ms, p99 {} ms, last {} ms over {} versions, {rate:.0} entries/s",
        lags.value_at_quantile(0.5),
        lags.value_at_quantile(0.99),
        lags.max(),
        lags.len() / LISTENERS as u64,
    );
    Ok(vec![
        Row::at_most("an edge starts from a keyframe, 25,000 outlets, s", started, 2.0),
        Row::plain(format!("cut → event at each of {LISTENERS} listeners by district"), told),
        Row::at_most("the last listener has a version after, s", lags.max() as f64 / 1000.0, 1.0),
        Row::plain(
            "memory of the edge, and of one that nobody listens to",
            format!("{listened:.0} MiB, {alone:.0} MiB"),
        ),
        Row::at_most("memory for each listener, KiB", (listened - alone) * 1024.0 / LISTENERS as f64, 40.0),
    ])
}

/// Has all listen; returns what each heard, and when each version was cut.
async fn listen(edge: &Jaego, outlets: &[OutletInfo]) -> Result<(Vec<Heard>, BTreeMap<u64, i64>)> {
    let mut districts: Vec<u32> = outlets.iter().filter_map(|outlet| outlet.region.map(|r| r.0)).collect();
    districts.sort_unstable();
    districts.dedup();
    let address = edge.endpoints.open.trim_start_matches("http://").to_owned();
    let (stop, stopped) = watch::channel(false);
    let listening = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..LISTENERS {
        let path = format!("/v1/stream?region={:05}", districts[n % districts.len()]);
        let stream = TcpStream::connect(&address).await.with_context(|| format!("listener {n}"))?;
        tasks.push(tokio::spawn(listener(stream, path, stopped.clone(), Arc::clone(&listening))));
    }
    let started = Instant::now();
    while listening.load(Relaxed) < LISTENERS {
        ensure!(
            started.elapsed() < Duration::from_secs(60),
            "{} listen after a minute",
            listening.load(Relaxed)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let from = ingest::clock::now().0;
    let cuts = cuts(edge).await?;
    stop.send_replace(true);
    let mut heard = Vec::new();
    for task in tasks {
        heard.push(task.await??);
    }
    let until = ingest::clock::now().0 - STILL_COMING_MS;
    Ok((heard, cuts.into_iter().filter(|(_, at)| (from..until).contains(at)).collect()))
}

/// When versions are cut, as the status page tells it while they come.
async fn cuts(edge: &Jaego) -> Result<BTreeMap<u64, i64>> {
    let (mut cuts, started) = (BTreeMap::new(), Instant::now());
    let url = format!("{}/v1/regions.json", edge.endpoints.open);
    let client = reqwest::Client::builder().timeout(ANSWERED_WITHIN).build()?;
    while started.elapsed() < WATCHED {
        let regions: serde_json::Value = client.get(&url).send().await?.json().await?;
        let at = regions["last_updated"].as_str().context("a document without its time")?;
        let at = chrono::DateTime::parse_from_rfc3339(at)?.timestamp_millis();
        cuts.insert(regions["version"].as_u64().context("a document without a version")?, at);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(cuts)
}

async fn listener(
    mut stream: TcpStream,
    path: String,
    mut stop: watch::Receiver<bool>,
    listening: Arc<AtomicUsize>,
) -> Result<Heard> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes()).await?;
    let (mut heard, mut read, mut kept) = (Vec::new(), [0; READ], 0);
    let mut counted = false;
    loop {
        let got = tokio::select! {
            got = stream.read(&mut read[kept..]) => got?,
            _ = stop.changed() => return Ok(heard),
        };
        ensure!(got > 0, "the stream ended");
        if !std::mem::replace(&mut counted, true) {
            ensure!(read.starts_with(b"HTTP/1.1 200"), "{path} is no stream");
            listening.fetch_add(1, Relaxed);
        }
        kept = note(&mut read, kept + got, &mut heard);
    }
}

/// Notes the versions told in what was read; keeps the last bytes, in which one may have been cut in two.
fn note(read: &mut [u8], end: usize, heard: &mut Heard) -> usize {
    const MARK: &[u8] = b"\nid: ";
    const LONGEST: usize = MARK.len() + 21;
    let (mut from, now) = (0, ingest::clock::now().0);
    while let Some(at) = memchr::memmem::find(&read[from..end], MARK) {
        let start = from + at + MARK.len();
        let digits = read[start..end].iter().take_while(|b| b.is_ascii_digit()).count();
        if start + digits == end {
            read.copy_within(from + at..end, 0);
            return end - from - at;
        }
        let number = std::str::from_utf8(&read[start..start + digits]).ok().and_then(|n| n.parse().ok());
        heard.extend(number.map(|version: u64| (version, now)));
        from = start + digits;
    }
    let rest = (end - from).min(LONGEST);
    read.copy_within(end - rest..end, 0);
    rest
}

/// Of every version and listener, the milliseconds from its cut until it, or one after it, was told.
fn lags(heard: &[Heard], cuts: &BTreeMap<u64, i64>) -> Result<Histogram<u64>> {
    ensure!(cuts.len() > 5, "only {} versions were seen", cuts.len());
    let mut lags = Histogram::new_with_bounds(1, 60_000, 3)?;
    for (version, cut) in cuts {
        for heard in heard {
            let told = heard.iter().find(|(told, _)| told >= version);
            let (_, at) = told.with_context(|| format!("version {version} never came"))?;
            lags.saturating_record(u64::try_from(at - cut).unwrap_or(0));
        }
    }
    Ok(lags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_noted_wherever_the_stream_is_cut() {
        let text = b"HTTP/1.1 200 OK\r\n\r\n\nevent: changes\nid: 1234\ndata: {\"id: 7\"}\n\n\nevent: changes\nid: 99\ndata\n";
        for step in 1..text.len() {
            let (mut read, mut kept, mut heard) = ([0; 512], 0, Vec::new());
            for part in text.chunks(step) {
                read[kept..kept + part.len()].copy_from_slice(part);
                kept = note(&mut read, kept + part.len(), &mut heard);
            }
            let versions: Vec<u64> = heard.iter().map(|(version, _)| *version).collect();
            assert_eq!(versions, [1234, 99], "in parts of {step}");
        }
    }
}
