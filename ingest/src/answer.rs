//! Answering: a caller hears the decision once its batch is safe in the journal *and* applied by our own fold.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use aggregator::Applied;
use async_nats::Client;
use bytes::Bytes;
use schemas::pos::{Outcome, Reply};
use schemas::status::Durability;
use schemas::time::Rfc3339;
use tokio::sync::mpsc;

use crate::gateway::Caller;
use crate::hops::{Hop, Hops};

/// One half of what an answer needs.
#[derive(Debug)]
pub enum Event {
    /// The journal acknowledged a batch of ours.
    Committed(Committed),
    /// The fold applied a batch of ours.
    Applied(Decided),
}

/// A batch that is safe.
#[derive(Debug)]
pub struct Committed {
    /// Our number for it.
    pub number: u64,
    /// Its sequence.
    pub seq: u64,
    /// Who waits, in the order of the entries.
    pub callers: Vec<Caller>,
    /// When it was acknowledged.
    pub at: Instant,
}

/// A batch that is decided.
#[derive(Debug)]
pub struct Decided {
    /// Our number for it.
    pub number: u64,
    /// What each entry did, in order.
    pub applied: Vec<Applied>,
    /// When.
    pub at: Instant,
}

/// Brings the two halves together and answers.
#[derive(Debug)]
pub struct Answerer {
    /// Connection.
    pub client: Client,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// Measurements.
    pub hops: Arc<Hops>,
}

impl Answerer {
    /// Runs until all senders are gone.
    pub async fn run(self, mut events: mpsc::UnboundedReceiver<Event>) {
        let mut committed: HashMap<u64, Committed> = HashMap::new();
        let mut decided: HashMap<u64, Decided> = HashMap::new();
        let mut answered = 0;
        while let Some(event) = events.recv().await {
            let pair = match event {
                Event::Committed(half) => match decided.remove(&half.number) {
                    Some(other) => Some((half, other)),
                    None => committed.insert(half.number, half).and(None),
                },
                // A batch that was answered already: a second copy of it reached the journal after the dedup window.
                Event::Applied(half) if half.number <= answered && !committed.contains_key(&half.number) => {
                    None
                }
                Event::Applied(half) => match committed.remove(&half.number) {
                    Some(other) => Some((other, half)),
                    None => {
                        decided.entry(half.number).or_insert(half);
                        None
                    }
                },
            };
            if let Some((committed, decided)) = pair {
                answered = answered.max(committed.number);
                self.answer(committed, decided).await;
            }
        }
    }

    async fn answer(&self, committed: Committed, decided: Decided) {
        let took = decided.at.saturating_duration_since(committed.at);
        self.hops.record(Hop::CommittedToApplied, took, committed.callers.len() as u64);
        // Callers of one batch mostly get the same answer, word for word: it is written once.
        let mut last: Option<(Reply, Bytes)> = None;
        for (caller, applied) in committed.callers.into_iter().zip(decided.applied) {
            let reply = self.reply(&caller, committed.seq, applied);
            let Some(subject) = caller.reply else { continue };
            let body = match last.take().filter(|(before, _)| *before == reply) {
                Some((_, body)) => body,
                None => serde_json::to_vec(&reply).expect("a reply holds only text and numbers").into(),
            };
            last = Some((reply, body.clone()));
            if let Err(error) = self.client.publish(subject, body).await {
                tracing::warn!(%error, "an answer could not be sent; the caller will send again");
            }
        }
    }

    fn reply(&self, caller: &Caller, seq: u64, applied: Applied) -> Reply {
        let Applied::Pos { outcome, registered, high_water } = applied else {
            unreachable!("batches of the gateway hold POS entries only")
        };
        Reply {
            status: outcome,
            reason: None,
            detail: None,
            version: Some(seq),
            durability: Some(self.durability),
            received_at: Rfc3339(caller.received),
            replayed: outcome == Outcome::Duplicate,
            registered: Some(registered),
            high_water: (outcome != Outcome::Accepted).then_some(high_water),
            retry_after_ms: None,
        }
    }
}
