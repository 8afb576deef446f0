//! The worker process: cage first, then one document, then the end.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use base::limits::DOCUMENT_MAX_BYTES;

use crate::cage;
use crate::document::parse_document;
use crate::error::{FailureCode, ParseFailure};
use crate::model::ParsedSummary;
use crate::protocol::{
    EXIT_BAD_REQUEST, EXIT_CAGE_FAILED, EXIT_PIPE_CLOSED, REQUEST_VARIABLE, WorkerMessage,
    WorkerRequest, write_frame,
};

/// What `millwright worker parse` runs: closes the cage, reads one document from fd 0, writes
/// frames to fd 1. Expects a process with a single thread that has opened nothing; it does not come
/// back to ordinary life.
///
/// Exit codes: 0 when a last frame was written (also when it refuses the document), 64 without a
/// request, 70 when the cage could not be closed, 74 when nobody reads the frames.
#[must_use]
pub fn worker_main() -> ExitCode {
    let Some(request) = request_from_environment() else {
        return complain(EXIT_BAD_REQUEST, "this process is started by the server only");
    };
    set_quiet_panic_hook();
    let landlock = match cage::enter(&request.limits) {
        Ok(landlock) => landlock,
        Err(error) => return complain(EXIT_CAGE_FAILED, &with_causes(&error)),
    };
    match serve(&request, &WorkerMessage::Caged { landlock }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_PIPE_CLOSED),
    }
}

/// The request, when the server sent one.
pub(crate) fn request_from_environment() -> Option<WorkerRequest> {
    serde_json::from_str(&std::env::var(REQUEST_VARIABLE).ok()?).ok()
}

/// Says on standard error why the process ends; the server reads it.
pub(crate) fn complain(code: u8, reason: &str) -> ExitCode {
    // Nothing can be done when standard error is gone as well.
    let _ = writeln!(io::stderr(), "{reason}");
    ExitCode::from(code)
}

/// An error with everything that caused it, on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        out.push_str(": ");
        out.push_str(&error.to_string());
        cause = error.source();
    }
    out
}

/// A panic message may quote the document; only the place in the code is told.
fn set_quiet_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        if let Some(at) = info.location() {
            let _ = writeln!(io::stderr(), "panicked at {}:{}", at.file(), at.line());
        }
    }));
}

fn serve(request: &WorkerRequest, first: &WorkerMessage) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write_frame(&mut out, first)?;
    let mut pipe_error = None;
    let result = read_document().and_then(|bytes| {
        let mut on_page = |page| {
            write_frame(&mut out, &WorkerMessage::Page(page)).map_err(|error| {
                pipe_error = Some(error);
                ParseFailure::new(FailureCode::Crashed, "The reader of the pages went away.")
            })
        };
        parse_guarded(bytes, request, &mut on_page)
    });
    if let Some(error) = pipe_error {
        return Err(error);
    }
    let last = match result {
        Ok(summary) => WorkerMessage::Done(summary),
        Err(failure) => WorkerMessage::Failed(failure),
    };
    write_frame(&mut out, &last)
}

fn parse_guarded<'a>(
    bytes: Vec<u8>,
    request: &WorkerRequest,
    on_page: &'a mut crate::sink::OnPage<'a>,
) -> Result<ParsedSummary, ParseFailure> {
    let parse = || parse_document(bytes, &request.hint, request.limits.max_pages, on_page);
    // What a panic leaves behind is not looked at again: this process ends.
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| {
        Err(ParseFailure::new(
            FailureCode::Crashed,
            "The file made its reader fail. It is most likely damaged.",
        ))
    })
}

fn read_document() -> Result<Vec<u8>, ParseFailure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(DOCUMENT_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| ParseFailure::damaged("The file could not be received as a whole."))?;
    if bytes.len() as u64 > DOCUMENT_MAX_BYTES {
        return Err(ParseFailure::new(
            FailureCode::TooLarge,
            format_args!("The file is larger than {} MiB.", DOCUMENT_MAX_BYTES / (1024 * 1024)),
        ));
    }
    Ok(bytes)
}
