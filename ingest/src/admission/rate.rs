//! A rate with a burst, kept in one number: who asks is told at once whether it may, and if not, how long it has to wait.
//!
//! The generic cell rate algorithm (ITU-T I.371): the number is the moment at which everything that came would have been
//! served at the rate.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use schemas::caps::Cap;

/// Messages are counted at the moment at which they came: those of a desk up to so long ago, which is when they must be read.
const LATE_NS: u64 = 15_000_000_000;

/// So many in the long run, and so many at once; both in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    every_ns: u64,
    /// How far ahead of its time the last of a burst comes.
    ahead_ns: u64,
}

impl Rate {
    /// The rate of a cap that is without fault.
    pub(super) fn of(cap: &Cap) -> Self {
        Self::every((1e9 / cap.per_second) as u64, cap.burst)
    }

    /// One in each so many nanoseconds, and so many at once.
    pub(super) const fn every(every_ns: u64, burst: u32) -> Self {
        Self { every_ns, ahead_ns: every_ns.saturating_mul(burst.saturating_sub(1) as u64) }
    }

    /// More than this is owed to a slower rate that is not in force any more, and is forgiven but for one.
    fn most_owed_ns(self) -> u64 {
        self.ahead_ns.saturating_add(self.every_ns).saturating_add(LATE_NS)
    }
}

/// What came so far.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    /// The time until there is one, in nanoseconds; none was taken.
    pub(super) fn take(&self, rate: Rate, now_ns: u64) -> Result<(), u64> {
        let mut served = self.0.load(Relaxed);
        loop {
            let owed = served.saturating_sub(now_ns);
            let starts = now_ns + if owed > rate.most_owed_ns() { rate.ahead_ns } else { owed };
            let wait = (starts - now_ns).saturating_sub(rate.ahead_ns);
            if wait > 0 {
                return Err(wait);
            }
            match self.0.compare_exchange_weak(served, starts + rate.every_ns, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => served = other,
            }
        }
    }

    /// Whether all that came is served: nothing would be lost by beginning anew.
    pub(super) fn is_full(&self, now_ns: u64) -> bool {
        self.0.load(Relaxed) <= now_ns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate::of(&Cap { per_second: 2.0, burst: 3, concurrency: 1 });
        let bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, SECOND), Ok(()));
        }
        assert_eq!(bucket.take(rate, SECOND), Err(SECOND / 2));
        assert_eq!(bucket.take(rate, SECOND + SECOND / 2), Ok(()));
        assert_eq!(bucket.take(rate, SECOND + SECOND / 2), Err(SECOND / 2));
        assert!(!bucket.is_full(2 * SECOND) && bucket.is_full(4 * SECOND));
    }

    #[test]
    fn a_slower_rate_that_is_not_in_force_any_more_is_not_waited_for() {
        let of = |per_second, burst| Rate::of(&Cap { per_second, burst, concurrency: 1 });
        let (bucket, slow, fast) = (Bucket::default(), of(0.001, 4), of(10.0, 2));
        for _ in 0..4 {
            assert_eq!(bucket.take(slow, SECOND), Ok(()));
        }
        assert_eq!(bucket.take(slow, 2 * SECOND), Err(999 * SECOND));
        assert_eq!(bucket.take(fast, 2 * SECOND), Ok(()));
        assert_eq!(bucket.take(fast, 2 * SECOND), Err(SECOND / 10));
        assert_eq!(bucket.take(fast, 2 * SECOND + SECOND / 10), Ok(()));
    }

    proptest! {
        /// In no span do more pass than the burst and what the rate gives meanwhile; who waits as told passes.
        #[test]
        fn never_more_than_burst_and_rate(
            per_second in 1u32..1_000, burst in 1u32..50, gaps in prop::collection::vec(0u64..20_000_000, 1..300),
        ) {
            let rate = Rate::of(&Cap { per_second: f64::from(per_second), burst, concurrency: 1 });
            let (bucket, mut now, mut passed) = (Bucket::default(), SECOND, Vec::new());
            for gap in gaps {
                now += gap;
                match bucket.take(rate, now) {
                    Ok(()) => passed.push(now),
                    Err(wait) if gap % 7 == 0 => {
                        now += wait;
                        prop_assert_eq!(bucket.take(rate, now), Ok(()));
                        passed.push(now);
                    }
                    Err(_) => {}
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let allowed = f64::from(burst) + (to - from) as f64 / 1e9 * f64::from(per_second) + 0.001;
                    prop_assert!((last - first + 1) as f64 <= allowed);
                }
            }
        }
    }
}
