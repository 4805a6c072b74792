//! The open API beside nginx that serves the same bytes from files, under the same load from the same machine.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use schemas::subject::{PosKind, pos};

use crate::jaego::{Jaego, write_registry};
use crate::peers::nginx::Nginx;
use crate::peers::{Load, http};
use crate::report::Row;
use crate::workload::{self, ITEM};

const SECONDS: f64 = 5.0;
const CONNECTIONS: usize = 64;
/// What is asked for, and the name of the same bytes as a file.
const PATHS: [(&str, &str, &str); 2] = [
    (
        "storesByGeo, m=1000 at 서울시청",
        "/corona19-masks/v1/storesByGeo/json?lat=37.5663&lng=126.9779&m=1000",
        "geo.json",
    ),
    ("sales, one page of 500", "/corona19-masks/v1/sales/json?page=1", "sales.json"),
];

/// Runs both servers in turn on each path.
///
/// # Errors
/// When one of them does not run, or an answer fails.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let outlets = workload::registry();
    let registry = write_registry(dir, &outlets)?;
    let jaego =
        Jaego::start(&dir.join("open"), &["--registry", registry.to_str().context("a path in UTF-8")?])?;
    let last = report_all(&jaego, &outlets).await?;
    let served = |status: serde_json::Value| status["version"].as_u64().is_some_and(|v| v >= last);
    while !served(reqwest::get(format!("{}/v1/status.json", jaego.endpoints.open)).await?.json().await?) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut rows = Vec::new();
    for (name, path, file) in PATHS {
        let url = format!("{}{path}", jaego.endpoints.open);
        let body = reqwest::get(&url).await?.bytes().await?;
        let nginx = Nginx::start(&dir.join(file.trim_end_matches(".json")), &[(file, &body)], 2).await?;
        let theirs = best(&nginx.url(file)).await?;
        let ours = best(&url).await?;
        rows.push(Row::plain(format!("{name}, {} bytes: nginx", body.len()), theirs.to_string()));
        rows.push(Row::plain(format!("{name}: jaego"), ours.to_string()));
        rows.push(Row::plain("jaego ÷ nginx", format!("{:.2}", ours.per_second() / theirs.per_second())));
    }
    Ok(rows)
}

/// The better of two runs: the first also warms up.
async fn best(url: &str) -> Result<Load> {
    let urls = [url.to_owned()];
    let first = http::load(&urls, &[], CONNECTIONS, SECONDS).await?;
    let second = http::load(&urls, &[], CONNECTIONS, SECONDS).await?;
    ensure!(first.errors + second.errors == 0, "{url}: {first}; {second}");
    Ok(if first.per_second() > second.per_second() { first } else { second })
}

/// A report from every outlet; returns the highest version that shows one.
async fn report_all(jaego: &Jaego, outlets: &[schemas::registry::OutletInfo]) -> Result<u64> {
    use futures::{StreamExt, TryStreamExt};
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
    futures::stream::iter(reports)
        .buffer_unordered(512)
        .try_fold(0, |high, v| async move { Ok(high.max(v)) })
        .await
}
