//! The tenant's text index: BM25 over words, exact forms, headings and identifiers.
//!
//! A chunk is one tantivy document. Nothing is stored in it but its id: text, labels and places
//! live in the database, from which the index can be rebuilt at any time. Scores are BM25 with
//! Lucene's parameters (k1 = 1.2, b = 0.75; Robertson and Zaragoza, 2009), summed over fields.
//!
//! Never:
//! - returns a chunk outside of the allowed set, or lets one push an allowed chunk out;
//! - keeps text or a term in a file that is not encrypted ([`EncryptedDirectory`]);
//! - is the truth: an index that is missing, behind or of another version is rebuilt.

mod compound;
mod directory;
mod error;
mod plan;
mod query;
mod recent;
mod schema;
mod snapshot;
mod text_index;

pub use directory::{EncryptedDirectory, EncryptedDirectoryOptions};
pub use error::IndexError;
pub use query::{Clause, ClauseField, Polarity, QUERY_MAX_WORDS, TextQuery};
pub use schema::IndexedChunk;
pub use snapshot::{TextHit, TextSnapshot};
pub use text_index::{TextIndex, TextWriter};

#[cfg(test)]
mod tests;
