//! An edge follows: from the last keyframe on, delta by delta; whatever is missed is made good by the next keyframe.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use futures::StreamExt;
use publisher::Publisher;
use schemas::relay::Frame;
use schemas::snapshot::Snapshot;
use schemas::status::Status;
use schemas::subject::{CORE_STATUS, KEYFRAMES, SNAPSHOTS_STREAM};
use schemas::time::Rfc3339;
use tokio::sync::watch;

use super::kept;
use super::parts::Assembly;

/// Without a message for so long the stream is asked whether there should have been one, or whether it was made again.
const QUIET: Duration = Duration::from_secs(3);
/// Cores tell their status each second: after so long without a word nothing is known of them.
const SILENCE: Duration = Duration::from_secs(10);
/// So many messages before the last keyframe are read too, which has another among them: readers have versions of before it.
const BEFORE: u64 = 80;
/// After so long it is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// Publishes each version that comes, and tells `published` which one is served. Where none can be had at the start it
/// begins with the one that was kept at `path`. Never ends by itself.
pub async fn versions(client: Client, publisher: Publisher, published: watch::Sender<u64>, path: PathBuf) {
    let mut held: Option<Arc<Snapshot>> = None;
    let mut told = String::new();
    if !is_fed(&client).await {
        held = tokio::task::spawn_blocking(move || kept::read(&path)).await.ok().flatten();
        publish(&publisher, &published, held.iter().cloned().collect()).await;
    }
    loop {
        if let Err(error) = follow(&client, &publisher, &published, &mut held).await {
            // Once for each cause, however often it is tried.
            let cause = error.to_string();
            if cause != told {
                tracing::warn!(
                    cause,
                    "no snapshots; what is held is served on. Does a core run on this NATS, and may this account read the stream \
                     {SNAPSHOTS_STREAM}?"
                );
            }
            told = cause;
        } else {
            told.clear();
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether there is a snapshot to begin with.
async fn is_fed(client: &Client) -> bool {
    let context = async_nats::jetstream::new(client.clone());
    let asked = async {
        let stream = context.get_stream(SNAPSHOTS_STREAM).await.ok()?;
        stream.get_last_raw_message_by_subject(KEYFRAMES).await.ok()
    };
    tokio::time::timeout(QUIET, asked).await.is_ok_and(|keyframe| keyframe.is_some())
}

/// Follows until another consumer is needed.
async fn follow(
    client: &Client,
    publisher: &Publisher,
    published: &watch::Sender<u64>,
    held: &mut Option<Arc<Snapshot>>,
) -> Result<(), async_nats::Error> {
    let context = async_nats::jetstream::new(client.clone());
    let mut stream = context.get_stream(SNAPSHOTS_STREAM).await?;
    let keyframe = stream.get_last_raw_message_by_subject(KEYFRAMES).await?.sequence;
    let first = keyframe.saturating_sub(BEFORE).max(1);
    let config = push::OrderedConfig {
        deliver_subject: client.new_inbox(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: first },
        ..push::OrderedConfig::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    let mut assembly = Assembly::default();
    let (made, mut seen) = (stream.cached_info().created, first.saturating_sub(1));
    // Of what was written before we came the last version is served; what changed since the first is told to whoever has one of those.
    let mut missed = Vec::new();
    let last = stream.cached_info().state.last_sequence;
    loop {
        let Ok(message) = tokio::time::timeout(QUIET, messages.next()).await else {
            let now = stream.info().await?;
            if now.created == made && now.state.last_sequence == seen {
                continue;
            }
            return Ok(());
        };
        let Some(message) = message.transpose()? else { return Ok(()) };
        seen = message.info()?.stream_sequence;
        let before = held.as_ref().map(|snapshot| snapshot.version);
        take(&mut assembly, &message, held);
        if let Some(snapshot) = held.clone().filter(|snapshot| Some(snapshot.version) != before) {
            missed.truncate(1);
            missed.push(snapshot);
        }
        if seen >= last {
            publish(publisher, published, std::mem::take(&mut missed)).await;
        }
    }
}

/// Takes a message in, and holds the snapshot to which it leads.
fn take(assembly: &mut Assembly, message: &Message, held: &mut Option<Arc<Snapshot>>) {
    let frame = match assembly.take(message.headers.as_ref(), message.payload.clone()) {
        Ok(Some(frame)) => frame,
        Ok(None) => return,
        Err(why) => return tracing::warn!(why, "a message of the relay is not understood and left out"),
    };
    if held.as_ref().is_some_and(|held| is_old(&frame, held)) {
        return;
    }
    let version = frame.version();
    match frame.applied(held.as_deref()) {
        Some(snapshot) => *held = Some(snapshot),
        None => tracing::debug!(version, "a delta that leads on from a version that is not held"),
    }
}

/// Whether a frame tells nothing new. A whole snapshot that is later by the clock and not by its number is of a journal that
/// was begun anew.
fn is_old(frame: &Frame, held: &Snapshot) -> bool {
    frame.version() <= held.version && !matches!(frame, Frame::Keyframe(snapshot) if snapshot.at > held.at)
}

async fn publish(publisher: &Publisher, published: &watch::Sender<u64>, snapshots: Vec<Arc<Snapshot>>) {
    let Some(version) = snapshots.last().map(|last| last.version) else { return };
    let publisher = publisher.clone();
    let rendered = tokio::task::spawn_blocking(move || publisher.catch_up(snapshots)).await;
    rendered.expect("rendering does not panic");
    published.send_replace(version);
}

/// Shows the status of the cores as the last one told it, and after a silence that nothing is known. Never ends by itself.
pub async fn status(client: Client, publisher: Publisher) {
    let mut heard = Rfc3339(ingest::clock::now());
    loop {
        if let Ok(mut told) = client.subscribe(CORE_STATUS).await {
            loop {
                match tokio::time::timeout(SILENCE, told.next()).await {
                    Ok(Some(message)) => match serde_json::from_slice::<Status>(&message.payload) {
                        Ok(status) => {
                            heard = Rfc3339(ingest::clock::now());
                            publisher.set_status(status);
                        }
                        Err(error) => tracing::warn!(%error, "a status is not understood"),
                    },
                    Ok(None) => break,
                    Err(_) => publisher.set_status(publisher.status().silent_since(heard)),
                }
            }
        }
        publisher.set_status(publisher.status().silent_since(heard));
        tokio::time::sleep(QUIET).await;
    }
}
