//! Degraded modes: each has a name, is entered when its cause is there and left by itself when it is gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use schemas::Millis;
use schemas::status::{Degraded, Writing};
use schemas::time::Rfc3339;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::health::Health;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The journal is slow when it has not acknowledged for so long, in milliseconds: then new messages are turned away.
const SLOW_MS: i64 = 1_000;
/// After so long in a mode in which nothing is written, it is an alarm; in milliseconds.
const ALARM_MS: i64 = 5_000;
/// Less room than this in the data folder is none, in bytes: the managed NATS keeps the journal there.
const LEAST_ROOM: u64 = 32 * 1024 * 1024;

/// What is wrong with the writing side. Readers are answered in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// There is no connection to NATS.
    NatsGone,
    /// There is no room for the journal, or nearly none in the data folder.
    DiskFull,
    /// The journal does not acknowledge, or refuses.
    JournalSlow,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::NatsGone, Self::DiskFull, Self::JournalSlow];

    /// The name in the status, in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NatsGone => "nats_gone",
            Self::DiskFull => "disk_full",
            Self::JournalSlow => "journal_slow",
        }
    }
}

/// The modes as they stand; any task may read them.
#[derive(Debug)]
pub struct Modes {
    /// When each was entered; 0 where it is not.
    since: [AtomicI64; Mode::ALL.len()],
    /// Since when nothing has been written, where that is an alarm; else 0.
    dead: AtomicI64,
    /// Milliseconds that the last probe took; none below zero.
    probe_ms: AtomicI64,
    probes_lost: AtomicU64,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            since: Default::default(),
            dead: AtomicI64::new(0),
            probe_ms: AtomicI64::new(-1),
            probes_lost: AtomicU64::new(0),
        }
    }
}

impl Modes {
    /// Notes how long a probe took; nothing: it did not come through.
    pub fn probed(&self, took: Option<Duration>) {
        let ms = took.map_or(-1, |took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        self.probe_ms.store(ms, Relaxed);
        self.probes_lost.fetch_add(u64::from(took.is_none()), Relaxed);
    }

    /// How long the last probe took, in milliseconds, where one came through.
    #[must_use]
    pub fn probe_ms(&self) -> Option<u64> {
        u64::try_from(self.probe_ms.load(Relaxed)).ok()
    }

    /// Probes that did not come through.
    #[must_use]
    pub fn probes_lost(&self) -> u64 {
        self.probes_lost.load(Relaxed)
    }

    /// Since when it is in a mode; nothing where it is not.
    #[must_use]
    pub fn since(&self, mode: Mode) -> Option<Millis> {
        let since = self.since[mode as usize].load(Relaxed);
        (since != 0).then_some(Millis(since))
    }

    /// Whether nothing can be written, for longer than a moment.
    #[must_use]
    pub fn writes_dead(&self) -> bool {
        self.dead_since().is_some()
    }

    fn dead_since(&self) -> Option<Millis> {
        let since = self.dead.load(Relaxed);
        (since != 0).then_some(Millis(since))
    }

    /// The writing side as the status page shows it.
    #[must_use]
    pub fn writing(&self, admission: &Admission) -> Writing {
        let degraded = Mode::ALL.into_iter().filter_map(|mode| {
            Some(Degraded { mode: mode.name().to_owned(), since: Rfc3339(self.since(mode)?) })
        });
        let (dead_since, held_since) = (self.dead_since(), admission.held_since());
        Writing {
            degraded: degraded.collect(),
            dead: dead_since.is_some(),
            dead_since: dead_since.map(Rfc3339),
            held: held_since.is_some(),
            held_since: held_since.map(Rfc3339),
            shed: admission.shed(),
            probe_ms: self.probe_ms(),
        }
    }

    fn set(&self, mode: Mode, is_on: bool, now: Millis) {
        match (self.since(mode), is_on) {
            (None, true) => {
                self.since[mode as usize].store(now.0, Relaxed);
                tracing::warn!(mode = mode.name(), "degraded");
            }
            (Some(since), false) => {
                self.since[mode as usize].store(0, Relaxed);
                tracing::info!(mode = mode.name(), after_ms = now.since(since), "recovered");
            }
            _ => {}
        }
    }

    /// Room alone may be short while everything is still written: that is no alarm.
    fn alarm(&self, journal_stands: bool, now: Millis) {
        let stood = [Mode::NatsGone, Mode::JournalSlow].into_iter().filter_map(|mode| self.since(mode));
        let since = stood.min().filter(|since| journal_stands && now.since(*since) >= ALARM_MS);
        let before = self.dead.swap(since.map_or(0, |since| since.0), Relaxed);
        if since.is_some() != (before != 0) {
            match since.is_some() {
                true => tracing::error!("nothing can be written; readers are answered with what is known"),
                false => tracing::info!("messages are written again"),
            }
        }
    }
}

/// Who looks after the modes.
#[derive(Debug)]
pub struct Watch {
    /// Where they are shown.
    pub modes: Arc<Modes>,
    /// Connection of the writing side.
    pub client: Client,
    /// What attempts to append came to.
    pub health: Arc<Health>,
    /// The data folder.
    pub data_dir: PathBuf,
}

impl Watch {
    /// Looks until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut timer = tokio::time::interval(LOOK_EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = timer.tick() => self.look(crate::clock::now()),
                () = stop.cancelled() => return,
            }
        }
    }

    fn look(&self, now: Millis) {
        let gone = self.client.connection_state() != State::Connected;
        let slow = self.health.is_slow(now, SLOW_MS);
        self.modes.set(Mode::NatsGone, gone, now);
        self.modes.set(Mode::DiskFull, self.health.is_full() || !has_room(&self.data_dir), now);
        self.modes.set(Mode::JournalSlow, slow, now);
        self.modes.alarm(gone || slow, now);
    }
}

/// Whether the disk of a folder has room for more. One that can not be asked is not full.
#[must_use]
pub fn has_room(dir: &Path) -> bool {
    let Ok(told) = nix::sys::statvfs::statvfs(dir) else { return true };
    told.blocks_available().saturating_mul(told.fragment_size()) >= LEAST_ROOM
}
