//! A hold is of the system, not of a core: what one measures holds all, and is held by who starts after it died.

use std::path::PathBuf;
use std::time::Duration;

use ingest::nats_server::NatsServer;
use schemas::Millis;
use schemas::time::KST_MINUTES;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::desk;

/// Two cores on one NATS, and post offices that join soon unless a sale waits somewhere for a second.
struct Two {
    cores: [Jaego; 2],
    opens: Millis,
    nats: NatsServer,
    // Dropped last: all run on it.
    dir: TempDir,
}

impl Two {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let nats = NatsServer::start(&folder("store"), "127.0.0.1:0".parse().unwrap()).unwrap();
        let cores = [core(&folder("a"), &nats).await, core(&folder("b"), &nats).await];
        let opens = ingest::clock::now().plus(8_000);
        let cohorts = json!([{ "at": opens.rfc3339(KST_MINUTES), "kind": "post_office" }]);
        let holds = json!([{ "class": "sale", "waiting": 3, "seconds": 1 }]);
        apply(&cores[0], &document("watched", &[("post_office", wide())], &cohorts, &holds)).await;
        wait_until(&cores[1], |now| now["caps"] == "watched").await;
        Self { cores, opens, nats, dir }
    }

    /// Sales at the desk of the first core whose bodies do not come: for as long as they are kept, they wait there alone.
    async fn stuck(&self) -> Vec<TcpStream> {
        let address = self.cores[0].endpoints.desk.strip_prefix("http://").unwrap();
        let mut stuck = Vec::new();
        for _ in 0..8 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!(
                "POST /desk/v1/claims HTTP/1.1\r\nHost: x\r\nJaego-Outlet: {}\r\nContent-Length: 300\r\n\r\n{{",
                PHARMACIES[0]
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stuck.push(stream);
        }
        stuck
    }

    /// Waits until the cohort was due.
    async fn due(&self) {
        while ingest::clock::now() <= self.opens {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn core(dir: &Path, nats: &NatsServer) -> Jaego {
    start_with(dir, &["--role", "core", "--nats", nats.url()]).await
}

async fn office_asks(jaego: &Jaego) -> desk::Answer {
    desk::post(jaego, "checks", &check(OFFICE, 1)).await
}

async fn is_held(jaego: &Jaego) -> bool {
    let answer = office_asks(jaego).await;
    answer.status == 403 && answer.text.contains("while answers are late")
}

fn waiting(admission: &Value) -> u64 {
    let classes = admission["classes"].as_array().unwrap();
    classes.iter().find(|class| class["class"] == "sale").unwrap()["under_way"].as_u64().unwrap()
}

#[tokio::test]
async fn a_limit_that_is_crossed_at_one_core_holds_the_other_until_it_is_not() {
    let two = Two::start().await;
    let stuck = two.stuck().await;
    wait_until(&two.cores[0], |now| now["held"] == true).await;
    wait_until(&two.cores[1], |now| now["held"] == true && waiting(now) == 0).await;
    two.due().await;
    for core in &two.cores {
        assert!(is_held(core).await);
    }
    drop(stuck);
    for core in &two.cores {
        wait_until(core, |now| now["held"] == false).await;
        assert_eq!(office_asks(core).await.status, 200);
    }
}

#[tokio::test]
async fn what_a_core_held_that_was_killed_is_held_by_all_and_by_itself_when_it_is_back() {
    let mut two = Two::start().await;
    let stuck = two.stuck().await;
    wait_until(&two.cores[1], |now| now["held"] == true).await;
    two.cores[0].kill();
    drop(stuck);
    let folder: PathBuf = two.dir.path().join("a");
    two.cores[0] = core(&folder, &two.nats).await;
    two.due().await;
    for core in &two.cores {
        assert!(is_held(core).await, "{}", core.admin("/admission").await);
        wait_until(core, |now| now["held"] == true && waiting(now) == 0).await;
    }
}
