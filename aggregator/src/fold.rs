//! The fold: state after an entry is a function of the state before it and the entry, and of nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemas::caps::Caps;
use schemas::entry::{ClaimEntry, Entry, PosEntry, Rules, SettleEntry, Tick};
use schemas::pos::{Outcome, Reason};
use schemas::registry::OutletInfo;
use schemas::subject::PROBE_OUTLET;
use schemas::{Millis, OutletCode};

use crate::holds::Holds;
use crate::ledger::{Books, Decided, Ledger, LedgerTally, Move};
use crate::outlet::OutletState;
use crate::outlets::{OutletTypes, Outlets};
use crate::places::Places;
use crate::registry::{Import, Registry, RegistryOutcome};

/// How often outlets that nobody registered are looked through, by the ticks.
const FORGET_EVERY_MS: i64 = 3_600_000;

/// What an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// A POS entry.
    Pos {
        /// What became of it.
        outcome: Outcome,
        /// Whether its outlet is registered.
        registered: bool,
        /// Highest sequence seen of its terminal.
        high_water: u64,
    },
    /// A claim, void or confirmation.
    ///
    /// The error is one of [`Reason::Withdrawn`], [`Reason::IdConflict`], [`Reason::UnknownClaim`], [`Reason::OtherOutlet`],
    /// [`Reason::NotHeld`] and [`Reason::NothingToVoid`].
    Claim(Result<Decided, Reason>),
    /// Policies came into force, or contradict themselves and changed nothing.
    Schedule {
        /// Whether they are in force.
        in_force: bool,
    },
    /// Persons are known under other keys from here on, or the keys do not follow those before and changed nothing.
    Keys {
        /// Whether they are in force.
        in_force: bool,
    },
    /// Caps came into force, or contradict themselves and changed nothing.
    Caps {
        /// Whether they are in force.
        in_force: bool,
    },
    /// A core holds the opening, or does no more.
    Hold,
    /// A registry row was staged.
    Staged,
    /// A registry import ended.
    Registry(RegistryOutcome),
    /// Rules came into force.
    Rules,
    /// Time passed: cut a version.
    Tick,
}

/// Counts since this fold began; not part of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// POS entries that took effect.
    pub accepted: u64,
    /// POS entries that were there before.
    pub duplicate: u64,
    /// POS entries that something newer made moot.
    pub superseded: u64,
    /// Times a count went below zero.
    pub below_zero: u64,
}

/// Entries that are prepared for together: more than memory can fetch at once, and few enough that a core still has the first
/// lines, and the addresses of their pages, when the last are used.
const AHEAD: usize = 32;

/// State of everything, at one place in the journal.
#[derive(Debug, Default)]
pub struct Fold {
    pub(crate) outlets: Outlets,
    pub(crate) registry: Registry,
    pub(crate) rules: Arc<Rules>,
    /// Registered outlets that ever spoke, in the order of their first word.
    pub(crate) heard: Places<OutletCode>,
    pub(crate) unregistered: BTreeSet<OutletCode>,
    pub(crate) applied: u64,
    pub(crate) tick: Option<Tick>,
    /// Places of outlets that changed since the last cut.
    pub(crate) touched: Vec<u32>,
    pub(crate) tally: Tally,
    /// Terminals whose clock is off, under the rules in force.
    pub(crate) clocks_off: usize,
    pub(crate) ledger: Ledger,
    /// Both are carried for those who take messages; nothing here goes by them.
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) holds: Holds,
}

impl Fold {
    /// Applies the next entry. `seq` is the journal sequence of the message that holds it; after the last one comes [`Fold::close`].
    ///
    /// # Panics
    /// When `seq` goes back: the reader of the journal broke its promise of order.
    pub fn apply(&mut self, seq: u64, entry: Entry<'_>) -> Applied {
        assert!(seq >= self.applied, "journal sequence went back from {} to {seq}", self.applied);
        self.applied = seq;
        self.take(seq, entry)
    }

    /// Applies all entries of a message and closes it.
    ///
    /// # Panics
    /// As [`Fold::apply`].
    pub fn apply_all(&mut self, seq: u64, entries: Vec<Entry<'_>>, mut each: impl FnMut(Applied)) {
        let mut entries = entries.into_iter();
        while !entries.as_slice().is_empty() {
            self.look_ahead(entries.as_slice());
            entries.by_ref().take(AHEAD).for_each(|entry| each(self.apply(seq, entry)));
        }
        self.close();
    }

