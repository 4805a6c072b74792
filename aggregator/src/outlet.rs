//! The stock of one outlet: reports set, deltas move, suspensions flag, each once and in the order of its terminal.
//!
//! Within a terminal its sequence orders; between terminals the journal does. A report covers what its own terminal sent
//! before it, and what the others were seen to send until then: such messages, when they come late, are `Superseded`.

use std::sync::Arc;

use schemas::entry::{Act, Notice, PosEntry, Rules};
use schemas::level::Band;
use schemas::pos::Outcome;
use schemas::registry::OutletType;
use schemas::{ItemId, Millis, TerminalId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::cover::Cover;
use crate::ledger::Move;
use crate::recent::Recent;
use crate::sequence::{Seen, Sequence};

/// Most terminals remembered per outlet; the one silent the longest gives way.
const MAX_TERMINALS: usize = 64;
/// Most items remembered per outlet; the one silent the longest gives way.
const MAX_ITEMS: usize = 64;

/// Everything known of one outlet but its registry row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutletState {
    terminals: SmallVec<[Terminal; 2]>,
    pub(crate) items: SmallVec<[ItemState; 1]>,
    pub(crate) notice: Option<Arc<Notice>>,
    notice_cover: Cover,
    /// When a gateway last took a word from it.
    pub(crate) received: Millis,
    /// Place in the registry.
    pub(crate) place: Option<u32>,
    /// Type of the outlet, where it is registered.
    pub(crate) kind: Option<OutletType>,
    /// Whether it ever spoke.
    pub(crate) spoke: bool,
    /// Whether it waits for the next cut.
    #[serde(skip)]
    pub(crate) touched: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Terminal {
    id: TerminalId,
    sequence: Sequence,
    /// Deltas that a late report could still come before.
    recent: Recent,
    /// How far the POS clock is behind the gateway's, in milliseconds, as last measured.
    skew_ms: Option<i64>,
    received: Millis,
}

/// What is known of one item of an outlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemState {
    pub(crate) item: ItemId,
    /// Pieces; below zero where more was sold than was told.
    pub(crate) count: Option<i64>,
    /// Band of the last count that was not below zero.
    pub(crate) band: Option<Band>,
    pub(crate) paused: bool,
    pub(crate) observed: Millis,
    pub(crate) received: Millis,
    pub(crate) changed: Millis,
    pub(crate) arrived: Millis,
    /// When the last report was observed.
    pub(crate) reported: Option<Millis>,
    /// Pieces promised to reservations.
    pub(crate) promised: u32,
    counted: Cover,
    suspended: Cover,
}

/// Who spoke and when: what every act of an entry shares.
#[derive(Debug, Clone, Copy)]
struct Word {
    terminal: usize,
    seq: u64,
    observed: Millis,
    received: Millis,
}

/// What an entry did to an outlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) outcome: Outcome,
    /// Highest sequence of the terminal.
    pub(crate) high_water: u64,
    /// The count went below zero.
    pub(crate) below_zero: bool,
}

impl OutletState {
    /// Applies one entry of this outlet.
    pub(crate) fn apply(&mut self, entry: &PosEntry<'_>, rules: &Rules) -> Effect {
        let (terminal, seen) = self.note(entry);
        self.received = self.received.max(entry.received);
        let observed = self.terminals[terminal].observe(entry, rules);
        let word = Word { terminal, seq: entry.seq, observed, received: entry.received };
        let below_before = self.any_below_zero();
        let outcome = match seen {
            Seen::Duplicate => Outcome::Duplicate,
            Seen::TooOld => Outcome::Superseded,
            Seen::New => self.act(word, &entry.act, rules),
        };
        self.terminals[terminal].settle();
        Effect {
            outcome,
            high_water: self.terminals[terminal].sequence.high(),
            below_zero: !below_before && self.any_below_zero(),
        }
    }

