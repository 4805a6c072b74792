//! Durable deltas over NATS request and reply, beside Redis and PostgreSQL that also fsync before they answer, and beside
//! one raw JetStream publish and its ack.

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::StreamExt;
use schemas::registry::OutletInfo;

use crate::jaego::{Jaego, write_registry};
use crate::peers::nats_wire;
use crate::peers::postgres::Postgres;
use crate::peers::redis::Redis;
use crate::peers::wire::closed_loop;
use crate::peers::{Load, raw_nats};
use crate::report::Row;
use crate::workload::{self, ITEM, OUTLETS};

/// Seconds of each load.
const SECONDS: f64 = 5.0;
/// Connections that are tried at 1,024 in flight; the best is kept, as for the peers.
const CONNECTIONS: [usize; 3] = [1, 2, 4];
/// Size of an entry in the journal, for the raw publish.
const RAW_BYTES: usize = 256;

/// Runs all three, one after the other on the same machine.
///
/// # Errors
/// When one of them does not run.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let redis_server = Redis::start(&folder(dir, "redis")?).await?;
    let redis_apart = redis_server.hincrby_load_apart(1024, SECONDS, OUTLETS).await?;
    let redis = redis_server.hincrby_load(1024, SECONDS, OUTLETS).await?;
    drop(redis_server);
    let postgres =
        Postgres::start(&folder(dir, "postgres")?).await?.upsert_load(1024, SECONDS, OUTLETS).await?;
    let outlets = workload::registry();
    let registry = write_registry(dir, &outlets)?;
    let jaego =
        Jaego::start(&folder(dir, "jaego")?, &["--registry", registry.to_str().context("a path in UTF-8")?])?;
    let pos = Pos::new(&outlets);
    let raw = raw_nats::publish_ack(&jaego.endpoints.nats, RAW_BYTES, SECONDS).await?;
    let alone = pos.load(&jaego, 1, 1).await?;
    let few = pos.load(&jaego, 1, 32).await?;
    let many = pos.best(&jaego, 1024).await?;
    let echo = echo(&jaego, &outlets).await?;
    let all = [
        ("Redis 7, HINCRBY, appendfsync always, a connection for each of 1,024 callers", redis_apart),
        ("Redis 7, the same, all calls pipelined over the best of 1, 2 and 4 connections", redis),
        ("PostgreSQL 15, upserts, synchronous_commit on", postgres),
    ];
    let ours = [
        ("NATS request and reply to an echo, nothing stored, 1,024 in flight", echo),
        ("jaego, 1 in flight", alone),
        ("jaego, 32 in flight", few),
        ("jaego, 1,024 in flight", many),
    ];
    let raw_row = ("raw JetStream publish and ack, one at a time", raw);
    for (name, load) in all.iter().chain(&ours).chain([&raw_row]) {
        ensure!(load.errors == 0, "{name}: {load}");
    }
    let named = |(name, load): &(&str, Load)| Row::plain(*name, load.to_string());
    let times = |load: Load| load.p50_us as f64 / raw.p50_us as f64;
    let mut rows: Vec<Row> = all.iter().chain([&raw_row]).chain(&ours).map(named).collect();
    let over = |peer: Load| many.per_second() / peer.per_second();
    rows.push(Row::at_least("jaego ÷ Redis with a connection for each caller", over(redis_apart), 1.5));
    rows.push(Row::at_least("jaego ÷ Redis pipelined", over(redis), 1.5));
    rows.push(Row::at_least("jaego ÷ PostgreSQL", over(postgres), 4.0));
    rows.push(Row::plain("jaego ÷ NATS echo", format!("{:.2}", over(echo))));
    rows.push(Row::at_most("p50 alone ÷ raw p50", times(alone), 2.0));
    rows.push(Row::at_most("p50 at 32 in flight ÷ raw p50", times(few), 4.0));
    Ok(rows)
}

fn folder(dir: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = dir.join(name);
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

/// The ceiling of request and reply through this server with this client: an echo that stores nothing.
async fn echo(jaego: &Jaego, outlets: &[OutletInfo]) -> Result<Load> {
    let options = async_nats::ConnectOptions::new().subscription_capacity(65_536);
    let client = options.connect(&jaego.endpoints.nats).await?;
    let mut calls = client.subscribe("echo.>").await?;
    client.flush().await?;
    let answering = tokio::spawn(async move {
        let body = Bytes::from(format!("{:<160}", r#"{"status":"accepted""#));
        while let Some(call) = calls.next().await {
            if let Some(reply) = call.reply {
                client.publish(reply, body.clone()).await?;
            }
        }
        Ok::<_, async_nats::PublishError>(())
    });
    let subjects = outlets.iter().map(|o| format!("echo.{}", o.code)).collect();
    let load = Pos { subjects: Arc::new(subjects), round: Cell::default() }.best(jaego, 1024).await;
    answering.abort();
    load
}

/// All outlets as one load: call `n` is a sale at outlet `n mod OUTLETS`, with that outlet's next sequence.
struct Pos {
    subjects: Arc<Vec<String>>,
    /// Sequences go on from load to load.
    round: Cell<u64>,
}

impl Pos {
    fn new(outlets: &[OutletInfo]) -> Self {
        let subject = |o: &OutletInfo| schemas::subject::pos(schemas::subject::PosKind::Delta, &o.code);
        Self { subjects: Arc::new(outlets.iter().map(subject).collect()), round: Cell::default() }
    }

    async fn best(&self, jaego: &Jaego, in_flight: usize) -> Result<Load> {
        let mut best: Option<(f64, usize)> = None;
        for connections in CONNECTIONS {
            let rate = self.run(jaego, connections, in_flight, SECONDS / 5.0).await?.per_second();
            if best.is_none_or(|(before, _)| rate > before) {
                best = Some((rate, connections));
            }
        }
        self.load(jaego, best.map_or(1, |(_, connections)| connections), in_flight).await
    }

    async fn load(&self, jaego: &Jaego, connections: usize, in_flight: usize) -> Result<Load> {
        self.run(jaego, connections, in_flight, SECONDS).await
    }

    async fn run(&self, jaego: &Jaego, connections: usize, in_flight: usize, seconds: f64) -> Result<Load> {
        self.round.set(self.round.get() + 1_000_000);
        let first_seq = self.round.get();
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let subjects = Arc::clone(&self.subjects);
            let write = move |number: u64, subject: &mut Vec<u8>, body: &mut Vec<u8>| {
                subject.extend_from_slice(subjects[number as usize % subjects.len()].as_bytes());
                sale(body, first_seq + number / subjects.len() as u64);
            };
            lanes.push(nats_wire::connect(&jaego.endpoints.nats, write, ACCEPTED).await?);
        }
        closed_loop(lanes, in_flight, seconds).await
    }
}

/// How every answer to a sale begins.
const ACCEPTED: &[u8] = br#"{"status":"accepted""#;

fn sale(body: &mut Vec<u8>, seq: u64) {
    let at = "2020-03-11T09:05:00+09:00";
    write!(body, r#"{{"terminal":"t1","seq":{seq},"at":"{at}","item":"{ITEM}","change":-2}}"#)
        .expect("a vector takes all bytes");
}
