//! From cut to served: each new version is rendered on a thread of its own, and the status page follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::admission::Admission;
use ingest::apply::{Cut, View};
use ingest::counts::Counts;
use ingest::hops::{Hop, Hops};
use ingest::journal::{Extent, Journal};
use ingest::modes::Modes;
use ingest::proof::Proof;
use publisher::{Archive, Publisher};
use schemas::snapshot::Snapshot;
use schemas::status::Status;
use schemas::subject::CORE_STATUS;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::core::Core;
use crate::relay::feed;

/// The status page is brought up to date at least this often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The task that publishes; it ends when the fold does.
#[derive(Debug)]
pub struct Publishing(JoinHandle<()>);

impl Publishing {
    /// Publishes each version of the core's fold and tells `published` which one is served. A version that comes while
    /// another is being rendered waits; of several that wait only the newest is rendered. All is done on `threads`.
    #[must_use]
    pub fn start(
        threads: &Handle,
        core: &Core,
        publisher: Publisher,
        published: watch::Sender<u64>,
        replicas: usize,
    ) -> Self {
        let (relay, versions) = watch::channel(None);
        threads.spawn(feed::run(core.journal.client(), replicas, versions));
        let desk = Desk {
            publisher,
            journal: core.journal.clone(),
            counts: Arc::clone(&core.counts),
            hops: Arc::clone(&core.hops),
            proof: core.proof.clone(),
            writing: (Arc::clone(&core.modes), Arc::clone(&core.admission)),
            relay,
        };
        Self(threads.spawn(desk.run((core.applied.clone(), core.view.clone()), published)))
    }

    /// Waits until the fold has ended and its last version is served.
    ///
    /// # Errors
    /// When rendering panicked.
    pub async fn ended(self) -> Result<(), tokio::task::JoinError> {
        self.0.await
    }
}

struct Desk {
    publisher: Publisher,
    journal: Journal,
    counts: Arc<Counts>,
    hops: Arc<Hops>,
    proof: Proof,
    writing: (Arc<Modes>, Arc<Admission>),
    /// What edges are told.
    relay: watch::Sender<Option<Arc<Snapshot>>>,
}

impl Desk {
    async fn run(
        self,
        (applied, mut view): (watch::Receiver<u64>, watch::Receiver<View>),
        published: watch::Sender<u64>,
    ) {
        let mut journal = Extent::default();
        let mut asked: Option<Instant> = None;
        loop {
            // Without a new version the status page still follows: a writing side that stands still is to be seen there.
            match tokio::time::timeout(STATUS_EVERY, view.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => return,
            }
            let Some(cut) = view.borrow_and_update().cut.clone() else { continue };
            if cut.snapshot.version > *published.borrow() {
                self.publish(&cut).await;
                self.relay.send_replace(Some(Arc::clone(&cut.snapshot)));
                published.send_replace(cut.snapshot.version);
            }
            if asked.is_none_or(|at| at.elapsed() >= STATUS_EVERY) {
                asked = Some(Instant::now());
                let extent = tokio::time::timeout(STATUS_EVERY, self.journal.extent()).await;
                journal = extent.ok().and_then(Result::ok).unwrap_or(journal);
            }
            let status = self.status(&cut, *applied.borrow(), journal);
            self.tell(&status).await;
            self.publisher.set_status(status);
        }
    }

    /// Tells edges; who does not hear it hears the next.
    async fn tell(&self, status: &Status) {
        let body = serde_json::to_vec(status).expect("a status holds only text and numbers");
        if let Err(error) = self.journal.client().publish(CORE_STATUS, body.into()).await {
            tracing::debug!(%error, "edges were not told of the status");
        }
    }

    async fn publish(&self, cut: &Cut) {
        let (publisher, snapshot) = (self.publisher.clone(), Arc::clone(&cut.snapshot));
        let rendered = tokio::task::spawn_blocking(move || publisher.publish(snapshot)).await;
        rendered.expect("rendering does not panic");
        for (applied, count) in cut.batches.iter() {
            self.hops.record(Hop::AppliedToPublished, applied.elapsed(), *count);
        }
    }

    fn status(&self, cut: &Cut, applied: u64, journal: Extent) -> Status {
        let taken = self.counts.taken().map(|(kind, n)| (kind.name().to_owned(), n));
        let rejected = self.counts.rejected().map(|(reason, n)| (reason.name().to_owned(), n));
        Status {
            hops: self.hops.read(),
            durability: Some(self.proof.durability()),
            entries: taken.collect::<BTreeMap<_, _>>(),
            rejected: rejected.collect(),
            clocks_off: cut.clocks_off,
            applied,
            // The journal was asked up to a second ago; what is applied since is certainly in it.
            committed: applied.max(journal.last),
            journal_bytes: journal.bytes,
            writing: self.writing.0.writing(&self.writing.1),
            history: self.publisher.archive().map(Archive::status),
        }
    }
}
