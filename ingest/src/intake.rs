//! The intake: one way into the journal for every message, whether it came over NATS or HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use aggregator::{Ask, Books};
use async_nats::Subject;
use bytes::Bytes;
use rand::Rng;
use schemas::Millis;
use schemas::batch::push_line;
use schemas::claim::{ClaimId, Decision};
use schemas::entry::{Entry, PosEntry};
use schemas::pos::{Reason, Reply};
use schemas::subject::{PROBE_OUTLET, PosKind};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroize;

use crate::admission::{Admission, Door, Permit};
use crate::counts::Counts;
use crate::decision::{About, decision};
use crate::decode::claim::{self, Address};
use crate::decode::{Rejection, decode};
use crate::hops::{Hop, Hops};
use crate::identity::Identity;
use crate::proof::Proof;

/// Entries of each class that may wait for the journal; more are turned away as overloaded.
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
    /// Its place among those under way, until it is answered.
    pub permit: Permit,
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

/// The ways to the committer, one for each class that is written: what waits in one takes no room in the other.
#[derive(Debug, Clone)]
pub struct Queues {
    /// Words about stock.
    pub stock: mpsc::Sender<Pending>,
    /// Claims and what settles them.
    pub sale: mpsc::Sender<Pending>,
}

/// The other ends.
#[derive(Debug)]
pub struct Waiting {
    /// Words about stock.
    pub stock: mpsc::Receiver<Pending>,
    /// Claims and what settles them.
    pub sale: mpsc::Receiver<Pending>,
}

impl Queues {
    /// Queues of [`QUEUE`] entries each.
    #[must_use]
    pub fn open() -> (Self, Waiting) {
        let (stock, stock_out) = mpsc::channel(QUEUE);
        let (sale, sale_out) = mpsc::channel(QUEUE);
        (Self { stock, sale }, Waiting { stock: stock_out, sale: sale_out })
    }

    fn of(&self, kind: PosKind) -> &mpsc::Sender<Pending> {
        if kind.is_personal() { &self.sale } else { &self.stock }
    }
}

/// The way in; clones share it.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Ways to the committer.
    pub queues: Queues,
    /// Who may send.
    pub admission: Arc<Admission>,
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
    /// What an acknowledgement promises.
    pub proof: Proof,
}

impl Intake {
    /// Queues what came at `taken` for the journal. The answer comes on `reply`.
    ///
    /// # Errors
    /// [`Rejection`], and the way of the answer back: nothing was queued.
    pub fn take(
        &self,
        kind: PosKind,
        address: Address<'_>,
        payload: &[u8],
        reply: ReplyTo,
        (door, taken): (Door, Instant),
    ) -> Result<(), (Rejection, ReplyTo)> {
        let received = crate::clock::now();
        match self.line(kind, address, payload, received, (door, taken)) {
            Ok(Line { room, permit, line }) => {
                room.send(Pending { line, caller: Caller { kind, reply, received, taken, permit } });
                if address.outlet != Some(PROBE_OUTLET) {
                    self.counts.take(kind);
                }
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
        at: (Door, Instant),
    ) -> Result<Line<'_>, Rejection> {
        let request;
        let entry = match (kind, address.outlet) {
            (kind, Some(outlet)) if !kind.is_personal() => decode(kind, outlet, payload, received)?,
            _ => {
                request = claim::read(kind, payload)?;
                request.entry(address, received, &self.identity)?
            }
        };
        let (outlet, terminal) = sender(&entry);
        let mut permit = self.pass(kind, outlet, terminal, at)?;
        let room = self.queues.of(kind).try_reserve().map_err(|_| no_room())?;
        if self.stalled.load(Relaxed) {
            return Err(Rejection::new(
                Reason::Unavailable,
                "the journal can not be written now; send again later",
            ));
        }
        permit.good();
        if let Entry::Pos(pos) = &entry {
            self.measure(pos);
        }
        let mut line = Vec::with_capacity(if kind.is_personal() { 384 } else { 192 });
        push_line(&mut line, &entry);
        Ok(Line { room, permit, line })
    }

    /// Lets in who is known now: the outlet, where the address did not tell it, and the terminal.
    fn pass(
        &self,
        kind: PosKind,
        outlet: &str,
        terminal: &str,
        (door, taken): (Door, Instant),
    ) -> Result<Permit, Rejection> {
        let mut permit = match door {
            Door::Open(permit) => permit,
            Door::Ask => self.admission.enter(kind.class(), outlet, taken, false)?,
            Door::AskOfMany => self.admission.enter(kind.class(), outlet, taken, true)?,
        };
        permit.terminal(terminal)?;
        Ok(permit)
    }

    /// Judges a check out of the books, now.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn check(
        &self,
        address: Address<'_>,
        payload: &[u8],
        door: (Door, Instant),
    ) -> Result<Decision, Rejection> {
        let at = crate::clock::now();
        let request = claim::read_check(payload)?;
        let checked = request.checked(address, &self.identity)?;
        let mut permit = self.pass(PosKind::Check, checked.outlet, checked.terminal, door)?;
        permit.good();
        self.counts.take(PosKind::Check);
        let ask = Ask {
            at,
            item: checked.item,
            // Whether one piece could be bought; `remaining` says how many.
            quantity: 0,
            person: &checked.person,
            buyer: checked.buyer.as_ref(),
            ground: checked.ground,
            outlet: permit.outlet(),
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
        let Rejection { reason, detail, retry_after_ms } = rejection;
        self.counts.reject(reason);
        let mut reply = Reply::rejected(reason, detail, crate::clock::now());
        let chance = || reason.retryable().then(|| rand::rng().random_range(200..2_000));
        reply.retry_after_ms = retry_after_ms.or_else(chance);
        reply
    }

    fn measure(&self, pos: &PosEntry<'_>) {
        let took = pos.received.since(pos.sent.unwrap_or(pos.at));
        if (0..LIVE_MS).contains(&took) {
            self.hops.record(Hop::PosToReceived, Duration::from_millis(took.unsigned_abs()), 1);
        }
    }
}

/// An entry that is let in, and its room in the queue.
struct Line<'q> {
    room: mpsc::Permit<'q, Pending>,
    permit: Permit,
    line: Vec<u8>,
}

