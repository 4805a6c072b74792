//! The rulebook against the document read word by word, and every fault that a schedule can have.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod documents;
mod faults;
mod naive;
mod properties;
