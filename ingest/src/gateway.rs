//! The gateway: takes POS messages off NATS, turns bad ones away at once, queues good ones for the journal.

use async_nats::{Client, HeaderMap, Message};
use bytes::Bytes;
use futures::StreamExt;
use schemas::pos::{MAX_MESSAGE_BYTES, Reason};
use schemas::subject::{self, POS_ALL, POS_QUEUE, PosKind};
use tokio_util::sync::CancellationToken;

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
        let taken = match subject::parse_pos(&message.subject) {
            Ok((PosKind::Check, outlet)) => self.check(&message, outlet).await,
            Ok((kind, outlet)) => {
                let reply = message.reply.clone().map_or(ReplyTo::Nobody, ReplyTo::Nats);
                let address = Address { outlet: Some(outlet), claim: None };
                self.intake.take(kind, address, &message.payload, reply).map_err(|(rejection, _)| rejection)
            }
            Err(wrong) => Err(Rejection::new(Reason::WrongSubject, wrong.to_string())),
        };
        match taken {
            Ok(()) => wipe(message.payload),
            Err(rejection) => self.turn_away(message, rejection).await,
        }
    }

    async fn check(&self, message: &Message, outlet: &str) -> Result<(), Rejection> {
        let address = Address { outlet: Some(outlet), claim: None };
        let decision = self.intake.check(address, &message.payload)?;
        if let Some(reply) = &message.reply {
            let body = serde_json::to_vec(&decision).expect("a decision holds only text and numbers");
            self.publish(reply.clone(), body.into()).await;
        }
        Ok(())
    }

    async fn publish(&self, subject: async_nats::Subject, body: Bytes) {
        if let Err(error) = self.client.publish(subject, body).await {
            tracing::warn!(%error, "an answer could not be sent; the caller will send again");
        }
    }

    async fn turn_away(&self, message: Message, rejection: Rejection) {
        match &message.reply {
            Some(reply) => {
                let answer = self.intake.rejected(rejection);
                let body = serde_json::to_vec(&answer).expect("a reply holds only text and numbers");
                self.publish(reply.clone(), body.into()).await;
            }
            None => {
                self.intake.counts.reject(rejection.reason);
                if let Err(error) = self.bury(message, rejection.reason, &rejection.detail).await {
                    tracing::warn!(%error, reason = rejection.reason.name(), "a dead letter could not be sent");
                }
            }
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