/// Outlet and terminal of an entry.
fn sender<'a>(entry: &Entry<'a>) -> (&'a str, &'a str) {
    match entry {
        Entry::Pos(pos) => (pos.outlet, pos.terminal),
        Entry::Claim(claim) => (claim.outlet, claim.terminal),
        Entry::Void(settle) | Entry::Confirm(settle) => (settle.outlet, settle.terminal),
        _ => unreachable!("what outlets send is one of these"),
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

#[cfg(test)]
mod tests {
    use aggregator::Fold;
    use schemas::status::Durability;

    use super::*;
    use crate::identity::PersonSecret;

    /// A way in to a journal that takes nothing, with room for so many of each class.
    fn intake(room: usize) -> (Intake, Waiting) {
        let ((stock, stock_out), (sale, sale_out)) = (mpsc::channel(room), mpsc::channel(room));
        let fold = Fold::default();
        let intake = Intake {
            queues: Queues { stock, sale },
            admission: Admission::new(fold.outlet_types()),
            stalled: Arc::default(),
            counts: Arc::default(),
            hops: Arc::default(),
            identity: Arc::new(Identity::new(PersonSecret::from_bytes([7; 32], None), None)),
            books: fold.books(),
            proof: Proof::without(Durability::Memory),
        };
        (intake, Waiting { stock: stock_out, sale: sale_out })
    }

    fn report(intake: &Intake, outlet: u32) -> Result<(), Reason> {
        let (outlet, at) = (outlet.to_string(), schemas::time::Rfc3339(crate::clock::now()));
        let body = serde_json::json!({ "terminal": "t1", "seq": 1, "at": at, "item": "mask", "count": 1 });
        let address = Address { outlet: Some(&outlet), claim: None };
        let when = (Door::Ask, Instant::now());
        let taken = intake.take(PosKind::Report, address, body.to_string().as_bytes(), ReplyTo::Nobody, when);
        taken.map_err(|(rejection, _)| rejection.reason)
    }

    fn claim(intake: &Intake) -> Result<(), Reason> {
        let body = serde_json::json!({
            "id": "0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f", "terminal": "t1", "item": "mask", "quantity": 1,
            "at": schemas::time::Rfc3339(crate::clock::now()), "person": { "kind": "resident", "number": "990101-1000000" },
        });
        let address = Address { outlet: Some("1"), claim: None };
        let when = (Door::Ask, Instant::now());
        let taken = intake.take(PosKind::Claim, address, body.to_string().as_bytes(), ReplyTo::Nobody, when);
        taken.map_err(|(rejection, _)| rejection.reason)
    }

    #[test]
    fn a_queue_takes_what_it_holds_and_the_other_class_has_its_own() {
        for (room, taken) in [(4, 4), (100, 6)] {
            let (intake, mut waiting) = intake(room);
            let heard: Vec<_> = (1..=6).map(|outlet| report(&intake, outlet)).collect();
            assert_eq!(heard.iter().filter(|heard| heard.is_ok()).count(), taken);
            assert!(heard[taken..].iter().all(|heard| *heard == Err(Reason::Overloaded)), "{heard:?}");
            assert_eq!(claim(&intake), Ok(()), "sales have a queue of their own");
            waiting.stock.try_recv().unwrap();
            assert_eq!(report(&intake, 7), Ok(()), "there is room again");
        }
    }
}
