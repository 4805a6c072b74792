//! Who folds: a thread of its own, and for a few entries, while that has nothing to do, whoever brings them: the tail, or the
//! committer, which has what the journal acknowledged in its hands. So a sale alone waits for no other thread and for nothing more
//! to be sent, and a full batch keeps nobody from reading on.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use async_nats::jetstream::Message;
use schemas::batch::WRITER_HEADER;
use tokio::sync::mpsc;

use crate::apply::{Apply, Applying, Damaged};
use crate::journal::Sealed;

/// Messages that may wait for the thread.
const QUEUE: usize = 32;
/// What is folded by whoever brings it has at most so many bytes: some twenty entries, which take ten microseconds.
const FEW: usize = 4 * 1024;

/// Why there is a fold where one is taken.
const ENDS_ONCE: &str = "the fold is there until its thread has seen the last message";

/// The fold and who waits for it.
#[derive(Debug)]
pub struct Folding {
    applying: Mutex<Option<Applying>>,
    /// Messages that the thread has yet to apply.
    waiting: AtomicUsize,
}

/// The thread that folds; its error is that a batch is damaged, and nothing of it or after it was applied.
pub type FoldThread = JoinHandle<Result<(), Damaged>>;

/// Begins to fold what comes, in its order, until nobody sends any more; then a checkpoint is taken.
///
/// # Errors
/// When the system gives no thread.
pub fn start(apply: Apply, messages: mpsc::Receiver<Message>) -> io::Result<(Arc<Folding>, FoldThread)> {
    let applying = Mutex::new(Some(Applying::new(apply)));
    let folding = Arc::new(Folding { applying, waiting: AtomicUsize::new(0) });
    let (queue, queued) = mpsc::channel(QUEUE);
    let of_thread = Arc::clone(&folding);
    let thread = std::thread::Builder::new().name("fold".to_owned()).spawn(move || of_thread.run(queued))?;
    tokio::spawn(Arc::clone(&folding).bring(messages, queue));
    Ok((folding, thread))
}

impl Folding {
    /// Folds what is little at once, and hands on the rest.
    async fn bring(self: Arc<Self>, mut messages: mpsc::Receiver<Message>, queue: mpsc::Sender<Message>) {
        while let Some(message) = messages.recv().await {
            if is_little(&message) && self.at_once(&message) {
                continue;
            }
            self.waiting.fetch_add(1, SeqCst);
            // The thread has ended: its result says why.
            if queue.send(message).await.is_err() {
                return;
            }
        }
    }

    /// Folds a message now, unless others wait before it. What is damaged is left to the thread, which will say so.
    fn at_once(&self, message: &Message) -> bool {
        self.waiting.load(SeqCst) == 0
            && self.lock().as_mut().is_some_and(|applying| applying.take(message).is_ok())
    }

    /// Folds a batch of ours that the journal has acknowledged under this sequence, if it is little and next. Else it comes as the
    /// tail brings it, as it does anyhow, and what is folded already is left out.
    pub(crate) fn own(&self, seq: u64, batch: &Sealed) {
        if batch.payload.len() <= FEW
            && self.waiting.load(SeqCst) == 0
            && let Some(applying) = self.lock().as_mut()
        {
            applying.take_own(seq, batch);
        }
    }

    /// Whatever ends it, the fold is gone then, which those who watch it hear.
    fn run(&self, queued: mpsc::Receiver<Message>) -> Result<(), Damaged> {
        let folded = self.fold(queued);
        let applying = self.lock().take().expect(ENDS_ONCE);
        folded.map(|()| applying.end())
    }

    fn fold(&self, mut queued: mpsc::Receiver<Message>) -> Result<(), Damaged> {
        while let Some(message) = queued.blocking_recv() {
            self.lock().as_mut().expect(ENDS_ONCE).take(&message)?;
            self.waiting.fetch_sub(1, SeqCst);
        }
        Ok(())
    }

    /// Nothing is left half done: a panic ends the process.
    fn lock(&self) -> MutexGuard<'_, Option<Applying>> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Few entries, and none that cuts a version: ticks, and all else that cores write of themselves, have no writer.
fn is_little(message: &Message) -> bool {
    message.payload.len() <= FEW && message.headers.as_ref().is_some_and(|h| h.get(WRITER_HEADER).is_some())
}
