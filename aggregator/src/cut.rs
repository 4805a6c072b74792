//! Cutting a version: the public part of the state as an immutable snapshot, sharing every row that did not change.

use std::sync::Arc;

use schemas::entry::Rules;
use schemas::registry::OutletInfo;
use schemas::snapshot::{ItemView, OutletView, Snapshot};
use schemas::{Level, Millis, OutletCode};

use crate::fold::Fold;
use crate::outlet::{ItemState, OutletState};

/// Cuts snapshots one after another. What it remembers of the last one only saves work: a new cutter cuts the same bytes.
#[derive(Debug, Default)]
pub struct Cutter {
    rows: Vec<Option<Arc<OutletView>>>,
    /// For each row, when it changes by time alone.
    wakes: Vec<Millis>,
    heard: Arc<Vec<Option<u32>>>,
    heard_revision: u64,
    unregistered: Arc<Vec<OutletCode>>,
    registry_version: Option<u64>,
}

impl Cutter {
    /// Cuts the version of the fold's last tick; `None` before the first tick.
    ///
    /// Cost: the rows that changed, and one pointer copy for each other row.
    pub fn cut(&mut self, fold: &mut Fold) -> Option<Arc<Snapshot>> {
        let tick = fold.tick?;
        let touched = std::mem::take(&mut fold.touched);
        if self.registry_version == Some(fold.registry.version) {
            self.refresh(fold, tick.at, &touched);
        } else {
            self.refill(fold, tick.at);
        }
        Some(Arc::new(Snapshot {
            version: fold.applied,
            at: tick.at,
            interval_ms: tick.interval_ms,
            rules: Arc::clone(&fold.rules),
            registry_version: fold.registry.version,
            outlets: self.rows.clone(),
            heard: Arc::clone(&self.heard),
            unregistered: Arc::clone(&self.unregistered),
            schedule: fold.ledger.books.schedule(),
        }))
    }

    /// Rows that were touched or that time has changed.
    fn refresh(&mut self, fold: &mut Fold, now: Millis, touched: &[u32]) {
        for place in touched {
            self.view(fold, now, *place as usize);
        }
        for place in 0..self.wakes.len() {
            if self.wakes[place] <= now {
                self.view(fold, now, place);
            }
        }
        if self.heard_revision != fold.heard.revision() {
            self.list_heard(fold);
        }
        if !self.unregistered.iter().eq(&fold.unregistered) {
            self.unregistered = Arc::new(fold.unregistered.iter().cloned().collect());
        }
    }

    /// Everything anew.
    fn refill(&mut self, fold: &mut Fold, now: Millis) {
        let places = fold.registry.outlets.as_slice().len();
        self.rows = vec![None; places];
        self.wakes = vec![Millis(i64::MAX); places];
        for place in 0..places {
            self.view(fold, now, place);
        }
        self.list_heard(fold);
        self.unregistered = Arc::new(fold.unregistered.iter().cloned().collect());
        self.registry_version = Some(fold.registry.version);
    }

    fn list_heard(&mut self, fold: &Fold) {
        let place = |code: &OutletCode| fold.outlets.read(code.as_str(), |state| state.place).flatten();
        let places = fold.heard.as_slice().iter().map(|code| code.as_ref().and_then(place));
        self.heard = Arc::new(places.collect());
        self.heard_revision = fold.heard.revision();
    }

    fn view(&mut self, fold: &mut Fold, now: Millis, place: usize) {
        let Fold { registry, outlets, rules, .. } = fold;
        let Some(info) = &registry.outlets.as_slice()[place] else { return };
        let viewed = outlets.change(info.code.as_str(), |state| {
            state.touched = false;
            view(info, state, rules, now)
        });
        let (row, wake) = viewed.expect("every registered outlet has a state");
        self.rows[place] = Some(Arc::new(row));
        self.wakes[place] = wake;
    }
}

/// The public view of an outlet, and when it changes by time alone.
fn view(info: &Arc<OutletInfo>, state: &OutletState, rules: &Rules, now: Millis) -> (OutletView, Millis) {
    let never = Millis(i64::MAX);
    if !state.spoke {
        let row = OutletView {
            info: Arc::clone(info),
            items: Vec::new(),
            notice: None,
            received: None,
            silent: false,
        };
        return (row, never);
    }
    let hours = info.hours.unwrap_or(rules.hours);
    let silent_at =
        hours.open_for(state.received, rules.silent_after_ms, rules.offset_minutes).unwrap_or(never);
    let hidden_at = state.received.plus(rules.hidden_after_ms);
    let silent = now >= silent_at || now >= hidden_at;
    let items = if now >= hidden_at { &[][..] } else { &state.items[..] };
    let row = OutletView {
        info: Arc::clone(info),
        items: items.iter().map(|item| item_view(state, item, silent)).collect(),
        notice: state.notice.clone(),
        received: Some(state.received),
        silent,
    };
    let wake = [silent_at, hidden_at].into_iter().filter(|at| *at > now).min().unwrap_or(never);
    (row, wake)
}

fn item_view(state: &OutletState, item: &ItemState, silent: bool) -> ItemView {
    let count = item.count.and_then(|c| u32::try_from(c).ok());
    let level = match (item.paused, silent, count, item.band) {
        (true, ..) => Level::Break,
        (false, false, Some(_), Some(band)) => band.into(),
        _ => Level::Unknown,
    };
    ItemView {
        item: item.item.clone(),
        count,
        level,
        band: item.band,
        paused: item.paused,
        gap: state.has_gap(item),
        observed: item.observed,
        received: item.received,
        changed: item.changed,
        arrived: item.arrived,
        promised: item.promised,
    }
}
