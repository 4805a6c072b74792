//! Redis as a durable stock counter: append-only file, fsync before every answer, pipelined multiplexed connections.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client};
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::load::{Load, closed_loop};
use super::process::{NotInstalled, Running, find};

/// Numbers of connections that are tried; the best one is measured.
const CONNECTIONS: [usize; 3] = [1, 2, 4];
/// Calls that wait to be written in one go; the default of 50 holds a thousand callers up.
const PIPELINE: usize = 1024;
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A redis-server of its own, empty at the start.
pub struct Redis {
    client: Client,
    /// Ends the server when dropped.
    _server: Running,
}

/// Finds redis-server.
pub(super) fn program() -> Result<PathBuf, NotInstalled> {
    find("redis-server", "redis-server")
}

impl Redis {
    /// Starts redis-server with its files and Unix socket under `dir`: `appendfsync always`, no snapshots.
    ///
    /// # Errors
    /// [`NotInstalled`] with the next step, or when it does not come up.
    pub async fn start(dir: &Path) -> Result<Self> {
        let socket = dir.join("redis.sock");
        let mut command = Command::new(program()?);
        command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null());
        command.args(["--port", "0", "--unixsocket"]).arg(&socket);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        let mut server = Running::start(&mut command, Signal::SIGTERM)?;
        let client = Client::open(format!("redis+unix://{}", socket.display()))?;
        server.ready(|| Self::durable(&client)).await.context("redis-server")?;
        Ok(Self { client, _server: server })
    }

    /// Asks the running server for the setting that makes it a fair peer.
    async fn durable(client: &Client) -> Result<()> {
        let mut connection = connect(client).await?;
        let mut ask = ::redis::cmd("CONFIG");
        ask.arg("GET").arg("appendfsync");
        let answer: Vec<String> = ask.query_async(&mut connection).await?;
        ensure!(answer == ["appendfsync", "always"], "{answer:?}");
        Ok(())
    }

    /// Moves random counters among `keys` for `seconds` with `in_flight` calls open, after short trials of 1, 2 and 4
    /// connections; the best number of them is measured.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn hincrby_load(&self, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        let mut best = (0.0, 1);
        for connections in CONNECTIONS.into_iter().filter(|&n| n <= in_flight) {
            let trial = self.run(connections, in_flight, seconds / 5.0, keys).await?.per_second();
            best = if trial > best.0 { (trial, connections) } else { best };
        }
        self.run(best.1, in_flight, seconds, keys).await
    }

    /// As [`hincrby_load`](Self::hincrby_load), with a connection for each call in flight, as callers on machines of their own have.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn hincrby_load_apart(&self, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        self.run(in_flight, in_flight, seconds, keys).await
    }

    async fn run(&self, connections: usize, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let connection = connect(&self.client).await?;
            lanes.push(move |number| sell(connection.clone(), super::load::spread(number, keys)));
        }
        closed_loop(lanes, in_flight, seconds).await
    }
}

async fn connect(client: &Client) -> Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(ANSWER_LIMIT))
        .set_connection_timeout(Some(ANSWER_LIMIT))
        .set_pipeline_buffer_size(PIPELINE);
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

async fn sell(mut connection: MultiplexedConnection, key: usize) -> bool {
    let mut command = ::redis::cmd("HINCRBY");
    command.arg("stock").arg(key).arg(-2);
    command.query_async::<i64>(&mut connection).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_counted_sale_is_in_redis() {
        if !super::super::here(program()) {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start(dir.path()).await.unwrap();
        let load = redis.run(2, 64, 0.3, 100).await.unwrap();
        println!("{load}");
        assert_eq!(load.errors, 0);
        let mut all = ::redis::cmd("HVALS");
        all.arg("stock");
        let counts: Vec<i64> = all.query_async(&mut connect(&redis.client).await.unwrap()).await.unwrap();
        assert_eq!(counts.len(), 100);
        assert_eq!(-counts.iter().sum::<i64>(), 2 * i64::try_from(load.ops).unwrap());
    }
}
