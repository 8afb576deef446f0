//! The vector that stands for a text.

use std::fmt;

use base::limits::EMBEDDING_DIMENSIONS;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Largest distance from 1 that the length of a stored vector may have.
const NORM_TOLERANCE: f32 = 1e-3;

/// A text as a point on the unit sphere: `[384] f32`, L2-normalised.
///
/// The dot product of two embeddings is their cosine. Stored and sent as 1,536 bytes, little
/// endian, which is also sqlite-vec's form of a float vector.
#[derive(Clone, PartialEq)]
pub struct Embedding([f32; EMBEDDING_DIMENSIONS]);

/// The bytes or numbers are not an embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingError {
    /// Not exactly four bytes per dimension.
    #[error("an embedding has {} bytes, got {size_bytes}", Embedding::SIZE_BYTES)]
    Length {
        /// Bytes that were given.
        size_bytes: usize,
    },
    /// Not finite, or not of length 1.
    #[error("the vector is not finite or not of unit length")]
    NotNormalised,
}

impl Embedding {
    /// Bytes of the stored form.
    pub const SIZE_BYTES: usize = EMBEDDING_DIMENSIONS * 4;

    /// Scales `values` to unit length.
    ///
    /// # Errors
    /// [`EmbeddingError::NotNormalised`] when the values are not finite or all zero.
    pub fn normalise(mut values: [f32; EMBEDDING_DIMENSIONS]) -> Result<Self, EmbeddingError> {
        let norm = length(&values);
        if !norm.is_finite() || norm <= f32::MIN_POSITIVE {
            return Err(EmbeddingError::NotNormalised);
        }
        for value in &mut values {
            *value /= norm;
        }
        Ok(Self(values))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`EmbeddingError`] when the length is wrong or the vector is not of unit length.
    pub fn from_le_bytes(bytes: &[u8]) -> Result<Self, EmbeddingError> {
        if bytes.len() != Self::SIZE_BYTES {
            return Err(EmbeddingError::Length { size_bytes: bytes.len() });
        }
        let mut values = [0.0; EMBEDDING_DIMENSIONS];
        let (words, _) = bytes.as_chunks::<4>();
        for (value, word) in values.iter_mut().zip(words) {
            *value = f32::from_le_bytes(*word);
        }
        let norm = length(&values);
        if norm.is_finite() && (norm - 1.0).abs() <= NORM_TOLERANCE {
            Ok(Self(values))
        } else {
            Err(EmbeddingError::NotNormalised)
        }
    }

    /// The stored form: little endian, [`Self::SIZE_BYTES`] long.
    #[must_use]
    pub fn to_le_bytes(&self) -> [u8; Self::SIZE_BYTES] {
        let mut bytes = [0; Self::SIZE_BYTES];
        let (words, _) = bytes.as_chunks_mut::<4>();
        for (word, value) in words.iter_mut().zip(&self.0) {
            *word = value.to_le_bytes();
        }
        bytes
    }

    /// The numbers.
    #[must_use]
    pub const fn as_array(&self) -> &[f32; EMBEDDING_DIMENSIONS] {
        &self.0
    }

    /// Cosine of the angle to `other`, in −1..=1.
    #[must_use]
    pub fn dot(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

/// L2 length, summed in `f64` so that the order of a vector's numbers does not matter.
fn length(values: &[f32; EMBEDDING_DIMENSIONS]) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a length needs no more than f32")]
    let norm = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt() as f32;
    norm
}

/// An embedding can be turned back into words, so it is content: never printed.
impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedding([384 × f32])")
    }
}

impl Serialize for Embedding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_le_bytes())
    }
}

impl<'de> Deserialize<'de> for Embedding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Embedding;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} bytes of a unit vector", Embedding::SIZE_BYTES)
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Embedding, E> {
                Embedding::from_le_bytes(bytes).map_err(E::custom)
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn ramp() -> Embedding {
        let mut values = [0.0; EMBEDDING_DIMENSIONS];
        for (i, value) in values.iter_mut().enumerate() {
            *value = f32::from(u16::try_from(i).unwrap()) - 100.0;
        }
        Embedding::normalise(values).unwrap()
    }

    #[test]
    fn bytes_round_trip_exactly() {
        let embedding = ramp();
        assert_eq!(Embedding::from_le_bytes(&embedding.to_le_bytes()).unwrap(), embedding);
        let wire = postcard::to_stdvec(&embedding).unwrap();
        assert_eq!(postcard::from_bytes::<Embedding>(&wire).unwrap(), embedding);
    }

    #[test]
    fn a_unit_vector_has_cosine_one_with_itself() {
        assert!((ramp().dot(&ramp()) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn refuses_what_is_no_unit_vector() {
        let zero = [0.0; EMBEDDING_DIMENSIONS];
        assert_eq!(Embedding::normalise(zero), Err(EmbeddingError::NotNormalised));
        assert_eq!(
            Embedding::from_le_bytes(&[0; Embedding::SIZE_BYTES]),
            Err(EmbeddingError::NotNormalised)
        );
        assert_eq!(
            Embedding::from_le_bytes(&[0; 12]),
            Err(EmbeddingError::Length { size_bytes: 12 })
        );
        let mut nan = [0.1; EMBEDDING_DIMENSIONS];
        nan[7] = f32::NAN;
        assert_eq!(Embedding::normalise(nan), Err(EmbeddingError::NotNormalised));
    }
}
