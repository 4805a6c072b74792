//! The thread of the archive: takes versions one after another, writes what each changed, and turns the day.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, Sender};

use chrono::NaiveDate;
use schemas::Millis;
use schemas::snapshot::Snapshot;

use super::Version;
use super::day::day_of;
use super::index::Index;
use super::lines::{Rows, push_start, stamp, time};
use super::running::{Running, has_room};
use super::seal::sealed;
use super::{frames, lines, sealer};
use crate::Face;
use crate::edition::Edition;
use crate::native::NativeEdition;

/// After so long, by the versions, it is tried again where the disk refused; in milliseconds.
const AGAIN_MS: i64 = 60_000;

/// What the thread holds.
pub(super) struct Keeper {
    index: Arc<Index>,
    face: Face,
    /// The day that runs; none before the first version.
    running: Option<Running>,
    /// The last version that is written, where it is in memory.
    last: Option<Arc<NativeEdition>>,
    /// The last version that was told again.
    again: Option<Edition>,
    /// When the disk refused.
    refused: Option<Millis>,
    /// Tells which day runs, so that those before it are sealed.
    runs: Sender<NaiveDate>,
}

/// What a day begins with, or a version is compared with.
enum Held {
    Nothing,
    Edition(Arc<NativeEdition>),
    /// After a restart, where the journal did not tell the last version again.
    Rows(Rows),
}

impl Keeper {
    /// Goes on with what is on the disk; where that can not be done the archive is off and tried again later.
    pub(super) fn start(index: Arc<Index>, face: Face) -> Self {
        let (runs, days) = mpsc::channel();
        let sealing = Arc::clone(&index);
        // Its end is not waited for: what is not sealed then is sealed after the next start.
        let thread = std::thread::Builder::new().name("history-seal".to_owned());
        let mut keeper = Self { index, face, running: None, last: None, again: None, refused: None, runs };
        let started = thread.spawn(move || sealer::run(&sealing, &days)).map(drop);
        if let Err(error) = started.and_then(|()| keeper.open()) {
            keeper.refuse(&error, Millis(0));
        }
        keeper
    }

    /// The last version that is written.
    pub(super) fn last(&self) -> Option<u64> {
        self.running.as_ref().map(|running| running.last().0)
    }

    /// Takes what comes, until nobody sends any more; then all is on the disk.
    pub(super) fn run(mut self, versions: &Receiver<Version>) {
        while let Ok(version) = versions.recv() {
            match version {
                Version::Published(edition) => {
                    self.again = None;
                    self.take(edition);
                    self.index.waiting.fetch_sub(1, Relaxed);
                }
                Version::Again(snapshot) => {
                    let edition = Edition::render(self.again.as_ref(), snapshot, &self.face);
                    self.take(Arc::clone(edition.native()));
                    self.again = Some(edition);
                }
            }
        }
        if let Some(Err(error)) = self.running.as_mut().map(Running::sync) {
            tracing::error!(%error, "the end of the history may not be on the disk");
        }
    }

    fn open(&mut self) -> io::Result<()> {
        let dir = self.index.dir().to_owned();
        fs::create_dir_all(&dir)?;
        has_room(&dir)?;
        for day in sealed(&dir)? {
            self.index.put(day);
        }
        let mut days = Running::list(&dir)?;
        while let Some(day) = days.pop() {
            // A day that was begun and holds nothing yet is no day.
            if let Some(running) = Running::go_on(&dir, day)? {
                self.index.put(running.listed());
                self.index.written.store(running.last().0, Relaxed);
                self.running = Some(running);
                self.tell_sealer(day)?;
                break;
            }
            fs::remove_file(Running::path(&dir, day))?;
        }
        self.index.is_on.store(true, Relaxed);
        Ok(())
    }

    fn tell_sealer(&self, running: NaiveDate) -> io::Result<()> {
        self.runs.send(running).map_err(|_| io::Error::other("the thread that seals days has ended"))
    }

    /// Takes a version. Whatever the disk does, nobody waits and nothing fails but the archive.
    fn take(&mut self, edition: Arc<NativeEdition>) {
        let at = edition.snapshot().at;
        let result = match self.refused {
            Some(since) if at.since(since) < AGAIN_MS => return,
            Some(_) => self.open().and_then(|()| self.write(edition)),
            None => self.write(edition),
        };
        match result {
            Ok(()) if self.refused.take().is_some() => tracing::info!("the history is written again"),
            Ok(()) => {}
            Err(error) => self.refuse(&error, at),
        }
    }

