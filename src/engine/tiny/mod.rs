//! Small language models made on the spot, and an independent computation of what they answer.
//!
//! llama.cpp is built for many processors and picks kernels by what the processor says it can. A
//! kernel that computes nonsense, or faults, on this machine shows only when it runs. So a worker
//! proves itself before it is trusted: [`TinyModel`] writes a model of some 100,000 random numbers as
//! a GGUF file, llama.cpp generates from it, and [`Proof`] says which tokens must come, computed by
//! plain loops in [`Forward`] that share no line with llama.cpp. The larger shapes have no proof to
//! give; they are for measuring speed and memory without a real model at hand.
//!
//! Such a model is of the architecture `llama`. Everything in it follows from shape, kind of weights
//! and seed, on every machine: numbers come from integers by exact operations alone.
//!
//! Its vocabulary is bytes: three control tokens, 256 tokens of one byte each, and words that no text
//! becomes but that may be generated. So texts of any kind become tokens and back without loss, see
//! [`tokenise`] and [`token_bytes`].
//!
//! Never:
//! - holds more than a row of a model that is written;
//! - says that a model answers sensibly: what it generates is noise, by design.

mod error;
mod file;
mod forward;
mod numbers;
mod proof;
mod random;
mod shape;
mod vocabulary;
mod weights;

#[cfg(test)]
mod tests;

pub use error::TinyError;
pub use file::{CHATML, TinyModel, TinyOptions};
pub use forward::{Choice, Forward, MAX_FORWARD_PARAMETERS, Rounding};
pub use proof::{PROOF_PROMPT, PROOF_TOKENS, Proof};
pub use shape::{Output, TinyShape};
pub use vocabulary::{
    BYTE_TOKENS_BEGIN, CONTROL_TOKENS, END_OF_MESSAGE, END_OF_TEXT, START_OF_MESSAGE, listed,
    token_bytes, tokenise,
};
pub use weights::WeightKind;