    fn take(&mut self, seq: u64, entry: Entry<'_>) -> Applied {
        match entry {
            Entry::Pos(pos) => self.apply_pos(&pos),
            Entry::RegistryRow { import, outlet } => {
                self.registry.stage(import, *outlet);
                Applied::Staged
            }
            Entry::RegistryCommit(commit) => {
                let change = self.registry.commit(seq, &commit);
                self.resettle(&change.left, &change.joined);
                Applied::Registry(change.outcome)
            }
            Entry::Rules(rules) => {
                self.rules = Arc::new(rules);
                self.registry.version += 1;
                self.count_clocks();
                Applied::Rules
            }
            Entry::Claim(claim) => Applied::Claim(self.apply_claim(seq, &claim)),
            Entry::Void(void) => Applied::Claim(self.settle(&void, |ledger, void| ledger.void(seq, void))),
            Entry::Confirm(confirm) => Applied::Claim(self.settle(&confirm, Ledger::confirm)),
            Entry::Schedule(schedule) => Applied::Schedule { in_force: self.ledger.schedule(*schedule) },
            Entry::Keys(keys) => Applied::Keys { in_force: self.ledger.keys(keys) },
            Entry::Caps(caps) => self.apply_caps(*caps),
            Entry::Hold(hold) => {
                self.holds.apply(&hold, self.tick);
                Applied::Hold
            }
            Entry::Tick(tick) => self.apply_tick(tick),
        }
    }

    /// All entries of the message that was applied last are: from here on a check may tell it as its version.
    pub fn close(&self) {
        self.ledger.seen(self.applied);
    }

    /// Prepares for the first of the entries that are applied next. Changes nothing but how long that takes.
    fn look_ahead(&self, entries: &[Entry<'_>]) {
        let entries = &entries[..entries.len().min(AHEAD)];
        self.outlets.look_ahead(entries.iter().filter_map(|entry| match entry {
            Entry::Pos(pos) => Some(pos.outlet),
            Entry::Claim(claim) => Some(claim.outlet),
            _ => None,
        }));
        self.ledger.look_ahead(entries.iter().filter_map(|entry| match entry {
            Entry::Claim(claim) => Some(claim),
            _ => None,
        }));
    }

    /// Sequence of the last message applied; 0 before the first.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The caps that are known; none where none ever came.
    #[must_use]
    pub fn caps(&self) -> Option<&Arc<Caps>> {
        self.caps.as_ref()
    }

    /// The cores that hold the opening.
    #[must_use]
    pub fn holds(&self) -> &Holds {
        &self.holds
    }

    /// The last tick.
    #[must_use]
    pub fn tick(&self) -> Option<Tick> {
        self.tick
    }

    /// Types of the registered outlets, for look-ups from other threads.
    #[must_use]
    pub fn outlet_types(&self) -> OutletTypes {
        self.outlets.types()
    }

    /// The books of the ration, for checks and look-ups from other threads.
    #[must_use]
    pub fn books(&self) -> Arc<Books> {
        Arc::clone(&self.ledger.books)
    }

    /// Counts of the ledger since this fold began.
    #[must_use]
    pub fn ledger_tally(&self) -> LedgerTally {
        self.ledger.tally
    }

    /// The registered outlets, in the order of joining.
    pub fn registered(&self) -> impl Iterator<Item = &Arc<OutletInfo>> {
        self.registry.outlets.iter().map(|(_, info)| info)
    }

    /// The registry imports that took effect, oldest first.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.registry.imports
    }

    /// Counts since this fold began.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Terminals whose clock is measured to be off by more than the tolerance.
    #[must_use]
    pub fn clocks_off(&self) -> usize {
        self.clocks_off
    }

    pub(crate) fn count_clocks(&mut self) {
        self.clocks_off = self.outlets.sum(|state| state.clocks_off(&self.rules));
    }

    fn apply_caps(&mut self, caps: Caps) -> Applied {
        let in_force = schemas::caps::faults(&caps).is_empty();
        if in_force {
            self.caps = Some(Arc::new(caps));
        }
        Applied::Caps { in_force }
    }

    fn apply_pos(&mut self, entry: &PosEntry<'_>) -> Applied {
        let (effect, word, before, off) = self.outlets.update(entry.outlet, |state| {
            let before = state.clocks_off(&self.rules);
            let effect = state.apply(entry, &self.rules);
            (effect, Word::of(state), before, state.clocks_off(&self.rules))
        });
        self.clocks_off = self.clocks_off + off - before;
        if entry.outlet != PROBE_OUTLET {
            self.count(effect.outcome, effect.below_zero);
            self.hear(entry.outlet, word);
        }
        Applied::Pos {
            outcome: effect.outcome,
            registered: word.place.is_some(),
            high_water: effect.high_water,
        }
    }

    /// One entry moves the person's allowance and the outlet's stock.
    fn apply_claim(&mut self, seq: u64, entry: &ClaimEntry<'_>) -> Result<Decided, Reason> {
        let (ledger, rules) = (&mut self.ledger, &self.rules);
        let (decided, word, below_zero) = self.outlets.update(entry.outlet, |state| {
            let decided = ledger.claim(seq, entry, state.kind, state.reported(entry.item));
            let stock = decided.as_ref().ok().and_then(|(_, stock)| stock.as_ref());
            let below_zero = state.settle(entry.received, stock, rules);
            (decided, Word::of(state), below_zero)
        });
        self.tally.below_zero += u64::from(below_zero);
        self.hear(entry.outlet, word);
        decided.map(|(decided, _)| decided)
    }

