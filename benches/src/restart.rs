//! Starting again over a long journal: without a checkpoint beside the raw reading of the stream, and with one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::jetstream::consumer::push;
use futures::StreamExt;
use ingest::journal::{Journal, Sealed};
use ingest::nats_server::NatsServer;

use crate::jaego::{Jaego, write_registry};
use crate::report::Row;
use crate::workload::{self, Batch};

/// Entries in the journal.
const ENTRIES: usize = 5_000_000;

/// Fills a journal, then reads it raw, folds it from the start, and folds it from a checkpoint.
///
/// # Errors
/// When a part does not run.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let nats_dir = dir.join("nats");
    std::fs::create_dir_all(&nats_dir)?;
    let nats = NatsServer::start(&nats_dir, "127.0.0.1:0".parse()?)?;
    let outlets = workload::registry();
    let registry = write_registry(dir, &outlets)?;
    let args = [
        "--registry",
        registry.to_str().context("a path in UTF-8")?,
        "--nats",
        nats.url(),
        "--tick",
        "100ms",
    ];
    Jaego::start(&dir.join("first"), &args)?.stop()?;
    let client = ingest::nats::connect(nats.url(), "bench").await?;
    let journal = Journal::open(client, 1).await?;
    fill(&journal, workload::sales(&outlets, ENTRIES)).await?;

    // The first reading warms the page cache for all.
    read_raw(&journal).await?;
    let raw = read_raw(&journal).await?;
    let cold = Jaego::start(&dir.join("cold"), &args)?;
    let (without, resident) = (cold.ready_after, cold.resident_mib()?);
    cold.stop()?;
    let warm = Jaego::start(&dir.join("cold"), &args)?;
    let with = warm.ready_after;
    warm.stop()?;
    Ok(vec![
        Row::plain(
            format!("journal of {ENTRIES} entries, read raw by an ordered consumer"),
            format!("{raw:.2?}"),
        ),
        Row::plain("start without a checkpoint, until ready", format!("{without:.2?}")),
        Row::at_most("without a checkpoint ÷ raw", without.as_secs_f64() / raw.as_secs_f64(), 1.5),
        Row::at_most("start with a checkpoint, until ready, s", with.as_secs_f64(), 3.0),
        Row::at_most("resident memory after the replay, MiB", resident, 250.0),
    ])
}

async fn fill(journal: &Journal, batches: Vec<Batch>) -> Result<()> {
    for (number, Batch { payload, seal }) in batches.into_iter().enumerate() {
        let sealed = Sealed {
            payload: payload.into(),
            count: seal.count,
            id: format!("bench-{number}"),
            writer: None,
        };
        journal.try_append(&sealed).await.map_err(anyhow::Error::from_boxed)?;
    }
    Ok(())
}

async fn read_raw(journal: &Journal) -> Result<Duration> {
    let last = journal.extent().await?.last;
    let start = Instant::now();
    let config = push::OrderedConfig { deliver_subject: journal.client().new_inbox(), ..Default::default() };
    let mut messages = journal.stream().create_consumer(config).await?.messages().await?;
    loop {
        let message = messages.next().await.context("the consumer ended")??;
        if message.info().map_err(anyhow::Error::from_boxed)?.stream_sequence >= last {
            return Ok(start.elapsed());
        }
    }
}
