//! The loop of one thread: what is due is asked, what was answered is counted, what broke is opened again.

mod answers;
mod sockets;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::{Events, Poll};

use super::connection::{Connection, Flight};
use super::gauges::{at, count};
use super::pool::{NATS_IN_FLIGHT, Pool, Terms};
use super::{Caller, Gauges, Next, Request, Shared};
use crate::rehearse::schedule::{Arrivals, Timeline};
use crate::rehearse::wire::Wire;

/// Time between two looks at the schedule.
const LOOK: Duration = Duration::from_millis(1);
/// Time between two looks for what takes too long.
const SWEEP: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const READ: usize = 256 * 1024;

/// A class and when its requests come.
pub(crate) struct Class {
    /// Number in the scenario.
    pub(crate) number: usize,
    /// Arrivals.
    pub(crate) arrivals: Arrivals,
}

struct Coming {
    class: usize,
    arrivals: Arrivals,
    next: Duration,
}

/// A request that waits to be sent again, by the time at which it is.
#[derive(Debug)]
struct Later(Reverse<(Duration, u64)>, Request);

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Later {}
impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// One thread's load.
pub(crate) struct Worker<C> {
    caller: C,
    shared: Arc<Shared>,
    timeline: Timeline,
    poll: Poll,
    pools: Vec<Pool>,
    connections: Vec<Connection>,
    coming: Vec<Coming>,
    later: BinaryHeap<Later>,
    numbered: u64,
    gauges: Gauges,
    asks: Vec<Request>,
    buffer: Vec<u8>,
    dirty: Vec<usize>,
    tills: bool,
    dropped: u32,
    swept: Duration,
    second: usize,
    own: super::super::own::ThreadClock,
    open: u64,
}

