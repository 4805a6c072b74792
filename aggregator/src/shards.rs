//! The outlets in memory: one thread writes, any number look up meanwhile.
//!
//! The only place that knows the concurrent map. Closures go in and no guard comes out, and no closure can reach a second
//! shard, so nothing here can deadlock.

use dashmap::DashMap;
use foldhash::fast::FixedState;
use schemas::OutletCode;
use schemas::registry::OutletType;

use crate::outlet::OutletState;

/// Outlet states by code. Boxed, so that the table of codes stays small enough for a core's cache.
#[derive(Debug)]
pub struct Shards(DashMap<OutletCode, Box<OutletState>, FixedState>);

impl Default for Shards {
    fn default() -> Self {
        Self(DashMap::with_capacity_and_hasher(32 * 1024, FixedState::default()))
    }
}

impl Shards {
    /// Reads an outlet, where it is known.
    pub fn read<R>(&self, code: &str, look: impl FnOnce(&OutletState) -> R) -> Option<R> {
        self.0.get(code).map(|state| look(&state))
    }

    /// The type of an outlet, where it is registered.
    #[must_use]
    pub fn kind(&self, code: &str) -> Option<OutletType> {
        self.read(code, |state| state.kind).flatten()
    }

    /// Changes an outlet, begun empty where it is new.
    pub(crate) fn update<R>(&self, code: &str, change: impl FnOnce(&mut OutletState) -> R) -> R {
        if let Some(mut state) = self.0.get_mut(code) {
            return change(&mut state);
        }
        let code = OutletCode::new(code).expect("codes in the journal were checked when they came in");
        change(self.0.entry(code).or_default().value_mut())
    }

    /// Forgets an outlet if `gone` holds.
    pub(crate) fn forget_if(&self, code: &str, gone: impl FnOnce(&OutletState) -> bool) {
        self.0.remove_if(code, |_, state| gone(state));
    }

    /// Adds up a number over all outlets.
    pub(crate) fn sum(&self, number: impl Fn(&OutletState) -> usize) -> usize {
        self.0.iter().map(|e| number(e.value())).sum()
    }

    /// Puts an outlet as a checkpoint has it.
    pub(crate) fn put(&self, code: OutletCode, state: OutletState) {
        self.0.insert(code, Box::new(state));
    }

    /// All outlets in the order of their codes.
    pub(crate) fn sorted(&self) -> Vec<(OutletCode, OutletState)> {
        let mut all: Vec<_> = self.0.iter().map(|e| (e.key().clone(), (**e.value()).clone())).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }
}
