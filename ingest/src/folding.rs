//! Who folds: a thread of its own, and for a few entries, while that has nothing to do, whoever brings them. So a sale alone
//! waits for no other thread, and a full batch keeps nobody from reading on.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use async_nats::jetstream::Message;
use schemas::batch::WRITER_HEADER;
use tokio::sync::mpsc;

use crate::apply::{Apply, Applying, Damaged};

/// Messages that may wait for the thread.
const QUEUE: usize = 32;
/// What is folded by whoever brings it has at most so many bytes: some twenty entries, which take ten microseconds.
const FEW: usize = 4 * 1024;

/// Why there is a fold where one is taken.
const ENDS_ONCE: &str = "the fold is there until its thread has seen the last message";

/// What both share.
#[derive(Debug)]
struct Folding {
    applying: Mutex<Option<Applying>>,
    /// Messages that the thread has yet to apply.
    waiting: AtomicUsize,
}

/// Begins to fold what comes, in its order, until nobody sends any more; then a checkpoint is taken. Returns the thread.
///
/// Its error is [`Damaged`]: nothing of that batch, or after it, was applied.
///
/// # Errors
/// When the system gives no thread.
pub fn start(apply: Apply, messages: mpsc::Receiver<Message>) -> io::Result<JoinHandle<Result<(), Damaged>>> {
    let applying = Mutex::new(Some(Applying::new(apply)));
    let folding = Arc::new(Folding { applying, waiting: AtomicUsize::new(0) });
    let (queue, queued) = mpsc::channel(QUEUE);
    let of_thread = Arc::clone(&folding);
    let thread = std::thread::Builder::new().name("fold".to_owned()).spawn(move || of_thread.run(queued))?;
    tokio::spawn(folding.bring(messages, queue));
    Ok(thread)
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
        if self.waiting.load(SeqCst) > 0 {
            return false;
        }
        self.lock().as_mut().is_some_and(|applying| applying.take(message).is_ok())
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
