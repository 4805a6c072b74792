//! The writing side, wired: journal → tail → fold, gateway → committer → answers; started and stopped in order.

mod ruling;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aggregator::{Books, Import};
use anyhow::Context;
use async_nats::Client;
use ingest::admission::Admission;
use ingest::admission::keeper::Keeper;
use ingest::admission::lease;
use ingest::answer::Answerer;
use ingest::apply::{Again, Apply, View};
use ingest::checkpoints::Checkpoints;
use ingest::commit::Committer;
use ingest::counts::Counts;
use ingest::folding::{self, FoldThread, Folding};
use ingest::gateway::Gateway;
use ingest::hops::Hops;
use ingest::identity::Identity;
use ingest::intake::{Intake, Queues};
use ingest::journal::{Journal, patiently};
use ingest::modes::{Modes, Watch};
use ingest::proof::Proof;
use ingest::skew::Skew;
use ingest::tail;
use publisher::Archive;
use publisher::archive::AGAIN;
use schemas::caps::Class;
use schemas::entry::Keys;
use schemas::registry::OutletInfo;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::ruling::retired;

/// Journal messages that may wait for the fold.
const TAIL_QUEUE: usize = 32;

/// Longest wait for NATS in each of the three steps of stopping.
const NATS_LIMIT: Duration = Duration::from_millis(2_500);

/// The running writing side.
#[derive(Debug)]
pub struct Core {
    /// The journal.
    pub journal: Journal,
    /// The last sequence that the fold applied.
    pub applied: watch::Receiver<u64>,
    /// What the fold shows.
    pub view: watch::Receiver<View>,
    /// Counters.
    pub counts: Arc<Counts>,
    /// Measurements.
    pub hops: Arc<Hops>,
    /// What an acknowledgement promises.
    pub proof: Proof,
    /// The books of the ration.
    pub books: Arc<Books>,
    /// Who may send.
    pub admission: Arc<Admission>,
    /// What is wrong with the writing side.
    pub modes: Arc<Modes>,
    data_dir: PathBuf,
    client: Client,
    folding: Arc<Folding>,
    fold: FoldThread,
    follow: JoinHandle<Result<(), tail::TailError>>,
    follow_stop: CancellationToken,
    answer: JoinHandle<()>,
    taking: Option<Taking>,
    events: mpsc::UnboundedSender<ingest::answer::Event>,
    gateway_name: String,
    /// The keys of this process.
    ours: Option<Keys>,
}

/// What of the journal is known to be lost, and is done without.
#[derive(Debug, Clone)]
pub struct Lost {
    /// These sequences.
    pub sequences: Vec<u64>,
    /// What it held before it begins now.
    pub beginning: bool,
}

/// What takes new messages.
#[derive(Debug)]
struct Taking {
    stop: CancellationToken,
    gateways: [JoinHandle<Result<(), async_nats::Error>>; 3],
    committer: JoinHandle<()>,
    ticker: JoinHandle<()>,
}

