//! The server's end of the parse worker: starts one process per document, feeds it, reads its
//! frames, and ends it when it takes too long.

use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use crate::cage::{CageLimits, CageReport};
use crate::detect::FormatHint;
use crate::error::{FailureCode, ParseError, ParseFailure};
use crate::limits::{OUTPUT_MAX_BYTES, SELF_TEST_WALL_CLOCK_MS, STDERR_MAX_BYTES};
use crate::model::{Page, ParsedDocument, ParsedSummary};
use crate::protocol::{
    EXIT_CAGE_FAILED, FrameError, REQUEST_VARIABLE, WorkerMessage, WorkerRequest, frame_length,
    read_frame,
};

/// Longest report of the self-test, in bytes.
const REPORT_MAX_BYTES: u64 = 256 * 1024;

/// A dead worker's pipes are closed; what it wrote last is waited for no longer than this.
const REAP_MS: u64 = 2_000;

/// The document as the caller has it.
#[derive(Debug)]
pub enum ParseInput {
    /// In memory, as it comes out of an encrypted blob.
    Bytes(Vec<u8>),
    /// An open file, read from its present position; the worker gets the descriptor itself.
    File(File),
}

/// Starts parse workers.
#[derive(Clone, Debug)]
pub struct ParseWorker {
    exe: PathBuf,
    limits: CageLimits,
    /// The last self-test found a leak; clones share what it found.
    leaks: Arc<AtomicBool>,
}

impl ParseWorker {
    /// Workers are `exe worker parse` and may use `limits`.
    #[must_use]
    pub fn new(exe: impl Into<PathBuf>, limits: CageLimits) -> Self {
        Self { exe: exe.into(), limits, leaks: Arc::default() }
    }

    /// What one document may use.
    #[must_use]
    pub const fn limits(&self) -> &CageLimits {
        &self.limits
    }

    /// Lets a worker try to break out of its cage; takes some ten milliseconds. After a failure
    /// nothing is parsed until it has succeeded.
    ///
    /// # Errors
    /// [`ParseError::CageFailed`] when an act went through that must not, or parsing does not work
    /// inside; [`ParseError::Worker`] when the worker cannot be started.
    pub async fn self_test(&self) -> Result<CageReport, ParseError> {
        let result = self.try_cage().await;
        self.leaks.store(matches!(result, Err(ParseError::CageFailed { .. })), Ordering::Release);
        result
    }

    async fn try_cage(&self) -> Result<CageReport, ParseError> {
        let mut child = self.spawn(&FormatHint::default(), Stdio::null(), Mode::SelfTest)?;
        let test = async {
            let (out, err) = (child.stdout.take(), child.stderr.take());
            let (json, stderr) = tokio::try_join!(
                read_capped(out, REPORT_MAX_BYTES),
                read_capped(err, STDERR_MAX_BYTES as u64)
            )
            .map_err(ParseError::Worker)?;
            let status = child.wait().await.map_err(ParseError::Worker)?;
            Ok::<_, ParseError>((json, stderr, status))
        };
        let limit = Duration::from_millis(SELF_TEST_WALL_CLOCK_MS);
        let Ok(result) = tokio::time::timeout(limit, test).await else {
            return Err(cage_failed("the self-test did not end in time"));
        };
        let (json, stderr, status) = result?;
        let Ok(report) = serde_json::from_slice::<CageReport>(&json) else {
            let said = String::from_utf8_lossy(&stderr);
            return Err(cage_failed(&format!("no report ({status}): {}", said.trim())));
        };
        let faults = report.faults();
        if faults.is_empty() && status.success() {
            return Ok(report);
        }
        let names: Vec<&str> = faults.iter().map(|a| a.name.as_str()).collect();
        Err(cage_failed(&format!("the self-test failed at {}", names.join(", "))))
    }

