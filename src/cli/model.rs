//! `millwright model`

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Body;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

use super::args_model::{AssignedTier, Model, ModelImport};
use super::error::CliError;
use super::output::{Out, note, progress};
use super::text::field;
use super::{Api, encode};

const ROOT: &str = "/api/v1/models";

/// How often a trial is asked about.
const LOOK: Duration = Duration::from_millis(300);

/// Bytes that are sent in one piece.
const PIECE_BYTES: usize = 256 * 1024;

/// Bytes between two lines of progress.
const PROGRESS_BYTES: u64 = 8 * 1024 * 1024;

const MIB: u64 = 1024 * 1024;

pub(crate) async fn run(api: &Api, command: &Model, out: Out) -> Result<(), CliError> {
    match command {
        Model::Import(args) => import(api, args, out).await,
        Model::List => list(api, out).await,
        Model::Show { model } => {
            let shown = api.get(&place(model)).await?;
            describe(&shown, out);
            out.value(&shown);
            Ok(())
        }
        Model::Rm { model } => {
            api.delete(&place(model)).await?;
            out.line(&format!("The model {model} is removed."));
            out.value(&json!({ "removed": model }));
            Ok(())
        }
        Model::Assign { tier, models } => assign(api, *tier, models, out).await,
        Model::Bench { model } => {
            let begun = api.post(&format!("{}/trial", place(model)), &json!({})).await?;
            let tried = wait_for_trial(api, &field(&begun, "hash")).await?;
            describe(&tried, out);
            out.value(&tried);
            passed(&tried)
        }
        Model::Verify { model } => verify(api, model.as_deref(), out).await,
    }
}

fn place(model: &str) -> String {
    format!("{ROOT}/{}", encode(model))
}

async fn list(api: &Api, out: Out) -> Result<(), CliError> {
    let models = api.items(ROOT).await?;
    if models.is_empty() {
        out.line(
            "No model is here: answers are quotes. Bring one in: millwright model import FILE",
        );
    } else {
        let row = |model: &Value| {
            let hash: String = field(model, "hash").chars().take(12).collect();
            vec![
                field(model, "name"),
                tiers(model),
                field(model, "architecture"),
                field(model, "quantisation"),
                mebibytes(&model["size_bytes"]),
                rate(&model["trial"]["generation_tokens_per_s"]),
                field(&model["trial"], "state"),
                hash,
            ]
        };
        let rows: Vec<_> = models.iter().map(row).collect();
        let head = ["name", "tiers", "architecture", "weights", "MiB", "tokens/s", "trial", "hash"];
        out.table(&head, &rows);
    }
    let upstreams = api.items("/api/v1/upstreams").await?;
    if !upstreams.is_empty() {
        let row = |upstream: &Value| {
            let state = match upstream["detail"].as_str() {
                Some(detail) => format!("down: {detail}"),
                None => field(upstream, "state"),
            };
            vec![field(upstream, "name"), tiers(upstream), field(upstream, "model"), state]
        };
        let rows: Vec<_> = upstreams.iter().map(row).collect();
        out.line("");
        out.table(&["upstream", "tiers", "model", "state"], &rows);
    }
    out.value(&json!({ "items": models, "upstreams": upstreams }));
    Ok(())
}

async fn assign(
    api: &Api,
    tier: AssignedTier,
    models: &[String],
    out: Out,
) -> Result<(), CliError> {
    let tier = match tier {
        AssignedTier::Light => "light",
        AssignedTier::Standard => "standard",
        AssignedTier::Heavy => "heavy",
        AssignedTier::Embed => "embed",
        AssignedTier::Rerank => "rerank",
    };
    let body = json!({ "models": models });
    let assigned = api.put(&format!("{ROOT}/tiers/{tier}"), &body).await?;
    let names: Vec<String> =
        assigned["items"].as_array().into_iter().flatten().map(|m| field(m, "name")).collect();
    let names = names.join(", ");
    out.line(&match (tier, names.is_empty()) {
        ("embed", true) => "Meaning is compared by the built-in embedder alone.".to_owned(),
        ("embed", false) => format!(
            "{names} embeds what documents say, in every tenant, as a job. Until that is done, the \
             built-in embedder goes on."
        ),
        ("rerank", true) => "What is found stays in its own order.".to_owned(),
        ("rerank", false) => format!("{names} puts what is found in order."),
        (_, true) => format!("The tier {tier} has no model; others serve in its place."),
        (_, false) => format!("The tier {tier} is served by {names}."),
    });
    out.value(&assigned);
    Ok(())
}

