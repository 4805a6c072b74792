//! Chance that needs no memory: numbers below a bound in an order that a seed decides, each once, and hashes.

/// A number that looks random and depends on its arguments alone (SplitMix64).
pub(super) fn hash(seed: u64, n: u64) -> u64 {
    let mut x = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A permutation of the numbers below a size: a Feistel network, walked until it comes back below the size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shuffle {
    size: u64,
    half: u32,
    seed: u64,
}

const ROUNDS: u64 = 4;

impl Shuffle {
    /// Of the numbers below `size`, at least 1 and at most 2^62.
    pub(super) fn new(size: u64, seed: u64) -> Self {
        let bits = u64::BITS - (size - 1).leading_zeros();
        Self { size, half: bits.div_ceil(2).max(1), seed }
    }

    /// Where `n`, below the size, goes; no two go to the same place.
    pub(super) fn of(&self, n: u64) -> u64 {
        let mut at = self.once(n);
        while at >= self.size {
            at = self.once(at);
        }
        at
    }

    fn once(&self, n: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (n >> self.half, n & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ (hash(self.seed ^ round << 60, right) & mask));
        }
        left << self.half | right
    }
}

/// A permutation of the numbers below a modulus by one multiplication, for numbers that need only look made up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride {
    modulus: u64,
    step: u64,
    start: u64,
}

impl Stride {
    /// Of the numbers below `modulus`, at most 2^31, with a step and a start that depend on `chance`.
    pub(super) fn new(modulus: u64, chance: u64) -> Self {
        let step = modulus * 5 / 8 + chance % (modulus / 4 + 1);
        Self { modulus, step: coprime(step, modulus), start: (chance >> 20) % modulus }
    }

    /// Of the numbers below `modulus`, such that the first few are spread evenly: by the golden section.
    pub(super) fn spread(modulus: u64) -> Self {
        Self { modulus, step: coprime((modulus as f64 * 0.618_034) as u64, modulus), start: 0 }
    }

    /// Where `n`, below the modulus, goes; no two go to the same place.
    pub(super) fn of(&self, n: u64) -> u64 {
        (n * self.step + self.start) % self.modulus
    }
}

/// The first number from `step` on that shares no divisor with the modulus.
fn coprime(step: u64, modulus: u64) -> u64 {
    (step..).find(|step| gcd(*step, modulus) == 1).expect("the multiples of the modulus have a neighbour")
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        for size in [1, 2, 3, 1000, 4097] {
            let shuffle = Shuffle::new(size, 7);
            let places: HashSet<u64> = (0..size).map(|n| shuffle.of(n)).collect();
            assert_eq!((places.len() as u64, places.iter().all(|at| *at < size)), (size, true));
            for chance in 0..20 {
                let stride = Stride::new(size, hash(chance, 1));
                assert_eq!((0..size).map(|n| stride.of(n)).collect::<HashSet<_>>().len() as u64, size);
            }
        }
        let moved = (0..1000).filter(|n| Shuffle::new(1000, 7).of(*n) != *n).count();
        assert!(moved > 950, "{moved} of 1000 moved");
    }
}
