//! Answering: a caller hears the decision once its batch is safe in the journal *and* applied by our own fold.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use aggregator::Applied;
use async_nats::Client;
use bytes::Bytes;
use schemas::pos::{Outcome, Reason, Reply};
use schemas::subject::PosKind;
use schemas::time::Rfc3339;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::counts::Counts;
use crate::decision::{About, decision};
use crate::hops::{Hop, Hops};
use crate::intake::{Answer, Caller, ReplyTo};
use crate::proof::Proof;

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
    pub proof: Proof,
    /// Measurements.
    pub hops: Arc<Hops>,
    /// What became of messages.
    pub counts: Arc<Counts>,
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
            if let Applied::Claim(Err(reason)) = &applied {
                self.counts.reject(*reason);
            }
            if matches!(caller.reply, ReplyTo::Nobody) {
                continue;
            }
            let answer = match applied {
                Applied::Claim(Ok(decided)) => Ok(self.decision(caller.kind, &decided)),
                Applied::Claim(Err(reason)) => Err(refuse(reason, &caller, committed.seq)),
                applied => {
                    let reply = self.reply(&caller, committed.seq, applied);
                    let body = match last.take().filter(|(before, _)| *before == reply) {
                        Some((_, body)) => body,
                        None => body(&reply),
                    };
                    last = Some((reply, body.clone()));
                    Ok(body)
                }
            };
            self.send(caller.reply, answer).await;
        }
    }

    async fn send(&self, to: ReplyTo, answer: Answer) {
        match to {
            ReplyTo::Nobody => {}
            ReplyTo::Nats(subject) => {
                let body = answer.unwrap_or_else(|reply| body(&*reply));
                if let Err(error) = self.client.publish(subject, body).await {
                    tracing::warn!(%error, "an answer could not be sent; the caller will send again");
                }
            }
            // A desk that is gone has closed its connection; its caller will send again.
            ReplyTo::Desk(desk) => drop(desk.send(answer)),
        }
    }

    fn decision(&self, kind: PosKind, decided: &aggregator::Decided) -> Bytes {
        let about =
            if matches!(kind, PosKind::Void | PosKind::Confirm) { About::State } else { About::Claim };
        body(&decision(decided, about, self.proof.durability()))
    }

    fn reply(&self, caller: &Caller, seq: u64, applied: Applied) -> Reply {
        let Applied::Pos { outcome, registered, high_water } = applied else {
            unreachable!("batches of the gateway hold what outlets send only")
        };
        Reply {
            status: outcome,
            reason: None,
            detail: None,
            version: Some(seq),
            durability: Some(self.proof.durability()),
            received_at: Rfc3339(caller.received),
            replayed: outcome == Outcome::Duplicate,
            registered: Some(registered),
            high_water: (outcome != Outcome::Accepted).then_some(high_water),
            retry_after_ms: None,
        }
    }
}

fn body(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("an answer holds only text and numbers").into()
}

/// Of a claim that is not known.
pub(crate) const UNKNOWN: &str = "no claim of this id is known: it was never made, or more than 24 hours ago";

/// What the fold could not decide, since the request does not fit what is in the books.
fn refuse(reason: Reason, caller: &Caller, seq: u64) -> Box<Reply> {
    let detail = match reason {
        Reason::IdConflict => "another claim was made under this id: make a new id for a new claim",
        Reason::Withdrawn => {
            "a void of this id came before the claim, so nothing was sold: make a new id for a new claim"
        }
        Reason::UnknownClaim => UNKNOWN,
        Reason::OtherOutlet => "another outlet made this claim; only that outlet can change it",
        Reason::NotHeld => "this is no reservation that holds: make a claim",
        _ => "nothing was moved by this claim, so there is nothing to take back",
    };
    let mut reply = Reply::rejected(reason, detail.to_owned(), caller.received);
    reply.version = Some(seq);
    Box::new(reply)
}
