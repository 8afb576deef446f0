//! Both workers for tests, in one small executable without a model: `worker parse` is the real
//! parser in its real cage, `worker model` embeds by hashing words. Texts that share words are
//! near each other, and the same text always gets the same vector, on every machine. A third word
//! is a pause per embedding call, in milliseconds.
//!
//! `ingest DIR PAUSE_MS` works on the jobs of a data directory, one line on standard output per step
//! of progress, until it is killed: for tests of what a kill leaves behind.

mod ingest;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use models::protocol::{
    AnswerBody, Call, CallBody, ComputePath, FromWorker, Hello, PROTOCOL_VERSION, ResponsePart,
    ToWorker, WorkerError, frame,
};
use models::{Embedding, TokenSpan};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker", "parse"] => parse::worker_main(),
        ["worker", "parse", "--self-test"] => parse::self_test_main(),
        ["worker", "model"] => model(Duration::ZERO),
        ["worker", "model", pause_ms] => {
            model(Duration::from_millis(pause_ms.parse().unwrap_or_default()))
        }
        ["ingest", dir, pause_ms] => ingest::run(dir, pause_ms),
        _ => ExitCode::from(64),
    }
}

fn model(pause: Duration) -> ExitCode {
    match serve(pause) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}

fn serve(pause: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.write_all(&frame::encode(&FromWorker::Hello(hello()))?)?;
    while let Some(message) = frame::read::<ToWorker>(&mut socket)? {
        let ToWorker::Call(call) = message else { continue };
        if matches!(call.body, CallBody::Embed { .. }) {
            std::thread::sleep(pause);
        }
        let part = ResponsePart::Final(answer(&call));
        frame::write(&mut socket, &FromWorker::Response { id: call.id, part })?;
    }
    Ok(())
}

fn hello() -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        build: "test".to_owned(),
        embedder: "hashed-words".to_owned(),
        path: ComputePath::Reference,
        fallback: None,
        threads: 1,
        window_tokens: 256,
        cage: Vec::new(),
        generator: "none".to_owned(),
        gpu_bytes: 0,
    }
}

fn answer(call: &Call) -> Result<AnswerBody, WorkerError> {
    let texts = call.body.texts();
    let failed = |_| WorkerError::Failed { reason: "no embedding".to_owned() };
    Ok(match &call.body {
        CallBody::Ping => AnswerBody::Pong,
        CallBody::Embed { .. } => {
            let embedded = texts.iter().map(|text| embed(text).map_err(failed));
            AnswerBody::Embeddings(embedded.collect::<Result<_, _>>()?)
        }
        CallBody::CountTokens { .. } => AnswerBody::TokenCounts(
            texts.iter().map(|text| u32::try_from(spans(text).len()).unwrap_or(u32::MAX)).collect(),
        ),
        CallBody::TokenSpans { .. } => {
            AnswerBody::TokenSpans(texts.iter().map(|text| spans(text)).collect())
        }
        CallBody::InspectModel
        | CallBody::LoadModel { .. }
        | CallBody::UnloadModel { .. }
        | CallBody::Generate { .. }
        | CallBody::CountModelTokens { .. }
        | CallBody::ModelEmbed { .. }
        | CallBody::Rerank { .. } => {
            return Err(WorkerError::Failed { reason: "no language models in tests".to_owned() });
        }
    })
}

/// Every word is a token.
fn spans(text: &str) -> Vec<TokenSpan> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if !word.is_empty() {
            found.push(TokenSpan { start: offset(at), end: offset(at + word.len()) });
        }
        at += piece.len();
    }
    found
}

fn embed(text: &str) -> Result<Embedding, models::EmbeddingError> {
    let mut values = [0.0_f32; 384];
    values[0] = 0.01;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut hasher = DefaultHasher::new();
        word.to_lowercase().hash(&mut hasher);
        let hash = hasher.finish();
        for part in 0..4 {
            let bits = (hash >> (part * 16)) & 0xffff;
            let axis = usize::try_from(bits % 383).unwrap_or_default() + 1;
            values[axis] += if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
        }
    }
    Embedding::normalise(values)
}
