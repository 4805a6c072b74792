//! Durable claims, each of another person, over NATS and over HTTP, beside Redis and PostgreSQL that check and count the same
//! way and also fsync before they answer; and checks beside a route that answers a constant.

mod check;
mod people;

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::jaego::{Jaego, write_registry};
use crate::peers::nats_cluster::Cluster;
use crate::peers::postgres::Postgres;
use crate::peers::redis::Redis;
use crate::peers::{Load, raw_nats};
use crate::report::Row;
use crate::workload;
use people::{People, Way};

/// Seconds of each load.
const SECONDS: f64 = 5.0;
/// Calls under way.
const IN_FLIGHT: [usize; 3] = [1, 32, 1024];
/// Size of a claim in the journal, for the raw publish.
const RAW_BYTES: usize = 384;
/// Two a week for everybody, for as long as this bench is run.
const POLICY: &str = "name = \"bench\"\noffset_minutes = 540\n[[groups]]\nname = \"mask\"\nitems = [\"mask\"]\n\
    [[policies]]\neffective_from = \"2020-03-09T00:00:00+09:00\"\ngroup = \"mask\"\nquantity = 2\n";

/// Loads, by name, in the order in which they are told.
type Loads = Vec<(String, Load)>;

/// Runs all, one after the other on the same machine.
///
/// # Errors
/// When one of them does not run, or an answer was wrong.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let (redis, pipelined) = redis(&folder(dir, "redis")?).await?;
    let postgres = postgres(&folder(dir, "postgres")?).await?;
    let (raw, nats, http, checks) = jaego(dir).await?;
    let cluster = cluster(&folder(dir, "cluster")?).await?;
    let all = [&redis, &pipelined, &postgres, &raw, &nats, &http, &cluster];
    for (name, load) in all.into_iter().flatten() {
        ensure!(load.errors == 0, "{name}: {load}");
    }
    let plain = all.into_iter().flatten().map(|(name, load)| Row::plain(name, load.to_string()));
    let mut rows: Vec<Row> = plain.collect();
    rows.extend(bars(&redis, &pipelined, &postgres, &raw, &nats, &cluster));
    rows.extend(checks);
    Ok(rows)
}

fn bars(
    redis: &Loads,
    pipelined: &Loads,
    postgres: &Loads,
    raw: &Loads,
    nats: &Loads,
    cluster: &Loads,
) -> Vec<Row> {
    let last = |loads: &Loads| loads[loads.len() - 1].1;
    let over = |a: Load, b: Load| a.per_second() / b.per_second();
    let (many, alone) = (last(nats), nats[0].1);
    vec![
        Row::at_least(
            "jaego ÷ Redis with a connection for each caller, 1,024 in flight",
            over(many, last(redis)),
            1.5,
        ),
        Row::at_least("jaego ÷ Redis pipelined, 1,024 in flight", over(many, last(pipelined)), 1.5),
        Row::at_least("jaego ÷ PostgreSQL, 1,024 in flight", over(many, last(postgres)), 4.0),
        Row::at_most("p99 ÷ p50 of jaego at 1,024 in flight", many.p99_us as f64 / many.p50_us as f64, 3.0),
        Row::at_most("p50 alone ÷ raw p50", alone.p50_us as f64 / last(raw).p50_us as f64, 2.0),
        Row::at_least(
            "jaego on three nodes ÷ one Redis with a connection for each caller",
            over(last(cluster), last(redis)),
            1.0,
        ),
    ]
}

fn folder(dir: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = dir.join(name);
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

async fn redis(dir: &Path) -> Result<(Loads, Loads)> {
    let server = Redis::start(dir).await?;
    let mut apart = Loads::new();
    for in_flight in IN_FLIGHT {
        let name =
            format!("Redis 7, check and increment in Lua, appendfsync always, {in_flight} connections");
        apart.push((name, server.claim_load_apart(in_flight, SECONDS).await?));
    }
    let name =
        "Redis 7, the same, 1,024 in flight pipelined over the best of 1, 2 and 4 connections".to_owned();
    let pipelined = vec![(name, server.claim_load(1024, SECONDS).await?)];
    Ok((apart, pipelined))
}

async fn postgres(dir: &Path) -> Result<Loads> {
    let server = Postgres::start(dir).await?;
    let mut loads = Loads::new();
    for in_flight in IN_FLIGHT {
        let name = format!(
            "PostgreSQL 15, insert or update where it fits, synchronous_commit on, {in_flight} in flight"
        );
        loads.push((name, server.claim_load(in_flight, SECONDS).await?));
    }
    Ok(loads)
}

async fn jaego(dir: &Path) -> Result<(Loads, Loads, Loads, Vec<Row>)> {
    let outlets = workload::registry();
    let registry = write_registry(dir, &outlets)?;
    let policy = dir.join("policy.toml");
    std::fs::write(&policy, POLICY)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path in UTF-8");
    let args = ["--registry", &text(&registry)?, "--policy", &text(&policy)?];
    let jaego = Jaego::start(&folder(dir, "jaego")?, &args)?;
    let raw = raw_nats::publish_ack(&jaego.endpoints.nats, RAW_BYTES, SECONDS).await?;
    let people = People::new(&outlets);
    let (mut nats, mut http) = (Loads::new(), Loads::new());
    for in_flight in IN_FLIGHT {
        let load = people.load(Way::Nats(&jaego.endpoints.nats), in_flight, SECONDS).await?;
        nats.push((format!("jaego over NATS, {in_flight} in flight"), load));
        let load = people.load(Way::Desk(&jaego.endpoints.desk), in_flight, SECONDS).await?;
        http.push((format!("jaego over HTTP, {in_flight} in flight"), load));
    }
    let checks = check::run(&jaego, &people, SECONDS).await?;
    Ok((vec![("raw JetStream publish and ack, one at a time".to_owned(), raw)], nats, http, checks))
}

async fn cluster(dir: &Path) -> Result<Loads> {
    let nodes = Cluster::start(dir).await?;
    let policy = dir.join("policy.toml");
    std::fs::write(&policy, POLICY)?;
    let policy = policy.to_str().context("a path in UTF-8")?;
    let args =
        ["--nats", &nodes.url, "--nats-monitor", &nodes.monitors, "--replicas", "3", "--policy", policy];
    let jaego = Jaego::start(&folder(dir, "jaego")?, &args)?;
    let people = People::new(&workload::registry());
    let url = nodes.url.split(',').next().context("a node")?.to_owned();
    let load = people.load(Way::Nats(&url), 1024, SECONDS).await?;
    drop(jaego);
    Ok(vec![("jaego on three nodes, R3, fsync on each, 1,024 in flight".to_owned(), load)])
}
