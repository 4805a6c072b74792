//! A core dies, and whoever asked it hears the same decision from the other one.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::call::{Answer, Call, Way};
use super::check::{plain, proved};
use super::cluster::Cluster;
use super::cores::Cores;
use super::people::People;
use super::till::{OUTLETS, Street, Till};
use crate::harness::LIMIT;

/// Two cores on a cluster, and a till that is not patient.
struct Town {
    // Dropped in this order: who runs on a folder before the folder.
    cores: Cores,
    cluster: Cluster,
    till: Till,
    rng: StdRng,
    _dir: tempfile::TempDir,
}

impl Town {
    async fn start(seed: u64) -> Self {
        let (dir, mut rng) =
            (tempfile::tempdir().unwrap(), StdRng::seed_from_u64(seed ^ rand::random::<u64>()));
        let cluster = Cluster::start(dir.path(), &mut rng).await;
        let cores = Cores::start(dir.path(), &cluster, &mut rng).await;
        let street = Street::new(People::draw(10, seed), cores.desks.clone());
        let till = Till::connect(&street, OUTLETS[0], cluster.urls()).await;
        Self { cores, cluster, till, rng, _dir: dir }
    }

    fn call(&mut self, kind: &'static str, person: usize, quantity: u32) -> Arc<Call> {
        let people = &self.till.street.people;
        Arc::new(Call::of_person(kind, OUTLETS[0], (people, person), quantity, &mut self.rng))
    }

    /// The answer of one way, asked until it comes.
    async fn ask(&self, call: &Arc<Call>, by: Way) -> Answer {
        let started = Instant::now();
        loop {
            match self.till.ask(call, by).await {
                Some(answer) if !answer.passes() => return answer,
                _ => assert!(started.elapsed() < LIMIT, "no answer by {by:?}"),
            }
            // Slower than the cap of an outlet.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn decided(&self, call: &Arc<Call>, by: Way) -> String {
        match self.ask(call, by).await {
            Answer::Decided(body) => body,
            rejected => panic!("{} by {by:?}: {rejected:?}", call.body),
        }
    }

    /// Waits until a core has a claim in its books.
    async fn knows(&self, n: usize, call: &Call) -> String {
        let (started, url) =
            (Instant::now(), format!("http://{}/desk/v1/claims/{}", self.cores.desks[n], call.id));
        loop {
            let found = self.cores.core(n).http.get(&url).send().await.unwrap();
            if found.status() == 200 {
                return found.text().await.unwrap();
            }
            assert!(started.elapsed() < LIMIT, "core {n} does not hear of {}", call.id);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn is_replay(body: &str) -> bool {
    serde_json::from_str::<Value>(body).unwrap()["replayed"] == true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_dies_and_its_callers_hear_the_same_from_the_other() {
    let mut town = Town::start(1).await;
    let (buys, holds, again) =
        (town.call("claim", 0, 2), town.call("reserve", 1, 1), town.call("claim", 0, 1));
    let calls = [&buys, &holds, &again, &Arc::new(holds.settle("confirm")), &Arc::new(buys.settle("void"))];
    let mut first = Vec::new();
    for call in calls {
        first.push(town.decided(call, Way::Desk(0)).await);
    }
    assert!(
        first.iter().all(|body| !is_replay(body) && body.contains(r#""durability":"fsynced""#)),
        "{first:#?}"
    );
    assert!(first[2].contains("limit_reached"), "{first:#?}");

    town.cores.kill(0);
    for (call, first) in calls.into_iter().zip(&first) {
        for by in [Way::Desk(1), Way::Nats] {
            let again = town.decided(call, by).await;
            assert!(is_replay(&again) && plain(&again) == *first, "{again} after {first}");
        }
    }
    // What the void gave back can be bought at the other core, once.
    let more = town.call("claim", 0, 2);
    assert!(town.decided(&more, Way::Desk(1)).await.contains("granted"));

    town.cores.restart(0).await;
    for (call, first) in calls.into_iter().zip(&first) {
        let again = town.decided(call, Way::Desk(0)).await;
        assert!(is_replay(&again) && plain(&again) == *first, "{again} after {first}");
    }
    for call in [&buys, &holds, &again, &more] {
        assert_eq!(town.knows(0, call).await, town.knows(1, call).await);
    }
    town.cores.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_silence_finds_the_decision_at_another_core() {
    let mut town = Town::start(2).await;
    let call = town.call("claim", 0, 2);
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: desk\r\ncontent-length: {}\r\n\r\n{}",
        call.path(),
        call.body.len(),
        call.body
    );
    let mut unheard = TcpStream::connect(&town.cores.desks[0]).unwrap();
    unheard.write_all(request.as_bytes()).unwrap();
    let stands = town.knows(1, &call).await;
    // The core that took it dies; whether it answered, its caller never reads.
    town.cores.kill(0);
    drop(unheard);
    let found = town.decided(&call, Way::Desk(1)).await;
    assert!(is_replay(&found) && found.contains(r#""decision":"granted""#), "{found}");
    let version = |body: &str| serde_json::from_str::<Value>(body).unwrap()["version"].clone();
    assert_eq!(version(&found), version(&stands));

    // A server of the cluster dies with it: two are enough, and nothing is decided anew.
    town.cluster.kill(0);
    assert_eq!(plain(&town.decided(&call, Way::Nats).await), plain(&found));
    // A core that starts now has one address of three that answers nothing.
    town.cores.restart(0).await;
    let again = town.decided(&call, Way::Desk(0)).await;
    assert!(again.contains(r#""durability":"replicated""#), "proved by two of three: {again}");
    assert_eq!(proved(&plain(&again)), plain(&found));
    // Once all can be asked, it says what it could not prove before.
    town.cluster.restart(0);
    let started = Instant::now();
    while plain(&town.decided(&call, Way::Desk(0)).await) != plain(&found) {
        assert!(started.elapsed() < LIMIT, "fsync is not asked for again");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let other = town.call("claim", 0, 1);
    assert!(town.decided(&other, Way::Desk(0)).await.contains("limit_reached"));
    town.cores.terminate().await;
}
