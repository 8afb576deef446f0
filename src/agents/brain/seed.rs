//! Seeds: everything that is drawn in a run follows from one number.

use std::fmt;

use base::{Entropy, EntropyError};
use serde::{Deserialize, Serialize};

/// The seed of a run. Each step's own follows from it and from the step's name, so that a run can be
/// repeated, and steps that run side by side do not depend on which comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunSeed(pub u32);

impl RunSeed {
    /// A new one.
    ///
    /// # Errors
    /// [`EntropyError`] when no random bytes can be had.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes)?;
        Ok(Self(u32::from_le_bytes(bytes)))
    }

    /// The seed of the step that is called `step`, in its `nth` try or sample, from 0.
    ///
    /// FNV-1a over the name and the number, then the finaliser of SplitMix64 (Steele, Lea and
    /// Flood, "Fast splittable pseudorandom number generators", 2014).
    #[must_use]
    pub fn of(self, step: &str, nth: u32) -> u32 {
        let mut state = 0xcbf2_9ce4_8422_2325_u64;
        let words = [self.0.to_le_bytes(), nth.to_le_bytes()];
        for byte in words.into_iter().flatten().chain(step.bytes()) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [a, b, c, d, ..] = (state ^ (state >> 31)).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl fmt::Display for RunSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn steps_have_seeds_of_their_own_which_never_change() {
        let run = RunSeed(7);
        let names = ["observe", "think", "verify", "think.1", "think.2"];
        let seeds: HashSet<u32> =
            names.iter().flat_map(|name| (0..8).map(|nth| run.of(name, nth))).collect();
        assert_eq!(seeds.len(), names.len() * 8);
        assert_eq!(run.of("think", 1), RunSeed(7).of("think", 1));
        assert_ne!(run.of("think", 1), RunSeed(8).of("think", 1));
    }
}
