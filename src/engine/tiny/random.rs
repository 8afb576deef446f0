//! Numbers that look random and follow from a seed, on every machine.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), with
/// the constants of its reference implementation. Not for secrets.
#[derive(Clone, Debug)]
pub(super) struct SplitMix64(u64);

/// 2⁶⁴ divided by the golden ratio, odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// The numbers of one row of one tensor.
    pub(super) const fn of_row(seed: u64, tensor: u64, row: u64) -> Self {
        // Mixed after each part, so that neighbouring rows have nothing in common.
        Self(mix(mix(mix(seed).wrapping_add(tensor)).wrapping_add(row)))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Evenly between −1 and 1. Exact: 24 bits of the number, which a float holds.
    pub(super) fn even(&mut self) -> f32 {
        const HALF: i32 = 1 << 23;
        let bits = (self.next() >> 40) as i32;
        (bits - HALF) as f32 / HALF as f32
    }
}

const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // First outputs of `splitmix64.c` (Vigna) for the seed 1234567.
        let mut random = SplitMix64(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
        assert_eq!(random.next(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn they_are_spread_evenly() {
        let mut random = SplitMix64::of_row(1, 2, 3);
        let numbers: Vec<f32> = (0..10_000).map(|_| random.even()).collect();
        assert!(numbers.iter().all(|number| (-1.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f32>() / 10_000.0;
        let square = numbers.iter().map(|number| number * number).sum::<f32>() / 10_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 0.01, "{square}");
    }
}
