//! Holding: while a stated limit is crossed no further cohort joins, and after a time without that it goes on by itself.

use std::time::Duration;

use schemas::caps::{Class, Hold};

use super::class::Measured;

/// What was seen of each class at one look.
pub(super) type Seen = [(Measured, u32); Class::CAPPED.len()];

/// The state of one hold of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Watch {
    held: bool,
    /// Since when it has been other than it is.
    other_since: Option<Duration>,
}

impl Watch {
    /// One that holds already, or not.
    pub(super) fn new(held: bool) -> Self {
        Self { held, other_since: None }
    }

    /// Whether it holds, at this time since some moment.
    pub(super) fn step(&mut self, hold: &Hold, seen: &Seen, now: Duration) -> bool {
        if crossed(hold, seen) == self.held {
            self.other_since = None;
            return self.held;
        }
        let since = *self.other_since.get_or_insert(now);
        if now.saturating_sub(since) >= Duration::from_secs(u64::from(hold.seconds)) {
            *self = Self { held: !self.held, other_since: None };
        }
        self.held
    }
}

fn crossed(hold: &Hold, seen: &Seen) -> bool {
    let (measured, waiting) = seen[hold.class as usize];
    let late = hold.p99_ms.zip(measured.p99).is_some_and(|(most, p99)| p99.as_millis() > u128::from(most));
    late || hold.waiting.is_some_and(|most| waiting > most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Hold = Hold { class: Class::Sale, p99_ms: Some(500), waiting: Some(100), seconds: 3 };

    fn seen(p99_ms: u64, waiting: u32) -> Seen {
        let measured = Measured { median: None, p99: Some(Duration::from_millis(p99_ms)) };
        let mut seen = Seen::default();
        seen[Class::Sale as usize] = (measured, waiting);
        seen
    }

    #[test]
    fn it_holds_after_its_time_and_goes_on_after_as_long_without() {
        let mut watch = Watch::default();
        let mut held = |seconds, p99_ms, waiting| {
            watch.step(&HOLD, &seen(p99_ms, waiting), Duration::from_secs(seconds))
        };
        assert!(!held(0, 501, 0) && !held(2, 501, 0));
        assert!(!held(3, 400, 0), "one good look begins anew");
        assert!(!held(4, 10, 101) && !held(6, 501, 0));
        assert!(held(7, 501, 0));
        assert!(held(8, 10, 0) && held(10, 10, 0));
        assert!(held(10, 10, 101), "and so does one bad look");
        assert!(held(11, 10, 0) && held(13, 10, 0));
        assert!(!held(14, 10, 0));
    }
}
