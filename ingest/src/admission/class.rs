//! How much of a class may be under way at once: as much as is answered in time, found out by measuring.
//!
//! Additive increase, multiplicative decrease on the median time to the answer (cf. Netflix concurrency-limits, AIMD and
//! gradient). The target is a time that a counter can wait, not a multiple of the time without load: group commit makes
//! batches of what waits, so its times grow long before its throughput ends.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use schemas::caps::{Class, LEAST_UNDER_WAY};

/// Steps of measured times: four to an octave of microseconds, so a quantile is at most a quarter too long.
const STEPS: usize = 4 * 32;

/// Between which numbers the limit of a class moves, and on what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// So many are always let in.
    pub(super) floor: u32,
    /// And never more than these.
    pub(super) ceiling: u32,
    /// The median time to the answer that is still good.
    pub(super) target: Duration,
}

impl Bounds {
    /// The ceilings are what fits into the queues.
    pub(super) fn of(class: Class) -> Self {
        match class {
            Class::Check => Self { floor: 32, ceiling: 4_096, target: Duration::from_millis(100) },
            _ => Self { floor: LEAST_UNDER_WAY, ceiling: 16 * 1_024, target: Duration::from_millis(500) },
        }
    }

    /// The limit after this one, when half of the answers took less than `median`; without any nothing changes.
    pub(super) fn next(&self, limit: u32, median: Option<Duration>) -> u32 {
        let Some(median) = median else { return limit };
        let next = if median > self.target {
            let share = (self.target.as_secs_f64() / median.as_secs_f64()).max(0.5);
            (f64::from(limit) * share) as u32
        } else {
            limit + (limit / 16).max(1)
        };
        next.clamp(self.floor, self.ceiling)
    }
}

/// A class as it stands.
#[derive(Debug)]
pub(super) struct ClassState {
    under_way: AtomicU32,
    limit: AtomicU32,
    /// When something was last answered, or came while nothing was under way; nanoseconds.
    moved_ns: AtomicU64,
    times: [AtomicU64; STEPS],
}

/// What was measured between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) median: Option<Duration>,
    pub(super) p99: Option<Duration>,
}

/// The counts at the last look.
#[derive(Debug, Clone)]
pub(super) struct Look([u64; STEPS]);

impl Default for Look {
    fn default() -> Self {
        Self([0; STEPS])
    }
}

impl ClassState {
    pub(super) fn new(class: Class) -> Self {
        Self {
            under_way: AtomicU32::new(0),
            limit: AtomicU32::new(Bounds::of(class).ceiling),
            moved_ns: AtomicU64::new(0),
            times: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// One more, unless that is more than the limit.
    pub(super) fn join(&self, now_ns: u64) -> bool {
        let before = self.under_way.fetch_add(1, Relaxed);
        if before == 0 {
            self.moved_ns.store(now_ns, Relaxed);
        }
        let fits = before < self.limit.load(Relaxed);
        if !fits {
            self.leave();
        }
        fits
    }

    /// One that was not done.
    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Relaxed);
    }

    /// One that was answered after so long.
    pub(super) fn done(&self, took: Duration, now_ns: u64) {
        self.times[step(took)].fetch_add(1, Relaxed);
        self.moved_ns.store(now_ns, Relaxed);
        self.leave();
    }

    pub(super) fn under_way(&self) -> u32 {
        self.under_way.load(Relaxed)
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Relaxed)
    }

    pub(super) fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Relaxed);
    }

    /// The times since the last look. Where some wait and none was answered, it is the time for which that has been so.
    pub(super) fn measure(&self, last: &mut Look, now_ns: u64) -> Measured {
        let now: [u64; STEPS] = std::array::from_fn(|n| self.times[n].load(Relaxed));
        let since: [u64; STEPS] = std::array::from_fn(|n| now[n] - last.0[n]);
        last.0 = now;
        if since.iter().all(|count| *count == 0) && self.under_way() > 0 {
            let stuck = Duration::from_nanos(now_ns.saturating_sub(self.moved_ns.load(Relaxed)));
            return Measured { median: Some(stuck), p99: Some(stuck) };
        }
        Measured { median: quantile(&since, 50), p99: quantile(&since, 99) }
    }
}

fn step(took: Duration) -> usize {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(4);
    let octave = us.ilog2();
    let quarter = (us >> (octave - 2)) & 3;
    (octave as usize * 4 + quarter as usize - 8).min(STEPS - 1)
}

/// The upper end of a step.
fn end(step: usize) -> Duration {
    let (octave, quarter) = ((step + 8) / 4, (step + 8) % 4);
    Duration::from_micros((5 + quarter as u64) << (octave - 2))
}

fn quantile(counts: &[u64; STEPS], percent: u64) -> Option<Duration> {
    let all: u64 = counts.iter().sum();
    let rank = (all * percent).div_ceil(100).max(1);
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    });
    found.map(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_queue_holds_all_that_its_class_lets_in() {
        for class in [Class::Stock, Class::Sale] {
            assert!(Bounds::of(class).ceiling as usize <= crate::intake::QUEUE);
        }
        assert!(Bounds::of(Class::Check).ceiling as usize <= crate::gateway::checks::QUEUE);
    }

    #[test]
    fn a_step_holds_its_time_and_is_a_quarter_long() {
        for us in [0, 1, 4, 5, 7, 8, 100, 1_000, 123_456, 5_000_000] {
            let took = Duration::from_micros(us);
            let told = end(step(took));
            assert!(told > took && told <= took.max(Duration::from_micros(4)) * 5 / 4, "{took:?} {told:?}");
        }
    }

    #[test]
    fn the_limit_falls_to_its_floor_while_answers_are_late_and_recovers() {
        let bounds = Bounds::of(Class::Check);
        let mut limit = bounds.ceiling;
        for _ in 0..20 {
            limit = bounds.next(limit, Some(MS(400)));
        }
        assert_eq!(limit, bounds.floor);
        assert_eq!(bounds.next(limit, None), limit);
        let mut looks = 0;
        while limit < bounds.ceiling {
            limit = bounds.next(limit, Some(MS(1)));
            looks += 1;
        }
        assert!(looks < 120, "{looks} looks of a tenth of a second");
    }

    #[test]
    fn more_than_the_limit_is_not_let_in_and_the_stuck_are_noticed() {
        let state = ClassState::new(Class::Check);
        state.set_limit(2);
        assert!(state.join(5) && state.join(6) && !state.join(7));
        let mut look = Look::default();
        let stuck = Some(MS(3));
        assert_eq!(state.measure(&mut look, 3_000_005), Measured { median: stuck, p99: stuck });
        state.done(MS(2), 3_000_005);
        assert!(state.join(8));
        let measured = state.measure(&mut look, 3_000_006).p99.unwrap();
        assert!(measured > MS(2) && measured <= MS(2) * 5 / 4, "{measured:?}");
    }
}
