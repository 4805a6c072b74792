//! Makes the load: one thread with its own connections asks when the schedule says so, whatever the servers do, and measures itself as
//! strictly as it measures them.
//!
//! Time is counted from the *intended* start of a request. The schedule is looked at every millisecond, so up to one millisecond of each
//! latency is the generator's own.

mod connection;
mod gauges;
mod pool;
mod shed;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

pub(crate) use gauges::{ClassGauge, Gauges};
pub(crate) use pool::Terms;
pub(crate) use shed::Shed;
pub(crate) use worker::{Class, Worker};

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// Class it is counted with; `None` where it only keeps the world going, such as a delivery.
    pub(crate) class: Option<usize>,
    /// Pool of connections that carries it.
    pub(crate) pool: usize,
    /// What is asked, as its caller knows it.
    pub(crate) what: u64,
    /// When it was meant to start, after the start of the run.
    pub(crate) intended: Duration,
    /// How often it was sent.
    pub(crate) tries: u32,
}

/// What becomes of a request after an answer, or after none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done: answered as it should be.
    Good,
    /// It is done: turned away for now by this name, and told so.
    TurnedAway(&'static str),
    /// It is done: no answer, or a wrong one.
    Failed,
    /// It is sent again after this time; the name by which this try was turned away for now, where it was.
    Again(Duration, Option<&'static str>),
}

/// Somebody who asks.
pub(crate) trait Caller: Send {
    /// Somebody of a class arrives: says what is asked, in order.
    fn arrive(&mut self, class: usize, intended: Duration, asks: &mut Vec<Request>);
    /// Writes a request; over NATS the answer goes to this inbox and ticket.
    fn write(&mut self, request: &Request, inbox: &str, ticket: u64, out: &mut Vec<u8>);
    /// Takes an answer; may ask for more.
    fn answered(&mut self, request: &Request, answer: &Answer<'_>, asks: &mut Vec<Request>) -> Next;
    /// Hears that no answer came in time, or that the connection broke.
    fn unanswered(&mut self, request: &Request) -> Next;
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// Status of HTTP; over NATS 200, or 503 where nobody listens.
    pub(crate) status: u16,
    /// Body.
    pub(crate) body: &'a [u8],
}

/// What all workers and the rest of the run share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Start of the run.
    pub(crate) start: Instant,
    /// Whether to end at once.
    pub(crate) stop: AtomicBool,
    /// How often the connections of readers were dropped.
    pub(crate) drop_readers: AtomicU32,
    /// How often those of tills were.
    pub(crate) drop_tills: AtomicU32,
    /// Requests sent.
    pub(crate) sent: AtomicU64,
    /// Requests answered as they should be.
    pub(crate) good: AtomicU64,
    /// Requests that failed.
    pub(crate) failed: AtomicU64,
    /// Requests under way or waiting.
    pub(crate) open: AtomicU64,
}

impl Shared {
    /// Of a run that starts at this moment.
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            stop: AtomicBool::new(false),
            drop_readers: AtomicU32::new(0),
            drop_tills: AtomicU32::new(0),
            sent: AtomicU64::new(0),
            good: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            open: AtomicU64::new(0),
        }
    }
}
