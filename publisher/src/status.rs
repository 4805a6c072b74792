//! The status page: which hop is late, by how much, and how old the version served is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use schemas::snapshot::{ItemView, OutletView, Snapshot};
use schemas::status::{Hop, Status, Writing};
use schemas::{ItemId, Level};
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

/// How much there is of an item at one version.
#[derive(Clone, Default, Serialize)]
struct Total {
    /// Registered outlets whose count is known.
    outlets: u64,
    /// Pieces that they have together.
    count: u64,
}

/// How much there is of each item of which any outlet's count is known.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Totals(BTreeMap<ItemId, Total>);

impl Totals {
    /// Totals of a version. From those of another only the outlets that differ are counted again.
    pub(crate) fn of(before: Option<(&Self, &Snapshot)>, snapshot: &Snapshot) -> Self {
        let (mut totals, old) = before
            .map_or((Self::default(), &[][..]), |(totals, snapshot)| (totals.clone(), &snapshot.outlets));
        let new = &snapshot.outlets;
        for place in 0..old.len().max(new.len()) {
            let [old, new] = [old, new].map(|outlets| outlets.get(place).and_then(Option::as_ref));
            if old.map(Arc::as_ptr) != new.map(Arc::as_ptr) {
                counted(old).for_each(|(item, count)| totals.take(item, count));
                counted(new).for_each(|(item, count)| totals.add(item, count));
            }
        }
        totals.0.retain(|_, total| total.outlets > 0);
        totals
    }

    fn add(&mut self, item: &ItemId, count: u32) {
        let total = self.of_item(item);
        total.outlets += 1;
        total.count += u64::from(count);
    }

    fn take(&mut self, item: &ItemId, count: u32) {
        let total = self.of_item(item);
        total.outlets -= 1;
        total.count -= u64::from(count);
    }

    fn of_item(&mut self, item: &ItemId) -> &mut Total {
        if !self.0.contains_key(item) {
            self.0.insert(item.clone(), Total::default());
        }
        self.0.get_mut(item).expect("it was put in where it was missing")
    }
}

/// The items of an outlet whose count is known.
fn counted(outlet: Option<&Arc<OutletView>>) -> impl Iterator<Item = (&ItemId, u32)> {
    let items = outlet.into_iter().flat_map(|outlet| &outlet.items);
    items.filter_map(|ItemView { item, count, .. }| Some((item, (*count)?)))
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
        writing: Writing::default(),
        history: None,
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
        source: &'static str,
        #[serde(flatten)]
        status: &'a Status,
        outlets: &'a Counts,
        items: &'a Totals,
    }
    let snapshot = edition.snapshot();
    let age_ms = now_ms().saturating_sub(snapshot.at.0).max(0);
    let page = Page {
        version: snapshot.version,
        last_updated: last_updated(snapshot),
        ttl: ttl(snapshot),
        age_ms,
        source: if is_late(age_ms, snapshot) { "stale" } else { "live" },
        status,
        outlets: edition.counts(),
        items: edition.totals(),
    };
    let mut body = Vec::with_capacity(2048);
    push_json(&mut body, &page);
    body.into()
}

/// Whether newer versions should have come: three ticks and two seconds have passed.
fn is_late(age_ms: i64, snapshot: &Snapshot) -> bool {
    age_ms > i64::from(snapshot.interval_ms) * 3 + 2_000
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(now.as_millis()).expect("the clock is before the year 292 million")
}
