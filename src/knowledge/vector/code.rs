//! Sign bits of an embedding and their distance.

use models::Embedding;

const WORDS: usize = base::limits::EMBEDDING_DIMENSIONS / 64;

/// The signs of an embedding's numbers: 48 bytes, stored lowest bit first, which is also
/// sqlite-vec's form of a bit vector (`vec_quantize_binary`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryCode([u64; WORDS]);

impl BinaryCode {
    /// Bytes of the stored form.
    pub const SIZE_BYTES: usize = WORDS * 8;

    /// The code of `embedding`: bit `i` is set when number `i` is positive.
    #[must_use]
    pub fn of(embedding: &Embedding) -> Self {
        let mut words = [0; WORDS];
        for (word, numbers) in words.iter_mut().zip(embedding.as_array().chunks_exact(64)) {
            for (bit, number) in numbers.iter().enumerate() {
                *word |= u64::from(*number > 0.0) << bit;
            }
        }
        Self(words)
    }

    /// Reads the stored form; `None` when it is not [`Self::SIZE_BYTES`] long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::SIZE_BYTES] = bytes.try_into().ok()?;
        let (stored, _) = bytes.as_chunks::<8>();
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(stored) {
            *word = u64::from_le_bytes(*bytes);
        }
        Some(Self(words))
    }

    /// In how many of 384 bits the codes differ.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        distance(self, other)
    }
}

#[inline(always)]
fn distance(a: &BinaryCode, b: &BinaryCode) -> u32 {
    a.0.iter().zip(&b.0).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Distances of `codes` to `query`, into `out` of the same length.
pub(super) fn distances(query: &BinaryCode, codes: &[BinaryCode], out: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512vpopcntdq")
            && std::arch::is_x86_feature_detected!("avx512f")
        {
            #[expect(unsafe_code, reason = "a function for one processor feature")]
            // SAFETY: the line above has asked this very processor for the features.
            unsafe {
                distances_avx512(query, codes, out);
            }
            return;
        }
        if std::arch::is_x86_feature_detected!("popcnt") {
            #[expect(unsafe_code, reason = "a function for one processor feature")]
            // SAFETY: the line above has asked this very processor for the feature.
            unsafe {
                distances_popcnt(query, codes, out);
            }
            return;
        }
    }
    distances_plain(query, codes, out);
}

#[inline(always)]
fn distances_plain(query: &BinaryCode, codes: &[BinaryCode], out: &mut [u32]) {
    for (code, out) in codes.iter().zip(out) {
        *out = distance(query, code);
    }
}

/// The release is built for any x86-64; this is the same loop with the instruction that counts.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn distances_popcnt(query: &BinaryCode, codes: &[BinaryCode], out: &mut [u32]) {
    distances_plain(query, codes, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt,avx512f,avx512vl,avx512vpopcntdq")]
fn distances_avx512(query: &BinaryCode, codes: &[BinaryCode], out: &mut [u32]) {
    distances_plain(query, codes, out);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn embedding(seed: u64) -> Embedding {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let values = std::array::from_fn(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f32::from(u16::try_from(state >> 48).unwrap()) - 32767.5
        });
        Embedding::normalise(values).unwrap()
    }

    #[test]
    fn a_code_takes_48_bytes() {
        assert_eq!(size_of::<BinaryCode>(), 48);
        assert_eq!(BinaryCode::SIZE_BYTES, 48);
        assert_eq!(BinaryCode::from_bytes(&[0; 47]), None);
        assert_eq!(BinaryCode::from_bytes(&[0; 49]), None);
    }

    proptest! {
        #[test]
        fn every_way_to_count_gives_the_same(seed in 0_u64..1000) {
            let query = BinaryCode::of(&embedding(seed));
            let codes: Vec<_> = (0..9).map(|i| BinaryCode::of(&embedding(seed * 31 + i))).collect();
            let (mut fast, mut plain) = (vec![0; 9], vec![0; 9]);
            distances(&query, &codes, &mut fast);
            distances_plain(&query, &codes, &mut plain);
            prop_assert_eq!(&fast, &plain);
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("popcnt") {
                #[expect(unsafe_code, reason = "a function for one processor feature")]
                // SAFETY: the processor was asked in the line above.
                unsafe { distances_popcnt(&query, &codes, &mut fast) };
                prop_assert_eq!(&fast, &plain);
            }
        }

        #[test]
        fn distance_counts_differing_signs(a in 0_u64..1000, b in 0_u64..1000) {
            let (a, b) = (embedding(a), embedding(b));
            let differing = a.as_array().iter().zip(b.as_array())
                .filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count();
            prop_assert_eq!(
                BinaryCode::of(&a).distance(&BinaryCode::of(&b)) as usize,
                differing
            );
        }
    }
}