    fn refuse(&mut self, error: &io::Error, at: Millis) {
        tracing::error!(
            %error,
            dir = %self.index.dir().display(),
            "the history is off, and tried again in a minute; all else goes on. Is there room on the disk?"
        );
        self.index.is_on.store(false, Relaxed);
        (self.running, self.last, self.refused) = (None, None, Some(at));
    }

    fn write(&mut self, edition: Arc<NativeEdition>) -> io::Result<()> {
        let snapshot = edition.snapshot();
        if let Some((version, at)) = self.running.as_ref().map(Running::last)
            && snapshot.version <= version
            && snapshot.at <= at
        {
            // Written before we were started again. A lower number at a later time is of a journal that was begun anew.
            if snapshot.version == version {
                self.last = Some(edition);
            }
            return Ok(());
        }
        let day = day_of(snapshot);
        let turns = self.running.as_ref().is_none_or(|running| running.day() < day);
        let text = self.lines(&edition, turns)?;
        if turns {
            // First of all the day before is whole on the disk: nobody looks for its torn end any more.
            self.running.as_mut().map_or(Ok(()), Running::sync)?;
            self.running = Some(Running::begin(self.index.dir(), day)?);
        }
        let running = self.running.as_mut().expect("a day runs");
        running.append(&text)?;
        if turns {
            running.sync()?;
        }
        self.index.put(running.listed());
        self.index.written.store(snapshot.version, Relaxed);
        self.last = Some(edition);
        if turns { self.tell_sealer(day) } else { Ok(()) }
    }

    /// The lines of a version; at the turn of the day the state before it comes first.
    fn lines(&self, edition: &NativeEdition, turns: bool) -> io::Result<Vec<u8>> {
        let (snapshot, mut text) = (edition.snapshot(), Vec::new());
        let held = self.held()?;
        if turns {
            held.push_start(&mut text, edition, self.running.as_ref());
        }
        let changes = match held {
            Held::Nothing => edition.native().lines_of(&Default::default(), snapshot.version, snapshot),
            Held::Edition(old) => changes_since(&old, edition),
            Held::Rows(rows) => edition.native().lines_beyond(&rows, snapshot),
        };
        stamp(&mut text, (snapshot.version, &time(snapshot)), &changes);
        Ok(text)
    }

    fn held(&self) -> io::Result<Held> {
        let Some(running) = &self.running else { return Ok(Held::Nothing) };
        match &self.last {
            Some(edition) => Ok(Held::Edition(Arc::clone(edition))),
            None => frames::rows_at_the_end(running.file()).map(Held::Rows),
        }
    }
}

impl Held {
    fn push_start(&self, text: &mut Vec<u8>, first: &NativeEdition, running: Option<&Running>) {
        match self {
            Self::Nothing => push_edition(text, first),
            Self::Edition(old) => push_edition(text, old),
            Self::Rows(rows) => {
                let (version, at) = running.map_or((0, first.snapshot().at), Running::last);
                let at = at.rfc3339(first.snapshot().rules.offset_minutes);
                push_start(text, (version, &at), rows.values().map(|row| &**row));
            }
        }
    }
}

fn push_edition(text: &mut Vec<u8>, edition: &NativeEdition) {
    let snapshot: &Snapshot = edition.snapshot();
    let rows = edition.native().whole_rows(snapshot);
    push_start(text, (snapshot.version, &time(snapshot)), rows.iter().map(Vec::as_slice));
}

/// What `/v1/changes` tells a reader of the old version.
fn changes_since(old: &NativeEdition, new: &NativeEdition) -> Vec<u8> {
    let (since, snapshot) = (old.version(), new.snapshot());
    let told = (since < snapshot.version).then(|| new.native().lines_since(since, snapshot)).flatten();
    told.unwrap_or_else(|| {
        let mut rows = Rows::new();
        for row in old.native().whole_rows(old.snapshot()) {
            let line = [b"{\"version\":0,\"at\":\"\",\"start\":", row.as_slice(), b"}"].concat();
            lines::take_in(&mut rows, &line).expect("we wrote the row");
        }
        new.native().lines_beyond(&rows, snapshot)
    })
}
