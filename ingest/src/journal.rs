//! The journal stream: made at first start, proved at every start, and the one way of appending to it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType, Stream,
};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use chrono::{DateTime, FixedOffset};
use schemas::Millis;
use schemas::batch::{COUNT_HEADER, CRC_HEADER, FORMAT, FORMAT_HEADER, Seal, WRITER_HEADER};
use schemas::subject::{DEAD_ALL, DEAD_STREAM, JOURNAL, JOURNAL_STREAM};

use crate::clock;
use crate::health::Health;
use crate::proof::Proof;

/// The journal keeps at least this long, past the 29 days after which silent stock is hidden.
pub const MAX_AGE: Duration = Duration::from_secs(36 * 86_400);
/// Within this time the stream itself drops a message that is sent twice.
const DEDUP_WINDOW: Duration = Duration::from_secs(120);
/// What NATS takes unless it is told otherwise; batches and parts of snapshots stay below.
const LEAST_PAYLOAD: usize = 1024 * 1024;
/// How long one attempt to append may take.
const ACK_LIMIT: Duration = Duration::from_secs(5);

/// The moment from which first sequences are counted: 2020-01-01 in UTC, in milliseconds since 1970.
const YEAR_2020: i64 = 1_577_836_800_000;
/// No journal takes more batches a second than this over its whole life.
const MOST_A_SECOND: i64 = 10_000;

/// Why the journal can not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// NATS refused or did not answer.
    #[error("{what}: {cause}; is JetStream on, and does this account own the stream {JOURNAL_STREAM}?")]
    Nats {
        /// What was tried.
        what: &'static str,
        /// What NATS says.
        cause: async_nats::Error,
    },
    /// The stream is of a kind that loses data.
    #[error(
        "stream {JOURNAL_STREAM} {0}: back it up, remove it and let jaego make it, or correct it with `nats stream edit`"
    )]
    Unfit(&'static str),
    /// A batch would never be taken, however often it is sent.
    #[error(
        "NATS takes messages of up to {0} bytes, and jaego's have up to {LEAST_PAYLOAD}: set `max_payload: 1MB` on its servers"
    )]
    SmallMessages(usize),
}

/// Tries for so long: a cluster that starts, or has lost a server and elects a leader, answers some seconds later.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks NATS again while it refuses or does not answer, for some 30 seconds; what is unfit stays so and is told at once.
///
/// # Errors
/// The last one.
pub async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let started = Instant::now();
    loop {
        match ask().await {
            Err(error @ JournalError::Nats { .. }) if started.elapsed() < PATIENCE => {
                tracing::warn!(%error, "trying again");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            outcome => return outcome,
        }
    }
}

/// A handle to the journal; clones share the connection.
#[derive(Debug, Clone)]
pub struct Journal {
    context: Context,
    stream: Stream,
    health: Arc<Health>,
}

/// A journal on one server is compressed. A replicated one is not: nats-server 2.15.1, killed and started again, could not cut
/// a compressed block back to what its peers have ("smb.truncate: … s2: corrupt input") and stayed out of the stream for good.
fn compression(replicas: usize) -> Option<jetstream::stream::Compression> {
    (replicas == 1).then_some(jetstream::stream::Compression::S2)
}

/// Proof that a batch is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Its sequence.
    pub seq: u64,
    /// It was there already: an earlier attempt had arrived.
    pub duplicate: bool,
}

/// A batch ready to be appended, any number of times, under one message id.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// JSON lines.
    pub payload: Bytes,
    /// Number of lines.
    pub count: usize,
    /// Message id: the same batch has the same one in every attempt.
    pub id: String,
    /// Gateway and its number for this batch, `<gateway>/<number>`; `None` where nobody waits for the decisions.
    pub writer: Option<String>,
}

