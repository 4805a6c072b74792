//! Carries a message to a gateway until it is answered, as a careful POS does: the same number every time, a pause with
//! jitter between tries, never giving up by itself.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::{Client, ConnectOptions, RequestErrorKind};
use bytes::Bytes;
use rand::Rng;
use schemas::pos::{Delta, Head, NoticeMessage, Outcome, Reason, Reply, Report, Suspension};
use schemas::subject::{self, PosKind};
use schemas::time::Rfc3339;
use schemas::{Millis, OutletCode};

use super::outlet::{Act, Fate, Told};
use crate::tally::{Silence, Tally};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const TERMINALS: [&str; 3] = ["t1", "t2", "t3"];

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
    let happened = now().plus(parcel.clock_off_ms);
    let subject = subject::pos(parcel.kind(), &parcel.outlet);
    if !parcel.held.is_zero() {
        tokio::time::sleep(parcel.held).await;
    }
    let mut copies = 1 + u32::from(parcel.twice);
    let mut tries = 0;
    let mut fate = Fate::Recorded;
    while copies > 0 {
        match send(&client, &subject, parcel.body(happened), &tally).await {
            Ok(reply) if reply.reason.is_some_and(Reason::retryable) => {
                wait(tries, reply.retry_after_ms).await;
                tries += 1;
            }
            Ok(reply) => {
                copies -= 1;
                if reply.status == Outcome::Rejected {
                    fate = Fate::TurnedAway;
                }
            }
            Err(silence) => {
                tally.silence(silence);
                wait(tries, None).await;
                tries += 1;
            }
        }
    }
    tally.answered_after(parcel.due.elapsed().saturating_sub(parcel.held));
    Receipt { from: parcel.from, act: parcel.told.act, fate }
}

/// Sends one copy and reads the answer.
async fn send(client: &Client, subject: &str, body: Bytes, tally: &Tally) -> Result<Reply, Silence> {
    tally.copy();
    let answer = client.request(subject.to_owned(), body).await.map_err(|error| match error.kind() {
        RequestErrorKind::TimedOut => Silence::TimedOut,
        RequestErrorKind::NoResponders => Silence::NoGateway,
        _ => Silence::Broken,
    })?;
    let reply = serde_json::from_slice(&answer.payload).map_err(|_| Silence::Broken)?;
    tally.reply(&reply);
    Ok(reply)
}

/// Waits longer with each try, up to 5 s, or as long as the gateway asked; half of it by chance, so that a fleet does not
/// come back all at once.
async fn wait(tries: u32, asked_ms: Option<u32>) {
    let least = asked_ms.map_or(100 << tries.min(6), u64::from).min(5000);
    let wait = least + rand::rng().random_range(0..=least);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

impl Parcel {
    fn kind(&self) -> PosKind {
        match self.told.act {
            Act::Report(_) => PosKind::Report,
            Act::Delta(_) => PosKind::Delta,
            Act::Pause => PosKind::Pause,
            Act::Resume => PosKind::Resume,
            Act::Notice { .. } => PosKind::Notice,
        }
    }

    /// The message as it is written now: a later copy differs in `sent_at` alone.
    fn body(&self, happened: Millis) -> Bytes {
        let head = Head {
            outlet: None,
            terminal: TERMINALS[self.told.terminal],
            seq: self.told.seq,
            at: Rfc3339(happened),
            sent_at: Some(Rfc3339(now().plus(self.clock_off_ms))),
        };
        let item = &*self.item;
        let body = match self.told.act {
            Act::Report(count) => serde_json::to_vec(&Report { head, item, count }),
            Act::Delta(change) => serde_json::to_vec(&Delta { head, item, change }),
            Act::Pause | Act::Resume => serde_json::to_vec(&Suspension { head, item }),
            Act::Notice { tickets } => serde_json::to_vec(&notice(head, tickets)),
        };
        body.expect("messages hold only text and numbers").into()
    }
}

fn notice(head: Head<'_>, tickets: bool) -> NoticeMessage<'_> {
    NoticeMessage {
        head,
        ko: tickets.then_some("번호표를 나누어 드립니다".into()),
        en: tickets.then_some("Number tickets are given out".into()),
        sells_from: tickets.then_some("15:00"),
        tickets,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_the_contract_asks_for() {
        let parcel = |act| Parcel {
            from: 0,
            outlet: OutletCode::new("34840559").unwrap(),
            item: "mask".into(),
            clock_off_ms: 0,
            told: Told { terminal: 1, seq: 18, act },
            due: Instant::now(),
            held: Duration::ZERO,
            twice: false,
        };
        let body = parcel(Act::Delta(-2)).body(Millis(1_583_885_100_000));
        let read: Delta<'_> = serde_json::from_slice(&body).unwrap();
        assert_eq!((read.head.terminal, read.head.seq, read.item, read.change), ("t2", 18, "mask", -2));
        assert_eq!(read.head.at.0, Millis(1_583_885_100_000));
        let body = parcel(Act::Notice { tickets: false }).body(Millis(0));
        let read: NoticeMessage<'_> = serde_json::from_slice(&body).unwrap();
        assert_eq!((read.ko, read.en, read.sells_from, read.tickets), (None, None, None, false));
    }
}
