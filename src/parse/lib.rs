//! Inside of the parse worker: one foreign file (PDF, DOCX, Markdown, text) becomes pages and
//! blocks, inside a cage. The worker reads bytes on fd 0, writes frames on fd 1, and has nothing
//! else; [`ParseWorker`] is the other end, used by ingestion.
//!
//! Never:
//! - parses a foreign byte outside the worker process, or before the cage is closed;
//! - opens a path, a socket, a thread or a process from inside the cage;
//! - returns a page without text as an empty page: it is [`PageState::NeedsOcr`] or a failure;
//! - panics on foreign bytes: what cannot be read is a [`ParseError`] with a stable code;
//! - logs content, titles or file names.

mod cage;
mod client;
mod decode;
mod detect;
mod document;
mod docx;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod language;
pub mod limits;
mod markdown;
mod marks;
pub mod model;
mod pdf;
mod protocol;
mod self_test;
mod sink;
mod table_header;
mod text;
mod worker;

pub use cage::{ActOutcome, ActReport, CageLimits, CageReport, LandlockState};
pub use client::{ParseInput, ParseWorker};
pub use detect::FormatHint;
pub use error::{FailureCode, ParseError, ParseFailure};
pub use model::{
    BBox, Block, BlockKind, Cell, Format, Line, Page, PageState, ParsedDocument, ParsedSummary,
    Table, TableRow,
};
pub use protocol::WorkerMessage;
pub use self_test::self_test_main;
pub use worker::worker_main;
