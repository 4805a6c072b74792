//! PostgreSQL as a durable stock table: upserts with `synchronous_commit` on, prepared and pipelined over many connections.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::load::{Load, closed_loop, spread};
use super::process::{NotInstalled, Running};

const HOME: &str = "/usr/lib/postgresql";
const USER: &str = "postgres";
/// Numbers of connections that are tried; the best one is measured. A connection waits for its own commits one by one,
/// so many of them let one fsync serve many; `commit_delay` adds nothing to that.
const CONNECTIONS: [usize; 4] = [32, 64, 128, 256];
/// Durable as it comes; more memory, fewer checkpoints and no replication, as for a table of this size on one machine.
const SETTINGS: [&str; 10] = [
    "fsync=on",
    "synchronous_commit=on",
    "listen_addresses=",
    "max_connections=300",
    "shared_buffers=512MB",
    "wal_buffers=16MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "wal_level=minimal",
    "max_wal_senders=0",
];
const TABLE: &str = "CREATE TABLE stock (key int PRIMARY KEY, count bigint NOT NULL) WITH (fillfactor = 50)";
const UPSERT: &str = "INSERT INTO stock (key, count) VALUES ($1, $2) \
    ON CONFLICT (key) DO UPDATE SET count = stock.count + excluded.count";

const RATION: &str =
    "CREATE TABLE ration (person uuid, week int, had int NOT NULL, PRIMARY KEY (person, week))";
/// Two more, where they fit; no row comes back where they do not.
const CLAIM: &str = "INSERT INTO ration (person, week, had) VALUES ($1, 2622, 2) ON CONFLICT (person, week) \
    DO UPDATE SET had = ration.had + 2 WHERE ration.had + 2 <= 2 RETURNING had";

/// A PostgreSQL cluster of its own, empty at the start.
pub struct Postgres {
    config: Config,
    /// Ends the server when dropped.
    _server: Running,
}

/// Finds the folder that holds `initdb` and `postgres`, of the newest version.
pub(super) fn programs() -> Result<PathBuf, NotInstalled> {
    let versions = fs::read_dir(HOME).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    versions
        .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .max()
        .ok_or(NotInstalled { packages: vec!["postgresql"] })
}

impl Postgres {
    /// Makes a cluster under `dir` and starts it on a Unix socket there; root hands both to the user `postgres`.
    ///
    /// # Errors
    /// [`NotInstalled`] with the next step, or when it does not come up.
    pub async fn start(dir: &Path) -> Result<Self> {
        let bin = programs()?;
        let home = dir.join("postgres");
        fs::create_dir(&home)?;
        let owner = hand_over(&home)?;
        initdb(&bin, &home, owner)?;
        let mut command = command(&bin.join("postgres"), &home, owner);
        command.arg("-D").arg(home.join("data")).arg("-k").arg(&home);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        let mut server = Running::start(&mut command, Signal::SIGINT)?;
        let mut config = Config::new();
        config.host_path(&home).user(USER).dbname("postgres");
        let client = server.ready(|| connect(&config)).await.context("postgres")?;
        client.batch_execute(TABLE).await?;
        client.batch_execute(RATION).await?;
        Ok(Self { config, _server: server })
    }

    /// Adds to random rows among `keys` for `seconds` with `in_flight` upserts open, after short trials of 32 to 256
    /// connections; the best number of them is measured. Every upsert is a transaction of its own.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn upsert_load(&self, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        let mut best = (0.0, 1);
        for connections in CONNECTIONS.into_iter().filter(|&n| n <= in_flight) {
            let trial = self.run(connections, in_flight, seconds / 5.0, keys).await?.per_second();
            best = if trial > best.0 { (trial, connections) } else { best };
        }
        self.run(best.1, in_flight, seconds, keys).await
    }

    /// Persons claim two pieces each, so many at once, each a transaction of its own, after short trials of 32 to 256
    /// connections.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn claim_load(&self, in_flight: usize, seconds: f64) -> Result<Load> {
        let mut best = (0.0, in_flight.min(CONNECTIONS[0]));
        for connections in CONNECTIONS.into_iter().filter(|&n| n <= in_flight) {
            let trial = self.claims(connections, in_flight, seconds / 5.0).await?.per_second();
            best = if trial > best.0 { (trial, connections) } else { best };
        }
        self.claims(best.1, in_flight, seconds).await
    }

    async fn claims(&self, connections: usize, in_flight: usize, seconds: f64) -> Result<Load> {
        let run = rand::random();
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let client = connect(&self.config).await?;
            let lane = Arc::new((client.prepare(CLAIM).await?, client));
            lanes.push(move |number: u64| claim(Arc::clone(&lane), run, number));
        }
        closed_loop(lanes, in_flight, seconds).await
    }

    async fn run(&self, connections: usize, in_flight: usize, seconds: f64, keys: usize) -> Result<Load> {
        let mut lanes = Vec::new();
        for _ in 0..connections {
            let client = connect(&self.config).await?;
            let lane = Arc::new((client.prepare(UPSERT).await?, client));
            lanes.push(move |number| sell(Arc::clone(&lane), spread(number, keys)));
        }
        closed_loop(lanes, in_flight, seconds).await
    }
}

async fn sell(lane: Arc<(Statement, Client)>, key: usize) -> bool {
    let (statement, client) = &*lane;
    let key = i32::try_from(key).expect("the keys fit an int column");
    client.execute(statement, &[&key, &-2_i64]).await.is_ok()
}

async fn claim(lane: Arc<(Statement, Client)>, run: u64, number: u64) -> bool {
    let (statement, client) = &*lane;
    client.query_one(statement, &[&uuid::Uuid::from_u64_pair(run, number)]).await.is_ok()
}

/// Connects; the task that moves the bytes ends with the client.
async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // A broken connection fails the calls that wait on it, which are counted as errors.
        let _ = connection.await;
    });
    Ok(client)
}

/// PostgreSQL refuses to run as root: gives the folder to the user `postgres`, and tells that user's ids.
fn hand_over(home: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let user = users.lines().find(|line| line.split(':').next() == Some(USER));
    let mut ids = user.context("there is no user postgres")?.split(':').skip(2);
    let mut id = || ids.next().and_then(|id| id.parse().ok()).context("a bad line in /etc/passwd");
    let (uid, gid) = (id()?, id()?);
    chown(home, Some(uid), Some(gid))?;
    // The folder above may be private to root; passing through is enough.
    let above = home.parent().context("the folder has a parent")?;
    fs::set_permissions(above, Permissions::from_mode(0o711))?;
    Ok(Some((uid, gid)))
}

fn command(program: &Path, home: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

fn initdb(bin: &Path, home: &Path, owner: Option<(u32, u32)>) -> Result<()> {
    let mut command = command(&bin.join("initdb"), home, owner);
    command.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale"]);
    let status = command.arg("-D").arg(home.join("data")).status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_counted_sale_is_in_the_table() {
        if !super::super::here(programs()) {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(dir.path()).await.unwrap();
        let load = postgres.run(8, 64, 0.3, 100).await.unwrap();
        println!("{load}");
        assert_eq!(load.errors, 0);
        let client = connect(&postgres.config).await.unwrap();
        let ask = "SELECT -sum(count)::bigint, current_setting('fsync'), current_setting('synchronous_commit') FROM stock";
        let row = client.query_one(ask, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 2 * i64::try_from(load.ops).unwrap());
        assert_eq!((row.get(1), row.get(2)), ("on", "on"));
    }
}
