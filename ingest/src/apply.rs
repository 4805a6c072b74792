//! Applying what the tail brings, message by message: the answerer is told, versions are cut at ticks, checkpoints taken.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use aggregator::{Applied, Checkpoint, Cutter, Fold, Holds, Import, LedgerTally, RegistryOutcome, Tally};
use async_nats::jetstream::Message;
use schemas::Millis;
use schemas::batch::{BatchError, MAX_ENTRIES, Seal, WRITER_HEADER};
use schemas::caps::Caps;
use schemas::entry::{Entry, Rules};
use schemas::snapshot::Snapshot;
use tokio::sync::{mpsc, watch};

use crate::answer::{Decided, Event};
use crate::checkpoints::Checkpoints;
use crate::journal::Sealed;
use crate::priority::stand_back;

/// Time between checkpoints, by the ticks.
const CHECKPOINT_EVERY_MS: i64 = 60_000;
/// Niceness of the thread that writes them.
const CHECKPOINT_NICE: i32 = 5;
/// While more messages than this wait behind a tick, no version is cut at it: catching up comes first.
const BACKLOG: u64 = 256;

/// A batch in the journal can not be trusted.
#[derive(Debug, thiserror::Error)]
#[error(
    "journal sequence {seq} is damaged: {cause}. The fold stopped before it. Run `jaego journal verify`; restore the \
     stream from a healthy replica or backup; or, knowing that this batch is lost, start with --skip-damaged {seq}"
)]
pub struct Damaged {
    /// Sequence of the message.
    pub seq: u64,
    /// What is wrong with it.
    #[source]
    pub cause: BatchError,
}

/// What the fold shows the rest of the process. It changes with every version, and with every entry that is neither of an
/// outlet nor of a person: most batches are none of its readers' business.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The newest version; `None` before the first.
    pub cut: Option<Cut>,
    /// Registry imports that took effect.
    pub imports: Arc<[Import]>,
    /// The rules in force.
    pub rules: Rules,
    /// The caps that are known.
    pub caps: Option<Arc<Caps>>,
    /// The cores that hold the opening.
    pub holds: Holds,
}

impl View {
    /// What is known of a fold before it has applied anything more.
    #[must_use]
    pub fn of(fold: &Fold) -> Self {
        Self {
            cut: None,
            imports: fold.imports().into(),
            rules: fold.rules().clone(),
            caps: fold.caps().cloned(),
            holds: fold.holds().clone(),
        }
    }
}

/// A version and what was measured on the way to it.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The version.
    pub snapshot: Arc<Snapshot>,
    /// Since the last version: when batches were applied, and how many entries each had.
    pub batches: Arc<[(Instant, u64)]>,
    /// Counts since the process started.
    pub tally: Tally,
    /// The same of the ledger.
    pub ledger: LedgerTally,
    /// Terminals whose clock is off.
    pub clocks_off: u64,
}

/// Versions of an earlier life of this process that are told again, however much waits behind them: they may have been
/// published and not written down.
pub struct Again {
    /// The first of them: the last that was written down for certain.
    pub from: u64,
    /// The last sequence of the journal at the start. What comes later is told in its own way.
    pub to: u64,
    /// At most so many are told.
    pub left: usize,
    /// Who is told.
    pub tell: Box<dyn FnMut(Arc<Snapshot>) + Send>,
}

impl std::fmt::Debug for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to, left, .. } = self;
        f.debug_struct("Again")
            .field("from", from)
            .field("to", to)
            .field("left", left)
            .finish_non_exhaustive()
    }
}

impl Again {
    /// Whether the tick of this sequence is one to be told.
    fn is_of(&mut self, seq: u64) -> bool {
        let is_of = self.left > 0 && (self.from..=self.to).contains(&seq);
        self.left -= usize::from(is_of);
        is_of
    }
}

/// The fold and what it serves.
#[derive(Debug)]
pub struct Apply {
    /// State.
    pub fold: Fold,
    /// Name of our own gateway.
    pub gateway: String,
    /// Sequences that are not applied, by an operator's decision.
    pub skip: Vec<u64>,
    /// Way to those who answer.
    pub events: mpsc::UnboundedSender<Event>,
    /// The last sequence that was applied; the view shows it by then.
    pub applied: watch::Sender<u64>,
    /// Where the view goes.
    pub view: watch::Sender<View>,
    /// Where checkpoints go.
    pub checkpoints: Checkpoints,
    /// Who is told versions again.
    pub again: Option<Again>,
}

