//! Dense vectors: binary codes in memory, scanned whole, the best rescored exactly.
//!
//! A code is the sign of each of an embedding's 384 numbers. Hamming distance of codes estimates
//! the angle of embeddings (random hyperplanes; Charikar, 2002) well enough to pick some hundred
//! candidates out of a million in milliseconds; their order then comes from the vectors of record,
//! which the caller fetches from the database.
//!
//! Never:
//! - holds a full vector: 56 bytes a chunk, the id included;
//! - ranks by codes alone;
//! - scans a chunk that is not allowed.

mod code;
mod scan;

pub use code::BinaryCode;
pub use scan::VectorIndex;

#[cfg(test)]
mod tests;
