//! What was turned away: tries by reason and second.

use std::collections::BTreeMap;

use super::gauges::{at, count};

/// Tries that were turned away for now, by the name of the reason, in the second of the answer. One that is sent again afterwards counts too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shed(BTreeMap<&'static str, Vec<u32>>);

impl Shed {
    /// Takes one.
    pub(crate) fn note(&mut self, reason: &'static str, second: usize) {
        count(self.0.entry(reason).or_default(), second);
    }

    /// Adds what another worker saw.
    pub(crate) fn add(&mut self, other: Self) {
        for (reason, seconds) in other.0 {
            let own = self.0.entry(reason).or_default();
            seconds.into_iter().enumerate().for_each(|(second, number)| *at(own, second) += number);
        }
    }

    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().flatten().map(|number| u64::from(*number)).sum()
    }

    /// By reason.
    pub(crate) fn by_reason(&self) -> BTreeMap<&'static str, u64> {
        let sum = |seconds: &Vec<u32>| seconds.iter().map(|number| u64::from(*number)).sum();
        self.0.iter().map(|(reason, seconds)| (*reason, sum(seconds))).collect()
    }

    /// By second.
    pub(crate) fn by_second(&self) -> Vec<u32> {
        let mut all = Vec::new();
        for seconds in self.0.values() {
            seconds.iter().enumerate().for_each(|(second, number)| *at(&mut all, second) += number);
        }
        all
    }

    /// In words, such as `over_cap 12, overloaded 3`.
    pub(crate) fn words(&self) -> String {
        let each: Vec<String> =
            self.by_reason().iter().map(|(reason, number)| format!("{reason} {number}")).collect();
        each.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_add_up_by_reason_and_second() {
        let (mut a, mut b) = (Shed::default(), Shed::default());
        a.note("over_cap", 0);
        b.note("over_cap", 2);
        b.note("overloaded", 2);
        a.add(b);
        assert_eq!(
            (a.total(), a.by_second(), a.words()),
            (3, vec![1, 0, 2], "over_cap 2, overloaded 1".to_owned())
        );
    }
}