/// The fold as it goes on from message to message.
#[derive(Debug)]
pub(crate) struct Applying {
    apply: Apply,
    cutter: Cutter,
    /// Since the last version: when batches were applied, and how many entries each had.
    batches: Vec<(Instant, u64)>,
    checkpoint_at: Option<Millis>,
    writing: Option<JoinHandle<()>>,
}

impl Applying {
    pub(crate) fn new(apply: Apply) -> Self {
        let (cutter, batches) = (Cutter::default(), Vec::new());
        Self { apply, cutter, batches, checkpoint_at: None, writing: None }
    }

    /// Applies the next message that the tail brings, unless it was one of [ours](Self::take_own).
    ///
    /// # Errors
    /// [`Damaged`]: nothing of it was applied.
    pub(crate) fn take(&mut self, message: &Message) -> Result<(), Damaged> {
        let info = message.info().expect("a consumer's message carries its place in the stream");
        let (seq, behind) = (info.stream_sequence, info.pending);
        if seq <= self.apply.fold.applied() {
            return Ok(());
        }
        let did = if self.apply.skip.contains(&seq) {
            tracing::warn!(seq, "journal sequence skipped by order");
            Did::default()
        } else {
            let header = |name: &str| message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str());
            let seal = Seal::read(header).map_err(|cause| Damaged { seq, cause })?;
            self.apply.apply(seq, seal, header(WRITER_HEADER), &message.payload)?
        };
        self.go_on(seq, behind, did);
        Ok(())
    }

    /// Applies a batch of ours that the journal has acknowledged under this sequence, where nothing is missing before it. Returns
    /// whether it did; else the tail brings it.
    pub(crate) fn take_own(&mut self, seq: u64, batch: &Sealed) -> bool {
        if seq != self.apply.fold.applied() + 1 {
            return false;
        }
        let seal = Seal::of(&batch.payload, batch.count);
        let did = self.apply.apply(seq, seal, batch.writer.as_deref(), &batch.payload);
        did.map(|did| self.go_on(seq, 0, did)).is_ok()
    }

    /// What follows from a message that was applied.
    fn go_on(&mut self, seq: u64, behind: u64, did: Did) {
        let Self { apply, cutter, batches, .. } = self;
        if did.count > 0 {
            batches.push((Instant::now(), did.count));
        }
        let again = did.ticked && apply.again.as_mut().is_some_and(|again| again.is_of(seq));
        let cuts = did.ticked && (again || behind <= BACKLOG);
        if cuts {
            apply.cut(cutter, std::mem::take(batches), again);
        } else if did.ruled {
            apply.view.send_modify(|view| apply.show(view));
        }
        if behind == 0 || cuts || seq.is_multiple_of(1024) {
            apply.applied.send_replace(seq);
        }
        if cuts {
            apply.checkpoint_if_due(&mut self.checkpoint_at, &mut self.writing);
        }
    }

    /// Takes the last checkpoint.
    pub(crate) fn end(self) {
        if let Some(writing) = self.writing {
            writing.join().expect("writing a checkpoint does not panic");
        }
        keep(&self.apply.checkpoints, self.apply.fold.checkpoint());
    }
}

impl Apply {
    /// Applies a batch.
    fn apply(&mut self, seq: u64, seal: Seal, writer: Option<&str>, payload: &[u8]) -> Result<Did, Damaged> {
        let own = writer.and_then(|writer| own_number(writer, &self.gateway));
        let (mut did, mut decisions) = (Did::default(), Vec::new());
        let entries = entries(seal, payload).map_err(|cause| Damaged { seq, cause })?;
        self.fold.apply_all(seq, entries, |applied| {
            did.note(&applied);
            tell(seq, &applied);
            if own.is_some() {
                decisions.push(applied);
            }
        });
        if let Some(number) = own {
            // A closed channel means that the process is stopping without answers; the callers will send again.
            let _ =
                self.events.send(Event::Applied(Decided { number, applied: decisions, at: Instant::now() }));
        }
        Ok(did)
    }

    /// Shows what rules those who take messages.
    fn show(&self, view: &mut View) {
        view.rules.clone_from(self.fold.rules());
        view.caps = self.fold.caps().cloned();
        view.holds.clone_from(self.fold.holds());
    }

