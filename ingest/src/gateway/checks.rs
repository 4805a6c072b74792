//! Checks over NATS: a connection, a queue and a thread of their own, so that a flood of them costs sales nothing.
//!
//! One task takes what comes and turns most of a flood away by its subject; another judges what was let in. What the
//! connection can not hold is dropped by it, as a slow consumer's, and neither sales nor stock are on it.

use std::time::Instant;

use async_nats::Message;
use schemas::subject::{POS_STRAYS, PosKind, pos_of};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::lane::Lane;
use super::{Away, Gateway};
use crate::admission::{Door, Permit};
use crate::decode::claim::Address;
use crate::intake::wipe;

/// Checks that were let in and wait to be judged; their class is never let in so many.
pub(crate) const QUEUE: usize = 8 * 1024;

/// So many are judged before the next look at what comes. The door has a longer turn (tokio's, 128 messages): in a flood it
/// turns away four for each one that is judged, so that nobody waits unread for long.
const TURN: usize = 32;

/// A check that was let in.
struct Asked {
    message: Message,
    permit: Permit,
    taken: Instant,
}

impl Gateway {
    /// Takes checks, and what is on no subject of the contract, until told to stop; then those that had already arrived.
    ///
    /// # Errors
    /// When a subscription is refused.
    pub async fn run_checks(self, stop: CancellationToken) -> Result<(), async_nats::Error> {
        let subjects = std::iter::once(pos_of(PosKind::Check)).chain(POS_STRAYS.map(str::to_owned));
        let mut lane = Lane::open(&self.client, subjects).await?;
        let (asked, judging) = mpsc::channel(QUEUE);
        let judge = tokio::spawn(self.clone().judge(judging));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = lane.next() => match message {
                    Some(message) => self.let_in(message, &asked).await,
                    None => return Ok(()),
                },
            }
        }
        lane.drain().await?;
        while let Some(message) = lane.next().await {
            self.let_in(message, &asked).await;
        }
        drop(asked);
        Ok(judge.await?)
    }

    async fn let_in(&self, message: Message, asked: &mpsc::Sender<Asked>) {
        let taken = Instant::now();
        let permit = match self.enter(&message, taken) {
            Ok((_, _, permit)) => permit,
            Err(away) => return self.turn_away(message, away).await,
        };
        // No error: the judge goes on for as long as somebody asks.
        let _ = asked.send(Asked { message, permit, taken }).await;
    }

    async fn judge(self, mut asked: mpsc::Receiver<Asked>) {
        for n in 1_usize.. {
            let Some(Asked { message, permit, taken }) = asked.recv().await else { return };
            if n.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
            let outlet = message.subject.as_str().rsplit_once('.').map_or("", |(_, outlet)| outlet);
            let address = Address { outlet: Some(outlet), claim: None };
            match self.intake.check(address, &message.payload, (Door::Open(permit), taken)) {
                Ok(decision) => {
                    if let Some(reply) = message.reply {
                        let body =
                            serde_json::to_vec(&decision).expect("a decision holds only text and numbers");
                        self.publish(reply, body.into()).await;
                    }
                    wipe(message.payload);
                }
                Err(rejection) => self.turn_away(message, Away::Looked(rejection)).await,
            }
        }
    }
}