impl Core {
    /// Opens the journal and begins to fold it, from the newest checkpoint on.
    ///
    /// # Errors
    /// When the journal can not be had, or no longer holds what comes after the checkpoint.
    pub async fn open(
        client: Client,
        monitors: &[String],
        replicas: usize,
        (data_dir, lost, archive): (&Path, Lost, Option<&Archive>),
    ) -> anyhow::Result<Self> {
        let journal = patiently(|| Journal::open(client.clone(), replicas)).await?;
        patiently(|| journal.keep_dead_letters(replicas)).await?;
        let proof = journal.prove(monitors).await;
        Skew::new(journal.clone()).check().await?;
        let checkpoints = Checkpoints::open(data_dir, journal.made()).context("opening the checkpoints")?;
        let fold = checkpoints.newest().context("reading the checkpoints")?;
        let extent = patiently(|| journal.extent()).await?;
        let next = tail::check_start(fold.applied(), extent, lost.beginning)?;
        let skip = lost.sequences;
        tracing::info!(
            checkpoint = fold.applied(),
            next,
            durability = proof.durability().name(),
            "journal open"
        );

        let hops = Arc::new(Hops::default());
        let gateway_name = format!("{:016x}", rand::random::<u64>());
        let (events, answers) = mpsc::unbounded_channel();
        let (books, outlets) = (fold.books(), fold.outlet_types());
        let (applied_in, applied) = watch::channel(next - 1);
        let (view_in, view) = watch::channel(View::of(&fold));
        let (messages, tail_out) = mpsc::channel(TAIL_QUEUE);
        let apply = Apply {
            fold,
            gateway: gateway_name.clone(),
            skip: skip.clone(),
            events: events.clone(),
            applied: applied_in,
            view: view_in,
            checkpoints,
            again: archive.and_then(|archive| told_again(archive, extent.last)),
        };
        let (folding, fold) = folding::start(apply, tail_out)?;
        let follow_stop = CancellationToken::new();
        let follow = {
            let (journal, stop) = (journal.clone(), follow_stop.clone());
            tokio::spawn(async move {
                tail::follow(&journal, next, |seq| skip.contains(&seq), messages, stop).await
            })
        };
        let counts: Arc<Counts> = Arc::default();
        let answerer = Answerer {
            client: client.clone(),
            proof: proof.clone(),
            hops: Arc::clone(&hops),
            counts: Arc::clone(&counts),
        };
        Ok(Self {
            journal,
            applied,
            view,
            counts,
            hops,
            proof,
            books,
            admission: Admission::new(outlets),
            modes: Arc::default(),
            data_dir: data_dir.to_owned(),
            client,
            folding,
            fold,
            follow,
            follow_stop,
            answer: tokio::spawn(answerer.run(answers)),
            taking: None,
            events,
            gateway_name,
            ours: None,
        })
    }

    /// Waits until everything that is in the journal now is applied.
    ///
    /// # Errors
    /// When the fold or the tail ended before.
    pub async fn catch_up(&mut self) -> anyhow::Result<()> {
        let last = patiently(|| self.journal.extent()).await?.last;
        self.has_applied(last).await
    }

    /// Waits until this sequence is applied.
    ///
    /// # Errors
    /// When the fold or the tail ended before.
    pub async fn has_applied(&mut self, seq: u64) -> anyhow::Result<()> {
        let applied = self.applied.clone();
        tokio::select! {
            () = reached(applied, |applied| *applied >= seq) => Ok(()),
            error = self.failure() => Err(error),
        }
    }

    /// Resolves when the fold or the tail has ended by itself.
    pub async fn failure(&mut self) -> anyhow::Error {
        tokio::select! {
            ended = &mut self.follow => match ended {
                Ok(Err(error)) => return error.into(),
                Ok(Ok(())) => {}
                Err(error) => return error.into(),
            },
            retired = retired(self.view.clone(), &self.books, self.ours) => if let Err(error) = retired {
                return error;
            },
        }
        self.why_ended().await
    }

    /// Begins to take messages and to write ticks; checks by a connection and on threads of their own. Returns the way in,
    /// for those who come over HTTP.
    pub fn take(
        &mut self,
        tick: Duration,
        identity: Arc<Identity>,
        (checks, counters): (Client, &Handle),
    ) -> Intake {
        let stop = CancellationToken::new();
        let stalled = Arc::new(AtomicBool::new(false));
        let (queues, waiting) = Queues::open();
        let intake = Intake {
            queues,
            admission: Arc::clone(&self.admission),
            stalled: Arc::clone(&stalled),
            counts: Arc::clone(&self.counts),
            hops: Arc::clone(&self.hops),
            identity,
            books: Arc::clone(&self.books),
            proof: self.proof.clone(),
        };
        let (crossed, told) = watch::channel(None);
        let (admission, core) = (Arc::clone(&self.admission), self.gateway_name.clone());
        tokio::spawn(Keeper::new(admission, self.view.clone(), core.clone(), crossed).run(stop.clone()));
        tokio::spawn(lease::run(self.journal.clone(), core, told, stop.clone()));
        let watch = Watch {
            modes: Arc::clone(&self.modes),
            client: self.client.clone(),
            health: self.journal.health(),
            data_dir: self.data_dir.clone(),
        };
        tokio::spawn(watch.run(stop.clone()));
        let gateway = Gateway { client: self.client.clone(), intake: intake.clone() };
        let of_checks = Gateway { client: checks, intake: intake.clone() };
        let committer = Committer {
            journal: self.journal.clone(),
            gateway: self.gateway_name.clone(),
            folding: Arc::clone(&self.folding),
            events: self.events.clone(),
            stalled,
            counts: Arc::clone(&self.counts),
            hops: Arc::clone(&self.hops),
        };
        self.taking = Some(Taking {
            gateways: [
                tokio::spawn(gateway.clone().run(Class::Stock, stop.clone())),
                tokio::spawn(gateway.run(Class::Sale, stop.clone())),
                counters.spawn(of_checks.run_checks(stop.clone())),
            ],
            committer: tokio::spawn(committer.run(waiting)),
            ticker: tokio::spawn(ingest::tick::run(self.journal.clone(), tick, stop.clone())),
            stop,
        });
        intake
    }

