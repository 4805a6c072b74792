//! Redis as a durable stock counter: append-only file, fsync before every answer, pipelined multiplexed connections.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client};
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tokio::net::UnixStream;

use super::load::{Load, spread};
use super::process::{NotInstalled, Running, find};
use super::wire::{Answer, Wire, closed_loop};

/// Numbers of connections that are tried; the best one is measured.
const CONNECTIONS: [usize; 3] = [1, 2, 4];
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A redis-server of its own, empty at the start.
pub struct Redis {
    socket: PathBuf,
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
        let client = client(&socket)?;
        server.ready(|| Self::durable(&client)).await.context("redis-server")?;
        Ok(Self { socket, _server: server })
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

    /// Persons claim two pieces each, so many at once, each over a connection of its own: checked and counted in a script.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn claim_load_apart(&self, in_flight: usize, seconds: f64) -> Result<Load> {
        self.claims(in_flight, in_flight, seconds).await
    }

    /// The same over the best of 1, 2 and 4 connections.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn claim_load(&self, in_flight: usize, seconds: f64) -> Result<Load> {
        let mut best = (0.0, 1);
        for connections in CONNECTIONS.into_iter().filter(|&n| n <= in_flight) {
            let trial = self.claims(connections, in_flight, seconds / 5.0).await?.per_second();
            best = if trial > best.0 { (trial, connections) } else { best };
        }
        self.claims(best.1, in_flight, seconds).await
    }

    async fn claims(&self, connections: usize, in_flight: usize, seconds: f64) -> Result<Load> {
        let mut connection = connect(&client(&self.socket)?).await?;
        let script: String =
            ::redis::cmd("SCRIPT").arg("LOAD").arg(CLAIM).query_async(&mut connection).await?;
        let run: u32 = rand::random();
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let stream = open(&self.socket).await?;
            lanes.push((stream, Claims { script: script.clone(), run, order: VecDeque::new() }));
        }
        closed_loop(lanes, in_flight, seconds).await
    }

    async fn run(&self, connections: usize, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let stream = open(&self.socket).await?;
            lanes.push((stream, Sales { keys, order: VecDeque::new() }));
        }
        closed_loop(lanes, in_flight, seconds).await
    }
}

/// Connects; a server that has not yet accepted those before is given time.
async fn open(socket: &Path) -> Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            connected => return Ok(connected?),
        }
    }
}

fn client(socket: &Path) -> Result<Client> {
    Ok(Client::open(format!("redis+unix://{}", socket.display()))?)
}

async fn connect(client: &Client) -> Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(ANSWER_LIMIT))
        .set_connection_timeout(Some(ANSWER_LIMIT));
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

/// Sales over one connection, whose answers come in the order of the calls.
struct Sales {
    keys: usize,
    order: VecDeque<usize>,
}

impl Wire for Sales {
    fn ask(&mut self, out: &mut Vec<u8>, place: usize, number: u64) {
        let key = spread(number, self.keys).to_string();
        write!(out, "*4\r\n$7\r\nHINCRBY\r\n$5\r\nstock\r\n${}\r\n{key}\r\n$2\r\n-2\r\n", key.len())
            .expect("a vector takes all bytes");
        self.order.push_back(place);
    }

    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>> {
        let Some(end) = read.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let place = self.order.pop_front().context("an answer that nobody waits for")?;
        let number = std::str::from_utf8(&read[..end])?.trim_end().strip_prefix(':');
        let ok = number.is_some_and(|number| number.parse::<i64>().is_ok());
        Ok(Some(Answer { length: end + 1, of: Some((place, ok)) }))
    }
}

/// What a person has had this week and whether two more fit; kept for a week.
const CLAIM: &str = "local had = tonumber(redis.call('GET', KEYS[1]) or '0') \
    if had + ARGV[1] > 2 then return 0 end \
    redis.call('SET', KEYS[1], had + ARGV[1], 'EX', 604800) return 1";

/// Claims over one connection, each of another person.
struct Claims {
    script: String,
    run: u32,
    order: VecDeque<usize>,
}

impl Wire for Claims {
    fn ask(&mut self, out: &mut Vec<u8>, place: usize, number: u64) {
        let person = format!("{:08x}{number:024x}", self.run);
        let script = &self.script;
        write!(out, "*5\r\n$7\r\nEVALSHA\r\n$40\r\n{script}\r\n$1\r\n1\r\n$32\r\n{person}\r\n$1\r\n2\r\n")
            .expect("a vector takes all bytes");
        self.order.push_back(place);
    }

    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>> {
        let Some(end) = read.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let place = self.order.pop_front().context("an answer that nobody waits for")?;
        Ok(Some(Answer { length: end + 1, of: Some((place, &read[..end] == b":1\r")) }))
    }
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
        let counts: Vec<i64> =
            all.query_async(&mut connect(&client(&redis.socket).unwrap()).await.unwrap()).await.unwrap();
        assert_eq!(counts.len(), 100);
        assert_eq!(-counts.iter().sum::<i64>(), 2 * i64::try_from(load.ops).unwrap());
    }
}
