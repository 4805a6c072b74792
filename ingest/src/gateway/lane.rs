//! The subscriptions of one class as one stream of messages.

use std::future::poll_fn;
use std::task::{Context, Poll};

use async_nats::{Client, Message, Subscriber};
use futures::StreamExt;
use schemas::subject::POS_QUEUE;

/// So many messages in a row come of one subject at most before the next ones have their turn.
const RUN: u32 = 256;

/// Messages of several subjects. Of those that wait, the subjects named first come first: a void never comes before a claim
/// that arrived before it, unless [`RUN`] claims wait.
#[derive(Debug)]
pub(super) struct Lane {
    subscriptions: Vec<Subscriber>,
    open: Vec<bool>,
    /// The subject of the last message, and how many came of it in a row.
    run: (usize, u32),
}

impl Lane {
    /// Subscribes as one of the gateways; the server knows when this returns.
    pub(super) async fn open(
        client: &Client,
        subjects: impl IntoIterator<Item = String>,
    ) -> Result<Self, async_nats::Error> {
        let mut subscriptions = Vec::new();
        for subject in subjects {
            subscriptions.push(client.queue_subscribe(subject, POS_QUEUE.to_owned()).await?);
        }
        client.flush().await?;
        Ok(Self { open: vec![true; subscriptions.len()], subscriptions, run: (0, 0) })
    }

    /// The next message; nothing once all subscriptions have ended.
    pub(super) async fn next(&mut self) -> Option<Message> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let count = self.subscriptions.len();
        let (last, run) = self.run;
        let first = if run < RUN { 0 } else { (last + 1) % count };
        for n in (first..count).chain(0..first) {
            if !self.open[n] {
                continue;
            }
            match self.subscriptions[n].poll_next_unpin(context) {
                Poll::Ready(Some(message)) => {
                    self.run = (n, if n == last && run < RUN { run + 1 } else { 1 });
                    return Poll::Ready(Some(message));
                }
                Poll::Ready(None) => self.open[n] = false,
                Poll::Pending => {}
            }
        }
        if self.open.contains(&true) { Poll::Pending } else { Poll::Ready(None) }
    }

    /// Takes no more than what has arrived.
    pub(super) async fn drain(&mut self) -> Result<(), async_nats::Error> {
        for subscription in &mut self.subscriptions {
            subscription.drain().await?;
        }
        Ok(())
    }
}
