//! The worker against a bare loop over the same library and file: how much of the speed arrives.
//!
//! A model of random weights in the shape of one of 135 million parameters, as Q8_0. Each figure is
//! a ratio of two measurements that take turns in one run, so that other load meets both. Ends with
//! an error below the figures that are promised (`GATES`).
//!
//! `THREADS` (1) compute. `cargo bench --profile dev --workspace --bench generation_speed`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::SystemClock;
use engine::tiny::{TinyModel, TinyOptions, TinyShape, WeightKind};
use futures_util::future::join_all;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use models::{
    CallOptions, FairShare, GenerateInput, LoadOptions, ModelHash, ModelWorker, OutputShape,
    PrefixScope, Priority, Prompt, Sampling, WorkerCommand, WorkerSettings,
};

/// Least ratio of the worker's speed to the bare loop's, alone and with eight texts; most part of
/// the cold time to the first token with a shared prefix; most stretch of the time between tokens.
const GATES: [f64; 4] = [0.97, 0.95, 0.1, 3.0];

const ROUNDS: usize = 3;
const TOKENS: u32 = 96;
const TOGETHER: usize = 8;
const PREFIX_BYTES: usize = 2000;
const LONG_BYTES: usize = 4000;
const CONTEXT_TOKENS: u32 = 16 * 1024;
const MODEL: ModelHash = ModelHash::from_bytes([1; 32]);
const PATIENTLY: CallOptions =
    CallOptions { priority: Priority::Interactive, timeout: Duration::from_secs(600) };

type Failure = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.gguf");
    let options = TinyOptions { weights: WeightKind::Q8_0, ..TinyOptions::default() };
    TinyModel::new(TinyShape::m135(), options)?.write(File::create(&path)?)?;
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let bare = Bare::load(&path, threads)?;
    let worker = worker(&path, threads).await?;

    let alone = against(&bare, &worker, 1).await?;
    println!("worker / bare loop, 1 text:            {alone:.3}  (at least {})", GATES[0]);
    let together = against(&bare, &worker, TOGETHER).await?;
    println!(
        "worker / bare loop, {TOGETHER} texts:           {together:.3}  (at least {})",
        GATES[1]
    );
    let prefix = shared_prefix(&worker).await?;
    println!("first token, warm / cold prefix:       {prefix:.3}  (at most {})", GATES[2]);
    let stretch = stretch(&worker).await?;
    println!("p99 between tokens, beside a prompt:   {stretch:.2}x  (at most {})", GATES[3]);
    let holds =
        alone >= GATES[0] && together >= GATES[1] && prefix <= GATES[2] && stretch <= GATES[3];
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn worker(path: &Path, threads: u32) -> Result<ModelWorker, Failure> {
    let command = WorkerCommand {
        exe: env!("CARGO_BIN_EXE_millwright-model-worker").into(),
        args: vec!["--threads=1".to_owned()],
    };
    let worker = ModelWorker::new(command, WorkerSettings::default(), Arc::new(SystemClock));
    let file = Arc::new(OwnedFd::from(File::open(path)?));
    let options =
        LoadOptions { context_tokens: CONTEXT_TOKENS, parallel: 16, threads: Some(threads) };
    worker.load_model(MODEL, file, options, PATIENTLY.timeout).await?;
    Ok(worker)
}

fn input(prompt: String, max_tokens: u32) -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Raw(prompt),
        output: OutputShape::Text,
        sampling: Sampling::GREEDY,
        max_tokens,
        stop: Vec::new(),
        scope: PrefixScope([1; 16]),
        share: FairShare([1; 16]),
    }
}

/// Tokens per second of the worker as a part of the bare loop's, with `texts` at once.
async fn against(bare: &Bare, worker: &ModelWorker, texts: usize) -> Result<f64, Failure> {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let prompts: Vec<String> =
            (0..texts).map(|i| format!("Text {i} of round {round}/{texts}: ")).collect();
        let by_loop = bare.tokens_per_s(&prompts)?;
        let inputs: Vec<_> = prompts.into_iter().map(|prompt| input(prompt, TOKENS)).collect();
        let began = Instant::now();
        let done =
            join_all(inputs.iter().map(|i| worker.generate(MODEL, i, PATIENTLY, None))).await;
        let took = began.elapsed().as_secs_f64();
        let mut tokens = 0;
        for text in done {
            tokens += text?.ok_or("not loaded")?.usage.completion_tokens;
        }
        ratios.push(f64::from(tokens) / took / by_loop);
    }
    Ok(median(ratios))
}

