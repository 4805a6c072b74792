//! Three nats-servers that replicate to each other, each fsynced; each can be killed and starts again at its own address.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

use crate::harness::LIMIT;

/// Servers of the cluster.
pub const NODES: usize = 3;

/// The cluster; killed on drop.
pub struct Cluster {
    nodes: Vec<Node>,
    http: reqwest::Client,
}

struct Node {
    dir: PathBuf,
    url: String,
    monitor: String,
    child: Child,
}

/// Free ports, which must be the same after every restart. They lie below those that the kernel gives out.
pub fn free_ports(rng: &mut StdRng, wanted: usize) -> Vec<u16> {
    let mut ports = HashSet::new();
    while ports.len() < wanted {
        let port = rng.random_range(10_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.insert(port);
        }
    }
    ports.into_iter().collect()
}

impl Cluster {
    /// Starts all servers in folders under `dir`, and waits until they have found each other.
    pub async fn start(dir: &Path, rng: &mut StdRng) -> Self {
        let ports = free_ports(rng, 3 * NODES);
        let routes: Vec<String> =
            ports[..NODES].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let nodes = (0..NODES).map(|n| {
            let dir = dir.join(format!("n{n}"));
            let [route, client, monitor] = [ports[n], ports[NODES + n], ports[2 * NODES + n]];
            std::fs::create_dir(&dir).unwrap();
            std::fs::write(dir.join("nats.conf"), configuration(n, &dir, [route, client, monitor], &routes))
                .unwrap();
            Node {
                child: start(&dir),
                dir,
                url: format!("nats://127.0.0.1:{client}"),
                monitor: format!("http://127.0.0.1:{monitor}"),
            }
        });
        let cluster = Self { nodes: nodes.collect(), http: reqwest::Client::new() };
        for n in 0..NODES {
            cluster.heals(n).await;
        }
        cluster
    }

    /// Addresses for clients.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url.clone()).collect()
    }

    /// What a core is told about it.
    pub fn arguments(&self) -> Vec<String> {
        let list =
            |of: fn(&Node) -> &String| self.nodes.iter().map(of).cloned().collect::<Vec<_>>().join(",");
        let (urls, monitors) = (list(|node| &node.url), list(|node| &node.monitor));
        ["--role", "core", "--replicas", "3", "--nats", &urls, "--nats-monitor", &monitors]
            .map(str::to_owned)
            .into()
    }

    /// Kills a server at once, as a power cut does.
    pub fn kill(&mut self, n: usize) {
        self.nodes[n].child.kill().unwrap();
        self.nodes[n].child.wait().unwrap();
    }

    /// Starts a server that was killed.
    pub fn restart(&mut self, n: usize) {
        self.nodes[n].child = start(&self.nodes[n].dir);
    }

    /// Waits until a server has all that the others have.
    pub async fn heals(&self, n: usize) {
        let (started, url) = (Instant::now(), format!("{}/healthz", self.nodes[n].monitor));
        while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(started.elapsed() < LIMIT, "nats-server {n} does not heal: {}", self.log(n));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log(&self, n: usize) -> String {
        std::fs::read_to_string(self.nodes[n].dir.join("nats.log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.child.kill();
            let _ = node.child.wait();
        }
    }
}

fn configuration(n: usize, dir: &Path, [route, client, monitor]: [u16; 3], routes: &[String]) -> String {
    let store = dir.join("jetstream");
    format!(
        "server_name: n{n}\nlisten: \"127.0.0.1:{client}\"\nhttp: \"127.0.0.1:{monitor}\"\n\
         cluster {{ name: ration, listen: \"127.0.0.1:{route}\", routes: {routes:?} }}\n\
         jetstream {{ store_dir: {store:?}, sync_interval: always, max_memory_store: 0, max_file_store: 8GB }}\n"
    )
}

/// Starts a server that ends with this process, whatever ends it.
fn start(dir: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(dir.join("nats.log")).unwrap();
    let server = ingest::nats_server::find().expect("no nats-server: run `cargo xtask setup`");
    let mut command = match Path::new("/usr/bin/setpriv").is_file() {
        true => Command::new("/usr/bin/setpriv"),
        false => Command::new(&server),
    };
    if command.get_program() != server.as_os_str() {
        command.args(["--pdeathsig", "KILL", "--"]).arg(&server);
    }
    command.arg("--config").arg(dir.join("nats.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap()
}