async fn verify(api: &Api, model: Option<&str>, out: Out) -> Result<(), CliError> {
    let models = match model {
        Some(model) => vec![model.to_owned()],
        None => api.items(ROOT).await?.iter().map(|model| field(model, "hash")).collect(),
    };
    let mut results = Vec::new();
    let mut damaged = 0_usize;
    for model in &models {
        progress(&format!("reading {model}"));
        let verified = api.post(&format!("{}/verify", place(model)), &json!({})).await?;
        progress("");
        let is_sound = verified["sound"] == true;
        damaged += usize::from(!is_sound);
        let word = if is_sound { "sound" } else { "NOT the file that was brought in" };
        out.line(&format!("{}: {word}", field(&verified, "name")));
        results.push(verified);
    }
    out.value(&json!({ "models": results }));
    if damaged == 0 {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "{damaged} of {} files are not what was brought in: remove them, and import them again",
        models.len()
    )))
}

async fn import(api: &Api, args: &ModelImport, out: Out) -> Result<(), CliError> {
    let from_stdin = args.from.as_os_str() == "-";
    let files = if from_stdin { vec![args.from.clone()] } else { files_of(&args.from)? };
    if args.name.is_some() && files.len() > 1 {
        return Err(CliError::Usage("--name names one model: give one file with it".into()));
    }
    let mut results = Vec::new();
    let mut failed = 0_usize;
    for file in &files {
        let shown = file.display().to_string();
        let source = if from_stdin { None } else { Some(file.as_path()) };
        match one(api, args, source, out).await {
            Ok(model) => results.push(model),
            Err(error) if files.len() > 1 => {
                progress("");
                note(&format!("{shown}: {error}"));
                results.push(json!({ "file": shown, "error": error.to_json()["error"] }));
                failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    out.value(&json!({ "models": results }));
    if failed == 0 {
        return Ok(());
    }
    Err(CliError::Failed(format!("{failed} of {} files were not brought in", files.len())))
}

/// The files of a directory, or the one file.
fn files_of(from: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |source| CliError::File { what: from.display().to_string(), source };
    let mut files = vec![from.to_owned()];
    if std::fs::metadata(from).map_err(failed)?.is_dir() {
        let entries = std::fs::read_dir(from).map_err(failed)?;
        let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
        files = paths.map_err(failed)?;
        files.retain(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")));
        files.sort();
        if files.is_empty() {
            return Err(CliError::Usage(format!("there is no .gguf file in {}", from.display())));
        }
    }
    match files.iter().find(|file| is_split(file)) {
        None => Ok(files),
        Some(part) => Err(CliError::Usage(format!(
            "{} is one part of several: join them first with llama-gguf-split --merge",
            part.display()
        ))),
    }
}

/// Whether the name says `…-00001-of-00003.gguf`, as llama.cpp names the parts of a model.
fn is_split(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = stem.rsplit('-');
    let (count, of, number) = (words.next(), words.next(), words.next());
    of == Some("of") && [count, number].into_iter().all(|word| word.is_some_and(digits))
}

async fn one(
    api: &Api,
    args: &ModelImport,
    file: Option<&Path>,
    out: Out,
) -> Result<Value, CliError> {
    let (body, size_bytes) = body_of(file).await?;
    let mut query = Vec::new();
    query.extend(args.name.as_deref().map(|name| format!("name={}", encode(name))));
    query.extend(size_bytes.map(|size| format!("size_bytes={size}")));
    let target = format!("{ROOT}?{}", query.join("&"));
    let target = target.trim_end_matches('?');
    let made = api.send(target, "application/octet-stream", body).await?;
    progress("");
    let licence = made["licence"].as_str().unwrap_or("none named");
    out.line(&format!(
        "{}: {}, licence: {licence}; {} MiB, {} MiB of memory when loaded",
        field(&made, "name"),
        field(&made, "architecture"),
        mebibytes(&made["size_bytes"]),
        mebibytes(&made["memory"]["total_bytes"]),
    ));
    // Without a server this process is the one that tries it.
    if args.no_wait && api.is_served() {
        return Ok(made);
    }
    let tried = wait_for_trial(api, &field(&made, "hash")).await?;
    describe_trial(&tried, out);
    passed(&tried)?;
    Ok(tried)
}

/// The file as a body that tells how far it is, and its size.
async fn body_of(file: Option<&Path>) -> Result<(Body, Option<u64>), CliError> {
    let Some(path) = file else {
        let failed = |source| CliError::File { what: "standard input".to_owned(), source };
        let own = std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
        let inner = tokio::fs::File::from_std(own.into());
        let counted = Counted { inner, done: 0, told: 0, total: None };
        return Ok((Body::from_stream(ReaderStream::with_capacity(counted, PIECE_BYTES)), None));
    };
    let failed = |source| CliError::File { what: path.display().to_string(), source };
    let mut head = [0; 4];
    let mut begun = std::fs::File::open(path).map_err(failed)?;
    if begun.read_exact(&mut head).is_err() || head != *b"GGUF" {
        return Err(CliError::Usage(format!("{} is no GGUF file", path.display())));
    }
    let size_bytes = begun.metadata().map_err(failed)?.len();
    let inner = tokio::fs::File::open(path).await.map_err(failed)?;
    let counted = Counted { inner, done: 0, told: 0, total: Some(size_bytes) };
    let stream = ReaderStream::with_capacity(counted, PIECE_BYTES);
    Ok((Body::from_stream(stream), Some(size_bytes)))
}

/// A reader that tells how far it is.
struct Counted<R> {
    inner: R,
    done: u64,
    told: u64,
    total: Option<u64>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.done += (buffer.filled().len() - before) as u64;
        if self.done >= self.told + PROGRESS_BYTES {
            self.told = self.done;
            let of = self.total.map_or(String::new(), |total| format!(" of {}", total / MIB));
            progress(&format!("{}{of} MiB copied", self.done / MIB));
        }
        read
    }
}

/// Asks until the trial has ended.
async fn wait_for_trial(api: &Api, hash: &str) -> Result<Value, CliError> {
    loop {
        let model = api.get(&place(hash)).await?;
        match model["trial"]["state"].as_str() {
            Some("waiting") => progress("others are being tried first"),
            Some("running") => progress("the model is being tried: loading, reading, writing"),
            _ => {
                progress("");
                return Ok(model);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn passed(model: &Value) -> Result<(), CliError> {
    if model["trial"]["state"] == "passed" {
        return Ok(());
    }
    let why = model["trial"]["detail"].as_str().unwrap_or("see the log");
    let name = field(model, "name");
    Err(CliError::Failed(format!(
        "{name} is here and did not pass its trial: {why}. Try again with `millwright model bench \
         {name}`, or remove it with `millwright model rm {name}`"
    )))
}

fn describe(model: &Value, out: Out) {
    let memory = &model["memory"];
    let weights = mebibytes(&memory["weights_bytes"]);
    let (total, context) = (mebibytes(&memory["total_bytes"]), mebibytes(&memory["context_bytes"]));
    let kind = ["architecture", "parameters", "quantisation"].map(|name| field(model, name));
    let lines = [
        ("hash", field(model, "hash")),
        ("architecture", format!("{}, {} parameters, {}", kind[0], kind[1], kind[2])),
        ("made to", field(model, "purpose")),
        ("licence", model["licence"].as_str().unwrap_or("none named").to_owned()),
        ("file", format!("{} MiB", mebibytes(&model["size_bytes"]))),
        ("loaded", format!("{total} MiB, of these {weights} MiB weights")),
        ("context", format!("{} tokens in {context} MiB", memory["context_tokens"])),
        ("tiers", tiers(model)),
    ];
    out.line(&field(model, "name"));
    for (label, text) in lines {
        out.line(&format!("{label:<14}{text}"));
    }
    describe_trial(model, out);
}

fn describe_trial(model: &Value, out: Out) {
    let trial = &model["trial"];
    if trial["passed_at"].is_string() {
        let reads = rate(&trial["prompt_tokens_per_s"]);
        let speed = match &trial["generation_tokens_per_s"] {
            Value::Null => format!("reads {reads} tokens a second"),
            writes => format!("reads {reads} and writes {} tokens a second", rate(writes)),
        };
        let memory = mebibytes(&trial["peak_memory_bytes"]);
        out.line(&format!("trial         {speed}; the worker took {memory} MiB"));
    }
}

fn tiers(model: &Value) -> String {
    let tiers = model["tiers"].as_array().into_iter().flatten();
    let words: Vec<&str> = tiers.filter_map(Value::as_str).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

fn mebibytes(bytes: &Value) -> String {
    bytes.as_u64().map_or_else(|| "?".to_owned(), |bytes| bytes.div_ceil(MIB).to_string())
}

fn rate(tokens_per_s: &Value) -> String {
    tokens_per_s.as_f64().map_or_else(|| "?".to_owned(), |rate| format!("{rate:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_model_are_known_by_their_names() {
        for part in ["m-00001-of-00003.gguf", "a-b-00010-of-00010.gguf"] {
            assert!(is_split(Path::new(part)), "{part}");
        }
        for whole in ["m.gguf", "part-of-00003.gguf", "7b-1-of-3.gguf", "x-00001-of-0000a.gguf"] {
            assert!(!is_split(Path::new(whole)), "{whole}");
        }
    }

    #[test]
    fn a_directory_without_models_or_with_parts_is_refused() {
        let Ok(dir) = tempfile::tempdir() else { return };
        assert!(files_of(dir.path()).is_err());
        for name in ["b.gguf", "a.GGUF", "notes.txt"] {
            assert!(std::fs::write(dir.path().join(name), "GGUF").is_ok());
        }
        let found = files_of(dir.path()).unwrap_or_default();
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["a.GGUF", "b.gguf"]);
        assert!(std::fs::write(dir.path().join("c-00001-of-00002.gguf"), "GGUF").is_ok());
        assert!(files_of(dir.path()).is_err());
    }
}
