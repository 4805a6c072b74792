//! The status page: which hop is late, by how much, and how old the version served is.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use schemas::Level;
use schemas::snapshot::Snapshot;
use schemas::status::{Hop, Status};
use serde::Serialize;

use crate::edition::Edition;
use crate::rows::push_json;
use crate::table::Table;

const HOPS: [&str; 4] =
    ["pos_to_received", "received_to_committed", "committed_to_applied", "applied_to_published"];

/// How many outlets there are of which sort at one version.
#[derive(Serialize)]
pub(crate) struct Counts {
    /// In the registry.
    registered: usize,
    /// Of these, ever heard of.
    heard: usize,
    /// Of these, silent for too long in their opening hours.
    silent: usize,
    /// Heard of and in no registry.
    unregistered: usize,
    /// Registered outlets by the level of the face's item; all levels are listed.
    levels: BTreeMap<&'static str, usize>,
}

impl Counts {
    pub(crate) fn of(table: &Table, snapshot: &Snapshot) -> Self {
        let mut by_level = [0; Level::ALL.len()];
        let (mut registered, mut silent) = (0, 0);
        for row in table.iter() {
            registered += 1;
            silent += usize::from(row.silent);
            by_level[row.level as usize] += 1;
        }
        Self {
            registered,
            heard: snapshot.heard.iter().flatten().count(),
            silent,
            unregistered: snapshot.unregistered.len(),
            levels: Level::ALL.into_iter().map(|level| (level.name(), by_level[level as usize])).collect(),
        }
    }
}

/// The status of a process that has measured nothing yet.
pub(crate) fn unmeasured() -> Status {
    let hop = |hop: &str| Hop { hop: hop.to_owned(), count: 0, p50_ms: None, p99_ms: None };
    Status {
        hops: HOPS.map(hop).into(),
        durability: None,
        entries: BTreeMap::new(),
        rejected: BTreeMap::new(),
        clocks_off: 0,
        applied: 0,
        committed: 0,
        journal_bytes: 0,
    }
}

/// When a version was cut, RFC 3339 in its local time.
pub(crate) fn last_updated(snapshot: &Snapshot) -> String {
    snapshot.at.rfc3339(snapshot.rules.offset_minutes)
}

/// Whole seconds, rounded up, after which a newer version is to be expected.
pub(crate) fn ttl(snapshot: &Snapshot) -> u32 {
    snapshot.interval_ms.div_ceil(1000)
}

/// The body of `/v1/status.json`; the age is that of this moment by this machine's clock, never below zero.
pub(crate) fn page(edition: &Edition, status: &Status) -> Bytes {
    #[derive(Serialize)]
    struct Page<'a> {
        version: u64,
        last_updated: String,
        ttl: u32,
        age_ms: i64,
        #[serde(flatten)]
        status: &'a Status,
        outlets: &'a Counts,
    }
    let snapshot = edition.snapshot();
    let page = Page {
        version: snapshot.version,
        last_updated: last_updated(snapshot),
        ttl: ttl(snapshot),
        age_ms: now_ms().saturating_sub(snapshot.at.0).max(0),
        status,
        outlets: edition.counts(),
    };
    let mut body = Vec::with_capacity(2048);
    push_json(&mut body, &page);
    body.into()
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(now.as_millis()).expect("the clock is before the year 292 million")
}