    /// Moves stock by what the ledger decided; a claim is a word of the outlet also where nothing moves.
    ///
    /// Returns whether the count went below zero.
    pub(crate) fn settle(&mut self, received: Millis, stock: Option<&Move>, rules: &Rules) -> bool {
        self.received = self.received.max(received);
        let Some(stock) = stock else { return false };
        let item = self.item(stock.item.as_str(), received, received);
        let before = item.count;
        item.promised = item.promised.saturating_add_signed(stock.promised);
        if let Some(count) = item.count.filter(|_| stock.count != 0) {
            // What comes back over the counter is no delivery.
            item.put(count + i64::from(stock.count), received, rules);
        }
        item.hear(received, received);
        before.is_some_and(|count| count >= 0) && item.count.is_some_and(|count| count < 0)
    }

    /// When the last report of an item was observed.
    pub(crate) fn reported(&self, item: &str) -> Option<Millis> {
        self.items.iter().find(|i| i.item.as_str() == item)?.reported
    }

    /// Whether a message that may have moved this item was lost since its last report.
    pub(crate) fn has_gap(&self, item: &ItemState) -> bool {
        self.terminals.iter().enumerate().any(|(t, terminal)| {
            terminal.sequence.highest_missing().is_some_and(|n| !item.counted.holds(t, n))
        })
    }

    /// Terminals whose clock is off by more than the tolerance.
    pub(crate) fn clocks_off(&self, rules: &Rules) -> usize {
        self.terminals
            .iter()
            .filter(|t| t.skew_ms.is_some_and(|s| s.abs() > rules.clock_tolerance_ms))
            .count()
    }

    fn any_below_zero(&self) -> bool {
        self.items.iter().any(|i| i.count.is_some_and(|c| c < 0))
    }

    fn note(&mut self, entry: &PosEntry<'_>) -> (usize, Seen) {
        if let Some(t) = self.terminals.iter().position(|t| t.id.as_str() == entry.terminal) {
            return (t, self.terminals[t].note(entry.seq));
        }
        let terminal = Terminal {
            id: TerminalId::new(entry.terminal).expect("ids in the journal were checked when they came in"),
            sequence: Sequence::starting(entry.seq),
            recent: Recent::default(),
            skew_ms: None,
            received: entry.received,
        };
        if self.terminals.len() < MAX_TERMINALS {
            self.terminals.push(terminal);
            return (self.terminals.len() - 1, Seen::New);
        }
        let oldest = oldest(self.terminals.iter().map(|t| t.received));
        self.terminals[oldest] = terminal;
        self.notice_cover.forget(oldest);
        for item in &mut self.items {
            item.counted.forget(oldest);
            item.suspended.forget(oldest);
        }
        (oldest, Seen::New)
    }

    fn act(&mut self, word: Word, act: &Act<'_>, rules: &Rules) -> Outcome {
        match act {
            Act::Report { item, count } => self.report(word, item, i64::from(*count), rules),
            Act::Delta { item, change } => self.delta(word, item, *change, rules),
            Act::Pause { item } => self.suspend(word, item, true),
            Act::Resume { item } => self.suspend(word, item, false),
            Act::Notice(notice) => self.announce(word, notice),
        }
    }

    fn report(&mut self, word: Word, item: &str, count: i64, rules: &Rules) -> Outcome {
        let highs = self.highs();
        let later = self.terminals[word.terminal].moved_after(word.seq, item);
        let state = self.item(item, word.observed, word.received);
        if state.counted.holds(word.terminal, word.seq) {
            return Outcome::Superseded;
        }
        state.counted.extend(word.terminal, word.seq, highs);
        state.hear(word.observed, word.received);
        state.set(count + later, word.observed, rules);
        state.reported = state.reported.max(Some(word.observed));
        Outcome::Accepted
    }

    fn delta(&mut self, word: Word, item: &str, change: i32, rules: &Rules) -> Outcome {
        let state = self.item(item, word.observed, word.received);
        if state.counted.holds(word.terminal, word.seq) {
            return Outcome::Superseded;
        }
        state.hear(word.observed, word.received);
        if let Some(count) = state.count {
            state.set(count + i64::from(change), word.observed, rules);
        }
        self.terminals[word.terminal].remember(word.seq, item, change);
        Outcome::Accepted
    }

