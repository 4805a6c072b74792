//! A core tells its versions: a keyframe at first and now and then, deltas between. Where telling fails, the next is a keyframe.

use std::sync::Arc;

use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use schemas::relay::Frame;
use schemas::snapshot::Snapshot;
use tokio::sync::watch;

use super::{KEYFRAME_EVERY, parts, stream};

/// Tells each version that is put into `versions`, the newest where several wait, until nobody can put any more.
pub async fn run(client: Client, replicas: usize, mut versions: watch::Receiver<Option<Arc<Snapshot>>>) {
    let mut told: Option<Told> = None;
    while versions.changed().await.is_ok() {
        let Some(snapshot) = versions.borrow_and_update().clone() else { continue };
        told = match tell(&client, replicas, told, snapshot).await {
            Ok(told) => Some(told),
            Err(error) => {
                tracing::warn!(%error, "edges were not told of a version; the next is told as a whole");
                None
            }
        };
    }
}

/// What edges know.
struct Told {
    context: Context,
    snapshot: Arc<Snapshot>,
    since_keyframe: u32,
}

async fn tell(
    client: &Client,
    replicas: usize,
    told: Option<Told>,
    snapshot: Arc<Snapshot>,
) -> Result<Told, async_nats::Error> {
    let (context, old, since_keyframe) = match told {
        Some(told) if told.since_keyframe < KEYFRAME_EVERY => {
            (told.context, Some(told.snapshot), told.since_keyframe + 1)
        }
        // Whoever removed the stream finds it made again.
        _ => (stream(client.clone(), replicas).await?.0, None, 0),
    };
    let new = Arc::clone(&snapshot);
    let parts = tokio::task::spawn_blocking(move || {
        parts::cut(&old.map_or_else(|| Frame::Keyframe(Arc::clone(&new)), |old| Frame::between(&old, &new)))
    });
    let mut acks = Vec::new();
    for part in parts.await?? {
        let message =
            PublishMessage::build().payload(part.payload).headers(part.headers).message_id(&part.id);
        acks.push(context.send_publish(part.subject, message).await?);
    }
    for ack in acks {
        ack.await?;
    }
    Ok(Told { context, snapshot, since_keyframe })
}