    /// Takes no more, answers what was taken, folds it, keeps a checkpoint. A NATS that does not answer is not waited for
    /// longer than `NATS_LIMIT` at each step: the checkpoint is kept all the same.
    ///
    /// # Errors
    /// When a part had failed before.
    pub async fn stop(self) -> anyhow::Result<()> {
        if let Some(taking) = self.taking {
            taking.stop.cancel();
            within("taking what had arrived", async {
                for gateway in taking.gateways {
                    gateway.await?.map_err(anyhow::Error::from_boxed)?;
                }
                taking.committer.await?;
                Ok(taking.ticker.await?)
            })
            .await?;
        }
        let mut applied = self.applied;
        within("folding the last entries", async {
            let last = match self.journal.extent().await {
                Ok(extent) => extent.last,
                // What is not folded now is folded at the next start; the checkpoint is kept all the same.
                Err(error) => {
                    tracing::warn!(%error, "the last entries are not waited for");
                    return Ok(());
                }
            };
            // A fold that has ended says so when it is joined below.
            let _ = applied.wait_for(|applied| *applied >= last).await;
            Ok(())
        })
        .await?;
        self.follow_stop.cancel();
        self.follow.await??;
        let fold = self.fold;
        tokio::task::spawn_blocking(move || fold.join())
            .await?
            .map_err(|_| anyhow::anyhow!("the fold panicked"))??;
        drop(self.events);
        within("sending the last answers", async {
            self.answer.await?;
            Ok(self.client.flush().await?)
        })
        .await
    }

    async fn why_ended(&mut self) -> anyhow::Error {
        let fold = std::mem::replace(&mut self.fold, std::thread::spawn(|| Ok(())));
        match tokio::task::spawn_blocking(move || fold.join()).await {
            Ok(Ok(Err(damaged))) => damaged.into(),
            _ => anyhow::anyhow!("the fold ended without a word; see the log"),
        }
    }
}

/// What the archive is told again while the journal is replayed up to its end.
fn told_again(archive: &Archive, to: u64) -> Option<Again> {
    let (from, archive) = (archive.last()?, archive.clone());
    // The last that was written, which the next is compared with, and as many as may have been lost.
    Some(Again { from, to, left: AGAIN + 1, tell: Box::new(move |snapshot| archive.again(snapshot)) })
}

/// A step that needs NATS: given up, and said so, when it takes too long.
async fn within(step: &str, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::time::timeout(NATS_LIMIT, work).await.unwrap_or_else(|_| {
        tracing::warn!(step, "NATS does not answer; callers that wait will send again");
        Ok(())
    })
}

/// Waits until a value holds. Where it can no longer come to hold, since its source has ended, waits for ever: why that
/// ended is for [`Core::failure`] to tell.
pub async fn reached<T>(mut value: watch::Receiver<T>, holds: impl FnMut(&T) -> bool) {
    if value.wait_for(holds).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether a list of this fingerprint was ever imported.
#[must_use]
pub fn was_imported(imports: &[Import], digest: u64) -> bool {
    imports.iter().any(|import| import.digest == digest)
}

/// The registered outlets of the newest version.
#[must_use]
pub fn registered(view: &View) -> Vec<OutletInfo> {
    let outlets = view.cut.iter().flat_map(|cut| cut.snapshot.outlets.iter().flatten());
    outlets.map(|outlet| (*outlet.info).clone()).collect()
}
