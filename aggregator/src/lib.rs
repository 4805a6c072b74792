//! The decisions of jaego: a fold from journal entries to stock, registry and snapshots.
//!
//! Synchronous and deterministic: no clock, no I/O, no randomness, no async. Time is the time that entries carry. The
//! same entries in the same order give the same bytes, on every machine.

pub mod calendar;
pub mod checkpoint;
mod cover;
mod cut;
mod fold;
mod holds;
mod ledger;
mod outlet;
mod outlets;
mod places;
pub mod policy;
mod recent;
mod registry;
mod sequence;

pub use checkpoint::Checkpoint;
pub use cut::Cutter;
pub use fold::{Applied, Fold, Tally};
pub use holds::{Held, Holds};
pub use ledger::{Ask, Books, Decided, LedgerTally};
pub use outlet::OutletState;
pub use outlets::OutletTypes;
pub use policy::{Asked, Judgment, Rulebook, ScheduleFault};
pub use registry::{Import, RegistryOutcome};
