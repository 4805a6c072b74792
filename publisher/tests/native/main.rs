//! The native API as its readers see it: the same bytes everywhere, changes that add up, answers that caches can hold.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod caching;
mod changes;
mod client;
mod documents;
mod examples;
mod face;
mod finding;
mod history;
mod limits;
mod pages;
mod paths;
mod relay;
mod same_bytes;
mod sockets;
mod stream;
#[path = "../open_api/world.rs"]
#[allow(dead_code, reason = "shared with the tests of the face of 2020, which use all of it")]
mod world;
