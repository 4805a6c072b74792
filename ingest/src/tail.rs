//! The tail of the journal: every message after a cursor, in order, none left out, however often the consumer dies.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::journal::{Extent, Journal, JournalError};

/// Without a message for this long, the journal is asked whether there should have been one.
const QUIET: Duration = Duration::from_secs(3);
/// So many looks in a row find the journal shorter than what was read of it before that is believed: a server that has just begun to
/// lead may be behind for a moment.
const SHORT_LOOKS: u32 = 3;

/// Why the journal can not be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The journal no longer holds what comes next.
    #[error(
        "the journal holds {first}..={last} but the fold needs {needed} next: entries between are gone. \
         Restore the stream from a replica or backup; or, knowing that they are lost, remove the folder \
         `checkpoints` of the data directory and start with --forget-beginning yes from what is left"
    )]
    Gone {
        /// The sequence that is needed.
        needed: u64,
        /// The first there is.
        first: u64,
        /// The last there is.
        last: u64,
    },
    /// There is no checkpoint, and the journal has dropped its oldest entries.
    #[error(
        "there is no usable checkpoint, and the journal begins at {first}: what older entries said, such as policies, keys, the \
         registry and purchases, is gone, and this core would decide otherwise than others. Copy the folder `checkpoints` from \
         the data directory of another core or from a backup; or, where there is none, start with --forget-beginning yes"
    )]
    NoBeginning {
        /// The first there is.
        first: u64,
    },
    /// The stream is another one than that which was followed.
    #[error(
        "the stream of the journal was made anew while it was followed: its entries are others. Restore it from a backup; or \
         start again, knowing that what it held is lost"
    )]
    MadeAnew,
    /// A sequence is missing inside the journal.
    #[error(
        "journal sequence {needed} is missing, {found} came instead: the stored stream was damaged. Run \
         `jaego journal verify`, restore the stream from a replica or backup; or, knowing that it is lost, \
         start with --skip-damaged {needed}"
    )]
    Hole {
        /// The sequence that is missing.
        needed: u64,
        /// The one that came.
        found: u64,
    },
    /// NATS did not answer.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Checks that the journal holds what comes after `applied`. A fold that begins at 0 begins with the journal, or, where `forget`
/// holds, where the journal does.
///
/// # Errors
/// [`TailError::Gone`] and [`TailError::NoBeginning`].
pub fn check_start(applied: u64, extent: Extent, forget: bool) -> Result<u64, TailError> {
    let Extent { began, first, last, .. } = extent;
    if applied == 0 {
        if first > began && !forget {
            return Err(TailError::NoBeginning { first });
        }
        return Ok(first.max(began));
    }
    if applied > last || applied + 1 < first {
        return Err(TailError::Gone { needed: applied + 1, first, last });
    }
    Ok(applied + 1)
}

/// Follows the journal from sequence `next` and hands each message on, until told to stop or nobody takes them.
///
/// Sequences for which `skip` holds may be missing.
///
/// # Errors
/// [`TailError::Hole`], [`TailError::Gone`] and [`TailError::MadeAnew`].
pub async fn follow(
    journal: &Journal,
    next: u64,
    skip: impl Fn(u64) -> bool,
    out: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), TailError> {
    let all = Box::pin(hand_on(journal, next, skip, out));
    stop.run_until_cancelled(all).await.unwrap_or(Ok(()))
}

async fn hand_on(
    journal: &Journal,
    mut next: u64,
    skip: impl Fn(u64) -> bool,
    out: mpsc::Sender<Message>,
) -> Result<(), TailError> {
    let mut short = 0;
    loop {
        let mut messages = subscribe(journal, next).await;
        look(journal, next, &mut short).await?;
        loop {
            match tokio::time::timeout(QUIET, messages.next()).await {
                Ok(Some(Ok(message))) => {
                    let seq = sequence(&message);
                    if seq < next {
                        look(journal, next, &mut short).await?;
                        continue;
                    }
                    if let Some(needed) = (next..seq).find(|n| !skip(*n)) {
                        return Err(TailError::Hole { needed, found: seq });
                    }
                    next = seq + 1;
                    if out.send(message).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, next, "journal consumer failed; making another");
                    break;
                }
                Ok(None) => break,
                Err(_) if look(journal, next, &mut short).await? => {
                    tracing::warn!(next, "journal consumer stalled; making another");
                    break;
                }
                Err(_) => {}
            }
        }
    }
}

/// An ordered consumer from a sequence on, tried until there is one.
async fn subscribe(journal: &Journal, next: u64) -> push::Ordered {
    let mut wait = Duration::from_millis(50);
    loop {
        match try_subscribe(journal, next).await {
            Ok(messages) => return messages,
            Err(error) => {
                tracing::warn!(%error, next, "no journal consumer; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(2));
            }
        }
    }
}

async fn try_subscribe(journal: &Journal, next: u64) -> Result<push::Ordered, async_nats::Error> {
    let config = push::OrderedConfig {
        deliver_subject: journal.client().new_inbox(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
        ..push::OrderedConfig::default()
    };
    Ok(journal.stream().create_consumer(config).await?.messages().await?)
}

/// Whether the journal holds more than was read of it. `short` counts the looks in a row that found less.
async fn look(journal: &Journal, next: u64, short: &mut u32) -> Result<bool, TailError> {
    let extent = match journal.extent().await {
        Ok(extent) => extent,
        Err(error) => {
            tracing::warn!(%error, "journal does not answer");
            return Ok(false);
        }
    };
    if extent.made != journal.made() {
        return Err(TailError::MadeAnew);
    }
    *short = if extent.last + 1 < next { *short + 1 } else { 0 };
    if *short >= SHORT_LOOKS {
        return Err(TailError::Gone { needed: next, first: extent.first, last: extent.last });
    }
    Ok(extent.last >= next)
}

/// Stream sequence of a message.
pub(crate) fn sequence(message: &Message) -> u64 {
    message.info().expect("a consumer's message carries its place in the stream").stream_sequence
}
