//! How long each hop takes, over about the last minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use schemas::status;

/// A histogram is kept for this long and then one more time as the previous one.
const WINDOW: Duration = Duration::from_secs(30);
/// Longer times count as this: ten minutes.
const MAX_US: u64 = 600_000_000;

/// The hops of the way of the data, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// From the POS clock's sending time to the gateway's receiving time.
    PosToReceived,
    /// Until the journal acknowledged it.
    ReceivedToCommitted,
    /// Until the fold had applied it.
    CommittedToApplied,
    /// Until a version that holds it was served.
    AppliedToPublished,
}

impl Hop {
    /// All hops.
    pub const ALL: [Self; 4] =
        [Self::PosToReceived, Self::ReceivedToCommitted, Self::CommittedToApplied, Self::AppliedToPublished];

    /// The name on the status page and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PosToReceived => "pos_to_received",
            Self::ReceivedToCommitted => "received_to_committed",
            Self::CommittedToApplied => "committed_to_applied",
            Self::AppliedToPublished => "applied_to_published",
        }
    }
}

/// A recorder per hop.
#[derive(Debug)]
pub struct Hops([Mutex<Rolling>; 4]);

#[derive(Debug)]
struct Rolling {
    since: Instant,
    current: Histogram<u64>,
    previous: Histogram<u64>,
}

impl Default for Hops {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(Rolling::new())))
    }
}

impl Hops {
    /// Notes that `count` entries took this long.
    pub fn record(&self, hop: Hop, took: Duration, count: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(MAX_US).clamp(1, MAX_US);
        let mut rolling = self.0[hop as usize].lock().unwrap_or_else(PoisonError::into_inner);
        rolling.roll();
        rolling.current.saturating_record_n(us, count);
    }

    /// The hops as the status page shows them.
    #[must_use]
    pub fn read(&self) -> Vec<status::Hop> {
        Hop::ALL.into_iter().map(|hop| self.read_one(hop)).collect()
    }

    fn read_one(&self, hop: Hop) -> status::Hop {
        let mut rolling = self.0[hop as usize].lock().unwrap_or_else(PoisonError::into_inner);
        rolling.roll();
        let mut both = rolling.current.clone();
        both.add(&rolling.previous).expect("both histograms have the same bounds");
        let quantile = |q| (!both.is_empty()).then(|| both.value_at_quantile(q) as f64 / 1000.0);
        status::Hop {
            hop: hop.name().to_owned(),
            count: both.len(),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
        }
    }
}

impl Rolling {
    fn new() -> Self {
        let empty = Histogram::new_with_bounds(1, MAX_US, 2).expect("the bounds are valid");
        Self { since: Instant::now(), previous: empty.clone(), current: empty }
    }

    fn roll(&mut self) {
        let age = self.since.elapsed();
        if age >= WINDOW {
            std::mem::swap(&mut self.current, &mut self.previous);
            self.current.reset();
            if age >= 2 * WINDOW {
                self.previous.reset();
            }
            self.since = Instant::now();
        }
    }
}
