//! From a POS that sends until an HTTP answer shows it, while the whole fleet sells.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use rand::Rng;
use sim::fleet::{Fleet, Options};
use sim::probe::Probe;
use sim::tally::Tally;
use tokio::sync::watch;

use crate::jaego::{Jaego, write_registry};
use crate::report::Row;
use crate::workload;

/// Deltas a second while it is measured.
const RATE: f64 = 5_000.0;
/// Time that is measured, after the first reports.
const MEASURED: Duration = Duration::from_secs(40);
/// Outlets that are watched.
const PROBES: usize = 8;
/// What may come on top of the tick, in milliseconds.
const MARGIN_MS: f64 = 150.0;

/// Runs at ticks of 1 s and of 200 ms.
///
/// # Errors
/// When a part does not run, or a report is not seen.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tick_ms in [1_000, 200] {
        rows.extend(at_tick(dir, tick_ms).await?);
    }
    Ok(rows)
}

async fn at_tick(dir: &Path, tick_ms: u32) -> Result<Vec<Row>> {
    let mut outlets = workload::registry();
    let registry = write_registry(dir, &outlets)?;
    let data = dir.join(format!("visible-{tick_ms}"));
    let tick = format!("{tick_ms}ms");
    let jaego =
        Jaego::start(&data, &["--registry", registry.to_str().context("a path in UTF-8")?, "--tick", &tick])?;
    let at = outlets.iter().position(|o| o.place.is_some()).context("an outlet with a place")?;
    outlets.swap(0, at);
    let places: Vec<usize> =
        (0..outlets.len()).filter(|i| outlets[*i].place.is_some()).take(PROBES).collect();
    let watched: Vec<_> = places.into_iter().rev().map(|i| outlets.swap_remove(i)).collect();

    let (stop_in, stop) = watch::channel(false);
    let tally = Arc::new(Tally::default());
    let options = Options { rate: RATE, ..Options::default() };
    let fleet = Fleet::connect(options, &outlets, &jaego.endpoints.nats, Arc::clone(&tally)).await?;
    let speaking = fleet.speaking() as u64;
    let fleet = tokio::spawn(fleet.run(stop));
    first_reports(&tally, speaking).await?;
    let (before, started) = (tally.counts().accepted, Instant::now());
    let mut probes = Vec::new();
    for outlet in watched {
        let probe =
            Probe::connect(&outlet, workload::ITEM, &jaego.endpoints.nats, &jaego.endpoints.open).await?;
        probes.push(tokio::spawn(watch_one(probe)));
    }
    let mut all = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for probe in probes {
        all.add(probe.await??)?;
    }
    let rate = (tally.counts().accepted - before) as f64 / started.elapsed().as_secs_f64();
    let resident = jaego.resident_mib()?;
    stop_in.send(true)?;
    fleet.await?;
    jaego.stop()?;
    let ms = |q| all.value_at_quantile(q) as f64 / 1000.0;
    let figure = format!(
        "p50 {:.0} ms, p99 {:.0} ms over {} reports, {rate:.0} entries/s",
        ms(0.5),
        ms(0.99),
        all.len()
    );
    Ok(vec![
        Row::plain(format!("POS → visible, tick {tick_ms} ms"), figure),
        Row::at_most(format!("p99 − tick, ms, tick {tick_ms} ms"), ms(0.99) - f64::from(tick_ms), MARGIN_MS),
        Row::at_most(format!("resident memory of jaego, MiB, tick {tick_ms} ms"), resident, 250.0),
    ])
}

async fn first_reports(tally: &Tally, speaking: u64) -> Result<()> {
    let started = Instant::now();
    while tally.counts().accepted < speaking {
        if started.elapsed() > Duration::from_secs(60) {
            bail!("{} of {speaking} first reports after a minute", tally.counts().accepted);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Reports at random moments, so that no phase of the tick is preferred.
async fn watch_one(mut probe: Probe) -> Result<Histogram<u64>> {
    let mut times = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let started = Instant::now();
    let mut counts = [(150, "plenty"), (15, "few")].into_iter().cycle();
    while started.elapsed() < MEASURED {
        let (count, band) = counts.next().context("a cycle does not end")?;
        let took = probe.once(count, band).await?;
        times.saturating_record(u64::try_from(took.as_micros())?);
        let pause = rand::rng().random_range(0..500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(times)
}