/// Time to the first token with a prefix that was computed before, as a part of the cold time.
async fn shared_prefix(worker: &ModelWorker) -> Result<f64, Failure> {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let evidence = format!("{round} ") + &"evidence ".repeat(PREFIX_BYTES / 9);
        let mut times = Vec::new();
        for question in ["Which pump?", "What torque?"] {
            let input = input(format!("{evidence}{question}"), 1);
            let began = Instant::now();
            worker.generate(MODEL, &input, PATIENTLY, None).await?.ok_or("not loaded")?;
            times.push(began.elapsed().as_secs_f64());
        }
        ratios.push(times[1] / times[0]);
    }
    Ok(median(ratios))
}

/// The 99th percentile of the time between two pieces of texts that are being written, while a
/// long prompt is read beside them, as a multiple of the same without it.
async fn stretch(worker: &ModelWorker) -> Result<f64, Failure> {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let calm = gaps(worker, &format!("Calm {round}: "), None).await?;
        let long = format!("{round} ") + &"a long prompt ".repeat(LONG_BYTES / 14);
        let busy = gaps(worker, &format!("Busy {round}: "), Some(long)).await?;
        ratios.push(p99(busy) / p99(calm));
    }
    Ok(median(ratios))
}

/// Seconds between the pieces of two texts; with `beside`, only those until it has its first token.
async fn gaps(
    worker: &ModelWorker,
    prompt: &str,
    beside: Option<String>,
) -> Result<Vec<f64>, Failure> {
    let (done, is_done) = tokio::sync::watch::channel(beside.is_none());
    let one = |i: u32| {
        let (sink, mut pieces) = tokio::sync::mpsc::channel(64);
        let input = input(format!("{prompt}{i}"), TOKENS * 2);
        let counts_all = beside.is_none();
        let is_done = is_done.clone();
        async move {
            let mut gaps = Vec::new();
            let hear = async {
                let mut last: Option<Instant> = None;
                while pieces.recv().await.is_some() {
                    let now = Instant::now();
                    if let Some(last) = last
                        && (counts_all || !*is_done.borrow())
                    {
                        gaps.push(now.duration_since(last).as_secs_f64());
                    }
                    last = Some(now);
                }
            };
            let write = worker.generate(MODEL, &input, PATIENTLY, Some(sink));
            let (text, ()) = tokio::join!(write, hear);
            text?.ok_or("not loaded")?;
            Ok::<_, Failure>(gaps)
        }
    };
    let long = async {
        if let Some(prompt) = beside.clone() {
            // The two are writing by then.
            tokio::time::sleep(Duration::from_millis(300)).await;
            worker.generate(MODEL, &input(prompt, 1), PATIENTLY, None).await?;
            done.send_replace(true);
        }
        // Whether it was read to its end or not, the two decide when this is over.
        std::future::pending::<Result<(), Failure>>().await
    };
    let writing = async { tokio::join!(one(1), one(2)) };
    tokio::select! {
        (first, second) = writing => Ok([first?, second?].concat()),
        failed = long => Err(failed.err().unwrap_or_else(|| "the long prompt ended".into())),
    }
}

/// The bare loop.
struct Bare {
    backend: LlamaBackend,
    model: LlamaModel,
    threads: i32,
}

impl Bare {
    fn load(path: &Path, threads: u32) -> Result<Self, Failure> {
        let mut backend = LlamaBackend::init()?;
        backend.void_logs();
        let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default())?;
        Ok(Self { backend, model, threads: i32::try_from(threads)? })
    }

    /// Generates greedily from all prompts in one batch after the other.
    fn tokens_per_s(&self, prompts: &[String]) -> Result<f64, Failure> {
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(CONTEXT_TOKENS))
            .with_n_seq_max(u32::try_from(prompts.len())?)
            .with_kv_unified(true)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.threads);
        let mut context = self.model.new_context(&self.backend, params)?;
        let mut batch = LlamaBatch::new(2048, 1);
        let mut samplers: Vec<_> = prompts.iter().map(|_| LlamaSampler::greedy()).collect();
        let mut next: Vec<Vec<LlamaToken>> = prompts
            .iter()
            .map(|prompt| self.model.vocab().tokenize(prompt.as_bytes(), true, false))
            .collect();
        let mut at = vec![0; prompts.len()];
        let began = Instant::now();
        for _ in 0..TOKENS {
            batch.clear();
            let mut logits = Vec::new();
            for (sequence, tokens) in next.iter().enumerate() {
                for (i, token) in tokens.iter().enumerate() {
                    let last = i + 1 == tokens.len();
                    batch.add(*token, at[sequence], &[i32::try_from(sequence)?], last)?;
                    at[sequence] += 1;
                }
                logits.push(batch.n_tokens() - 1);
            }
            context.decode(&mut batch)?;
            for (sequence, index) in logits.into_iter().enumerate() {
                next[sequence] = vec![samplers[sequence].sample(&context, index)];
            }
        }
        Ok(f64::from(TOKENS) * prompts.len() as f64 / began.elapsed().as_secs_f64())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * 99).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or(f64::NAN)
}
