//! Inside of the model worker: the embedder, its kernels, and the scheduler that feeds it.
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
mod reference;
mod self_check;
mod self_test;
mod tokens;
mod weights;
mod worker;

pub use embedder::{Embedder, EmbedderOptions, PathChoice};
pub use error::EngineError;
pub use self_test::self_test_main;
pub use tokens::{Sequence, TextTokens, WINDOW_TOKENS};
pub use weights::{WEIGHTS_SHA256, verify_weights};
pub use worker::{WorkerOptions, worker_main};
