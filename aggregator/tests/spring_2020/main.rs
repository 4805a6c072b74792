//! The spring of 2020 again: the shipped schedules give the answers of their days, on both sides of every boundary.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod changes;
mod days;
mod proxies;
mod ration;
mod taiwan;
mod windows;
