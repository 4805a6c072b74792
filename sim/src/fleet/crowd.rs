//! The people who come to counters, with the rhythm of their week: most on the day of their birth year's digit, some on the
//! wrong day, some once more, the young and the old through their family.

use std::collections::VecDeque;

use rand::Rng;
use rand::rngs::StdRng;
use schemas::Millis;
use schemas::policy::Ground;

use super::act::Customer;
use crate::population::{Person, Population};

/// Share of customers who have been at a counter a short while ago.
const AGAIN: f64 = 0.03;
/// Share of those whose day it is not who come all the same: with four in five of that kind, one customer in fourteen.
const WRONG_DAY: f64 = 0.02;
/// Share of the others that are bought for by somebody who is no family, which no rule allows.
const BY_A_FRIEND: f64 = 0.004;
/// Customers who are remembered as having been there.
const REMEMBERED: usize = 4096;
/// Minutes from UTC to the days of Korea.
const KOREA_MS: i64 = 9 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// All who may come.
#[derive(Debug)]
pub(super) struct Crowd {
    population: Population,
    /// The next of the population, which is in no order.
    next: u64,
    been: VecDeque<u64>,
}

impl Crowd {
    /// Begins at a place of its own, so that a fleet that is started again does not meet its own customers first.
    pub(super) fn new(population: Population, start: u64) -> Self {
        Self { population, next: start, been: VecDeque::new() }
    }

    /// Who comes at this real time.
    pub(super) fn next(&mut self, now: Millis, rng: &mut StdRng) -> Customer {
        if !self.been.is_empty() && rng.random_bool(AGAIN) {
            let again = self.been[rng.random_range(0..self.been.len())];
            return self.customer(again, rng);
        }
        let weekday = weekday(now);
        loop {
            let n = self.next;
            self.next += 1;
            let person = self.population.person(n);
            if comes_on(person.born, weekday) || rng.random_bool(WRONG_DAY) {
                self.remember(n);
                return self.with_company(n, person, rng);
            }
        }
    }

    fn customer(&self, n: u64, rng: &mut StdRng) -> Customer {
        self.with_company(n, self.population.person(n), rng)
    }

    fn remember(&mut self, n: u64) {
        if self.been.len() >= REMEMBERED {
            self.been.pop_front();
        }
        self.been.push_back(n);
    }

    /// Small children never come themselves, some of the old do, hardly anybody else is bought for.
    fn with_company(&self, n: u64, person: Person, rng: &mut StdRng) -> Customer {
        let share = match person.born {
            2006.. => 0.95,
            ..=1940 => 0.6,
            _ => 0.01,
        };
        let family = rng.random_bool(share).then(|| self.population.relative(n, &person)).flatten();
        let ground = family.is_some().then_some(Ground::Family);
        let by_a_friend =
            family.is_none() && (1950..2000).contains(&person.born) && rng.random_bool(BY_A_FRIEND);
        let buyer = if by_a_friend { Some(self.population.person(n + 1)) } else { family };
        let wants = [3, 3, 3, 3, 3, 3, 2, 2, 2, 1][rng.random_range(0..10)];
        Customer { person, buyer, ground, wants }
    }
}

/// Day of the week in Korea, from Monday, 0 to 6.
fn weekday(now: Millis) -> i64 {
    // 1 January 1970 was a Thursday.
    (now.plus(KOREA_MS).0.div_euclid(DAY_MS) + 3).rem_euclid(7)
}

/// The rule of 2020: on Monday those born in years that end in 1 and 6, and so on; at the weekend everybody.
fn comes_on(born: u16, weekday: i64) -> bool {
    weekday >= 5 || i64::from(born + 4) % 5 == weekday
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Noon in Korea on 11 March 2020, a Wednesday: 3 and 8.
    const WEDNESDAY: Millis = Millis(1_583_895_600_000);

    #[test]
    fn days_and_digits_are_those_of_2020() {
        assert_eq!(weekday(WEDNESDAY), 2);
        assert_eq!(weekday(Millis(WEDNESDAY.0 + 12 * 3_600_000)), 3);
        for (weekday, digits) in (0..).zip([[1, 6], [2, 7], [3, 8], [4, 9], [0, 5]]) {
            let here: Vec<u16> = (0..10).filter(|digit| comes_on(1980 + digit, weekday)).collect();
            assert_eq!(here, digits);
        }
        assert!((0..10).all(|digit| comes_on(1980 + digit, 5) && comes_on(1980 + digit, 6)));
    }

    #[test]
    fn most_come_on_their_day_some_on_another_and_some_again() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut crowd = Crowd::new(Population::new(1_000_000, 4), 77);
        let customers: Vec<_> = (0..20_000).map(|_| crowd.next(WEDNESDAY, &mut rng)).collect();
        let share = |fits: &dyn Fn(&Customer) -> bool| {
            customers.iter().filter(|c| fits(c)).count() as f64 / customers.len() as f64
        };
        let wrong_day = share(&|c| !comes_on(c.person.born, 2));
        assert!((0.05..0.10).contains(&wrong_day), "{wrong_day} on the wrong day");
        let family = share(&|c| c.ground == Some(Ground::Family));
        assert!((0.08..0.20).contains(&family), "{family} through their family");
        let friends = share(&|c| c.buyer.is_some() && c.ground.is_none());
        assert!((0.0005..0.005).contains(&friends), "{friends} through a friend");
        assert!(customers.iter().all(|c| c.buyer.as_ref() != Some(&c.person) && (1..=3).contains(&c.wants)));
        let people: std::collections::HashSet<_> = customers.iter().map(|c| &c.person).collect();
        let again = 1.0 - people.len() as f64 / customers.len() as f64;
        assert!((0.02..0.04).contains(&again), "{again} once more");
    }
}
