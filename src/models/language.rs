//! The one interface behind which text is generated.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::error::ModelError;
use crate::protocol::{GenerateInput, Generation, ModelHash, Priority};

/// A future that an object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the pieces of a text go while it is being generated. A piece is whole UTF-8; when the
/// receiver is dropped, the pieces are not: the generation goes on to its end.
pub type TextSink = mpsc::Sender<String>;

/// Pieces that may wait between a model and whoever reads them.
pub const TEXT_SINK_PIECES: usize = 256;

/// A model that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDescription {
    /// Its hash, which goes into receipts and traces. For a model on another machine: the hash of
    /// what it is called there.
    pub hash: ModelHash,
    /// Its name, for people.
    pub name: String,
    /// Tokens of prompt and output together.
    pub context_tokens: u32,
}

/// How a call is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOptions {
    /// Whose turn it is.
    pub priority: Priority,
    /// For waiting and generating together.
    pub timeout: Duration,
}

/// Something that generates text: a model in the worker, a server on the local network, or a
/// script in a test.
pub trait LanguageModel: Send + Sync {
    /// What it is.
    fn describe(&self) -> ModelDescription;

    /// Generates one text. Dropping the future stops it.
    ///
    /// # Errors
    /// [`ModelError`]; nothing that came before it counts then.
    fn generate<'a>(
        &'a self,
        input: &'a GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> BoxFuture<'a, Result<Generation, ModelError>>;

    /// Nobody waits for a call of it any longer, because it showed no sign in the time that it was given. For
    /// models that remember whether they answer; a caller that went away for reasons of its own says nothing.
    fn gave_no_sign(&self) {}

    /// Tokens of each text, in order, as this model counts them.
    ///
    /// # Errors
    /// [`ModelError`].
    fn count_tokens<'a>(
        &'a self,
        texts: Vec<String>,
        options: CallOptions,
    ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>>;
}
