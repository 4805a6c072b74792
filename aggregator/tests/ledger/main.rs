//! The ration ledger against models that forget nothing, against itself, and against whatever a journal may hold.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod any_entry;
mod history;
mod interleaving;
mod keys;
mod model;
mod once;
mod order;
mod total;
mod world;
