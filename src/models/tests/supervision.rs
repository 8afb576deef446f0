//! The client against real child processes that die, hang and lie.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Coded, SystemClock};
use models::{
    CallOptions, FairShare, GenerateInput, LoadOptions, ModelError, ModelHash, ModelWorker,
    OutputShape, PrefixScope, Priority, Prompt, Sampling, TextKind, WorkerCommand, WorkerSettings,
    WorkerState,
};

const PATIENT: Duration = Duration::from_secs(20);

fn settings() -> WorkerSettings {
    WorkerSettings {
        start_timeout: Duration::from_secs(10),
        idle_timeout: None,
        hang_timeout: Duration::from_secs(10),
        back_off_first: Duration::from_millis(5),
        back_off_max: Duration::from_millis(40),
        ..WorkerSettings::default()
    }
}

fn worker(args: &[&str], settings: WorkerSettings) -> ModelWorker {
    let command = WorkerCommand {
        exe: env!("CARGO_BIN_EXE_millwright-scripted-worker").into(),
        args: args.iter().map(ToString::to_string).collect(),
    };
    ModelWorker::new(command, settings, Arc::new(SystemClock))
}

async fn embed(worker: &ModelWorker, text: &str, timeout: Duration) -> Result<usize, ModelError> {
    let texts = vec![text.to_owned()];
    let embeddings = worker.embed(texts, TextKind::Query, Priority::Interactive, timeout).await?;
    assert_eq!(embeddings.len(), 1);
    Ok(embeddings[0].as_array().iter().position(|v| *v > 0.5).unwrap())
}

fn pid(worker: &ModelWorker) -> u32 {
    match worker.state() {
        WorkerState::Ready { pid, .. } => pid,
        other => panic!("not ready: {other:?}"),
    }
}

async fn until(worker: &ModelWorker, wanted: impl Fn(&WorkerState) -> bool) -> WorkerState {
    let mut states = worker.watch();
    let found = tokio::time::timeout(PATIENT, states.wait_for(wanted)).await;
    found.unwrap().unwrap().clone()
}

fn is_running(pid: u32) -> bool {
    // A zombie has no memory map.
    std::fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| !maps.is_empty())
}

#[tokio::test]
async fn starts_with_the_first_call_and_stops_with_the_last_handle() {
    let worker = worker(&["healthy"], settings());
    assert_eq!(worker.state(), WorkerState::NotStarted);
    assert_eq!(embed(&worker, "seven77", PATIENT).await.unwrap(), 7);
    let pid = pid(&worker);
    assert!(is_running(pid));
    let mut states = worker.watch();
    drop(worker);
    // The sender is gone when the supervisor has ended and the child with it.
    while states.changed().await.is_ok() {}
    assert!(!is_running(pid));
}

