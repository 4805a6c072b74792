//! The thread that seals days when they are over and drops those that are too old; what fails is tried again every minute.

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use chrono::NaiveDate;

use super::index::Index;
use super::running::Running;
use super::seal::{first_kept, remove, seal, sealed};

/// After so long it is tried again where the disk refused.
const AGAIN: Duration = Duration::from_secs(60);
/// How far it stands back behind what serves and writes, as niceness.
const NICE: i32 = 10;

/// Seals what is over whenever another day runs, until nobody tells any more.
pub(super) fn run(index: &Index, days: &Receiver<NaiveDate>) {
    stand_back();
    let Ok(mut running) = days.recv() else { return };
    let mut told = String::new();
    loop {
        let failed = tidy(index, running);
        // Once for each cause, however often it is tried.
        if let Some(cause) = failed.iter().find(|cause| **cause != told) {
            tracing::error!(cause, "days of the history are not sealed; it is tried again every minute");
            told.clone_from(cause);
        }
        let next = if failed.is_some() {
            days.recv_timeout(AGAIN)
        } else {
            days.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match next {
            Ok(day) => running = day,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Takes the folder for itself: a thread of an archive that was closed may still be sealing there.
fn alone(index: &Index) -> io::Result<File> {
    let lock = File::create(index.dir().join("sealing.lock"))?;
    lock.lock()?;
    sealed(index.dir())?.into_iter().for_each(|day| index.put(day));
    Ok(lock)
}

/// Seals all days before the one that runs, and drops those that are too old. Returns what went wrong.
fn tidy(index: &Index, running: NaiveDate) -> Option<String> {
    let (mut failed, mut unsealed) = (None, 0);
    let locked = alone(index).and_then(|lock| Ok((lock, Running::list(index.dir())?)));
    let (_lock, days) = match locked {
        Ok((lock, days)) => (Some(lock), days),
        Err(error) => {
            failed = Some(error.to_string());
            (None, Vec::new())
        }
    };
    for day in days.into_iter().filter(|day| *day < running) {
        match seal(index.dir(), day) {
            Ok(Some(sealed)) => {
                tracing::info!(%day, changes = sealed.changes, "a day of the history is sealed");
                index.put(sealed);
            }
            Ok(None) => index.take(day),
            Err(error) => {
                unsealed += 1;
                failed = Some(format!("{day}: {error}"));
            }
        }
    }
    index.unsealed.store(unsealed, Relaxed);
    for old in index.sealed_before(first_kept(running, index.keep)) {
        index.take(old);
        if let Err(error) = remove(index.dir(), old) {
            failed = Some(format!("removing {old}: {error}"));
        }
    }
    failed
}

/// What is written down has time; on Linux niceness is that of a thread.
pub(super) fn stand_back() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
        tracing::debug!(%error, "the history has no lower priority");
    }
}