impl<C: Caller> Worker<C> {
    /// A worker of these pools and classes. `tills` says whose connections it holds.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub(crate) fn new(
        caller: C,
        (shared, timeline): (Arc<Shared>, Timeline),
        pools: Vec<Terms>,
        classes: Vec<Class>,
        (all_classes, tills): (usize, bool),
    ) -> Result<Self> {
        let mut connections = Vec::new();
        let pools = pools.into_iter().enumerate().map(|(number, terms)| {
            let first = connections.len();
            let targets = terms.targets.len().max(1);
            connections.extend((0..terms.connections).map(|n| Connection::new(number, n % targets)));
            Pool::new(terms, first)
        });
        let pools = pools.collect();
        let coming = classes.into_iter().filter_map(|Class { number, mut arrivals }| {
            arrivals.next().map(|next| Coming { class: number, arrivals, next })
        });
        Ok(Self {
            caller,
            shared,
            timeline,
            poll: Poll::new().context("opening a poll")?,
            pools,
            connections,
            coming: coming.collect(),
            later: BinaryHeap::new(),
            numbered: 0,
            gauges: Gauges::new(all_classes),
            asks: Vec::new(),
            buffer: vec![0; READ],
            dirty: Vec::new(),
            tills,
            dropped: 0,
            swept: Duration::ZERO,
            second: 0,
            own: super::super::own::ThreadClock::default(),
            open: 0,
        })
    }

    /// Has these asked before anybody comes.
    pub(crate) fn ask_first(&mut self, requests: Vec<Request>) {
        self.asks.extend(requests);
        self.enqueue();
    }

    /// Runs until all that came is done, or `patience` after the last one came; returns what was measured, and the caller.
    ///
    /// # Errors
    /// When the system can not wait for sockets.
    pub(crate) fn run(mut self, patience: Duration) -> Result<(Gauges, C)> {
        let mut events = Events::with_capacity(4_096);
        let end = Duration::from_secs_f64(self.timeline.length) + patience;
        self.own = super::super::own::ThreadClock::start();
        loop {
            let now = self.now();
            self.tick(now);
            self.take_due(now);
            self.send_later(now);
            self.open_wanted(now);
            self.dispatch();
            let now = self.now();
            if self.is_done(now) || now > end || self.shared.stop.load(Relaxed) {
                break;
            }
            let wait = self.next_due().map_or(SWEEP, |due| due.saturating_sub(now)).clamp(LOOK, SWEEP);
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                return Err(error).context("waiting for sockets");
            }
            for event in &events {
                self.attend(event.token().0, event.is_readable(), event.is_writable());
            }
        }
        Ok(self.finish())
    }

    fn now(&self) -> Duration {
        self.shared.start.elapsed()
    }

    fn next_due(&self) -> Option<Duration> {
        let coming = self.coming.iter().map(|coming| coming.next);
        coming.chain(self.later.peek().map(|later| later.0.0.0)).min()
    }

    fn is_done(&self, now: Duration) -> bool {
        self.coming.is_empty() && self.open == 0 && now.as_secs_f64() >= self.timeline.length
    }

    /// Takes everybody who was due by now, in order.
    fn take_due(&mut self, now: Duration) {
        while let Some(first) = (0..self.coming.len()).min_by_key(|index| self.coming[*index].next) {
            let Coming { class, arrivals, next } = &mut self.coming[first];
            let (class, due) = (*class, *next);
            if due > now {
                return;
            }
            match arrivals.next() {
                Some(after) => *next = after,
                None => drop(self.coming.swap_remove(first)),
            }
            let second = due.as_secs() as usize;
            count(&mut self.gauges.classes[class].intended, second);
            self.gauges.late(class, now - due, second);
            self.caller.arrive(class, due, &mut self.asks);
            self.enqueue();
        }
    }

    /// Puts what a caller asks into the queues.
    fn enqueue(&mut self) {
        for request in self.asks.drain(..) {
            self.open += 1;
            self.pools[request.pool].queue.push_back(request);
        }
    }

    fn send_later(&mut self, now: Duration) {
        while self.later.peek().is_some_and(|later| later.0.0.0 <= now) {
            let Later(_, request) = self.later.pop().expect("it was seen");
            self.pools[request.pool].queue.push_back(request);
        }
    }

    /// Gives waiting requests to connections that can carry them.
    fn dispatch(&mut self) {
        for pool in 0..self.pools.len() {
            while !self.pools[pool].queue.is_empty() {
                let Some(connection) = self.carrier(pool) else { break };
                let Some(request) = self.pools[pool].queue.pop_front() else { break };
                self.send(connection, request);
            }
        }
        for connection in std::mem::take(&mut self.dirty) {
            self.flush(connection);
        }
    }

    /// A connection that can carry one more request.
    fn carrier(&mut self, pool: usize) -> Option<usize> {
        let connections = &self.connections;
        let pool = &mut self.pools[pool];
        if pool.terms.wire == Wire::Http {
            return pool.free.pop();
        }
        let count = pool.free.len();
        let able = (0..count).map(|n| pool.free[(pool.turn + n) % count]);
        let found = able.into_iter().find(|free| connections[*free].busy() < NATS_IN_FLIGHT);
        pool.turn = pool.turn.wrapping_add(1);
        found
    }

    fn send(&mut self, connection: usize, mut request: Request) {
        let now = self.now();
        request.tries += 1;
        self.shared.sent.fetch_add(1, Relaxed);
        if request.tries == 1 {
            self.gauges.waited(now.saturating_sub(request.intended));
        }
        if let Some(class) = request.class {
            let gauge = &mut self.gauges.classes[class];
            match request.tries {
                1 => count(&mut gauge.sent, now.as_secs() as usize),
                _ => gauge.again += 1,
            }
        }
        let slot = &mut self.connections[connection];
        let ticket = slot.board(Flight { request, sent: now });
        let pool = &self.pools[slot.pool];
        self.caller.write(&request, &slot.inbox, ticket, &mut slot.out);
        match pool.terms.wire {
            Wire::Http => self.flush(connection),
            Wire::Nats => self.dirty.push(connection),
        }
    }

    /// Counts what became of a request, or has it sent again.
    fn settle(&mut self, request: Request, next: Next) {
        let now = self.now();
        let second = now.as_secs() as usize;
        if let Next::TurnedAway(reason) | Next::Again(_, Some(reason)) = next {
            self.gauges.shed_of(request.class).note(reason, second);
        }
        if let Next::Again(after, _) = next {
            self.numbered += 1;
            self.later.push(Later(Reverse((now + after, self.numbered)), request));
            return;
        }
        self.open -= 1;
        let Some(class) = request.class else { return count(&mut self.gauges.aside, second) };
        let phase = self.timeline.phase(request.intended.as_secs_f64());
        let gauge = &mut self.gauges.classes[class];
        match next {
            Next::Good => {
                // Of good answers alone: to be turned away is quick.
                gauge.latency(now.saturating_sub(request.intended), second, phase);
                gauge.answered_well(now);
            }
            Next::TurnedAway(_) => count(&mut gauge.turned_away, second),
            _ => count(&mut gauge.failed, second),
        }
        let counter = if next == Next::Good { &self.shared.good } else { &self.shared.failed };
        counter.fetch_add(1, Relaxed);
    }

    /// What is done each second and each tenth of one.
    fn tick(&mut self, now: Duration) {
        if now.as_secs() as usize > self.second {
            let (cpu, starved) = self.own.share();
            *at(&mut self.gauges.cpu, self.second) = cpu;
            *at(&mut self.gauges.starved, self.second) = starved;
            self.second = now.as_secs() as usize;
        }
        if now >= self.swept + SWEEP {
            self.swept = now;
            self.sweep(now);
            self.shared.open.store(self.open, Relaxed);
        }
    }

    fn finish(mut self) -> (Gauges, C) {
        let unanswered = self.open;
        for connection in 0..self.connections.len() {
            let flights = self.connections[connection].close();
            // One that was never sent is the greeting of a connection that is not open yet.
            for flight in flights.into_iter().filter(|flight| flight.request.tries > 0) {
                self.settle(flight.request, Next::Failed);
            }
        }
        let waiting: Vec<Request> = self.pools.iter_mut().flat_map(|pool| pool.queue.drain(..)).collect();
        let later: Vec<Request> = self.later.drain().map(|later| later.1).collect();
        for request in waiting.into_iter().chain(later) {
            self.settle(request, Next::Failed);
        }
        self.gauges.unanswered = unanswered;
        (self.gauges, self.caller)
    }
}
