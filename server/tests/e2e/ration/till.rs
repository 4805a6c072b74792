//! A till: asks over NATS and at both desks, asks again under the same id when no answer comes, and forgets no word.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio_util::sync::CancellationToken;

use super::call::{Answer, Call, Saw, Way};
use super::people::People;
use crate::harness::LIMIT;

/// The outlets, one a POS.
pub const OUTLETS: [&str; 4] = ["11800001", "11800002", "11800003", "11800004"];
/// After this a caller thinks that nobody heard.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What all tills share.
pub struct Street {
    pub people: People,
    pub desks: [String; 2],
    pub saw: Mutex<Vec<Saw>>,
    /// For whom each id was sent, answered or not.
    pub sent: Mutex<HashMap<String, usize>>,
    pub closing: CancellationToken,
    pub answered: AtomicU64,
    pub unheard: AtomicU64,
}

/// One POS: a connection of its own.
#[derive(Clone)]
pub struct Till {
    pub street: Arc<Street>,
    pub outlet: &'static str,
    nats: async_nats::Client,
    http: reqwest::Client,
}

impl Street {
    pub fn new(people: People, desks: [String; 2]) -> Arc<Self> {
        Arc::new(Self {
            people,
            desks,
            saw: Mutex::default(),
            sent: Mutex::default(),
            closing: CancellationToken::new(),
            answered: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
        })
    }
}

impl Till {
    /// Connects to the servers in this order.
    pub async fn connect(street: &Arc<Street>, outlet: &'static str, urls: Vec<String>) -> Self {
        let nats = async_nats::ConnectOptions::new()
            .retain_servers_order()
            .retry_on_initial_connect()
            .request_timeout(Some(PATIENCE))
            .reconnect_delay_callback(|attempt| Duration::from_millis(10 << attempt.min(4)))
            .connect(urls)
            .await
            .unwrap();
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { street: Arc::clone(street), outlet, nats, http }
    }

    /// Asks once, and writes down what came.
    pub async fn ask(&self, call: &Arc<Call>, by: Way) -> Option<Answer> {
        if let Some(person) = call.person {
            self.street.sent.lock().unwrap().insert(call.id.clone(), person);
        }
        let body = match by {
            Way::Nats => {
                let request = self.nats.request(call.subject(), call.body.clone().into_bytes().into());
                request.await.ok().map(|message| message.payload)
            }
            Way::Desk(n) => {
                let url = format!("http://{}{}", self.street.desks[n], call.path());
                match self.http.post(url).body(call.body.clone()).send().await {
                    Ok(response) => response.bytes().await.ok(),
                    Err(_) => None,
                }
            }
        };
        let Some(answer) = body.as_deref().and_then(Answer::read) else {
            self.street.unheard.fetch_add(1, Relaxed);
            return None;
        };
        let saw = Saw { call: Arc::clone(call), by, answer: answer.clone() };
        self.street.saw.lock().unwrap().push(saw);
        Some(answer)
    }

    /// Asks until there is an answer that stays; now and then a caller gives up unheard.
    pub async fn insist(&self, call: &Arc<Call>, rng: &mut StdRng) -> Option<Answer> {
        let started = Instant::now();
        loop {
            let by = *Way::ALL.choose(rng).unwrap();
            match self.ask(call, by).await {
                Some(answer) if !answer.passes() => {
                    self.street.answered.fetch_add(1, Relaxed);
                    return Some(answer);
                }
                Some(_) => {}
                None if rng.random_ratio(1, 20) => return None,
                None => {}
            }
            assert!(started.elapsed() < LIMIT, "{} {} is not answered", call.kind, call.id);
            // Not for any condition: a POS that is not answered waits before it sends again.
            tokio::time::sleep(Duration::from_millis(rng.random_range(10..200))).await;
        }
    }
}