    /// Reads one document; each page is handed to `on_page` as soon as the worker has it. Dropping
    /// the future ends the worker.
    ///
    /// # Errors
    /// [`ParseError`], [`ParseError::CageFailed`] for everything after a self-test that failed; pages
    /// that came before it may have been handed on already.
    pub async fn parse(
        &self,
        input: ParseInput,
        hint: &FormatHint,
        on_page: impl FnMut(Page),
        cancel: &CancellationToken,
    ) -> Result<ParsedSummary, ParseError> {
        if self.leaks.load(Ordering::Acquire) {
            return Err(cage_failed("its self-test failed"));
        }
        let (stdin, bytes) = match input {
            ParseInput::Bytes(bytes) => (Stdio::piped(), bytes),
            ParseInput::File(file) => (Stdio::from(file), Vec::new()),
        };
        let mut child = self.spawn(hint, stdin, Mode::Parse)?;
        let limit_ms = self.limits.wall_clock_ms;
        let outcome = tokio::select! {
            outcome = converse(&mut child, &bytes, on_page) => outcome,
            () = cancel.cancelled() => Err(Interrupted::Cancelled),
            () = tokio::time::sleep(Duration::from_millis(limit_ms)) => Err(Interrupted::Timeout),
        };
        let interrupted = match outcome {
            Ok(summary) => return Ok(summary),
            Err(interrupted) => interrupted,
        };
        // Killing one that is dead already is no error worth telling.
        let _ = child.start_kill();
        let status = child.wait().await.map_err(ParseError::Worker)?;
        Err(self.explain(interrupted, status))
    }

    /// Reads one document as a whole.
    ///
    /// # Errors
    /// As [`ParseWorker::parse`].
    pub async fn parse_whole(
        &self,
        input: ParseInput,
        hint: &FormatHint,
        cancel: &CancellationToken,
    ) -> Result<ParsedDocument, ParseError> {
        let mut pages = Vec::new();
        let summary = self.parse(input, hint, |page| pages.push(page), cancel).await?;
        Ok(ParsedDocument {
            format: summary.format,
            title: summary.title,
            pages,
            language: summary.language,
            warnings: summary.warnings,
        })
    }

    fn spawn(&self, hint: &FormatHint, stdin: Stdio, mode: Mode) -> Result<Child, ParseError> {
        let request = WorkerRequest { limits: self.limits, hint: hint.clone() };
        let json = serde_json::to_string(&request)
            .map_err(|error| ParseError::Worker(io::Error::other(error)))?;
        let mut command = Command::new(&self.exe);
        command
            .args(["worker", "parse"])
            .env_clear()
            .env(REQUEST_VARIABLE, json)
            .current_dir("/")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if mode == Mode::SelfTest {
            command.arg("--self-test");
        }
        command.spawn().map_err(ParseError::Worker)
    }

    fn explain(&self, interrupted: Interrupted, status: ExitStatus) -> ParseError {
        match interrupted {
            Interrupted::Timeout => ParseError::Timeout { limit_ms: self.limits.wall_clock_ms },
            Interrupted::Cancelled => ParseError::Cancelled,
            Interrupted::Refused(failure) if failure.code == FailureCode::Memory => {
                ParseError::Memory { limit_bytes: self.limits.memory_bytes }
            }
            Interrupted::Refused(failure) => ParseError::Document(failure),
            Interrupted::Protocol(reason) => ParseError::Protocol { reason },
            Interrupted::Io(error) => ParseError::Worker(error),
            Interrupted::Died { stderr, status: died } => {
                self.explain_death(died.unwrap_or(status), &stderr)
            }
        }
    }

