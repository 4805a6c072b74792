//! The generator's own measure: how much of a CPU its threads use, how long they wait for one, and whether clocks jump.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// CPU time of the calling thread.
#[derive(Debug, Default)]
pub(crate) struct ThreadClock {
    last: Option<(Instant, u64, u64)>,
}

impl ThreadClock {
    /// Begins to measure the calling thread.
    pub(crate) fn start() -> Self {
        Self { last: used().map(|(ran, waited)| (Instant::now(), ran, waited)) }
    }

    /// Since the last call: the share of one CPU that the calling thread used, and the share of time for which it was ready to
    /// run and had no CPU. Zero where the system does not tell.
    pub(crate) fn share(&mut self) -> (f64, f64) {
        let (Some((then, ran, waited)), Some((ran_now, waited_now))) = (self.last, used()) else {
            return (0.0, 0.0);
        };
        let now = Instant::now();
        let over = (now - then).as_nanos().max(1) as f64;
        self.last = Some((now, ran_now, waited_now));
        ((ran_now - ran) as f64 / over, (waited_now - waited) as f64 / over)
    }
}

/// Nanoseconds for which the calling thread ran, and for which it waited for a CPU (proc(5): schedstat).
fn used() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Watches whether the clock of the day and the one that only goes forward agree.
#[derive(Debug)]
pub(crate) struct Clocks {
    seen: (Instant, Duration),
    /// Greatest jump so far.
    pub(crate) jump: Duration,
}

impl Clocks {
    /// Begins to watch.
    pub(crate) fn start() -> Self {
        Self { seen: (Instant::now(), since_epoch()), jump: Duration::ZERO }
    }

    /// Compares both since the last look.
    pub(crate) fn look(&mut self) {
        let now = (Instant::now(), since_epoch());
        self.compare(now.0 - self.seen.0, now.1, self.seen.1);
        self.seen = now;
    }

    fn compare(&mut self, passed: Duration, day: Duration, before: Duration) {
        self.jump = self.jump.max((before + passed).abs_diff(day));
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use nix::sys::resource::{UsageWho, getrusage};

    use super::*;

    /// Processor time of this thread by another count of the system. What the host takes away is in neither.
    fn worked() -> Duration {
        let used = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        let micros =
            [used.user_time(), used.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
        Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs())
    }

    #[test]
    fn a_thread_that_works_is_seen_to_work() {
        let (mut clock, began, before) = (ThreadClock::start(), Instant::now(), worked());
        while worked() - before < Duration::from_millis(60) {}
        let (ran, _) = clock.share();
        let seen = began.elapsed().mul_f64(ran);
        assert!(seen > Duration::from_millis(57), "of 60 ms {seen:?} were seen");
        assert!(ran <= 1.05, "{ran}");
    }

    #[test]
    fn a_thread_that_waits_for_a_processor_is_seen_to_wait() {
        let (over, cores) = (AtomicBool::new(false), std::thread::available_parallelism().unwrap().get());
        std::thread::scope(|scope| {
            for _ in 0..2 * cores {
                scope.spawn(|| {
                    while !over.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let (mut clock, before) = (ThreadClock::start(), worked());
            while worked() - before < Duration::from_millis(60) {}
            let (ran, starved) = clock.share();
            over.store(true, Relaxed);
            assert!(starved > 0.1 && ran < 0.9, "{ran} {starved}");
        });
    }

    #[test]
    fn a_clock_that_is_set_is_seen() {
        let mut clocks = Clocks::start();
        let second = Duration::from_secs(1);
        clocks.compare(second, 11 * second, 10 * second);
        assert_eq!(clocks.jump, Duration::ZERO);
        clocks.compare(second, 71 * second, 10 * second);
        assert_eq!(clocks.jump, 60 * second);
        clocks.compare(second, 8 * second, 10 * second);
        assert_eq!(clocks.jump, 60 * second);
    }
}
