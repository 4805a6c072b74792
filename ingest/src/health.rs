//! How the journal answers: noted at every attempt to append, read by those who watch.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};

use async_nats::jetstream::{self, ErrorCode};
use schemas::Millis;

/// What the attempts of this process came to.
#[derive(Debug, Default)]
pub struct Health {
    waiting: AtomicU32,
    /// When an attempt last came to its end, or began while there was no other.
    moved: AtomicI64,
    failed: AtomicBool,
    full: AtomicBool,
}

impl Health {
    pub(crate) fn begin(&self) {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            self.moved.store(crate::clock::now().0, Relaxed);
        }
    }

    pub(crate) fn end<T>(&self, outcome: &Result<T, async_nats::Error>) {
        self.waiting.fetch_sub(1, Relaxed);
        self.moved.store(crate::clock::now().0, Relaxed);
        match outcome {
            Ok(_) => {
                self.full.store(false, Relaxed);
                self.failed.store(false, Relaxed);
            }
            Err(error) => {
                self.failed.store(true, Relaxed);
                // Servers that have switched JetStream off for want of room tell no more why: what was known stays.
                self.full.fetch_or(is_full(error.as_ref()), Relaxed);
            }
        }
    }

    /// Whether the last attempt failed, or one has waited for longer than this, in milliseconds.
    #[must_use]
    pub fn is_slow(&self, now: Millis, than_ms: i64) -> bool {
        let waits = self.waiting.load(Relaxed) > 0 && now.since(Millis(self.moved.load(Relaxed))) > than_ms;
        waits || self.failed.load(Relaxed)
    }

    /// Whether there was no room for the last attempts.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }
}

/// Whether a server says that it has no room.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    const FULL: [ErrorCode; 3] = [
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::STREAM_STORE_FAILED,
    ];
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .filter_map(|cause| cause.downcast_ref::<jetstream::Error>())
        .any(|e| FULL.contains(&e.error_code()))
}
