//! The outlets in memory: their states belong to the fold alone, and anybody may look up of what type a registered one is.
//!
//! The only place that knows the concurrent map. Closures go in and no guard comes out, and no closure can reach a second
//! outlet. An index of four bytes an outlet stays in a core's cache; states lie in pieces, which a checkpoint shares until the
//! fold changes them.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use schemas::OutletCode;
use schemas::registry::OutletType;
use serde::{Serialize, Serializer};

use crate::outlet::OutletState;

/// Room at the start, in outlets.
const ROOM: usize = 32 * 1024;
/// Outlets in a piece: what is copied when one of them changes while a checkpoint has the piece.
const PIECE: usize = 32;

/// Types of the registered outlets by code, for look-ups from other threads.
#[derive(Debug, Clone)]
pub struct OutletTypes(Arc<DashMap<OutletCode, OutletType, FixedState>>);

impl OutletTypes {
    /// The type of an outlet, where it is registered.
    #[must_use]
    pub fn of(&self, code: &str) -> Option<OutletType> {
        self.0.get(code).map(|kind| *kind)
    }
}

/// Outlet states by code.
#[derive(Debug)]
pub(crate) struct Outlets {
    types: OutletTypes,
    /// Places in `slots`, by the hash of the code there.
    index: HashTable<u32>,
    slots: Slots,
    /// Places that nobody has.
    free: Vec<u32>,
    hasher: FixedState,
}

#[derive(Debug, Clone)]
struct Slot {
    code: OutletCode,
    state: OutletState,
}

/// Outlets by place.
#[derive(Debug, Clone)]
struct Slots(Vec<Arc<[Option<Slot>]>>);

impl Slots {
    #[inline]
    fn get(&self, place: u32) -> Option<&Slot> {
        self.0[place as usize / PIECE][place as usize % PIECE].as_ref()
    }

    /// The place, to be changed: of a piece that a checkpoint shares a copy is made first.
    #[inline]
    fn at(&mut self, place: u32) -> &mut Option<Slot> {
        &mut Arc::make_mut(&mut self.0[place as usize / PIECE])[place as usize % PIECE]
    }

    /// More places, the lowest last.
    fn grow(&mut self) -> impl Iterator<Item = u32> + use<> {
        let first = u32::try_from(self.0.len() * PIECE).expect("there are far fewer outlets than 2^32");
        self.0.push((0..PIECE).map(|_| None).collect());
        (first..first + PIECE as u32).rev()
    }

    fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().flat_map(|piece| piece.iter().flatten())
    }
}

/// All outlets as they stood, in the order of their codes.
#[derive(Debug)]
pub(crate) struct Frozen(Slots);

impl Serialize for Frozen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<&Slot> = self.0.iter().collect();
        all.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        serializer.collect_seq(all.into_iter().map(|slot| (&slot.code, &slot.state)))
    }
}

impl Default for Outlets {
    fn default() -> Self {
        Self {
            types: OutletTypes(Arc::new(DashMap::with_capacity_and_hasher(ROOM, FixedState::default()))),
            index: HashTable::with_capacity(ROOM),
            slots: Slots(Vec::with_capacity(ROOM / PIECE)),
            free: Vec::new(),
            hasher: FixedState::default(),
        }
    }
}

impl Outlets {
    /// The types of the registered ones, for other threads.
    pub(crate) fn types(&self) -> OutletTypes {
        self.types.clone()
    }

    /// Touches the outlets that are changed next, so that they are fetched from memory together and not one by one.
    pub(crate) fn look_ahead<'c>(&self, codes: impl Iterator<Item = &'c str>) {
        let places = codes.filter_map(|code| self.place(self.hasher.hash_one(code), code));
        let slots = places.filter_map(|place| self.slots.get(place));
        black_box(slots.fold(0, |sum, slot| sum ^ slot.state.received.0));
    }

    /// Reads an outlet where it is known.
    pub(crate) fn read<R>(&self, code: &str, look: impl FnOnce(&OutletState) -> R) -> Option<R> {
        let place = self.place(self.hasher.hash_one(code), code)?;
        self.slots.get(place).map(|slot| look(&slot.state))
    }

    /// Changes an outlet, begun empty where it is new.
    #[inline]
    pub(crate) fn update<R>(&mut self, code: &str, change: impl FnOnce(&mut OutletState) -> R) -> R {
        let place = self.place(self.hasher.hash_one(code), code).unwrap_or_else(|| {
            let code = OutletCode::new(code).expect("codes in the journal were checked when they came in");
            self.put(code, OutletState::default())
        });
        change(self.at(place))
    }

    /// Changes an outlet where it is known.
    pub(crate) fn change<R>(&mut self, code: &str, change: impl FnOnce(&mut OutletState) -> R) -> Option<R> {
        let place = self.place(self.hasher.hash_one(code), code)?;
        Some(change(self.at(place)))
    }

    /// Says of what type an outlet is, or that it is in no registry.
    pub(crate) fn set_kind(&mut self, code: &OutletCode, kind: Option<OutletType>) {
        self.update(code.as_str(), |state| state.kind = kind);
        match kind {
            Some(kind) => drop(self.types.0.insert(code.clone(), kind)),
            None => drop(self.types.0.remove(code)),
        }
    }

    /// Forgets an outlet that is in no registry if `gone` holds.
    pub(crate) fn forget_if(&mut self, code: &str, gone: impl FnOnce(&OutletState) -> bool) {
        if self.read(code, gone) != Some(true) {
            return;
        }
        let (hash, slots) = (self.hasher.hash_one(code), &self.slots);
        if let Ok(found) = self.index.find_entry(hash, |place| holds(slots, *place, code)) {
            let (place, _) = found.remove();
            *self.slots.at(place) = None;
            self.free.push(place);
        }
    }

    /// Adds up a number over all outlets.
    pub(crate) fn sum(&self, number: impl Fn(&OutletState) -> usize) -> usize {
        self.slots.iter().map(|slot| number(&slot.state)).sum()
    }

    /// Puts an outlet that is not there, and says where.
    pub(crate) fn put(&mut self, code: OutletCode, state: OutletState) -> u32 {
        if let Some(kind) = state.kind {
            self.types.0.insert(code.clone(), kind);
        }
        if self.free.is_empty() {
            self.free.extend(self.slots.grow());
        }
        let place = self.free.pop().expect("there are more places now");
        let (hash, hasher) = (self.hasher.hash_one(code.as_str()), &self.hasher);
        *self.slots.at(place) = Some(Slot { code, state });
        let slots = &self.slots;
        self.index.insert_unique(hash, place, |place| {
            let slot = slots.get(*place).expect("the index names places that are taken");
            hasher.hash_one(slot.code.as_str())
        });
        place
    }

    /// All outlets as they stand; costs a pointer for each piece.
    pub(crate) fn freeze(&self) -> Frozen {
        Frozen(self.slots.clone())
    }

    #[inline]
    fn at(&mut self, place: u32) -> &mut OutletState {
        let slot = self.slots.at(place).as_mut().expect("the index names places that are taken");
        &mut slot.state
    }

    #[inline]
    fn place(&self, hash: u64, code: &str) -> Option<u32> {
        self.index.find(hash, |place| holds(&self.slots, *place, code)).copied()
    }
}

#[inline]
fn holds(slots: &Slots, place: u32, code: &str) -> bool {
    slots.get(place).is_some_and(|slot| slot.code.as_str() == code)
}
