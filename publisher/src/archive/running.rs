//! The day that runs: its file grows by a frame for each version, and a note beside it tells how far it is safe on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use schemas::Millis;
use serde::{Deserialize, Serialize};

use super::day::Day;
use super::frames;
use super::lines::Told;

/// The file is written through to the disk this often: what a power cut takes away is told again by the journal.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// With less room on the disk than this the archive stands back, in bytes: the journal is to have the rest.
const LEAST_ROOM: u64 = 256 * 1024 * 1024;
/// What the archive of a day that runs is called.
const PREFIX: &str = "running-";
const SUFFIX: &str = ".ndjson.zst";
/// The note.
const NOTE: &str = "running.json";

/// A day that runs.
#[derive(Debug)]
pub(crate) struct Running {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    note: Note,
    synced: Instant,
}

/// How far a day has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    day: NaiveDate,
    /// Length of the file up to which all frames are whole.
    bytes: u64,
    first_version: u64,
    last_version: u64,
    at: Millis,
    changes: u64,
}

impl Note {
    fn of(day: NaiveDate) -> Self {
        Self { day, bytes: 0, first_version: 0, last_version: 0, at: Millis(i64::MIN), changes: 0 }
    }

    fn take(&mut self, told: Told) {
        if self.first_version == 0 {
            self.first_version = told.version;
        }
        self.last_version = told.version;
        self.at = told.at;
        self.changes += told.changes;
    }
}

impl Running {
    /// The days under way in a folder, oldest first: all but the last are over.
    ///
    /// # Errors
    /// When the folder can not be read.
    pub(crate) fn list(dir: &Path) -> io::Result<Vec<NaiveDate>> {
        let mut days = Vec::new();
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let day = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
            days.extend(day.and_then(|day| day.parse::<NaiveDate>().ok()));
        }
        days.sort_unstable();
        Ok(days)
    }

    /// Where a day under way lies.
    pub(crate) fn path(dir: &Path, day: NaiveDate) -> PathBuf {
        dir.join(format!("{PREFIX}{day}{SUFFIX}"))
    }

    /// Begins a day.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn begin(dir: &Path, day: NaiveDate) -> io::Result<Self> {
        has_room(dir)?;
        let path = Self::path(dir, day);
        let file = File::create(&path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self { dir: dir.to_owned(), path, file, note: Note::of(day), synced: Instant::now() })
    }

    /// Goes on with a day: what is torn at its end is cut off. None where nothing whole is in it.
    ///
    /// # Errors
    /// When it can not be read or cut.
    pub(crate) fn go_on(dir: &Path, day: NaiveDate) -> io::Result<Option<Self>> {
        let path = Self::path(dir, day);
        let file = OpenOptions::new().append(true).open(&path)?;
        let length = file.metadata()?.len();
        let mut note = fs::read(dir.join(NOTE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|note: &Note| note.day == day && note.bytes <= length)
            .unwrap_or_else(|| Note::of(day));
        note.bytes = frames::scan(&path, note.bytes, |told| note.take(told))?;
        if note.bytes < length {
            tracing::warn!(
                path = %path.display(),
                torn_bytes = length - note.bytes,
                last_version = note.last_version,
                "the end of the history is torn and cut off; the journal tells it again"
            );
            file.set_len(note.bytes)?;
        }
        let synced = Instant::now();
        Ok((note.bytes > 0).then(|| Self { dir: dir.to_owned(), path, file, note, synced }))
    }

    /// Adds the lines of a version.
    ///
    /// # Errors
    /// When they can not be written. The day must then be gone on with anew.
    pub(crate) fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let told = Told::read(text).expect("we wrote whole lines");
        let frame = frames::frame(text)?;
        self.file.write_all(&frame)?;
        self.note.bytes += frame.len() as u64;
        self.note.take(told);
        if self.synced.elapsed() >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    /// Writes through to the disk, and notes how far.
    ///
    /// # Errors
    /// When that can not be done, or hardly any room is left.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        let aside = self.dir.join("running.tmp");
        fs::write(&aside, serde_json::to_vec(&self.note)?)?;
        fs::rename(aside, self.dir.join(NOTE))?;
        self.synced = Instant::now();
        has_room(&self.dir)
    }

    /// Its day.
    pub(crate) fn day(&self) -> NaiveDate {
        self.note.day
    }

    /// Its file.
    pub(crate) fn file(&self) -> &Path {
        &self.path
    }

    /// The last version in it, and its time.
    pub(crate) fn last(&self) -> (u64, Millis) {
        (self.note.last_version, self.note.at)
    }

    /// It as the index lists it.
    pub(crate) fn listed(&self) -> Day {
        Day {
            day: self.note.day,
            sealed: false,
            first_version: self.note.first_version,
            last_version: self.note.last_version,
            changes: self.note.changes,
            files: Vec::new(),
        }
    }
}

/// Whether the journal would be left enough.
///
/// # Errors
/// When it would not.
pub(crate) fn has_room(dir: &Path) -> io::Result<()> {
    let told = rustix::fs::statvfs(dir)?;
    let room = told.f_bavail.saturating_mul(told.f_frsize);
    if room >= LEAST_ROOM {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} MiB are free; {} are left to the journal",
        room >> 20,
        LEAST_ROOM >> 20
    )))
}
