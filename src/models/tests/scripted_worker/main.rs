//! A model worker without a model, which misbehaves as its first argument says; the supervision
//! tests start it as a real child.
//!
//! | argument | does |
//! |---|---|
//! | `healthy` | answers every call |
//! | `die-once FILE` | ends at the first call if FILE does not exist yet, and creates it |
//! | `hang-once FILE` | the same, but falls silent instead of ending |
//! | `hang` | never answers a call |
//! | `mute` | never says hello |
//! | `old` | says hello in another protocol version |
//! | `garbage` | answers the first call with bytes that are no frame |
//! | `exit` | ends before its first word |
//!
//! In every behaviour the text `poison` ends the process, and `refuse` is answered with an error.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use models::protocol::{
    AnswerBody, Call, CallBody, ComputePath, FromWorker, Hello, PROTOCOL_VERSION, ResponsePart,
    ToWorker, WorkerError, frame,
};
use models::{Embedding, TokenSpan};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(_) => ExitCode::from(9),
    }
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let behaviour = arguments.first().map_or("healthy", String::as_str);
    let flag = arguments.get(1).map(Path::new);
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    match behaviour {
        "exit" => return Ok(ExitCode::from(3)),
        "mute" => silence(),
        _ => {}
    }
    let mut hello = frame::encode(&FromWorker::Hello(hello()))?;
    if behaviour == "old" {
        hello[2] = PROTOCOL_VERSION.wrapping_add(1);
    }
    socket.write_all(&hello)?;
    while let Some(message) = frame::read::<ToWorker>(&mut socket)? {
        let ToWorker::Call(call) = message else { continue };
        let first_time = || flag.filter(|flag| !flag.exists());
        match behaviour {
            "hang" => silence(),
            "garbage" => socket.write_all(b"this is no frame at all")?,
            "die-once" if let Some(flag) = first_time() => {
                File::create(flag)?;
                return Ok(ExitCode::from(7));
            }
            "hang-once" if let Some(flag) = first_time() => {
                fs::write(flag, std::process::id().to_string())?;
                silence();
            }
            _ => {}
        }
        if call.body.texts().iter().any(|text| text == "poison") {
            return Ok(ExitCode::from(8));
        }
        let part = ResponsePart::Final(answer(&call));
        frame::write(&mut socket, &FromWorker::Response { id: call.id, part })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn silence() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn hello() -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        build: "scripted".to_owned(),
        embedder: "scripted".to_owned(),
        path: ComputePath::Reference,
        fallback: None,
        threads: 1,
        window_tokens: 256,
        cage: Vec::new(),
    }
}

/// An answer that depends on the text alone: the embedding points along the axis of its length.
fn answer(call: &Call) -> Result<AnswerBody, WorkerError> {
    let texts = call.body.texts();
    if texts.iter().any(|text| text == "refuse") {
        return Err(WorkerError::Failed { reason: "as told".to_owned() });
    }
    let tokens = |text: &String| u32::try_from(text.split_whitespace().count()).unwrap_or(0);
    Ok(match &call.body {
        CallBody::Ping => AnswerBody::Pong,
        CallBody::Embed { .. } => AnswerBody::Embeddings(
            texts
                .iter()
                .filter_map(|text| {
                    let mut values = [0.0; 384];
                    values[text.len() % 384] = 1.0;
                    Embedding::normalise(values).ok()
                })
                .collect(),
        ),
        CallBody::CountTokens { .. } => AnswerBody::TokenCounts(texts.iter().map(tokens).collect()),
        CallBody::TokenSpans { .. } => AnswerBody::TokenSpans(
            texts
                .iter()
                .map(|text| (0..tokens(text)).map(|i| TokenSpan { start: i, end: i + 1 }).collect())
                .collect(),
        ),
    })
}
