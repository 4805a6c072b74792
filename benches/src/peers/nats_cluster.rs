//! Three nats-servers as one cluster on loopback, each of which fsyncs before it acknowledges.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use async_nats::jetstream;
use nix::sys::signal::Signal;

use super::process::{Running, find, free_port};

/// A cluster of three; ended when dropped.
pub struct Cluster {
    /// URLs of the nodes, comma-separated.
    pub url: String,
    /// Monitoring pages, comma-separated.
    pub monitors: String,
    _nodes: Vec<Running>,
}

impl Cluster {
    /// Starts three nodes with their stores under `dir`.
    ///
    /// # Errors
    /// When there is no nats-server, or the nodes do not find each other.
    pub async fn start(dir: &Path) -> Result<Self> {
        let named = std::env::var_os("NATS_SERVER").map(PathBuf::from).filter(|program| program.is_file());
        let program = named.map_or_else(|| find("nats-server", "nats-server"), Ok)?;
        let ports: Vec<[u16; 3]> =
            (0..3).map(|_| Ok([free_port()?, free_port()?, free_port()?])).collect::<Result<_>>()?;
        let routes = ports.iter().fold(String::new(), |mut all, [_, route, _]| {
            write!(all, "\"nats://127.0.0.1:{route}\", ").expect("text takes all text");
            all
        });
        let mut nodes = Vec::new();
        for (number, [client, route, monitor]) in ports.iter().enumerate() {
            let store = dir.join(format!("node{number}"));
            std::fs::create_dir_all(&store)?;
            let settings = store.join("nats.conf");
            let text = format!(
                "server_name: n{number}\nlisten: 127.0.0.1:{client}\nhttp: 127.0.0.1:{monitor}\n\
                 jetstream {{ store_dir: {:?}, sync_interval: always }}\n\
                 cluster {{ name: bench, listen: 127.0.0.1:{route}, routes: [{routes}] }}\n",
                store.display()
            );
            std::fs::write(&settings, text)?;
            let mut command = Command::new(&program);
            command.arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
            nodes.push(Running::start(&mut command, Signal::SIGTERM)?);
        }
        let first = format!("nats://127.0.0.1:{}", ports[0][0]);
        nodes[0].ready(|| together(&first)).await.context("three nats-servers as a cluster")?;
        let list = |scheme: &str, which: usize| {
            ports.iter().map(|p| format!("{scheme}://127.0.0.1:{}", p[which])).collect::<Vec<_>>().join(",")
        };
        Ok(Self { url: list("nats", 0), monitors: list("http", 2), _nodes: nodes })
    }
}

/// Whether the cluster can place a stream on three nodes.
async fn together(url: &str) -> Result<()> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let config = jetstream::stream::Config {
        name: "PROBE".to_owned(),
        subjects: vec!["probe".to_owned()],
        num_replicas: 3,
        ..Default::default()
    };
    context.create_stream(config).await?;
    let gone = context.delete_stream("PROBE").await?;
    ensure!(gone.success, "the probe stream was not deleted");
    Ok(())
}
