//! The outside world of jaego: a synthetic registry, a fleet of POS over it, rehearsals of named days, which know only the
//! contracts, like a real vendor, and what their reports say of capacity.

pub mod capacity;
pub mod clock;
pub mod fleet;
pub mod hours;
pub mod live;
pub mod population;
pub mod probe;
pub mod registry;
pub mod rehearse;
pub mod summary;
pub mod tally;
