//! The intake: one way into the journal for every message, whether it came over NATS or HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use aggregator::{Ask, Books, Lookup};
use async_nats::Subject;
use bytes::Bytes;
use rand::Rng;
use schemas::Millis;
use schemas::batch::push_line;
use schemas::claim::{ClaimId, Decision};
use schemas::entry::{Entry, PosEntry};
use schemas::pos::{Reason, Reply};
use schemas::subject::PosKind;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroize;

use crate::counts::Counts;
use crate::decision::{About, decision};
use crate::decode::claim::{self, Address};
use crate::decode::{Rejection, decode};
use crate::hops::{Hop, Hops};
use crate::identity::Identity;
use crate::proof::Proof;

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
    /// What it was.
    pub kind: PosKind,
    /// Where the answer goes.
    pub reply: ReplyTo,
    /// When it was taken, by the clock.
    pub received: Millis,
    /// The same moment, for measuring.
    pub taken: Instant,
}

/// Where an answer goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// Nobody asked for one.
    Nobody,
    /// A subject of NATS.
    Nats(Subject),
    /// A request of the desk.
    Desk(oneshot::Sender<Answer>),
}

/// An answer in full: the body, or the rejection that it would be.
pub type Answer = Result<Bytes, Box<Reply>>;

/// The way in; clones share it.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Way to the committer.
    pub queue: mpsc::Sender<Pending>,
    /// Set while the journal does not acknowledge.
    pub stalled: Arc<AtomicBool>,
    /// Counters.
    pub counts: Arc<Counts>,
    /// Measurements.
    pub hops: Arc<Hops>,
    /// The keys of persons.
    pub identity: Arc<Identity>,
    /// The books of the ration.
    pub books: Arc<Books>,
    /// The outlets.
    pub outlets: Lookup,
    /// What an acknowledgement promises.
    pub proof: Proof,
}

impl Intake {
    /// Queues what was sent for the journal. The answer comes on `reply`.
    ///
    /// # Errors
    /// [`Rejection`], and the way of the answer back: nothing was queued.
    pub fn take(
        &self,
        kind: PosKind,
        address: Address<'_>,
        payload: &[u8],
        reply: ReplyTo,
    ) -> Result<(), (Rejection, ReplyTo)> {
        let (received, taken) = (crate::clock::now(), Instant::now());
        match self.line(kind, address, payload, received) {
            Ok((permit, line)) => {
                permit.send(Pending { line, caller: Caller { kind, reply, received, taken } });
                self.counts.take(kind);
                Ok(())
            }
            Err(rejection) => Err((rejection, reply)),
        }
    }

    fn line(
        &self,
        kind: PosKind,
        address: Address<'_>,
        payload: &[u8],
        received: Millis,
    ) -> Result<(mpsc::Permit<'_, Pending>, Vec<u8>), Rejection> {
        let request;
        let entry = match (kind, address.outlet) {
            (kind, Some(outlet)) if !kind.is_personal() => decode(kind, outlet, payload, received)?,
            _ => {
                request = claim::read(kind, payload)?;
                request.entry(address, received, &self.identity)?
            }
        };
        let permit = self.queue.try_reserve().map_err(|_| no_room())?;
        if self.stalled.load(Relaxed) {
            return Err(Rejection::new(
                Reason::Unavailable,
                "the journal can not be written now; send again later",
            ));
        }
        if let Entry::Pos(pos) = &entry {
            self.measure(pos);
        }
        let mut line = Vec::with_capacity(if kind.is_personal() { 384 } else { 192 });
        push_line(&mut line, &entry);
        Ok((permit, line))
    }

    /// Judges a check out of the books, now.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn check(&self, address: Address<'_>, payload: &[u8]) -> Result<Decision, Rejection> {
        let at = crate::clock::now();
        let request = claim::read_check(payload)?;
        let checked = request.checked(address, &self.identity)?;
        self.counts.take(PosKind::Check);
        let ask = Ask {
            at,
            item: checked.item,
            // Whether one piece could be bought; `remaining` says how many.
            quantity: 0,
            person: &checked.person,
            buyer: checked.buyer.as_ref(),
            ground: checked.ground,
            outlet: self.outlets.kind(checked.outlet),
        };
        Ok(decision(&self.books.check(&ask), About::Check, self.proof.durability()))
    }

    /// A claim as it stands, while it is kept.
    #[must_use]
    pub fn claim(&self, id: ClaimId) -> Option<Decision> {
        self.books.claim(id).map(|decided| decision(&decided, About::State, self.proof.durability()))
    }

    /// The reply to what was turned away, counted.
    pub fn rejected(&self, rejection: Rejection) -> Reply {
        let Rejection { reason, detail } = rejection;
        self.counts.reject(reason);
        let mut reply = Reply::rejected(reason, detail, crate::clock::now());
        reply.retry_after_ms = reason.retryable().then(|| rand::rng().random_range(200..2_000));
        reply
    }

    fn measure(&self, pos: &PosEntry<'_>) {
        let took = pos.received.since(pos.sent.unwrap_or(pos.at));
        if (0..LIVE_MS).contains(&took) {
            self.hops.record(Hop::PosToReceived, Duration::from_millis(took.unsigned_abs()), 1);
        }
    }
}

/// Wipes a message that held a person's number, where nobody else holds its bytes. What a socket's buffer still has of it goes
/// with the next messages.
pub(crate) fn wipe(payload: Bytes) {
    if let Ok(mut own) = payload.try_into_mut() {
        own.as_mut().zeroize();
    }
}

fn no_room() -> Rejection {
    Rejection::new(Reason::Overloaded, format!("{QUEUE} messages wait already; send again later"))
}