    fn cut(&mut self, cutter: &mut Cutter, batches: Vec<(Instant, u64)>, is_again: bool) {
        let Some(snapshot) = cutter.cut(&mut self.fold) else { return };
        if let Some(again) = self.again.as_mut().filter(|_| is_again) {
            (again.tell)(Arc::clone(&snapshot));
        }
        let clocks_off = self.fold.clocks_off() as u64;
        let (tally, ledger) = (self.fold.tally(), self.fold.ledger_tally());
        let cut = Cut { snapshot, batches: batches.into(), tally, ledger, clocks_off };
        self.view.send_modify(|view| {
            view.cut = Some(cut);
            self.show(view);
            if view.imports.len() != self.fold.imports().len() {
                view.imports = self.fold.imports().into();
            }
        });
    }

    /// Takes a checkpoint every minute of ticks, and writes it while the fold goes on. One that is not written yet is waited
    /// for before another is taken.
    fn checkpoint_if_due(&self, due: &mut Option<Millis>, writing: &mut Option<JoinHandle<()>>) {
        let now = self.fold.tick().map_or(Millis(0), |tick| tick.at);
        if *due.get_or_insert(now.plus(CHECKPOINT_EVERY_MS)) > now
            || writing.as_ref().is_some_and(|writing| !writing.is_finished())
        {
            return;
        }
        *due = Some(now.plus(CHECKPOINT_EVERY_MS));
        let (checkpoints, checkpoint) = (self.checkpoints.clone(), self.fold.checkpoint());
        *writing = Some(std::thread::spawn(move || {
            stand_back(CHECKPOINT_NICE);
            keep(&checkpoints, checkpoint);
        }));
    }
}

/// What a message did.
#[derive(Debug, Clone, Copy, Default)]
struct Did {
    /// Entries of outlets and persons.
    count: u64,
    /// There was a tick.
    ticked: bool,
    /// There was something else.
    ruled: bool,
}

impl Did {
    fn note(&mut self, applied: &Applied) {
        match applied {
            Applied::Pos { .. } | Applied::Claim(_) => self.count += 1,
            Applied::Tick => self.ticked = true,
            Applied::Staged => {}
            _ => self.ruled = true,
        }
    }
}

fn keep(checkpoints: &Checkpoints, checkpoint: Checkpoint) {
    let (started, applied) = (Instant::now(), checkpoint.applied());
    match checkpoints.keep(checkpoint) {
        Ok(()) => tracing::debug!(applied, took = ?started.elapsed(), "checkpoint"),
        Err(error) => {
            tracing::error!(%error, applied, "checkpoint not written; a restart will replay more");
        }
    }
}

/// All entries of a batch, or what is wrong with it.
fn entries(seal: Seal, payload: &[u8]) -> Result<Vec<Entry<'_>>, BatchError> {
    let mut entries = Vec::with_capacity(seal.count.min(MAX_ENTRIES));
    seal.open(payload, |entry| entries.push(entry))?;
    Ok(entries)
}

/// What an operator should read of an entry.
fn tell(seq: u64, applied: &Applied) {
    match applied {
        Applied::Registry(RegistryOutcome::Imported { joined, left }) => {
            tracing::info!(seq, joined, left, "registry imported");
        }
        Applied::Registry(RegistryOutcome::Incomplete { staged, announced }) => {
            tracing::error!(
                seq,
                staged,
                announced,
                "registry import lacks rows and changed nothing; import it again"
            );
        }
        Applied::Schedule { in_force: true } => tracing::info!(seq, "policies came into force"),
        Applied::Schedule { in_force: false } => {
            tracing::error!(
                seq,
                "policies contradict themselves and changed nothing; see `jaego policy check`"
            );
        }
        Applied::Caps { in_force: true } => tracing::info!(seq, "caps came into force"),
        Applied::Caps { in_force: false } => {
            tracing::error!(seq, "caps contradict themselves and changed nothing; see `jaego caps check`");
        }
        Applied::Keys { in_force: false } => {
            tracing::error!(seq, "keys that do not follow those of the journal changed nothing");
        }
        _ => {}
    }
}

/// Our number in `<gateway>/<number>`, where the batch is ours.
fn own_number(writer: &str, gateway: &str) -> Option<u64> {
    let (name, number) = writer.split_once('/')?;
    (name == gateway).then(|| number.parse().ok()).flatten()
}
