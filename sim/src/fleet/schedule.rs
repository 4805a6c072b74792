//! When messages are due: arrivals at random times at a steady mean rate (Poisson), and the goods of each day.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::clock::Moment;

/// Times at which a message is due, whether or not the last one was answered.
pub(super) struct Schedule {
    rate: f64,
    next: Instant,
    due: VecDeque<Instant>,
    most: usize,
    rng: StdRng,
}

impl Schedule {
    /// Starts now, with `rate` messages a second; 0 means none.
    pub(super) fn start(rate: f64, seed: u64) -> Self {
        let most = (rate * 2.0) as usize + 1;
        let rng = StdRng::seed_from_u64(seed ^ 0x5eed);
        Self { rate, next: Instant::now(), due: VecDeque::new(), most, rng }
    }

    /// Notes what has become due by `now`; returns how many were given up because more than two seconds' worth waited.
    pub(super) fn advance(&mut self, now: Instant) -> u64 {
        if self.rate <= 0.0 {
            return 0;
        }
        while self.next <= now {
            self.due.push_back(self.next);
            let gap = -(1.0 - self.rng.random::<f64>()).ln() / self.rate;
            self.next += Duration::from_secs_f64(gap);
        }
        let given_up = self.due.len().saturating_sub(self.most);
        self.due.drain(..given_up);
        given_up as u64
    }

    /// The earliest that is due and was not yet taken.
    pub(super) fn next(&mut self) -> Option<Instant> {
        self.due.pop_front()
    }
}

/// Each outlet's goods, once a day.
pub(super) struct Deliveries {
    by_minute: Vec<(f64, usize)>,
    day: u32,
    done: usize,
}

impl Deliveries {
    /// From the minute at which each outlet's goods arrive, in the order of the fleet.
    pub(super) fn of(minutes: impl Iterator<Item = f64>) -> Self {
        let mut by_minute: Vec<_> = minutes.zip(0..).collect();
        by_minute.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { by_minute, day: 0, done: 0 }
    }

    /// The next outlet whose goods have arrived by `now`.
    pub(super) fn next(&mut self, now: Moment) -> Option<usize> {
        if now.day != self.day {
            (self.day, self.done) = (now.day, 0);
        }
        let (minute, outlet) = *self.by_minute.get(self.done)?;
        (minute <= now.minute).then(|| {
            self.done += 1;
            outlet
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_rate_is_kept_and_a_long_jam_is_given_up() {
        let mut schedule = Schedule::start(1000.0, 1);
        let start = schedule.next;
        let mut due = 0;
        for second in 1..=60 {
            assert_eq!(schedule.advance(start + Duration::from_secs(second)), 0);
            due += std::iter::from_fn(|| schedule.next()).count();
        }
        assert!((58_500..61_500).contains(&due), "{due} in a minute");
        let given_up = schedule.advance(start + Duration::from_secs(70));
        assert!((7_500..8_500).contains(&given_up), "{given_up} of ten seconds");
        assert_eq!(std::iter::from_fn(|| schedule.next()).count(), 2001);
    }

    #[test]
    fn goods_arrive_once_a_day_in_the_order_of_their_minutes() {
        let mut deliveries = Deliveries::of([600.0, 540.0, 700.0].into_iter());
        let mut by =
            |day, minute| std::iter::from_fn(|| deliveries.next(Moment { day, minute })).collect::<Vec<_>>();
        assert_eq!(by(0, 530.0), [0; 0]);
        assert_eq!(by(0, 610.0), [1, 0]);
        assert_eq!(by(0, 650.0), [0; 0]);
        assert_eq!(by(1, 900.0), [1, 0, 2]);
    }
}
