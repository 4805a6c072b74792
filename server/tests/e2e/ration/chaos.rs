//! Chance: kills a core or one of the three nats-servers, lets people feel it, and starts it again; round after round.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

use super::cluster::{Cluster, NODES};
use super::cores::Cores;
use super::till::Street;
use crate::harness::wait_for;

/// Answers that show that all goes on.
const FLOW: u64 = 60;

/// How often what was killed.
#[derive(Debug, Default)]
pub struct Kills {
    pub cores: u32,
    pub servers: u32,
    pub both: u32,
    /// Cores that started while a server was away.
    pub blind: u32,
}

/// Kills until the time is up; in the end everything runs. Called by the thread that lives as long as the servers do.
pub async fn rounds(
    time: Duration,
    rng: &mut StdRng,
    cluster: &mut Cluster,
    cores: &mut Cores,
    street: &Arc<Street>,
) -> Kills {
    let (started, mut kills) = (Instant::now(), Kills::default());
    flows(street).await;
    while started.elapsed() < time {
        let (core, node) = (rng.random_range(0..2), rng.random_range(0..NODES));
        let what = rng.random_range(0..5);
        // The random moment itself, which no condition could stand for; and so below.
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..700))).await;
        let answered = street.answered.load(Relaxed);
        eprintln!("{:?}: {} after {answered} answers", started.elapsed(), words(what, core, node));
        if what <= 1 || what == 4 {
            cores.kill(core);
            kills.cores += 1;
        }
        if what >= 2 {
            cluster.kill(node);
            kills.servers += 1;
        }
        kills.both += u32::from(what == 4);
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
        if what == 4 && rng.random() {
            // A core starts while a server is away.
            cores.restart(core).await;
            kills.blind += 1;
        }
        if what >= 2 {
            cluster.restart(node);
            cluster.heals(node).await;
        }
        if !cores.runs(core) {
            cores.restart(core).await;
        }
        flows(street).await;
    }
    kills
}

fn words(what: u32, core: usize, node: usize) -> String {
    match what {
        0 | 1 => format!("SIGKILL to core {core}"),
        2 | 3 => format!("SIGKILL to nats-server {node}"),
        _ => format!("SIGKILL to core {core} and nats-server {node}"),
    }
}

/// Waits until people are answered again.
async fn flows(street: &Street) {
    let before = street.answered.load(Relaxed);
    wait_for("answers", || (street.answered.load(Relaxed) > before + FLOW).then_some(())).await;
}
