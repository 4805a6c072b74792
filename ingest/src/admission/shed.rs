//! Which classes are being shed: of which messages are turned away as `overloaded`, and since when that has been so.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use schemas::Millis;
use schemas::caps::{Class, Institution};
use schemas::pos::Reason;

use super::Tally;

/// After so long without anybody turned away it is over, in milliseconds: callers that were come again within seconds.
const OVER_MS: i64 = 10_000;

/// Since when each class has been shed, for whoever shows it; 0 where it is not.
#[derive(Debug, Default)]
pub(super) struct Shed([AtomicI64; Class::CAPPED.len()]);

impl Shed {
    /// Since when a class has been shed; none where it is not.
    pub(super) fn since(&self, class: Class) -> Option<Millis> {
        let since = self.0[class as usize].load(Relaxed);
        (since != 0).then_some(Millis(since))
    }
}

/// What was seen of each class at the last look.
#[derive(Debug, Default)]
pub(super) struct ShedWatch([Seen; Class::CAPPED.len()]);

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    turned_away: u64,
    last: Millis,
}

impl ShedWatch {
    /// Notes who was turned away since the last look.
    pub(super) fn look(&mut self, tally: &Tally, shed: &Shed, now: Millis) {
        for class in Class::CAPPED {
            let (seen, since) = (&mut self.0[class as usize], &shed.0[class as usize]);
            let turned_away = overloaded(tally, class);
            if turned_away > seen.turned_away {
                *seen = Seen { turned_away, last: now };
                if since.load(Relaxed) == 0 {
                    since.store(now.0, Relaxed);
                }
            } else if now.since(seen.last) >= OVER_MS {
                since.store(0, Relaxed);
            }
        }
    }
}

/// How many of a class were turned away because there were too many.
fn overloaded(tally: &Tally, class: Class) -> u64 {
    let of_kind = |kind| tally.refused(class, kind).find(|(reason, _)| *reason == Reason::Overloaded);
    Institution::ALL.into_iter().filter_map(of_kind).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_shed_from_the_first_that_was_turned_away_until_nobody_is_for_a_while() {
        let (tally, shed, mut watch) = (Tally::default(), Shed::default(), ShedWatch::default());
        let mut look = |at| {
            watch.look(&tally, &shed, Millis(at));
            Class::CAPPED.map(|class| shed.since(class).map(|since| since.0))
        };
        tally.refuse(Class::Check, Institution::Pharmacy, Reason::OverCap);
        assert_eq!(look(1_000), [None; 3], "a cap is no overload");
        tally.refuse(Class::Check, Institution::PostOffice, Reason::Overloaded);
        assert_eq!(look(2_000), [None, None, Some(2_000)]);
        tally.refuse(Class::Check, Institution::Mart, Reason::Overloaded);
        assert_eq!(look(9_000), [None, None, Some(2_000)]);
        assert_eq!(look(9_000 + OVER_MS - 1), [None, None, Some(2_000)]);
        assert_eq!(look(9_000 + OVER_MS), [None; 3]);
        tally.refuse(Class::Sale, Institution::Pharmacy, Reason::Overloaded);
        assert_eq!(look(30_000), [None, Some(30_000), None]);
    }
}
