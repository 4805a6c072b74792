//! Connections of one sort, and the requests that wait for one.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::Request;
use crate::rehearse::wire::Wire;

/// What a pool is.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Language.
    pub(crate) wire: Wire,
    /// Servers that answer alike.
    pub(crate) targets: Vec<SocketAddr>,
    /// Most connections.
    pub(crate) connections: usize,
    /// Whether all of them are opened and kept.
    pub(crate) kept: bool,
    /// How long an answer is waited for.
    pub(crate) patience: Duration,
    /// Whether a request that found no connection within that time is given up, as a reader does.
    pub(crate) gives_up: bool,
}

/// A pool.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) terms: Terms,
    /// Requests that wait for a connection.
    pub(crate) queue: VecDeque<Request>,
    /// Connections that are ready and idle (HTTP) or ready (NATS).
    pub(crate) free: Vec<usize>,
    /// Connections that are not open.
    pub(crate) down: Vec<usize>,
    /// Connections that are being opened.
    pub(crate) opening: usize,
    /// Next connection of NATS to use.
    pub(crate) turn: usize,
}

/// Requests under way on one connection of NATS.
pub(crate) const NATS_IN_FLIGHT: usize = 1_024;

/// Connections that are being opened at once, so that no listener's queue runs over.
const OPENING: usize = 256;

impl Pool {
    /// A pool whose connections begin at this number.
    pub(crate) fn new(terms: Terms, first: usize) -> Self {
        let down = (first..first + terms.connections).rev().collect();
        Self { terms, queue: VecDeque::new(), free: Vec::new(), down, opening: 0, turn: 0 }
    }

    /// How many more connections are wanted now.
    pub(crate) fn wanted(&self) -> usize {
        if self.terms.targets.is_empty() {
            return 0;
        }
        if self.terms.kept || self.terms.wire == Wire::Nats {
            return self.down.len().min(OPENING.saturating_sub(self.opening));
        }
        let idle = self.free.len() + self.opening;
        self.queue.len().saturating_sub(idle).min(self.down.len())
    }

    /// Takes the connections out of those that are ready or not open.
    pub(crate) fn forget(&mut self, connection: usize) {
        self.free.retain(|free| *free != connection);
    }
}
