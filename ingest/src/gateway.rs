//! The gateway: takes POS messages off NATS, turns bad ones away at once, queues good ones for the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap, Message, Subject};
use futures::StreamExt;
use rand::Rng;
use schemas::Millis;
use schemas::batch::push_line;
use schemas::entry::{Entry, PosEntry};
use schemas::pos::{MAX_MESSAGE_BYTES, Reason, Reply};
use schemas::subject::{self, POS_ALL, POS_QUEUE, PosKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::counts::Counts;
use crate::decode::{Rejection, decode};
use crate::hops::{Hop, Hops};
use crate::redact;

/// Entries that may wait for the journal; more are turned away as overloaded.
pub const QUEUE: usize = 16 * 1024;
/// Entries older than this when they arrive were queued at the POS and say nothing of the network.
const LIVE_MS: i64 = 10 * 60_000;

/// One entry on its way into the journal, and who waits for its decision.
#[derive(Debug)]
pub struct Pending {
    /// The entry as a JSON line.
    pub line: Vec<u8>,
    /// Who waits.
    pub caller: Caller,
}

/// Who sent an entry and when it was taken.
#[derive(Debug)]
pub struct Caller {
    /// Where the answer goes; `None` where nobody asked for one.
    pub reply: Option<Subject>,
    /// When it was taken, by the clock.
    pub received: Millis,
    /// The same moment, for measuring.
    pub taken: Instant,
}

/// What the gateway stands on.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Connection.
    pub client: Client,
    /// Way to the committer.
    pub queue: mpsc::Sender<Pending>,
    /// Set while the journal does not acknowledge.
    pub stalled: Arc<AtomicBool>,
    /// Counters.
    pub counts: Arc<Counts>,
    /// Measurements.
    pub hops: Arc<Hops>,
}

impl Gateway {
    /// Takes messages until told to stop, then those that had already arrived.
    ///
    /// # Errors
    /// When the subscription is refused.
    pub async fn run(self, stop: CancellationToken) -> Result<(), async_nats::Error> {
        let mut messages = self.client.queue_subscribe(POS_ALL, POS_QUEUE.to_owned()).await?;
        self.client.flush().await?;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = messages.next() => match message {
                    Some(message) => self.take(message).await,
                    None => return Ok(()),
                },
            }
        }
        messages.drain().await?;
        while let Some(message) = messages.next().await {
            self.take(message).await;
        }
        Ok(())
    }

    async fn take(&self, message: Message) {
        let (received, taken) = (crate::clock::now(), Instant::now());
        match self.queue(&message, received, taken) {
            Ok(kind) => self.counts.take(kind),
            Err(rejection) => self.turn_away(message, rejection, received).await,
        }
    }

    fn queue(&self, message: &Message, received: Millis, taken: Instant) -> Result<PosKind, Rejection> {
        let entry = decode(&message.subject, &message.payload, received)?;
        let Entry::Pos(pos) = &entry else { unreachable!("decode makes POS entries only") };
        let kind =
            PosKind::ALL.into_iter().find(|k| k.name() == pos.act.kind()).expect("every act has its kind");
        let permit = self.queue.try_reserve().map_err(|_| self.no_room())?;
        if self.stalled.load(Relaxed) {
            return Err(Rejection::new(
                Reason::Unavailable,
                "the journal can not be written now; send again later",
            ));
        }
        self.measure(pos);
        let mut line = Vec::with_capacity(192);
        push_line(&mut line, &entry);
        permit.send(Pending { line, caller: Caller { reply: message.reply.clone(), received, taken } });
        Ok(kind)
    }

    fn no_room(&self) -> Rejection {
        Rejection::new(Reason::Overloaded, format!("{QUEUE} messages wait already; send again later"))
    }

    fn measure(&self, pos: &PosEntry<'_>) {
        let took = pos.received.since(pos.sent.unwrap_or(pos.at));
        if (0..LIVE_MS).contains(&took) {
            self.hops.record(Hop::PosToReceived, Duration::from_millis(took.unsigned_abs()), 1);
        }
    }

    async fn turn_away(&self, message: Message, rejection: Rejection, received: Millis) {
        let Rejection { reason, detail } = rejection;
        self.counts.reject(reason);
        let sent = match &message.reply {
            Some(reply) => {
                let mut answer = Reply::rejected(reason, detail, received);
                answer.retry_after_ms = reason.retryable().then(|| rand::rng().random_range(200..2_000));
                let body = serde_json::to_vec(&answer).expect("a reply holds only text and numbers");
                self.client.publish(reply.clone(), body.into()).await
            }
            None => self.bury(message, reason, &detail).await,
        };
        if let Err(error) = sent {
            tracing::warn!(%error, reason = reason.name(), "a rejection could not be sent");
        }
    }

    /// Puts a message that nobody waits for among the dead letters, cut to the largest that would have been taken, and
    /// without anything in it that may be a person's number.
    async fn bury(
        &self,
        message: Message,
        reason: Reason,
        detail: &str,
    ) -> Result<(), async_nats::PublishError> {
        self.counts.bury();
        let mut headers = HeaderMap::new();
        headers.insert("Jaego-Subject", one_line(&redact::subject(&message.subject)).as_str());
        headers.insert("Jaego-Detail", one_line(detail).as_str());
        let kept = redact::payload(&message.payload[..message.payload.len().min(MAX_MESSAGE_BYTES)]);
        if kept.redacted {
            headers.insert("Jaego-Redacted", "true");
        }
        self.client.publish_with_headers(subject::dead(reason), headers, kept.payload).await
    }
}

/// Header values can not hold line ends.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
