//! The open API as its readers see it: quirks of 2020, paging while versions change, circles and districts.

mod client;
mod finding;
mod history;
mod paging;
mod quirks;
mod socket;
mod world;
