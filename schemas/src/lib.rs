//! The contracts of jaego: what crosses a process, a socket or a file, and nothing that does any work.
//!
//! No I/O, no async, no clock. Every other crate may import this one; it imports none of them.

pub mod batch;
mod canonical;
pub mod caps;
pub mod claim;
pub mod entry;
pub mod ids;
pub mod level;
pub mod person;
pub mod policy;
pub mod pos;
pub mod region;
pub mod registry;
pub mod relay;
pub mod snapshot;
pub mod status;
pub mod subject;
pub mod time;

pub use ids::{IdError, ItemId, OutletCode, TerminalId};
pub use level::{Band, Bands, Level};
pub use time::Millis;