    fn settle(
        &mut self,
        entry: &SettleEntry<'_>,
        settle: impl FnOnce(&mut Ledger, &SettleEntry<'_>) -> Result<(Decided, Option<Move>), Reason>,
    ) -> Result<Decided, Reason> {
        let (decided, stock) = settle(&mut self.ledger, entry)?;
        self.move_stock(entry.outlet, entry.received, stock.as_ref());
        Ok(decided)
    }

    fn move_stock(&mut self, outlet: &str, received: Millis, stock: Option<&Move>) {
        let (word, below_zero) = self.outlets.update(outlet, |state| {
            let below_zero = state.settle(received, stock, &self.rules);
            (Word::of(state), below_zero)
        });
        self.tally.below_zero += u64::from(below_zero);
        self.hear(outlet, word);
    }

    /// What every word of an outlet does beside what it says.
    fn hear(&mut self, outlet: &str, word: Word) {
        if word.first {
            self.first_word(outlet, word.place.is_some());
        }
        if word.first_touch
            && let Some(place) = word.place
        {
            self.touched.push(place);
        }
    }

    fn first_word(&mut self, outlet: &str, registered: bool) {
        let code = OutletCode::new(outlet).expect("codes in the journal were checked when they came in");
        if registered {
            self.heard.join(code);
        } else {
            self.unregistered.insert(code);
        }
    }

    fn count(&mut self, outcome: Outcome, below_zero: bool) {
        match outcome {
            Outcome::Accepted => self.tally.accepted += 1,
            Outcome::Duplicate => self.tally.duplicate += 1,
            Outcome::Superseded | Outcome::Rejected => self.tally.superseded += 1,
        }
        self.tally.below_zero += u64::from(below_zero);
    }

    /// Time never goes back: a tick of a core whose clock is behind passes at the time that was reached.
    fn apply_tick(&mut self, tick: Tick) -> Applied {
        let last = self.tick.map_or(tick.at, |last| last.at);
        let at = tick.at.max(last);
        self.tick = Some(Tick { at, ..tick });
        self.holds.lapse(at);
        for expired in self.ledger.tick(last, at) {
            // The outlet said nothing: its silence is not broken.
            let received = self.outlets.read(expired.outlet.as_str(), |state| state.received).unwrap_or(at);
            self.move_stock(expired.outlet.as_str(), received, Some(&expired.stock));
        }
        if last.0.div_euclid(FORGET_EVERY_MS) != at.0.div_euclid(FORGET_EVERY_MS) {
            self.forget_strangers(at);
        }
        Applied::Tick
    }

    /// Outlets that nobody registered are forgotten once their stock would be hidden.
    fn forget_strangers(&mut self, now: Millis) {
        let (outlets, hidden_after_ms) = (&mut self.outlets, self.rules.hidden_after_ms);
        self.unregistered.retain(|code| {
            outlets.forget_if(code.as_str(), |state| now.since(state.received) >= hidden_after_ms);
            outlets.read(code.as_str(), |_| ()).is_some()
        });
        self.count_clocks();
    }

    /// After a registry import: outlets learn their places, and the lists of who spoke follow.
    fn resettle(&mut self, left: &[OutletCode], joined: &[(OutletCode, u32)]) {
        for code in left {
            self.outlets.set_kind(code, None);
            self.outlets.update(code.as_str(), |state| {
                state.place = None;
                state.touched = false;
            });
            self.outlets.forget_if(code.as_str(), |state| !state.spoke);
        }
        let gone: BTreeSet<&OutletCode> = left.iter().collect();
        self.unregistered
            .extend(self.heard.iter().map(|(_, code)| code).filter(|code| gone.contains(code)).cloned());
        self.heard.leave(|code| gone.contains(code));
        for (code, place) in joined {
            let spoke = self.outlets.update(code.as_str(), |state| {
                state.place = Some(*place);
                state.spoke
            });
            if spoke {
                self.unregistered.remove(code);
                self.heard.join(code.clone());
            }
        }
        for (_, info) in self.registry.outlets.iter() {
            self.outlets.set_kind(&info.code, Some(info.kind));
        }
    }
}

/// How the fold hears a word of an outlet.
#[derive(Debug, Clone, Copy)]
struct Word {
    place: Option<u32>,
    /// The first since it was last cut.
    first_touch: bool,
    /// The first ever.
    first: bool,
}

impl Word {
    fn of(state: &mut OutletState) -> Self {
        Self {
            place: state.place,
            first_touch: state.place.is_some() && !std::mem::replace(&mut state.touched, true),
            first: !std::mem::replace(&mut state.spoke, true),
        }
    }
}
