//! Batches of the journal: a core has one under way at a time, and what arrives meanwhile is the next one, so their number grows with the
//! load and then no more.

use serde::Serialize;

/// Times of a batch that are tried, ms, each a fifth longer than the one before.
const SHORTEST_MS: f64 = 0.1;
const LONGEST_MS: f64 = 20.0;
const STEP: f64 = 1.2;

/// What was found of batches.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Batches {
    /// How long one takes, ms.
    pub ms: f64,
    /// Cores that write batches of their own.
    pub writers: usize,
    /// Share of what the costs without batches left unexplained that is still left with them.
    pub left: f64,
}

impl Batches {
    /// Batches a second of all writers together, where so many entries a second are shared evenly among `writers`.
    ///
    /// A batch takes τ. If nothing arrived meanwhile, which has the chance e^(−xτ), the writer waits 1/x for the next entry: a batch begins
    /// every τ + e^(−xτ)/x.
    #[must_use]
    pub fn of(self, entries: f64, writers: f64) -> f64 {
        rate(entries, self.ms / 1_000.0, writers)
    }
}

pub(super) fn rate(entries: f64, seconds: f64, writers: f64) -> f64 {
    let each = entries / writers;
    if each <= 0.0 { 0.0 } else { writers / (seconds + (-each * seconds).exp() / each) }
}

/// Times that are tried, in seconds.
pub(super) fn tried() -> impl Iterator<Item = f64> {
    let steps = (LONGEST_MS / SHORTEST_MS).log(STEP).ceil() as i32;
    (0..=steps).map(|step| SHORTEST_MS * STEP.powi(step) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_few_entries_are_batches_of_one_and_many_share_them() {
        let found = Batches { ms: 1.0, writers: 1, left: 0.5 };
        assert!((found.of(1.0, 1.0) - 1.0).abs() < 0.01);
        assert!((found.of(100_000.0, 1.0) - 1_000.0).abs() < 1.0);
        assert!((found.of(100_000.0, 2.0) - 2_000.0).abs() < 1.0 && found.of(0.0, 1.0) == 0.0);
        assert!(tried().count() > 20 && tried().last().unwrap() >= 0.02);
    }
}