    fn explain_death(&self, status: ExitStatus, stderr: &[u8]) -> ParseError {
        let said = String::from_utf8_lossy(stderr);
        let memory = ParseError::Memory { limit_bytes: self.limits.memory_bytes };
        let crashed = |reason: String| ParseError::Crashed { reason };
        match (status.signal(), status.code()) {
            // What Rust's runtime says before it aborts.
            (Some(libc::SIGABRT), _) if said.contains("memory allocation of") => memory,
            (Some(libc::SIGABRT), _) if said.contains("overflowed its stack") => {
                crashed("the file is nested too deeply".to_owned())
            }
            // Nobody here sent it: the kernel's out-of-memory killer did.
            (Some(libc::SIGKILL), _) => memory,
            (Some(libc::SIGXCPU), _) => ParseError::Timeout { limit_ms: self.limits.wall_clock_ms },
            (Some(signal), _) => crashed(format!("signal {signal}")),
            (None, Some(code)) if code == i32::from(EXIT_CAGE_FAILED) => cage_failed(said.trim()),
            (None, code) => crashed(format!("exit code {}", code.unwrap_or(-1))),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Parse,
    SelfTest,
}

/// Why a conversation ended without a summary.
enum Interrupted {
    Timeout,
    Cancelled,
    Refused(ParseFailure),
    Protocol(&'static str),
    Io(io::Error),
    Died { stderr: Vec<u8>, status: Option<ExitStatus> },
}

impl From<FrameError> for Interrupted {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong => Self::Protocol("a frame is longer than the limit"),
            FrameError::Unreadable => Self::Protocol("a frame cannot be read"),
        }
    }
}

fn cage_failed(reason: &str) -> ParseError {
    ParseError::CageFailed { reason: reason.to_owned() }
}

/// Feeds the worker and reads its frames until the last one.
async fn converse(
    child: &mut Child,
    bytes: &[u8],
    on_page: impl FnMut(Page),
) -> Result<ParsedSummary, Interrupted> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let Some(stdout) = stdout else { return Err(Interrupted::Protocol("no output")) };
    let mut frames = pin!(read_frames(stdout, on_page));
    // Beside it, and never waited for once the frames have ended badly.
    let mut beside = pin!(async {
        let (said, ()) =
            tokio::join!(read_capped(stderr, STDERR_MAX_BYTES as u64), feed(stdin, bytes));
        said.unwrap_or_default()
    });
    let mut said = None;
    let result = loop {
        tokio::select! {
            result = &mut frames => break result?,
            stderr = &mut beside, if said.is_none() => said = Some(stderr),
        }
    };
    let grace = Duration::from_millis(REAP_MS);
    if said.is_none() {
        said = tokio::time::timeout(grace, beside).await.ok();
    }
    // A finished worker has nothing more to do; should it linger, dropping the child ends it.
    let status = tokio::time::timeout(grace, child.wait()).await.ok().and_then(Result::ok);
    result.ok_or(Interrupted::Died { stderr: said.unwrap_or_default(), status })
}

/// Writes the document; a worker that needs no more of it closes the pipe.
async fn feed(stdin: Option<ChildStdin>, bytes: &[u8]) {
    if let Some(mut stdin) = stdin
        && stdin.write_all(bytes).await.is_ok()
    {
        // Dropping it below closes it as well.
        let _ = stdin.shutdown().await;
    }
}

/// Reads frames until the last one; `None` when the pipe ended before it.
async fn read_frames(
    mut stdout: ChildStdout,
    mut on_page: impl FnMut(Page),
) -> Result<Option<ParsedSummary>, Interrupted> {
    let mut caged = false;
    let mut pages = 0u32;
    let mut budget_bytes = OUTPUT_MAX_BYTES;
    loop {
        let mut prefix = [0u8; 4];
        match stdout.read_exact(&mut prefix).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Interrupted::Io(error)),
        }
        let length = frame_length(prefix)?;
        budget_bytes = budget_bytes.checked_sub(length as u64).ok_or(Interrupted::Refused(
            ParseFailure::new(
                FailureCode::TooLarge,
                format_args!(
                    "The document has more than {} MiB of text.",
                    OUTPUT_MAX_BYTES / (1024 * 1024)
                ),
            ),
        ))?;
        // Grows with what really arrives, not with what the prefix promises.
        let mut body = Vec::new();
        (&mut stdout).take(length as u64).read_to_end(&mut body).await.map_err(Interrupted::Io)?;
        if body.len() < length {
            return Ok(None);
        }
        match read_frame(&body)? {
            WorkerMessage::Caged { .. } if !caged => caged = true,
            _ if !caged => return Err(Interrupted::Protocol("a frame came before the cage")),
            WorkerMessage::Page(page) if page.number == pages + 1 => {
                pages += 1;
                on_page(page);
            }
            WorkerMessage::Done(summary) if summary.page_count == pages => {
                return Ok(Some(summary));
            }
            WorkerMessage::Failed(failure) => return Err(Interrupted::Refused(failure)),
            _ => return Err(Interrupted::Protocol("a frame is out of order")),
        }
    }
}

/// Reads a pipe to its end and keeps the first `limit_bytes`.
async fn read_capped(
    pipe: Option<impl AsyncRead + Unpin>,
    limit_bytes: u64,
) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(out) };
    (&mut pipe).take(limit_bytes).read_to_end(&mut out).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(out)
}
