//! What the archive holds now, shared by the thread that writes it and those that answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

use chrono::NaiveDate;
use schemas::snapshot::Snapshot;
use serde::Serialize;

use super::day::{Day, DayFile, Format};
use crate::native::{NativeBody, document};

/// The days.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) dir: PathBuf,
    /// Sealed days that are kept.
    pub(crate) keep: u32,
    days: RwLock<BTreeMap<NaiveDate, Day>>,
    /// Whether versions are being written.
    pub(crate) is_on: AtomicBool,
    /// Published versions that wait for the disk.
    pub(crate) waiting: AtomicUsize,
    /// Days that are over and could not be sealed yet.
    pub(crate) unsealed: AtomicUsize,
    /// The last version that was written.
    pub(crate) written: AtomicU64,
    /// Versions that came while too many waited; what they changed is told with the next.
    pub(crate) passed_over: AtomicU64,
}

/// What is at the address of a file.
pub(crate) enum Found {
    /// This.
    File(PathBuf, DayFile),
    /// It was kept once and is not any more.
    Dropped,
    /// Nothing.
    Nothing,
}

#[derive(Serialize)]
struct Rest {
    /// Sealed days that are kept.
    keep_days: u32,
    /// Whether changes are being written now.
    on: bool,
    days: Vec<Day>,
}

impl Index {
    /// An archive in this folder of which nothing is known yet.
    pub(crate) fn new(dir: PathBuf, keep: u32) -> Self {
        Self { dir, keep, ..Self::default() }
    }

    /// Puts a day in the place of what is listed of it.
    pub(crate) fn put(&self, day: Day) {
        self.days.write().unwrap_or_else(PoisonError::into_inner).insert(day.day, day);
    }

    /// Takes a day out.
    pub(crate) fn take(&self, day: NaiveDate) {
        self.days.write().unwrap_or_else(PoisonError::into_inner).remove(&day);
    }

    /// The sealed days before another.
    pub(crate) fn sealed_before(&self, day: NaiveDate) -> Vec<NaiveDate> {
        let days = self.days.read().unwrap_or_else(PoisonError::into_inner);
        days.range(..day).filter(|(_, day)| day.sealed).map(|(day, _)| *day).collect()
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a name.
    pub(crate) fn find(&self, name: &str) -> Found {
        let Some(day) = Format::day_of(name) else { return Found::Nothing };
        let days = self.days.read().unwrap_or_else(PoisonError::into_inner);
        let file = days.get(&day).and_then(|day| day.files.iter().find(|file| file.name() == name));
        match (file, days.keys().next_back()) {
            (Some(file), _) => Found::File(self.dir.join(name), file.clone()),
            (None, Some(last)) if day < super::seal::first_kept(*last, self.keep) => Found::Dropped,
            _ => Found::Nothing,
        }
    }

    /// `/v1/history.json`.
    pub(crate) fn body(&self, snapshot: &Snapshot) -> NativeBody {
        let days = self.days.read().unwrap_or_else(PoisonError::into_inner);
        let days = days.values().cloned().collect();
        document(snapshot, &Rest { keep_days: self.keep, on: self.is_on.load(Relaxed), days })
    }
}
