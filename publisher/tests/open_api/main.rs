//! The open API as its readers see it: quirks of 2020, paging while versions change, circles and districts.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod client;
mod finding;
mod history;
mod paging;
mod quirks;
mod record;
mod socket;
mod world;
