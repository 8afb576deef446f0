//! GGUF, the file format of models for llama.cpp: a bounded reader of its header, and a writer.
//!
//! A model file comes from outside, and llama.cpp is C++ that takes what it says on trust or aborts.
//! [`GgufHeader::read`] looks at every file first: nothing in the file decides how much memory is
//! taken or how long a loop runs beyond the limits of [`limits`], and what is refused is told with
//! the place, what was found there and what is allowed. It reads the header alone, a few megabytes
//! of a large model, and never the weights.
//!
//! [`GgufHeader::summary`] is what people and the fit check want to know of it. [`GgufWriter`]
//! lays such a file out; the models of [`crate::tiny`] come from there.
//!
//! The layout is described in `ggml/include/gguf.h` of llama.cpp, and by the specification in
//! `docs/gguf.md` of ggml. Where llama.cpp refuses more than the specification does (a gap between
//! two tensors, names of 64 bytes), so does the reader.
//!
//! Never:
//! - panics, whatever the bytes are;
//! - takes memory because of a number in the file before the bytes behind it are there;
//! - trusts the size of the file that the file itself implies.

mod cursor;
mod error;
mod header;
mod kinds;
mod layout;
pub mod limits;
mod metadata;
mod summary;
mod value;
mod writer;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

pub use error::{GgufError, Place};
pub use header::{GgufHeader, Keep};
pub use kinds::TensorKind;
pub use layout::TensorInfo;
pub use summary::{GgufSummary, Pooling};
pub use value::{Array, Value, ValueKind};
pub use writer::GgufWriter;

/// The first four bytes of every GGUF file.
pub(crate) const MAGIC: [u8; 4] = *b"GGUF";

/// The version that is written.
pub(crate) const VERSION: u32 = 3;

/// The oldest version that is read. Version 1 had counts of 32 bits; llama.cpp reads it no more.
pub(crate) const OLDEST_VERSION: u32 = 2;

/// The key that says to what multiple of bytes tensors are aligned.
pub(crate) const ALIGNMENT_KEY: &str = "general.alignment";

/// The key of the list of tokens.
pub(crate) const TOKENS_KEY: &str = "tokenizer.ggml.tokens";
