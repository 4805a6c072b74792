//! Opening connections, and what is done when they break.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mio::Token;
use rand::Rng;

use super::{Caller, Worker};
use crate::rehearse::generator::connection::Flight;
use crate::rehearse::wire::{self, Wire};

/// A connection that is not open after this long is given up.
const OPEN_WITHIN: Duration = Duration::from_secs(3);
/// Most connections that are begun in one turn of the loop.
const AT_ONCE: usize = 64;
/// Longest wait before a connection that failed is opened again.
const LONGEST_WAIT_MS: u64 = 2_000;

impl<C: Caller> Worker<C> {
    /// Begins to open what is wanted, a few at a time.
    pub(super) fn open_wanted(&mut self, now: Duration) {
        for pool in 0..self.pools.len() {
            let wanted = self.pools[pool].wanted().min(AT_ONCE);
            for _ in 0..wanted {
                let down = &self.pools[pool].down;
                let able = down.iter().rposition(|one| self.connections[*one].not_before <= now);
                let Some(able) = able else { break };
                let connection = self.pools[pool].down.swap_remove(able);
                self.open_one(connection, now);
            }
        }
    }

    fn open_one(&mut self, connection: usize, now: Duration) {
        let slot = &mut self.connections[connection];
        let pool = &mut self.pools[slot.pool];
        pool.opening += 1;
        let target = pool.terms.targets[slot.target];
        if let Err(error) = slot.open(target, self.poll.registry(), Token(connection), now) {
            self.broke(connection, &error);
        }
    }

    /// What the system says of a connection that was being opened.
    pub(super) fn opened(&mut self, connection: usize) {
        match self.connections[connection].connected() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return self.broke(connection, &error),
        }
        let slot = &mut self.connections[connection];
        let pool = &self.pools[slot.pool];
        match pool.terms.wire {
            Wire::Http => self.is_ready(connection),
            Wire::Nats if slot.busy() == 0 => {
                slot.out = wire::greet_nats(&slot.inbox);
                // The greeting is written once: its answer makes the connection ready.
                slot.board(Flight::greeting());
                self.flush(connection);
            }
            Wire::Nats => self.flush(connection),
        }
    }

    /// A connection may carry requests from now on.
    pub(super) fn is_ready(&mut self, connection: usize) {
        let slot = &mut self.connections[connection];
        slot.ready = true;
        slot.failures = 0;
        slot.land(0);
        let pool = &mut self.pools[slot.pool];
        pool.opening -= 1;
        pool.free.push(connection);
        let open =
            self.pools.iter().map(|pool| pool.terms.connections - pool.down.len() - pool.opening).sum();
        self.gauges.connections = self.gauges.connections.max(open);
    }

    /// Hands the system what was written.
    pub(super) fn flush(&mut self, connection: usize) {
        if let Err(error) = self.connections[connection].flush() {
            self.broke(connection, &error);
        }
    }

    /// A connection broke: what was under way on it is unanswered, and another target is tried next.
    pub(super) fn broke(&mut self, connection: usize, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionAborted) {
            *self.gauges.refused.entry(error.to_string()).or_default() += 1;
        }
        let now = self.now();
        let slot = &mut self.connections[connection];
        let pool = &mut self.pools[slot.pool];
        if slot.ready {
            pool.forget(connection);
        } else {
            pool.opening -= 1;
        }
        pool.down.push(connection);
        let flights = slot.close();
        slot.failures += 1;
        slot.target = (slot.target + 1) % pool.terms.targets.len();
        let most = (50_u64 << slot.failures.min(6)).min(LONGEST_WAIT_MS);
        slot.not_before = now + Duration::from_millis(rand::rng().random_range(most / 4..=most));
        flights.into_iter().for_each(|flight| self.unanswered(flight));
    }

    /// No answer came for a request.
    pub(super) fn unanswered(&mut self, Flight { request, .. }: Flight) {
        if request.tries == 0 {
            // The greeting of a connection that broke.
            return;
        }
        if let Some(class) = request.class {
            *self.gauges.classes[class].statuses.entry(0).or_default() += 1;
        }
        let next = self.caller.unanswered(&request);
        self.settle(request, next);
    }

    /// Gives up what takes too long, and breaks all connections where that was ordered.
    pub(super) fn sweep(&mut self, now: Duration) {
        let counter = if self.tills { &self.shared.drop_tills } else { &self.shared.drop_readers };
        let dropped = counter.load(Relaxed);
        if dropped != self.dropped {
            self.dropped = dropped;
            let open: Vec<usize> =
                (0..self.connections.len()).filter(|one| self.connections[*one].is_open()).collect();
            open.into_iter().for_each(|one| self.broke(one, &io::ErrorKind::ConnectionAborted.into()));
        }
        for connection in 0..self.connections.len() {
            self.look_after(connection, now);
        }
        self.give_up(now);
    }

    fn look_after(&mut self, connection: usize, now: Duration) {
        let slot = &mut self.connections[connection];
        let terms = &self.pools[slot.pool].terms;
        if !slot.is_open() {
            return;
        }
        if !slot.ready {
            if now > slot.since + OPEN_WITHIN {
                self.broke(connection, &io::ErrorKind::TimedOut.into());
            }
            return;
        }
        let late = slot.overdue(now.saturating_sub(terms.patience));
        let http = terms.wire == Wire::Http;
        if !late.is_empty() && http {
            // An answer that still comes would be taken for that of the next request.
            self.broke(connection, &io::ErrorKind::ConnectionAborted.into());
        }
        late.into_iter().for_each(|flight| self.unanswered(flight));
    }

    /// Readers whose request found no connection in time go away.
    fn give_up(&mut self, now: Duration) {
        for pool in 0..self.pools.len() {
            let terms = &self.pools[pool].terms;
            let (gives_up, patience) = (terms.gives_up, terms.patience);
            while gives_up
                && self.pools[pool].queue.front().is_some_and(|first| first.intended + patience < now)
            {
                let Some(request) = self.pools[pool].queue.pop_front() else { break };
                self.unanswered(Flight {
                    request: super::super::Request { tries: request.tries.max(1), ..request },
                    sent: now,
                });
            }
        }
    }
}
