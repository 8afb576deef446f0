//! Protocol and supervised client of the model worker, the one process that holds model weights.
//!
//! [`ModelWorker`] is what the rest of the house calls: it starts the worker when the first call
//! arrives, keeps it alive, restarts it with back-off when it dies, and stops it again when nobody
//! has asked for a while, so that its memory goes back. [`protocol`] is what both ends speak over
//! the socket pair; the worker itself lives in the `engine` room.
//!
//! Never:
//! - does model arithmetic or holds weights in this process;
//! - sends a call twice after the caller was answered, or more than twice in all;
//! - lets bulk work fill the queue so far that an interactive call is refused;
//! - trusts a frame: lengths, counts and versions are checked before anything is allocated for them;
//! - logs or stores a text that it carries.

mod cage_report;
mod client;
mod embedding;
mod error;
pub mod protocol;

pub use cage_report::{WorkerAct, WorkerCageReport, worker_cage_self_test};
pub use client::{ModelWorker, WorkerCommand, WorkerSettings, WorkerState};
pub use embedding::{Embedding, EmbeddingError};
pub use error::ModelError;
pub use protocol::{ComputePath, Hello, Priority, TextKind, TokenSpan};
