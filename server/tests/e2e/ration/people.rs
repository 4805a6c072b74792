//! The people: each with a number that no other has, written at each counter in one of the usual ways.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// So many people.
#[derive(Debug)]
pub struct People {
    numbers: Vec<[String; 2]>,
}

impl People {
    /// Draws their numbers: born 1930 to 1999, with no hole in the calendar.
    pub fn draw(count: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let numbers = (0..count).map(|n| {
            let (year, month, day) = (30 + n % 70, 1 + n / 70 % 12, 1 + n / 840 % 28);
            let born = format!("{year:02}{month:02}{day:02}");
            let rest = format!("{}{:06}", rng.random_range(1..=2), rng.random_range(0..1_000_000));
            [born, rest]
        });
        Self { numbers: numbers.collect() }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// A number as somebody writes it.
    pub fn written(&self, person: usize, rng: &mut StdRng) -> String {
        let between = ["", "-", " "][rng.random_range(0..3)];
        self.numbers[person].join(between)
    }

    /// Every form in which a number could be found where it must not be.
    pub fn forms(&self) -> impl Iterator<Item = String> {
        self.numbers.iter().flat_map(|number| ["", "-", " "].map(|between| number.join(between)))
    }
}
