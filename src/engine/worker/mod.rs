//! The worker process: socket in, answers out.

mod batch;
mod courtesy;
mod queue;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use models::Hello;
use models::protocol::frame::{self, FrameError};
use models::protocol::{
    AnswerBody, CallId, FileSocket, FromWorker, Lane, PROTOCOL_VERSION, ResponsePart, ToWorker,
    WorkerError,
};

use crate::cage;
use crate::embedder::{Embedder, EmbedderOptions, PathChoice};
use crate::error::EngineError;
use crate::llama::{self, Generator, Gpus};
use crate::tokens::WINDOW_TOKENS;
pub(crate) use courtesy::{Courtesy, Generating};
use queue::Queue;

/// Name of the embedder, as it stands in the model card.
const EMBEDDER: &str = "all-minilm-l6-v2";

/// How the worker runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Threads that compute; all cores when absent.
    pub threads: Option<NonZeroUsize>,
    /// Which way to compute.
    pub path: PathChoice,
    /// In a build for graphics processors: takes one that the processor only acts too, for trials.
    pub software_gpu: bool,
}

/// Why the worker ended before its socket closed.
#[derive(Debug, thiserror::Error)]
enum WorkerEnd {
    #[error("standard input is not the client's socket")]
    NoSocket(#[source] std::io::Error),
    #[error("the embedder could not be loaded")]
    Load(#[source] EngineError),
    #[error("the cage can't be shut: {0}")]
    Cage(String),
    #[error("the socket failed")]
    Socket(#[source] FrameError),
}

/// Runs the worker until the client closes the socket, which is this process's standard input.
///
/// Must be called first thing in a process of its own: it takes rights away from the whole process.
/// The caller has set up logging (to standard error).
#[must_use]
pub fn worker_main(options: &WorkerOptions) -> ExitCode {
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            let cause = std::error::Error::source(&end).map(ToString::to_string);
            tracing::error!(error = %end, cause = cause.as_deref(), "model worker ends");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &WorkerOptions) -> Result<(), WorkerEnd> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(WorkerEnd::NoSocket)?;
    let outgoing = UnixStream::from(socket);
    let mut incoming = FileSocket::new(outgoing.try_clone().map_err(WorkerEnd::NoSocket)?);
    // The number of cores is read from files, so before the cage.
    let mut embedder_options = EmbedderOptions { path: options.path, ..EmbedderOptions::default() };
    if let Some(threads) = options.threads {
        embedder_options.threads = threads;
    }
    let cage = cage::enter(cage::needs()).map_err(WorkerEnd::Cage)?;
    let gpus = opened_gpus(options);
    let embedder = Embedder::load(&embedder_options).map_err(WorkerEnd::Load)?;
    let outbox = Arc::new(Outbox { socket: Mutex::new(outgoing) });
    outbox
        .send(&FromWorker::Hello(hello(&embedder, cage, gpus.as_ref())))
        .map_err(WorkerEnd::Socket)?;

    let courtesy = Courtesy::default();
    let threads = embedder_options.threads;
    let mut generator = Generator::new(Arc::clone(&outbox), threads, courtesy.clone());
    let queue = Arc::new(Queue::default());
    let calculator = std::thread::spawn({
        let (queue, outbox) = (Arc::clone(&queue), Arc::clone(&outbox));
        move || batch::run(&embedder, &queue, &outbox, &courtesy)
    });
    let end = read_calls(&mut incoming, &queue, &mut generator, &outbox);
    queue.close();
    generator.stop();
    // A batch that is being computed is finished, and its answer goes nowhere.
    let _ = calculator.join();
    end
}

/// The graphics processors, in a build for them. Without any, models are computed by the processor: this build
/// was chosen because there was one, and answers matter more.
fn opened_gpus(options: &WorkerOptions) -> Option<Gpus> {
    if !llama::USES_GPUS {
        return None;
    }
    let opened = llama::open_gpus(options.software_gpu);
    opened.inspect_err(|reason| tracing::warn!(%reason, "no graphics processor is used")).ok()
}

fn read_calls(
    incoming: &mut FileSocket,
    queue: &Queue,
    generator: &mut Generator,
    outbox: &Outbox,
) -> Result<(), WorkerEnd> {
    while let Some(message) = frame::read::<ToWorker>(incoming).map_err(WorkerEnd::Socket)? {
        let refused = match message {
            ToWorker::Call(call) => {
                let id = call.id;
                let file = if call.body.brings_file() { incoming.take_file() } else { None };
                let accepted = match call.body.lane() {
                    Lane::Compute => queue.accept(call),
                    Lane::Generate => generator.accept(call, file),
                };
                accepted.err().map(|error| (id, error))
            }
            ToWorker::Cancel { id } => {
                // If it has the call, it answers.
                generator.cancel(id);
                queue.cancel(id).then_some((id, WorkerError::Cancelled))
            }
        };
        if let Some((id, error)) = refused {
            outbox.answer(id, Err(error)).map_err(WorkerEnd::Socket)?;
        }
    }
    Ok(())
}

fn hello(embedder: &Embedder, cage: Vec<String>, gpus: Option<&Gpus>) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        embedder: EMBEDDER.to_owned(),
        path: embedder.path(),
        fallback: embedder.fallback().map(ToOwned::to_owned),
        threads: u32::try_from(embedder.threads().get()).unwrap_or(u32::MAX),
        window_tokens: u32::try_from(WINDOW_TOKENS).unwrap_or(u32::MAX),
        cage,
        generator: llama::describe(gpus),
        gpu_bytes: gpus.map_or(0, |gpus| gpus.total_bytes),
    }
}

/// The way out, shared by the threads that answer.
pub(crate) struct Outbox {
    socket: Mutex<UnixStream>,
}

impl Outbox {
    pub(crate) fn answer(
        &self,
        id: CallId,
        result: Result<AnswerBody, WorkerError>,
    ) -> Result<(), FrameError> {
        self.send(&FromWorker::Response { id, part: ResponsePart::Final(result) })
    }

    pub(crate) fn send(&self, message: &FromWorker) -> Result<(), FrameError> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        frame::write(&mut *socket, message)
    }
}
