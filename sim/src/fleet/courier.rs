//! Carries a message to a gateway until it is answered, as a careful POS does: the same number every time, a pause with
//! jitter between tries, never giving up by itself.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::{Client, ConnectOptions, RequestErrorKind};
use bytes::Bytes;
use rand::Rng;
use schemas::claim::Decision;
use schemas::pos::{Outcome, Reason, Reply};
use schemas::subject::{self, PosKind};
use schemas::{Millis, OutletCode};

use super::act::{Act, Fate, Told};
use super::message::Message;
use crate::tally::{Silence, Tally};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A message on its way.
pub(super) struct Parcel {
    /// Place of the outlet in the fleet.
    pub(super) from: usize,
    pub(super) outlet: OutletCode,
    pub(super) item: Arc<str>,
    pub(super) clock_off_ms: i64,
    pub(super) told: Told,
    /// When the schedule wanted it sent.
    pub(super) due: Instant,
    /// How long it is held back, so that later ones overtake it.
    pub(super) held: Duration,
    /// Whether it is sent once more after it was answered.
    pub(super) twice: bool,
}

/// A message that was answered.
pub(super) struct Receipt {
    pub(super) from: usize,
    pub(super) act: Act,
    pub(super) fate: Fate,
}

/// Carries one message; ends when a gateway has taken it or turned it away for good.
pub(super) async fn carry(client: Client, parcel: Parcel, tally: Arc<Tally>) -> Receipt {
    let kind = parcel.told.act.kind();
    let subject = subject::pos(kind, &parcel.outlet);
    let message = Message {
        told: &parcel.told,
        item: &parcel.item,
        clock_off_ms: parcel.clock_off_ms,
        happened: now().plus(parcel.clock_off_ms),
    };
    if !parcel.held.is_zero() {
        tokio::time::sleep(parcel.held).await;
    }
    let mut heard: Option<Answer> = None;
    let mut copies = 1 + u32::from(parcel.twice);
    let mut tries = 0;
    while copies > 0 {
        match send(&client, kind, &subject, message.body(now()), &tally).await {
            Ok(Answer::Reply(reply)) if reply.reason.is_some_and(Reason::retryable) => {
                wait(tries, reply.retry_after_ms).await;
                tries += 1;
            }
            Ok(answer) => {
                copies -= 1;
                take(&mut heard, answer, kind, &tally);
            }
            Err(silence) => {
                tally.silence(silence);
                wait(tries, None).await;
                tries += 1;
            }
        }
    }
    tally.answered_after(parcel.due.elapsed().saturating_sub(parcel.held));
    let fate = heard.map_or(Fate::Recorded, |answer| answer.fate());
    Receipt { from: parcel.from, act: parcel.told.act, fate }
}

/// The answer to a message.
#[derive(Debug)]
enum Answer {
    Reply(Reply),
    Decision(Box<Decision>),
}

impl Answer {
    fn fate(&self) -> Fate {
        match self {
            Self::Reply(reply) if reply.status == Outcome::Rejected => Fate::TurnedAway(reply.reason),
            Self::Reply(_) => Fate::Recorded,
            Self::Decision(decision) => {
                Fate::Decided { verdict: decision.decision, until: decision.held_until.map(|until| until.0) }
            }
        }
    }
}

/// Keeps the first answer, which counts; what is decided once and answered again must be the same.
fn take(heard: &mut Option<Answer>, answer: Answer, kind: PosKind, tally: &Tally) {
    match (&*heard, answer) {
        (None, answer) => {
            if let Answer::Decision(decision) = &answer {
                tally.decided(kind, decision);
            }
            *heard = Some(answer);
        }
        (Some(Answer::Decision(first)), Answer::Decision(mut again)) => {
            let replayed = std::mem::replace(&mut again.replayed, first.replayed);
            if !replayed || *first != again {
                tally.contradicted();
            }
        }
        (Some(Answer::Decision(_)), Answer::Reply(_)) => tally.contradicted(),
        (Some(Answer::Reply(_)), _) => {}
    }
}

/// Sends one copy and reads the answer: about a person a decision, or the word that nothing was decided.
async fn send(
    client: &Client,
    kind: PosKind,
    subject: &str,
    body: Bytes,
    tally: &Tally,
) -> Result<Answer, Silence> {
    tally.copy();
    let answer = client.request(subject.to_owned(), body).await.map_err(|error| match error.kind() {
        RequestErrorKind::TimedOut => Silence::TimedOut,
        RequestErrorKind::NoResponders => Silence::NoGateway,
        _ => Silence::Broken,
    })?;
    if kind.is_personal()
        && let Ok(decision) = serde_json::from_slice::<Decision>(&answer.payload)
    {
        tally.answer(decision.replayed);
        return Ok(Answer::Decision(Box::new(decision)));
    }
    let reply: Reply = serde_json::from_slice(&answer.payload).map_err(|_| Silence::Broken)?;
    if kind.is_personal() && reply.status != Outcome::Rejected {
        return Err(Silence::Broken);
    }
    tally.reply(&reply);
    Ok(Answer::Reply(reply))
}

/// Waits longer with each try, up to 5 s, or as long as the gateway asked; half of it by chance, so that a fleet does not
/// come back all at once.
async fn wait(tries: u32, asked_ms: Option<u32>) {
    let least = asked_ms.map_or(100 << tries.min(6), u64::from).min(5000);
    let wait = least + rand::rng().random_range(0..=least);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

/// The real time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    Millis(i64::try_from(since.as_millis()).expect("the clock is before the year 292 million"))
}

/// Opens one of the fleet's connections; it reconnects by itself, after a time with jitter.
///
/// # Errors
/// When no server answers at this address.
pub(crate) async fn connect(url: &str, name: String) -> Result<Client, async_nats::ConnectError> {
    ConnectOptions::new()
        .name(name)
        .request_timeout(Some(ANSWER_WITHIN))
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| {
            let most_ms = 100 << tries.min(6);
            Duration::from_millis(rand::rng().random_range(most_ms / 2..=most_ms))
        })
        .connect(url)
        .await
}
