//! The gateway: takes POS messages off NATS, turns away at the door whom the caps do not let in, queues the others.
//!
//! Each class has a subscription of its own for each of its kinds, so that what waits of one neither delays nor drops another.

pub mod checks;
mod lane;

use std::time::Instant;

use async_nats::{Client, HeaderMap, Message};
use bytes::Bytes;
use schemas::caps::Class;
use schemas::pos::{MAX_MESSAGE_BYTES, Reason};
use schemas::subject::{self, PosKind};
use tokio_util::sync::CancellationToken;

use self::lane::Lane;
use crate::admission::{Door, Permit, Refusal};
use crate::decode::Rejection;
use crate::decode::claim::Address;
use crate::intake::{Intake, ReplyTo, wipe};
use crate::redact;

/// What the gateway stands on.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Connection.
    pub client: Client,
    /// Way in.
    pub intake: Intake,
}

/// Why a message is not taken.
enum Away {
    /// It was refused by its address alone.
    AtTheDoor(Refusal),
    /// It was looked at.
    Looked(Rejection),
}

impl Gateway {
    /// Takes the messages of a class that is written until told to stop, then those that had already arrived.
    ///
    /// # Errors
    /// When a subscription is refused.
    pub async fn run(self, class: Class, stop: CancellationToken) -> Result<(), async_nats::Error> {
        let kinds = PosKind::ALL.into_iter().filter(|kind| kind.class() == class).map(subject::pos_of);
        let mut lane = Lane::open(&self.client, kinds).await?;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = lane.next() => match message {
                    Some(message) => self.take(message).await,
                    None => return Ok(()),
                },
            }
        }
        lane.drain().await?;
        while let Some(message) = lane.next().await {
            self.take(message).await;
        }
        Ok(())
    }

    async fn take(&self, message: Message) {
        let taken = Instant::now();
        let outcome = self.enter(&message, taken).and_then(|(kind, outlet, permit)| {
            let reply = message.reply.clone().map_or(ReplyTo::Nobody, ReplyTo::Nats);
            let address = Address { outlet: Some(outlet), claim: None };
            self.intake
                .take(kind, address, &message.payload, reply, (Door::Open(permit), taken))
                .map_err(|(rejection, _)| Away::Looked(rejection))
        });
        match outcome {
            Ok(()) => wipe(message.payload),
            Err(away) => self.turn_away(message, away).await,
        }
    }

    /// Who sends what, let in by the subject.
    fn enter<'m>(&self, message: &'m Message, taken: Instant) -> Result<(PosKind, &'m str, Permit), Away> {
        let (kind, outlet) = subject::parse_pos(&message.subject)
            .map_err(|wrong| Away::Looked(Rejection::new(Reason::WrongSubject, wrong.to_string())))?;
        let permit = self.intake.admission.enter(kind.class(), outlet, taken, false);
        Ok((kind, outlet, permit.map_err(Away::AtTheDoor)?))
    }

    async fn publish(&self, subject: async_nats::Subject, body: Bytes) {
        if let Err(error) = self.client.publish(subject, body).await {
            tracing::warn!(%error, "an answer could not be sent; the caller will send again");
        }
    }

    /// Answers who waits. Where nobody does, what was refused at the door is counted and dropped: a flood is not to be
    /// written to a disk; what was looked at goes to the dead letters.
    async fn turn_away(&self, message: Message, away: Away) {
        self.tell(&message, away).await;
        wipe(message.payload);
    }

    async fn tell(&self, message: &Message, away: Away) {
        let (rejection, letter) = match away {
            Away::AtTheDoor(refusal) => (Rejection::from(refusal), false),
            Away::Looked(rejection) => (rejection, true),
        };
        if let Some(reply) = &message.reply {
            let answer = self.intake.rejected(rejection);
            let body = serde_json::to_vec(&answer).expect("a reply holds only text and numbers");
            self.publish(reply.clone(), body.into()).await;
            return;
        }
        self.intake.counts.reject(rejection.reason);
        if letter && let Err(error) = self.bury(message, rejection.reason, &rejection.detail).await {
            tracing::warn!(%error, reason = rejection.reason.name(), "a dead letter could not be sent");
        }
    }

    /// Puts a message that nobody waits for among the dead letters, cut to the largest that would have been taken, and
    /// without anything in it that may be a person's number.
    async fn bury(
        &self,
        message: &Message,
        reason: Reason,
        detail: &str,
    ) -> Result<(), async_nats::PublishError> {
        self.intake.counts.bury();
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
