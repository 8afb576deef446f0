//! From text to terms: words, folding, stemming, languages, identifiers. Pure.
//!
//! Text and query pass through the same functions, so whatever is done here is done to both. A
//! change that gives the same text other terms must raise [`ANALYSIS_VERSION`]: an index that was
//! built by another version is rebuilt.

mod detect;
mod identifier;
mod language;
mod stop_words;
mod words;

pub use detect::{LanguageGuess, detect_passage, detect_query};
pub use identifier::{Identifier, IdentifierKind, passage_identifiers, query_identifiers};
pub use language::Language;
pub use stop_words::is_stop_word;
pub use words::{Word, fold, stem, words};

/// Version of the terms that this module makes. Raise it when the same text gives other terms.
pub const ANALYSIS_VERSION: u32 = 1;