    fn suspend(&mut self, word: Word, item: &str, paused: bool) -> Outcome {
        let highs = self.highs();
        let state = self.item(item, word.observed, word.received);
        if state.suspended.holds(word.terminal, word.seq) {
            return Outcome::Superseded;
        }
        state.suspended.extend(word.terminal, word.seq, highs);
        state.hear(word.observed, word.received);
        if state.paused != paused {
            state.paused = paused;
            state.changed = word.observed;
        }
        Outcome::Accepted
    }

    fn announce(&mut self, word: Word, notice: &Notice) -> Outcome {
        if self.notice_cover.holds(word.terminal, word.seq) {
            return Outcome::Superseded;
        }
        let highs = self.highs();
        self.notice_cover.extend(word.terminal, word.seq, highs);
        self.notice = (!notice.is_empty()).then(|| Arc::new(notice.clone()));
        Outcome::Accepted
    }

    /// Highest sequence of each terminal.
    fn highs(&self) -> SmallVec<[u64; 4]> {
        self.terminals.iter().map(|t| t.sequence.high()).collect()
    }

    /// The state of an item, begun where it is new. Items are kept in the order of their names.
    fn item(&mut self, item: &str, observed: Millis, received: Millis) -> &mut ItemState {
        let at = match self.items.binary_search_by(|i| i.item.as_str().cmp(item)) {
            Ok(at) => at,
            Err(_) => {
                if self.items.len() >= MAX_ITEMS {
                    self.items.remove(oldest(self.items.iter().map(|i| i.received)));
                }
                let at = self.items.partition_point(|i| i.item.as_str() < item);
                self.items.insert(at, ItemState::new(item, observed, received));
                at
            }
        };
        &mut self.items[at]
    }
}

impl Terminal {
    fn note(&mut self, seq: u64) -> Seen {
        self.recent.advance(self.sequence.high(), seq);
        self.sequence.note(seq)
    }

    /// The time at which the POS saw it, by its clock where that can be trusted, and never after it was received.
    fn observe(&mut self, entry: &PosEntry<'_>, rules: &Rules) -> Millis {
        self.received = self.received.max(entry.received);
        if let Some(sent) = entry.sent {
            self.skew_ms = Some(entry.received.since(sent));
        }
        let correction = self.skew_ms.filter(|s| entry.sent.is_some() && s.abs() > rules.clock_tolerance_ms);
        entry.at.plus(correction.unwrap_or(0)).min(entry.received)
    }

    fn remember(&mut self, seq: u64, item: &str, change: i32) {
        if self.sequence.unsettled() {
            self.recent.keep(seq, item, change);
        }
    }

    /// What this terminal moved the item by after a sequence.
    fn moved_after(&self, seq: u64, item: &str) -> i64 {
        self.recent.moved_after(seq, self.sequence.high(), item)
    }

    /// Drops the deltas that no late report can come before any more.
    fn settle(&mut self) {
        if !self.sequence.unsettled() {
            self.recent.clear();
        }
    }
}

impl ItemState {
    fn new(item: &str, observed: Millis, received: Millis) -> Self {
        Self {
            item: ItemId::new(item).expect("ids in the journal were checked when they came in"),
            count: None,
            band: None,
            paused: false,
            observed,
            received,
            changed: observed,
            arrived: observed,
            reported: None,
            promised: 0,
            counted: Cover::default(),
            suspended: Cover::default(),
        }
    }

    fn hear(&mut self, observed: Millis, received: Millis) {
        self.observed = self.observed.max(observed);
        self.received = self.received.max(received);
    }

    /// Sets the count by what the outlet says: more than there was has arrived.
    fn set(&mut self, count: i64, observed: Millis, rules: &Rules) {
        match self.count {
            None => self.arrived = observed,
            Some(before) if count > before.max(0) => self.arrived = self.arrived.max(observed),
            Some(_) => {}
        }
        self.put(count, observed, rules);
    }

    fn put(&mut self, count: i64, observed: Millis, rules: &Rules) {
        if self.count.replace(count) != Some(count) {
            self.changed = self.changed.max(observed);
        }
        if let Ok(count) = u32::try_from(count) {
            self.band = Some(rules.bands.of(count));
        }
    }
}

/// Index of the earliest time; the first of equals.
fn oldest(times: impl Iterator<Item = Millis>) -> usize {
    times.enumerate().min_by_key(|(_, t)| *t).map_or(0, |(i, _)| i)
}
