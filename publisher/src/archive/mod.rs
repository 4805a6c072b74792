//! Archives of past days: every change that is published is written down by a thread of its own, and a day that is over
//! becomes files that never change.

mod columns;
mod day;
mod files;
mod frames;
mod index;
mod keeper;
mod lines;
mod running;
mod seal;
mod sealer;
mod table_rows;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use schemas::snapshot::Snapshot;
use schemas::status::History;

pub(crate) use day::Day;
pub(crate) use files::answer;
use index::Index;
use keeper::Keeper;

use crate::Face;
use crate::native::NativeEdition;

/// Versions that may wait for the disk.
const WAITING: usize = 64;
/// Versions that are worth telling [again](Archive::again) after a restart: those that may have waited, and those that a
/// power cut may have taken away, at ten a second.
pub const AGAIN: usize = 2 * WAITING;

/// The archive of one process. Clones share it.
#[derive(Clone)]
pub struct Archive {
    shared: Arc<Shared>,
}

struct Shared {
    index: Arc<Index>,
    /// The last version that was written when it was opened.
    last: Option<u64>,
    versions: Mutex<Option<SyncSender<Version>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Version {
    /// It is served.
    Published(Arc<NativeEdition>),
    /// It was cut in an earlier life of this process, and may not have been written then.
    Again(Arc<Snapshot>),
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("index", &self.shared.index).finish_non_exhaustive()
    }
}

impl Archive {
    /// Opens the archive in a folder, which is made where it is missing, and begins to write. So many sealed days are kept.
    /// A disk that refuses turns the archive off, for a minute of versions at a time.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(dir: PathBuf, keep: u32, face: Face) -> std::io::Result<Self> {
        let index = Arc::new(Index::new(dir, keep));
        let keeper = Keeper::start(Arc::clone(&index), face);
        let last = keeper.last();
        // Those that are told again, the one they are compared with, and those that are published meanwhile.
        let (sender, versions) = mpsc::sync_channel(AGAIN + 1 + WAITING);
        let thread = std::thread::Builder::new().name("history".to_owned());
        let thread = thread.spawn(move || {
            sealer::stand_back();
            keeper.run(&versions);
        })?;
        let shared =
            Shared { index, last, versions: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The last version that was written in an earlier life; none where there is no day to go on with. This version and
    /// [those](AGAIN) that follow it are to be told [`again`](Self::again), so that none is lost that was published and not
    /// written.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.shared.last
    }

    /// Tells a version of an earlier life again, in their order and before any new one is published. What is written already
    /// is known by its number.
    pub fn again(&self, snapshot: Arc<Snapshot>) {
        self.tell(Version::Again(snapshot));
    }

    /// Hands over a version that is served.
    pub(crate) fn published(&self, edition: Arc<NativeEdition>) {
        let waiting = &self.shared.index.waiting;
        if waiting.load(Relaxed) < WAITING {
            waiting.fetch_add(1, Relaxed);
            self.tell(Version::Published(edition));
        } else {
            self.shared.index.passed_over.fetch_add(1, Relaxed);
        }
    }

    /// Nobody waits for the disk: what finds no place is passed over, and told with the next version.
    fn tell(&self, version: Version) {
        let versions = self.shared.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*versions
            && let Err(TrySendError::Full(_)) = sender.try_send(version)
        {
            self.shared.index.passed_over.fetch_add(1, Relaxed);
        }
    }

    /// Takes no more, and waits until all is on the disk. A day that is being sealed is left to the next start.
    pub fn close(&self) {
        drop(self.shared.versions.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the thread of the history panicked");
        }
    }

    /// How it is at this moment.
    #[must_use]
    pub fn status(&self) -> History {
        let index = &self.shared.index;
        History {
            on: index.is_on.load(Relaxed),
            written: index.written.load(Relaxed),
            passed_over: index.passed_over.load(Relaxed),
            unsealed_days: index.unsealed.load(Relaxed),
        }
    }

    pub(crate) fn index(&self) -> &Index {
        &self.shared.index
    }
}
