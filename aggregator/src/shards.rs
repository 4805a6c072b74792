//! The outlets in memory: one thread writes, any number look up meanwhile.
//!
//! The only place that knows the concurrent map. Closures go in and no guard comes out, and no closure can reach a second
//! outlet, so nothing here can deadlock. The writer has an index of its own, four bytes an outlet, that stays in a core's
//! cache; the map is for those who look up.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use schemas::OutletCode;
use schemas::registry::OutletType;

use crate::outlet::OutletState;

/// Room at the start, in outlets.
const ROOM: usize = 32 * 1024;

type Shared = Arc<Mutex<OutletState>>;

/// Outlet states by code, for look-ups from other threads.
#[derive(Debug, Clone)]
pub struct Lookup(Arc<DashMap<OutletCode, Shared, FixedState>>);

impl Lookup {
    /// Reads an outlet, where it is known.
    pub fn read<R>(&self, code: &str, look: impl FnOnce(&OutletState) -> R) -> Option<R> {
        self.0.get(code).map(|state| look(&lock(&state)))
    }

    /// The type of an outlet, where it is registered.
    #[must_use]
    pub fn kind(&self, code: &str) -> Option<OutletType> {
        self.read(code, |state| state.kind).flatten()
    }
}

/// Outlet states by code, as the one who writes them has them.
#[derive(Debug)]
pub(crate) struct Shards {
    lookup: Lookup,
    /// Places in `slots`, by the hash of the code there.
    index: HashTable<u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    hasher: FixedState,
}

#[derive(Debug)]
struct Slot {
    code: OutletCode,
    state: Shared,
}

impl Default for Shards {
    fn default() -> Self {
        Self {
            lookup: Lookup(Arc::new(DashMap::with_capacity_and_hasher(ROOM, FixedState::default()))),
            index: HashTable::with_capacity(ROOM),
            slots: Vec::with_capacity(ROOM),
            free: Vec::new(),
            hasher: FixedState::default(),
        }
    }
}

impl Shards {
    /// The same outlets, for other threads.
    pub(crate) fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    /// Touches the outlets that are changed next, so that they are fetched from memory together and not one by one.
    pub(crate) fn look_ahead<'c>(&self, codes: impl Iterator<Item = &'c str>) {
        let slots = codes.filter_map(|code| self.slot(self.hasher.hash_one(code), code));
        // The counter stands beside the state.
        black_box(slots.map(|slot| Arc::strong_count(&slot.state)).sum::<usize>());
    }

    /// Changes an outlet where it is known.
    #[inline]
    pub(crate) fn change<R>(&self, code: &str, change: impl FnOnce(&mut OutletState) -> R) -> Option<R> {
        let slot = self.slot(self.hasher.hash_one(code), code)?;
        Some(change(&mut lock(&slot.state)))
    }

    /// Changes an outlet, begun empty where it is new.
    #[inline]
    pub(crate) fn update<R>(&mut self, code: &str, change: impl FnOnce(&mut OutletState) -> R) -> R {
        let hash = self.hasher.hash_one(code);
        if let Some(slot) = self.slot(hash, code) {
            return change(&mut lock(&slot.state));
        }
        let new = OutletCode::new(code).expect("codes in the journal were checked when they came in");
        self.put(new, OutletState::default());
        let slot = self.slot(hash, code).expect("it was put there");
        change(&mut lock(&slot.state))
    }

    /// Forgets an outlet if `gone` holds.
    pub(crate) fn forget_if(&mut self, code: &str, gone: impl FnOnce(&OutletState) -> bool) {
        if self.change(code, |state| gone(state)) != Some(true) {
            return;
        }
        let (hash, slots) = (self.hasher.hash_one(code), &self.slots);
        if let Ok(found) = self.index.find_entry(hash, |place| holds(slots, *place, code)) {
            let (place, _) = found.remove();
            self.slots[place as usize] = None;
            self.free.push(place);
        }
        self.lookup.0.remove(code);
    }

    /// Adds up a number over all outlets.
    pub(crate) fn sum(&self, number: impl Fn(&OutletState) -> usize) -> usize {
        self.slots.iter().flatten().map(|slot| number(&lock(&slot.state))).sum()
    }

    /// Puts an outlet that is not there.
    pub(crate) fn put(&mut self, code: OutletCode, state: OutletState) {
        let state = Arc::new(Mutex::new(state));
        self.lookup.0.insert(code.clone(), Arc::clone(&state));
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("there are far fewer outlets than 2^32")
        });
        let (hash, hasher) = (self.hasher.hash_one(code.as_str()), &self.hasher);
        self.slots[place as usize] = Some(Slot { code, state });
        let slots = &self.slots;
        self.index.insert_unique(hash, place, |place| {
            let slot = slots[*place as usize].as_ref().expect("the index names places that are taken");
            hasher.hash_one(slot.code.as_str())
        });
    }

    /// All outlets in the order of their codes.
    pub(crate) fn sorted(&self) -> Vec<(OutletCode, OutletState)> {
        let slots = self.slots.iter().flatten();
        let mut all: Vec<_> = slots.map(|slot| (slot.code.clone(), lock(&slot.state).clone())).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    #[inline]
    fn slot(&self, hash: u64, code: &str) -> Option<&Slot> {
        let place = self.index.find(hash, |place| holds(&self.slots, *place, code))?;
        self.slots[*place as usize].as_ref()
    }
}

#[inline]
fn holds(slots: &[Option<Slot>], place: u32, code: &str) -> bool {
    slots[place as usize].as_ref().is_some_and(|slot| slot.code.as_str() == code)
}

/// Nobody leaves a state half changed: a panic ends the process.
#[inline]
fn lock(state: &Shared) -> MutexGuard<'_, OutletState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
