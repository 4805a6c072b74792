//! What the fleet was answered, counted by everyone who sends and read by whoever looks.

mod claims;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;
use schemas::claim::Decision;
use schemas::pos::{Outcome, Reason, Reply};
use schemas::subject::PosKind;
use serde::Serialize;

pub use claims::ClaimCounts;
use claims::ClaimTally;

const OUTCOMES: [Outcome; 4] =
    [Outcome::Accepted, Outcome::Duplicate, Outcome::Superseded, Outcome::Rejected];

/// A request that no gateway answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing came back in time.
    TimedOut,
    /// No gateway listens.
    NoGateway,
    /// The connection broke, or the answer was none.
    Broken,
}

/// Counts since the fleet began.
#[derive(Debug)]
pub struct Tally {
    copies: AtomicU64,
    replies: [AtomicU64; OUTCOMES.len()],
    rejected: [AtomicU64; Reason::ALL.len()],
    silences: [AtomicU64; 3],
    shed: AtomicU64,
    claims: ClaimTally,
    latency_us: Mutex<Histogram<u64>>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency_us = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order");
        Self {
            copies: AtomicU64::default(),
            replies: Default::default(),
            rejected: Default::default(),
            silences: Default::default(),
            shed: AtomicU64::default(),
            claims: ClaimTally::default(),
            latency_us: Mutex::new(latency_us),
        }
    }
}

/// The counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Copies sent, the repeated ones included.
    pub sent: u64,
    /// Answered `accepted`, or with a decision.
    pub accepted: u64,
    /// Answered `duplicate`.
    pub duplicate: u64,
    /// Answered `superseded`.
    pub superseded: u64,
    /// Answered `rejected`.
    pub rejected: u64,
    /// Rejections by reason, where there are any.
    pub reasons: Vec<(&'static str, u64)>,
    /// Not answered in time.
    pub timed_out: u64,
    /// Sent while no gateway listened.
    pub no_gateway: u64,
    /// Lost with a connection, or answered with something that is no reply.
    pub broken: u64,
    /// Due while too many were on their way, and never sent.
    pub shed: u64,
    /// What the ledger decided.
    pub claims: ClaimCounts,
    /// Median from due to answered, in milliseconds.
    pub reply_p50_ms: f64,
    /// 99th percentile from due to answered, in milliseconds.
    pub reply_p99_ms: f64,
}

impl Tally {
    /// One more copy goes out.
    pub(crate) fn copy(&self) {
        self.copies.fetch_add(1, Ordering::Relaxed);
    }

    /// A gateway answered.
    pub(crate) fn reply(&self, reply: &Reply) {
        self.replies[reply.status as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = reply.reason {
            self.rejected[reason as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A gateway answered with a decision, made for this copy or for one before it.
    pub(crate) fn answer(&self, replayed: bool) {
        let counter =
            if replayed { &self.claims.replayed } else { &self.replies[Outcome::Accepted as usize] };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was decided; its copies count once.
    pub(crate) fn decided(&self, kind: PosKind, decision: &Decision) {
        self.claims.decided(kind, decision);
    }

    /// The copies of a message were answered differently, which must not be.
    pub(crate) fn contradicted(&self) {
        self.claims.contradicted.fetch_add(1, Ordering::Relaxed);
    }

    /// The time of so many tickets was up.
    pub(crate) fn expired(&self, tickets: u64) {
        self.claims.expired.fetch_add(tickets, Ordering::Relaxed);
    }

    /// No gateway answered.
    pub(crate) fn silence(&self, silence: Silence) {
        self.silences[silence as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So many messages were due and will never be sent.
    pub(crate) fn shed(&self, messages: u64) {
        self.shed.fetch_add(messages, Ordering::Relaxed);
    }

    /// A message was answered so long after it was due.
    pub(crate) fn answered_after(&self, delay: std::time::Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.histogram().saturating_record(micros);
    }

    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [accepted, duplicate, superseded, rejected] = self.replies.each_ref().map(of);
        let [timed_out, no_gateway, broken] = self.silences.each_ref().map(of);
        let reasons = Reason::ALL.iter().map(|reason| (reason.name(), of(&self.rejected[*reason as usize])));
        let latency = self.histogram();
        let quantile_ms = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        Counts {
            sent: of(&self.copies),
            accepted,
            duplicate,
            superseded,
            rejected,
            reasons: reasons.filter(|(_, count)| *count > 0).collect(),
            timed_out,
            no_gateway,
            broken,
            shed: of(&self.shed),
            claims: self.claims.counts(),
            reply_p50_ms: quantile_ms(0.5),
            reply_p99_ms: quantile_ms(0.99),
        }
    }

    fn histogram(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        self.latency_us.lock().expect("nothing panics while it records a number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Millis;

    #[test]
    fn every_outcome_and_reason_is_counted_under_its_own_name() {
        let tally = Tally::default();
        for (times, outcome) in (1..).zip(OUTCOMES) {
            let mut reply = Reply::rejected(Reason::FutureDated, String::new(), Millis(0));
            reply.status = outcome;
            reply.reason = reply.reason.filter(|_| outcome == Outcome::Rejected);
            (0..times).for_each(|_| tally.reply(&reply));
        }
        tally.silence(Silence::NoGateway);
        let counts = tally.counts();
        let by_outcome = (counts.accepted, counts.duplicate, counts.superseded, counts.rejected);
        assert_eq!(by_outcome, (1, 2, 3, 4));
        assert_eq!(counts.reasons, [("future_dated", 4)]);
        assert_eq!((counts.timed_out, counts.no_gateway, counts.broken), (0, 1, 0));
    }
}
