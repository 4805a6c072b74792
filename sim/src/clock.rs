//! The fleet's time of day: weekdays that pass faster than real ones, from one morning to the next without a night.

use std::time::{Duration, Instant};

/// First minute of the fleet's day, after midnight: 08:30.
pub const DAWN: f64 = 8.5 * 60.0;
/// Minutes in the fleet's day, which ends at 20:30.
pub const DAY: f64 = 12.0 * 60.0;

/// A moment of the fleet's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Days since the fleet began; every one is a weekday, Monday to Friday in turn.
    pub day: u32,
    /// Minutes after midnight.
    pub minute: f64,
}

impl Moment {
    /// Day of the week from Monday, 0 to 4.
    #[must_use]
    pub fn weekday(self) -> usize {
        self.day as usize % 5
    }
}

/// Runs from [`DAWN`] of day 0.
#[derive(Debug, Clone, Copy)]
pub struct DayClock {
    start: Instant,
    real_day: Duration,
}

impl DayClock {
    /// A clock that starts now and whose day takes `real_day` of real time.
    #[must_use]
    pub fn start(real_day: Duration) -> Self {
        Self { start: Instant::now(), real_day }
    }

    /// The fleet's time at a real moment.
    #[must_use]
    pub fn at(&self, now: Instant) -> Moment {
        let days = now.saturating_duration_since(self.start).as_secs_f64() / self.real_day.as_secs_f64();
        Moment { day: days as u32, minute: DAWN + days.fract() * DAY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_one_another_without_a_night() {
        let clock = DayClock::start(Duration::from_secs(600));
        let at = |seconds| clock.at(clock.start + Duration::from_secs(seconds));
        assert_eq!(at(0), Moment { day: 0, minute: DAWN });
        assert_eq!(at(300), Moment { day: 0, minute: DAWN + DAY / 2.0 });
        assert_eq!(at(600), Moment { day: 1, minute: DAWN });
        assert_eq!(at(6 * 600).weekday(), 1);
    }
}
