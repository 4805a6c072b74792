//! Snapshots from cores to edges through a stream: what a new edge needs is always there, what nobody reads any more goes.

pub mod feed;
pub mod follow;
pub(crate) mod kept;
mod parts;

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use schemas::subject::{DELTAS, KEYFRAME_PARTS, KEYFRAMES, SNAPSHOTS_STREAM};

/// A whole snapshot is told after so many versions at the latest.
const KEYFRAME_EVERY: u32 = 30;
/// What is older is of no use to anybody: edges begin at a keyframe.
const MAX_AGE: Duration = Duration::from_secs(3_600);
/// The oldest go first when there is more.
const MAX_BYTES: i64 = 256 * 1024 * 1024;

/// The stream, made where there is none. On disk like the journal: clusters are often told to keep no stream in memory.
async fn stream(client: Client, replicas: usize) -> Result<(Context, Stream), async_nats::Error> {
    let mut context = jetstream::new(client);
    context.set_timeout(Duration::from_secs(5));
    let config = Config {
        name: SNAPSHOTS_STREAM.to_owned(),
        subjects: [KEYFRAMES, KEYFRAME_PARTS, DELTAS].map(str::to_owned).into(),
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: MAX_AGE,
        max_bytes: MAX_BYTES,
        duplicate_window: Duration::from_secs(120),
        num_replicas: replicas,
        allow_direct: true,
        ..Config::default()
    };
    let stream = context.get_or_create_stream(config).await?;
    Ok((context, stream))
}
