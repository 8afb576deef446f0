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
//! | `unproved` | says that it computes language models wrongly |
//! | `keeper FILE` | writes with models that it has loaded only, and notes in FILE what it loads |
//!
//! In every behaviour the text `poison` ends the process, and `refuse` is answered with an error.
//! A prompt is given back word by word; the word `poison` in it ends the process when it comes to
//! it, and `wait` rests until the call is cancelled. A model's file holds its architecture's name;
//! a number at its end is the bytes of its weights, one with the word `broken` can't be loaded, one with `embeds`
//! or `reranks` is made for that. Relevant is what is long.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use models::protocol::{
    AnswerBody, Call, CallBody, ComputePath, FileSocket, FinishReason, FromWorker, Generation,
    Hello, LoadedModel, ModelFacts, ModelPurpose, PROTOCOL_VERSION, Prompt, ResponsePart, ToWorker,
    TokenUsage, WorkerError, frame,
};
use models::{Embedding, GeneratorProof, ModelHash, TokenSpan};

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
    if arguments.last().is_some_and(|argument| argument == "--prove-generator") {
        let fault = (behaviour == "unproved").then(|| "as told".to_owned());
        let proof = GeneratorProof { library: "scripted".to_owned(), tokens: 1, fault };
        std::io::stdout().write_all(&serde_json::to_vec(&proof)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut incoming = FileSocket::new(socket.try_clone()?);
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
    let mut resting = None;
    let mut kept = (behaviour == "keeper").then(HashSet::new);
    while let Some(message) = frame::read::<ToWorker>(&mut incoming)? {
        let call = match message {
            ToWorker::Call(call) => call,
            ToWorker::Cancel { id } => {
                if resting.take_if(|resting| *resting == id).is_some() {
                    let part = ResponsePart::Final(Err(WorkerError::Cancelled));
                    frame::write(&mut socket, &FromWorker::Response { id, part })?;
                }
                continue;
            }
        };
        let file = if call.body.brings_file() { incoming.take_file() } else { None };
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
        if let CallBody::Generate { input, .. } = &call.body
            && let Prompt::Raw(prompt) = &input.prompt
        {
            for word in prompt.split_inclusive(' ') {
                match word.trim() {
                    "poison" => return Ok(ExitCode::from(8)),
                    "wait" => resting = Some(call.id),
                    _ => {}
                }
                let part = ResponsePart::Text(word.to_owned());
                frame::write(&mut socket, &FromWorker::Response { id: call.id, part })?;
            }
        }
        if resting == Some(call.id) {
            continue;
        }
        let refused = match (kept.as_mut().zip(flag), &call.body) {
            (Some((models, notes)), _) => keep(models, notes, &call, &file),
            (None, CallBody::CountModelTokens { .. }) => Some(WorkerError::ModelNotLoaded),
            (None, _) => None,
        };
        let part = match refused {
            Some(refused) => ResponsePart::Final(Err(refused)),
            None => ResponsePart::Final(answer(&call, file)),
        };
        frame::write(&mut socket, &FromWorker::Response { id: call.id, part })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps account of what is loaded; gives the reason why a call is refused.
fn keep(
    models: &mut HashSet<ModelHash>,
    notes: &Path,
    call: &Call,
    file: &Option<OwnedFd>,
) -> Option<WorkerError> {
    let note = |what: &str, model: &ModelHash| {
        let mut file = File::options().append(true).create(true).open(notes).ok()?;
        writeln!(file, "{what} {model}").ok()
    };
    match &call.body {
        CallBody::LoadModel { model, .. } => {
            let mut content = String::new();
            let file = file.as_ref().and_then(|file| file.try_clone().ok());
            let read = file.map(|file| File::from(file).read_to_string(&mut content));
            if !matches!(read, Some(Ok(_))) || content.contains("broken") {
                return Some(WorkerError::ModelRefused { reason: "broken".to_owned() });
            }
            note("load", model);
            models.insert(*model);
            None
        }
        CallBody::UnloadModel { model } => {
            note("unload", model);
            models.remove(model);
            None
        }
        CallBody::Generate { model, .. }
        | CallBody::CountModelTokens { model, .. }
        | CallBody::ModelEmbed { model, .. }
        | CallBody::Rerank { model, .. } => {
            (!models.contains(model)).then_some(WorkerError::ModelNotLoaded)
        }
        _ => None,
    }
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
        generator: "scripted".to_owned(),
        gpu_bytes: 0,
    }
}

/// An answer that depends on the text alone: the embedding points along the axis of its length.
fn answer(call: &Call, file: Option<OwnedFd>) -> Result<AnswerBody, WorkerError> {
    let texts = call.body.texts();
    let refused = |reason: &str| Err(WorkerError::ModelRefused { reason: reason.to_owned() });
    if texts.iter().any(|text| text == "refuse") {
        return Err(WorkerError::Failed { reason: "as told".to_owned() });
    }
    let tokens = |text: &String| u32::try_from(text.split_whitespace().count()).unwrap_or(0);
    Ok(match &call.body {
        CallBody::Ping => AnswerBody::Pong,
        CallBody::Embed { .. } | CallBody::ModelEmbed { .. } => AnswerBody::Embeddings(
            texts
                .iter()
                .filter_map(|text| {
                    let mut values = [0.0; 384];
                    values[text.len() % 384] = 1.0;
                    Embedding::normalise(values).ok()
                })
                .collect(),
        ),
        CallBody::CountTokens { .. } | CallBody::CountModelTokens { .. } => {
            AnswerBody::TokenCounts(texts.iter().map(tokens).collect())
        }
        CallBody::Rerank { .. } => AnswerBody::Relevances(
            texts.iter().map(|text| f32::from(u16::try_from(text.len()).unwrap_or(0))).collect(),
        ),
        CallBody::TokenSpans { .. } => AnswerBody::TokenSpans(
            texts
                .iter()
                .map(|text| (0..tokens(text)).map(|i| TokenSpan { start: i, end: i + 1 }).collect())
                .collect(),
        ),
        CallBody::InspectModel => {
            let Some(file) = file else { return refused("no file came") };
            let mut architecture = String::new();
            if File::from(file).read_to_string(&mut architecture).is_err() {
                return refused("not UTF-8");
            }
            AnswerBody::ModelFacts(Box::new(facts(architecture)))
        }
        CallBody::LoadModel { options, .. } => AnswerBody::ModelLoaded(LoadedModel {
            context_tokens: options.context_tokens,
            load_ms: 1,
            layers: 1,
            gpu_layers: 0,
        }),
        CallBody::UnloadModel { .. } => AnswerBody::ModelUnloaded,
        CallBody::Generate { model, input, .. } => {
            let prompt = match &input.prompt {
                Prompt::Raw(prompt) => prompt,
                Prompt::Chat(messages) => match messages.last() {
                    Some(last) => &last.text,
                    None => return refused("an empty prompt"),
                },
            };
            AnswerBody::Generated(Box::new(Generation {
                text: prompt.clone(),
                tool_calls: Vec::new(),
                finish: FinishReason::Stop,
                usage: TokenUsage {
                    prompt_tokens: tokens(prompt),
                    cached_tokens: 0,
                    completion_tokens: tokens(prompt),
                },
                model: *model,
                first_token_ms: 0,
                generation_ms: 0,
            }))
        }
    })
}

fn facts(architecture: String) -> ModelFacts {
    let weights_bytes = architecture.split_whitespace().last().and_then(|word| word.parse().ok());
    let purpose = match () {
        () if architecture.contains("embeds") => ModelPurpose::Embed,
        () if architecture.contains("reranks") => ModelPurpose::Rerank,
        () => ModelPurpose::Generate,
    };
    ModelFacts {
        architecture,
        name: None,
        licence: None,
        parameters: 1,
        quantisation: "F32".to_owned(),
        context_tokens: 512,
        vocabulary_tokens: 8,
        layers: 1,
        embedding_width: 1,
        weights_bytes: weights_bytes.unwrap_or(4),
        kv_bytes_per_token: 4,
        has_chat_template: false,
        purpose,
    }
}
