//! One measured load: how many operations in what time, and how long each took from call to answer.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told apart, in microseconds: one minute.
const MAX_MICROS: u64 = 60_000_000;

/// What a load did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Operations that succeeded.
    pub ops: u64,
    /// From the first call to the last answer, in seconds.
    pub seconds: f64,
    /// Median latency of one operation, in microseconds.
    pub p50_us: u64,
    /// 99th percentile, in microseconds.
    pub p99_us: u64,
    /// Operations that failed.
    pub errors: u64,
}

impl Load {
    /// Successful operations per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.ops as f64 / self.seconds
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_us, p99_us, errors, .. } = self;
        write!(f, "{:.0}/s, p50 {p50_us} µs, p99 {p99_us} µs, {errors} errors", self.per_second())
    }
}

/// Keeps `in_flight` operations under way for `seconds`, spread evenly over the lanes (one per connection), and waits for
/// the last of them. A lane is called with a number that no other call in the run gets.
///
/// # Errors
/// When there is no lane, fewer operations in flight than lanes, or a lane panics.
pub async fn closed_loop<L, F>(lanes: Vec<L>, in_flight: usize, seconds: f64) -> Result<Load>
where
    L: Fn(u64) -> F + Send + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let count = lanes.len();
    ensure!(count > 0 && in_flight >= count, "{in_flight} in flight over {count} lanes");
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let running: Vec<_> = lanes
        .into_iter()
        .enumerate()
        .map(|(index, lane)| {
            let share = in_flight / count + usize::from(index < in_flight % count);
            tokio::spawn(run_lane(lane, share, (index as u64, count as u64), end))
        })
        .collect();
    let mut all = Tally::new();
    for lane in running {
        let tally = lane.await.context("a lane of the load panicked")?;
        all.times.add(tally.times).context("every lane has the same range")?;
        all.errors += tally.errors;
    }
    Ok(all.load(start.elapsed()))
}

/// The key, below `keys`, that call `number` uses: evenly spread without a pattern that a cache could follow.
pub(super) fn spread(number: u64, keys: usize) -> usize {
    // Fibonacci hashing: 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
    let hash = u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    usize::try_from((hash * keys as u128) >> 64).expect("below keys")
}

async fn run_lane<L, F>(lane: L, in_flight: usize, (first, step): (u64, u64), end: Instant) -> Tally
where
    L: Fn(u64) -> F,
    F: Future<Output = bool>,
{
    let mut numbers = (first..).step_by(usize::try_from(step).expect("as many steps as lanes"));
    let mut call = move || {
        let answer = lane(numbers.next().expect("endless"));
        let start = Instant::now();
        async move { (start, answer.await) }
    };
    let mut tally = Tally::new();
    let mut open: FuturesUnordered<_> = (0..in_flight).map(|_| call()).collect();
    while let Some((start, ok)) = open.next().await {
        let now = Instant::now();
        tally.count(now - start, ok);
        if now < end {
            open.push(call());
        }
    }
    tally
}

/// Latencies of what succeeded, and the number of what failed.
pub(super) struct Tally {
    times: Histogram<u64>,
    errors: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        let times = Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("valid bounds");
        Self { times, errors: 0 }
    }

    pub(super) fn count(&mut self, time: Duration, ok: bool) {
        if ok {
            self.times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(MAX_MICROS));
        } else {
            self.errors += 1;
        }
    }

    pub(super) fn load(&self, time: Duration) -> Load {
        Load {
            ops: self.times.len(),
            seconds: time.as_secs_f64(),
            p50_us: self.times.value_at_quantile(0.50),
            p99_us: self.times.value_at_quantile(0.99),
            errors: self.errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn every_call_is_counted_once_and_failures_apart() {
        let calls = Arc::new(AtomicU64::new(0));
        let lane = |calls: Arc<AtomicU64>| {
            move |number: u64| {
                calls.fetch_add(1, Ordering::Relaxed);
                async move {
                    tokio::task::yield_now().await;
                    !number.is_multiple_of(4)
                }
            }
        };
        let lanes = vec![lane(Arc::clone(&calls)), lane(Arc::clone(&calls)), lane(Arc::clone(&calls))];
        let load = closed_loop(lanes, 8, 0.05).await.unwrap();
        assert_eq!(load.ops + load.errors, calls.load(Ordering::Relaxed));
        assert!(load.ops > 0 && load.errors > 0, "{load:?}");
        assert!(load.seconds >= 0.05 && load.p50_us <= load.p99_us, "{load:?}");
    }
}