#[tokio::test]
async fn many_texts_come_back_in_order() {
    let worker = worker(&["healthy"], settings());
    let texts: Vec<String> = (0..300).map(|n| "x".repeat(n)).collect();
    let embeddings =
        worker.embed(texts, TextKind::Passage, Priority::Ingest, PATIENT).await.unwrap();
    let axes: Vec<usize> =
        embeddings.iter().map(|e| e.as_array().iter().position(|v| *v > 0.5).unwrap()).collect();
    assert_eq!(axes, (0..300).collect::<Vec<_>>());
    let counts = worker.count_tokens(vec!["a b c".to_owned()], Priority::Agent, PATIENT).await;
    assert_eq!(counts.unwrap(), [3]);
    let spans = worker.token_spans(vec!["a b".to_owned()], Priority::Agent, PATIENT).await;
    assert_eq!(spans.unwrap()[0].len(), 2);
    assert!(
        worker.embed(vec![], TextKind::Query, Priority::Agent, PATIENT).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn a_death_is_followed_by_a_restart_and_one_retry() {
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("died");
    let worker = worker(&["die-once", flag.to_str().unwrap()], settings());
    assert_eq!(embed(&worker, "four", PATIENT).await.unwrap(), 4);
    assert!(flag.exists(), "the first attempt must have died");
}

#[tokio::test]
async fn a_killed_worker_is_replaced() {
    let worker = worker(&["healthy"], settings());
    embed(&worker, "a", PATIENT).await.unwrap();
    let first = pid(&worker);
    let killed = std::process::Command::new("kill").args(["-9", &first.to_string()]).status();
    assert!(killed.unwrap().success());
    let state = until(&worker, |state| matches!(state, WorkerState::Failed { .. })).await;
    assert!(
        matches!(&state, WorkerState::Failed { reason, .. } if reason.contains("signal 9")),
        "{state:?}"
    );
    embed(&worker, "a", PATIENT).await.unwrap();
    assert_ne!(pid(&worker), first);
}

#[tokio::test]
async fn a_call_that_kills_the_worker_takes_no_other_with_it() {
    let worker = worker(&["healthy"], settings());
    let (poison, good, other) = tokio::join!(
        embed(&worker, "poison", PATIENT),
        embed(&worker, "good", PATIENT),
        embed(&worker, "other", PATIENT),
    );
    assert!(matches!(poison, Err(ModelError::WorkerDied { attempts: 2 })), "{poison:?}");
    assert_eq!((good.unwrap(), other.unwrap()), (4, 5));
}

#[tokio::test]
async fn a_hung_worker_costs_the_caller_its_deadline_and_is_then_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("hung");
    let settings = WorkerSettings { hang_timeout: Duration::from_millis(400), ..settings() };
    let worker = worker(&["hang-once", flag.to_str().unwrap()], settings);
    worker.ping(Priority::Agent, Duration::from_millis(100)).await.unwrap_err();
    // Its caller has gone; the silence is noticed all the same.
    let state = until(&worker, |state| matches!(state, WorkerState::Failed { .. })).await;
    assert!(matches!(&state, WorkerState::Failed { reason, .. } if reason.contains("silent")));
    let hung: u32 = std::fs::read_to_string(&flag).unwrap().parse().unwrap();
    assert_eq!(embed(&worker, "ok", PATIENT).await.unwrap(), 2);
    assert!(!is_running(hung));
}

#[tokio::test]
async fn a_deadline_is_kept_and_named() {
    let worker = worker(&["hang"], settings());
    let timeout = Duration::from_millis(300);
    let began = Instant::now();
    let error = embed(&worker, "x", timeout).await.unwrap_err();
    assert!(
        matches!(error, ModelError::DeadlinePassed { timeout: t } if t == timeout),
        "{error:?}"
    );
    assert_eq!(error.code(), "model_deadline_passed");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_full_queue_says_so_and_keeps_room_for_people() {
    let settings = WorkerSettings { queue_calls: 4, ..settings() };
    let worker = worker(&["hang"], settings);
    let bulk = || {
        let worker = worker.clone();
        tokio::spawn(async move {
            let texts = vec!["bulk".to_owned()];
            worker.embed(texts, TextKind::Passage, Priority::Ingest, Duration::from_secs(2)).await
        })
    };
    let held = [bulk(), bulk()];
    until(&worker, |state| matches!(state, WorkerState::Ready { .. })).await;
    let refused = bulk().await.unwrap().unwrap_err();
    assert!(matches!(refused, ModelError::Busy { .. }), "{refused:?}");
    assert_eq!((refused.code(), refused.retry_after_s()), ("model_busy", Some(2)));
    // A person still gets in (and is then kept waiting by this worker, which answers nobody).
    let person = embed(&worker, "x", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(person, ModelError::DeadlinePassed { .. }), "{person:?}");
    for call in held {
        assert!(matches!(call.await.unwrap(), Err(ModelError::DeadlinePassed { .. })));
    }
    // Everything is given back.
    let person = embed(&worker, "x", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(person, ModelError::DeadlinePassed { .. }), "{person:?}");
}

#[tokio::test]
async fn an_idle_worker_is_stopped_and_comes_back() {
    let settings = WorkerSettings { idle_timeout: Some(Duration::from_millis(100)), ..settings() };
    let worker = worker(&["healthy"], settings);
    embed(&worker, "a", PATIENT).await.unwrap();
    let first = pid(&worker);
    until(&worker, |state| *state == WorkerState::NotStarted).await;
    assert!(!is_running(first));
    assert_eq!(embed(&worker, "abc", PATIENT).await.unwrap(), 3);
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_unavailable_with_a_reason() {
    for (args, wanted) in
        [(["exit"], "exited with status 3"), (["old"], "protocol version"), (["mute"], "no hello")]
    {
        let settings = WorkerSettings { start_timeout: Duration::from_millis(300), ..settings() };
        let worker = worker(&args, settings);
        let error = embed(&worker, "a", PATIENT).await.unwrap_err();
        let ModelError::Unavailable { reason, .. } = &error else { panic!("{error:?}") };
        assert!(reason.contains(wanted), "{args:?}: {reason}");
        assert_eq!(error.code(), "model_unavailable");
        assert!(error.retry_after_s().is_some());
    }
}

#[tokio::test]
async fn a_missing_executable_is_named() {
    let command = WorkerCommand { exe: Path::new("/nonexistent/millwright").into(), args: vec![] };
    let worker = ModelWorker::new(command, settings(), Arc::new(SystemClock));
    let error = embed(&worker, "a", PATIENT).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/millwright"), "{error}");
    assert!(matches!(worker.state(), WorkerState::Failed { .. }));
}

#[tokio::test]
async fn a_worker_that_sends_garbage_is_replaced_and_the_call_given_up() {
    let worker = worker(&["garbage"], settings());
    let error = embed(&worker, "a", PATIENT).await.unwrap_err();
    assert!(matches!(error, ModelError::WorkerDied { attempts: 2 }), "{error:?}");
}

#[tokio::test]
async fn refusals_and_limits_reach_the_caller() {
    let worker = worker(&["healthy"], settings());
    let error = embed(&worker, "refuse", PATIENT).await.unwrap_err();
    assert!(matches!(error, ModelError::Worker(Some(_))), "{error:?}");
    let texts: Vec<String> =
        (0..40).map(|n| if n == 37 { "x".repeat(2 << 20) } else { String::new() }).collect();
    let error =
        worker.embed(texts, TextKind::Passage, Priority::Ingest, PATIENT).await.unwrap_err();
    assert_eq!(error.violation().unwrap().field, "texts[37]");
    let texts = vec![String::new(); 5000];
    let error = worker.count_tokens(texts, Priority::Ingest, PATIENT).await.unwrap_err();
    assert_eq!(error.code(), "model_input_invalid");
}

#[tokio::test]
async fn shutting_down_answers_those_who_wait() {
    let worker = worker(&["hang"], settings());
    let waiting = tokio::spawn({
        let worker = worker.clone();
        async move { embed(&worker, "x", PATIENT).await }
    });
    until(&worker, |state| matches!(state, WorkerState::Ready { .. })).await;
    let child = pid(&worker);
    worker.shut_down().await;
    assert!(matches!(waiting.await.unwrap(), Err(ModelError::ShutDown)));
    assert!(!is_running(child));
    assert!(matches!(embed(&worker, "x", PATIENT).await, Err(ModelError::ShutDown)));
}

fn raw(prompt: &str) -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Raw(prompt.to_owned()),
        output: OutputShape::Text,
        sampling: Sampling::GREEDY,
        max_tokens: 8,
        stop: Vec::new(),
        scope: PrefixScope([0; 16]),
        share: FairShare([0; 16]),
    }
}

const SOME_MODEL: ModelHash = ModelHash::from_bytes([7; 32]);
const PATIENTLY: CallOptions = CallOptions { priority: Priority::Interactive, timeout: PATIENT };

#[tokio::test]
async fn generated_text_comes_in_pieces_before_the_whole() {
    let worker = worker(&["healthy"], settings());
    let (sink, mut pieces) = tokio::sync::mpsc::channel(8);
    let input = raw("tighten to 25 Nm");
    let generated = worker.generate(SOME_MODEL, &input, PATIENTLY, Some(sink)).await;
    assert_eq!(generated.unwrap().unwrap().text, "tighten to 25 Nm");
    let mut heard = Vec::new();
    while let Some(piece) = pieces.recv().await {
        heard.push(piece);
    }
    assert_eq!(heard, ["tighten ", "to ", "25 ", "Nm"]);
}

#[tokio::test]
async fn a_text_whose_beginning_was_seen_is_not_begun_again() {
    let worker = worker(&["healthy"], settings());
    let (sink, mut pieces) = tokio::sync::mpsc::channel(8);
    let input = raw("one poison");
    let error = worker.generate(SOME_MODEL, &input, PATIENTLY, Some(sink)).await.unwrap_err();
    assert!(matches!(error, ModelError::WorkerDied { attempts: 1 }), "{error}");
    assert_eq!(pieces.recv().await.as_deref(), Some("one "));
    assert_eq!(pieces.recv().await, None);
    // Unseen, it is tried on the next worker, which dies of it too.
    let error = worker.generate(SOME_MODEL, &input, PATIENTLY, None).await.unwrap_err();
    assert!(matches!(error, ModelError::WorkerDied { attempts: 2 }), "{error}");
}

#[tokio::test]
async fn a_text_that_rests_does_not_hold_up_embedding_and_can_be_dropped() {
    let worker = worker(&["healthy"], settings());
    let input = raw("wait");
    let resting = worker.generate(SOME_MODEL, &input, PATIENTLY, None);
    let mut resting = Box::pin(resting);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut resting).await;
    assert!(early.is_err(), "it rests");
    embed(&worker, "abc", PATIENT).await.unwrap();
    let before = pid(&worker);
    drop(resting);
    // The worker confirms that it stopped, so it is not taken for hung.
    embed(&worker, "abc", PATIENT).await.unwrap();
    assert_eq!(pid(&worker), before);
}

#[tokio::test]
async fn a_file_travels_to_the_worker_that_can_open_none() {
    let worker = worker(&["healthy"], settings());
    for name in ["llama", "qwen2"] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(name.as_bytes()).unwrap();
        file.rewind().unwrap();
        let facts = worker.inspect_model(file.into(), PATIENT).await.unwrap();
        assert_eq!(facts.architecture, name);
    }
    let counted = worker.count_model_tokens(SOME_MODEL, vec!["a".to_owned()], PATIENTLY).await;
    assert_eq!(counted.unwrap(), None, "not loaded");
}

#[tokio::test]
async fn where_models_compute_wrongly_none_is_loaded() {
    let load = async |behaviour: &str| {
        let worker = worker(&[behaviour], settings());
        let file = Arc::new(tempfile::tempfile().unwrap().into());
        let options = LoadOptions { context_tokens: 512, parallel: 1, threads: None };
        worker.load_model(SOME_MODEL, file, options, PATIENT).await
    };
    let error = load("unproved").await.unwrap_err();
    assert!(matches!(&error, ModelError::ModelRefused { reason } if reason.contains("as told")));
    load("healthy").await.unwrap();
}
