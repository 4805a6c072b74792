//! What the rendering of a tick takes of a core: the rows that changed, and the bodies that readers ask for.

use std::time::Duration;

use aggregator::Cutter;
use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::Request;
use nix::sys::resource::{UsageWho, getrusage};
use publisher::{Face, Publisher};
use tower::ServiceExt;

use super::town::{self, RATE};
use crate::report::Row;
use crate::stages::apply;
use crate::workload;

const TICKS: usize = 3;
const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

/// Sells for some ticks, and asks for sets of files after each.
///
/// # Errors
/// When an answer fails.
pub(super) async fn run() -> Result<Vec<Row>> {
    let outlets = town::outlets();
    let (mut fold, mut seq) = workload::morning(&outlets);
    let (mut cutter, publisher) = (Cutter::default(), Publisher::new(Face::default()));
    publisher.publish(cutter.cut(&mut fold).context("a morning has a tick")?);
    let files = files(&publisher).await?;
    let sales = workload::sales(&outlets, RATE as usize * (TICKS + 1));
    let mut spent = [Duration::ZERO; 4];
    for batches in sales.chunks(sales.len() / TICKS).take(TICKS) {
        apply(&mut fold, seq, batches);
        seq += batches.len() as u64;
        workload::tick(&mut fold, seq);
        seq += 1;
        let snapshot = cutter.cut(&mut fold).context("a tick was applied")?;
        let start = processor_time()?;
        publisher.publish(snapshot);
        spent[0] += processor_time()? - start;
        let sets = [
            files.iter().filter(|path| path.starts_with("/v1/regions/11680/")).collect(),
            files.iter().filter(|path| path.contains("/outlets_with_stock.json")).collect(),
            files.iter().collect::<Vec<_>>(),
        ];
        for (spent, set) in spent[1..].iter_mut().zip(sets) {
            let start = processor_time()?;
            ask(&publisher, &set).await?;
            *spent += processor_time()? - start;
        }
    }
    // At a tick a second the time a tick takes is the share of a core.
    let share = |spent: Duration| spent.as_secs_f64() / TICKS as f64 * 100.0;
    Ok(vec![
        Row::at_most(
            format!("rendering rows and pages, {RATE:.0} deltas a tick, % of a core"),
            share(spent[0]),
            25.0,
        ),
        Row::plain("the files of a district in every format and coding", format!("{:.1} %", share(spent[1]))),
        Row::plain(
            "outlets_with_stock.json of the country and every part of it, in every coding",
            format!("{:.0} %", share(spent[2])),
        ),
        Row::at_most(
            "every file in every coding, each tick anew, % of a core",
            share(spent[0] + spent[3]),
            25.0,
        ),
    ])
}

/// All addresses of the manifest, without their version.
async fn files(publisher: &Publisher) -> Result<Vec<String>> {
    let body = get(publisher, "/v1/manifest.json", "identity").await?;
    let manifest: serde_json::Value = serde_json::from_slice(&body)?;
    let files = manifest["files"].as_array().context("a manifest lists files")?;
    let url = |file: &serde_json::Value| {
        let url = file["url"].as_str().context("a file has an address")?;
        Ok(match url.strip_prefix("/v1/versions/").and_then(|rest| rest.split_once('/')) {
            Some((_, rest)) => format!("/v1/{rest}"),
            None => url.to_owned(),
        })
    };
    files.iter().map(url).collect()
}

async fn ask(publisher: &Publisher, paths: &[&String]) -> Result<()> {
    for path in paths {
        for coding in CODINGS {
            ensure!(!get(publisher, path, coding).await?.is_empty(), "{path} is empty");
        }
    }
    Ok(())
}

async fn get(publisher: &Publisher, path: &str, coding: &str) -> Result<bytes::Bytes> {
    let request = Request::get(path).header("accept-encoding", coding).body(Body::empty())?;
    let answer = publisher.router().oneshot(request).await?;
    ensure!(answer.status().is_success(), "{path}: {}", answer.status());
    Ok(axum::body::to_bytes(answer.into_body(), usize::MAX).await?)
}

/// Of all threads of this process.
fn processor_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    Ok(Duration::from_micros(u64::try_from(micros(usage.user_time()) + micros(usage.system_time()))?))
}
