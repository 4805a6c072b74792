//! The fold against a naive model, and against itself: from the start, from checkpoints, cut by cut.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod determinism;
mod journal;
mod model;
mod registry;
mod time;
