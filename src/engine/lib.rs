//! Inside of the model worker: the embedder and its kernels, models that generate text, and the
//! schedulers that feed both.
//!
//! [`worker_main`] is the whole worker: it cages itself, proves its arithmetic against stored
//! vectors, and then answers the calls of `models::protocol` on its standard input, most urgent
//! first. [`Embedder`] is the same arithmetic without a process around it, for benches and tuning.
//!
//! Never:
//! - opens a file or a connection after its start: weights and tokenizer are part of the executable;
//! - trusts a way to compute that has not reproduced the reference's vectors on this machine;
//! - lets an interactive call wait for more than one batch of bulk work;
//! - gives a text another vector because of the texts beside it;
//! - logs a text.

mod cage;
mod embedder;
mod error;
mod fast;
pub mod gguf;
mod llama;
mod reference;
mod self_check;
mod self_test;
pub mod tiny;
mod tokens;
mod weights;
mod worker;

pub use embedder::{Embedder, EmbedderOptions, PathChoice};
pub use error::EngineError;
pub use llama::prove_main;
pub use self_test::self_test_main;
pub use tokens::{Sequence, TextTokens, WINDOW_TOKENS};
pub use weights::{WEIGHTS_SHA256, WeightsPlace, bring_weights, verify_weights};
pub use worker::{WorkerOptions, worker_main};