impl Journal {
    /// Opens the journal and makes it where there is none, with this many replicas.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn open(client: Client, replicas: usize) -> Result<Self, JournalError> {
        let mut context = jetstream::new(client);
        context.set_timeout(ACK_LIMIT);
        let stream = context
            .get_or_create_stream(Config {
                name: JOURNAL_STREAM.to_owned(),
                subjects: vec![JOURNAL.to_owned()],
                retention: RetentionPolicy::Limits,
                storage: StorageType::File,
                discard: DiscardPolicy::New,
                max_age: MAX_AGE,
                duplicate_window: DEDUP_WINDOW,
                num_replicas: replicas,
                compression: compression(replicas),
                allow_direct: true,
                deny_delete: true,
                first_sequence: Some(first_sequence(clock::machine())),
                ..Config::default()
            })
            .await
            .map_err(|e| JournalError::Nats { what: "opening the journal", cause: e.into() })?;
        let taken = context.client().server_info().max_payload;
        if taken < LEAST_PAYLOAD {
            return Err(JournalError::SmallMessages(taken));
        }
        let stored = stream.cached_info().config.num_replicas;
        if stored != replicas {
            tracing::warn!(
                stored,
                replicas,
                "the journal was made with another number of replicas; `nats stream edit` changes it"
            );
        }
        Self::fit(context, stream)
    }

    /// Opens a journal only where there is one.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn existing(client: Client) -> Result<Self, JournalError> {
        let context = jetstream::new(client);
        let stream = context
            .get_stream(JOURNAL_STREAM)
            .await
            .map_err(|e| JournalError::Nats { what: "looking for a journal", cause: e.into() })?;
        Self::fit(context, stream)
    }

    fn fit(context: Context, stream: Stream) -> Result<Self, JournalError> {
        let config = &stream.cached_info().config;
        if config.storage != StorageType::File {
            return Err(JournalError::Unfit("is kept in memory"));
        }
        if config.retention != RetentionPolicy::Limits {
            return Err(JournalError::Unfit("drops what was read"));
        }
        if matches!(config.persist_mode, Some(PersistenceMode::Async)) {
            return Err(JournalError::Unfit("acknowledges before it writes (persist_mode async)"));
        }
        Ok(Self { context, stream, health: Arc::default() })
    }

    /// Keeps dead letters for people to look at: a week of them, at most 64 MiB, the oldest go first. With as many replicas
    /// as the journal, so that no core waits for the one server that has them.
    ///
    /// # Errors
    /// [`JournalError::Nats`].
    pub async fn keep_dead_letters(&self, replicas: usize) -> Result<(), JournalError> {
        let config = Config {
            name: DEAD_STREAM.to_owned(),
            subjects: vec![DEAD_ALL.to_owned()],
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_age: Duration::from_secs(7 * 86_400),
            max_bytes: 64 * 1024 * 1024,
            num_replicas: replicas,
            ..Config::default()
        };
        let kept = self.context.get_or_create_stream(config).await;
        kept.map(drop)
            .map_err(|e| JournalError::Nats { what: "making a stream for dead letters", cause: e.into() })
    }

    /// The stream, for readers.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The connection.
    #[must_use]
    pub fn client(&self) -> Client {
        self.context.client()
    }

    /// First and last sequence and bytes, asked now.
    ///
    /// # Errors
    /// [`JournalError::Nats`].
    pub async fn extent(&self) -> Result<Extent, JournalError> {
        let info = self
            .stream
            .get_info()
            .await
            .map_err(|e| JournalError::Nats { what: "asking for the journal's extent", cause: e.into() })?;
        Ok(Extent {
            made: info.created.unix_timestamp(),
            began: info.config.first_sequence.unwrap_or(1).max(1),
            first: info.state.first_sequence,
            last: info.state.last_sequence,
            bytes: info.state.bytes,
        })
    }

    /// When the stream was made, in seconds, as it was when this was opened: one that is made anew is another journal.
    #[must_use]
    pub fn made(&self) -> i64 {
        self.stream.cached_info().created.unix_timestamp()
    }

    /// What time it is by the clock of the server that leads the stream.
    ///
    /// # Errors
    /// [`JournalError::Nats`].
    pub async fn now(&self) -> Result<Millis, JournalError> {
        /// The part of a stream's information that tells it.
        #[derive(serde::Deserialize)]
        struct Told {
            ts: DateTime<FixedOffset>,
        }
        let asked =
            self.context.request(format!("STREAM.INFO.{JOURNAL_STREAM}"), &serde_json::json!({})).await;
        let Told { ts } =
            asked.map_err(|e| JournalError::Nats { what: "asking NATS for its time", cause: e.into() })?;
        Ok(Millis(ts.timestamp_millis()))
    }

    /// How safe an acknowledged batch is: `fsynced` only where a monitoring page of each server says so.
    pub async fn prove(&self, monitors: &[String]) -> Proof {
        Proof::ask(monitors, self.stream.cached_info().config.num_replicas).await
    }

    /// Appends a batch and waits until it is safe, trying again under the same id for as long as it takes.
    pub async fn append(&self, batch: &Sealed) -> Ack {
        let mut wait = Duration::from_millis(20);
        loop {
            match self.try_append(batch).await {
                Ok(ack) => return ack,
                Err(error) => {
                    tracing::warn!(%error, id = batch.id, "journal not acknowledged; the same batch is sent again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Appends a batch, one attempt.
    ///
    /// # Errors
    /// When no acknowledgement came in time; the batch may or may not be in the journal.
    pub async fn try_append(&self, batch: &Sealed) -> Result<Ack, async_nats::Error> {
        self.health.begin();
        let outcome = self.attempt(batch).await;
        self.health.end(&outcome);
        outcome
    }

    /// What attempts to append came to; clones of this handle share it.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    async fn attempt(&self, batch: &Sealed) -> Result<Ack, async_nats::Error> {
        let seal = Seal::of(&batch.payload, batch.count);
        let mut message = PublishMessage::build()
            .payload(batch.payload.clone())
            .message_id(&batch.id)
            .header(FORMAT_HEADER, FORMAT)
            .header(COUNT_HEADER, seal.count.to_string().as_str())
            .header(CRC_HEADER, format!("{:08x}", seal.crc).as_str());
        if let Some(writer) = &batch.writer {
            message = message.header(WRITER_HEADER, writer.as_str());
        }
        let ack = self.context.send_publish(JOURNAL, message).await?.await?;
        Ok(Ack { seq: ack.sequence, duplicate: ack.duplicate })
    }
}

/// Where a journal that is made now begins to count: above the versions of every journal before it, so that whoever has read
/// one of those is never told to wait for numbers that come again.
fn first_sequence(now: Millis) -> u64 {
    u64::try_from(now.since(Millis(YEAR_2020)).saturating_mul(MOST_A_SECOND / 1000)).unwrap_or(0).max(1)
}

/// What the stream holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// When the stream was made, in seconds.
    pub made: i64,
    /// The sequence that was its first of all.
    pub began: u64,
    /// First sequence that is still there; one more than the last where there is none.
    pub first: u64,
    /// Last sequence.
    pub last: u64,
    /// Bytes on disk.
    pub bytes: u64,
}
