//! The worker as a real child, spoken to by the real client.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::SystemClock;
use engine::{Embedder, EmbedderOptions};
use models::{ModelWorker, Priority, TextKind, WorkerCommand, WorkerSettings, WorkerState};

const PATIENT: Duration = Duration::from_secs(120);

fn worker() -> ModelWorker {
    let command = WorkerCommand {
        exe: env!("CARGO_BIN_EXE_millwright-model-worker").into(),
        args: vec!["--threads=2".to_owned()],
    };
    ModelWorker::new(command, WorkerSettings::default(), Arc::new(SystemClock))
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("The torque of flange {n} is {} Nm. ", n + 20).repeat(16)).collect()
}

#[tokio::test]
async fn embeds_as_the_embedder_in_this_process_does() {
    let worker = worker();
    let odd = ["", "\u{0}\u{1b}[31m", "🛠👩‍🔧 𝔄", "\u{202e}", "\r\n\t ", "a", "漢字"];
    let mut texts: Vec<String> = odd.iter().map(ToString::to_string).collect();
    texts.push("word ".repeat(200_000));
    texts.push("x".repeat(1 << 20));
    let remote =
        worker.embed(texts.clone(), TextKind::Query, Priority::Agent, PATIENT).await.unwrap();
    let embedder = Embedder::load(&EmbedderOptions::default()).unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(remote, embedder.embed(&texts).unwrap());

    let counts =
        worker.count_tokens(vec!["six bar".to_owned()], Priority::Agent, PATIENT).await.unwrap();
    assert_eq!(counts, [2]);
    let spans = worker.token_spans(vec!["ein Öl".to_owned()], Priority::Agent, PATIENT).await;
    let ends: Vec<u32> = spans.unwrap()[0].iter().map(|span| span.end).collect();
    assert_eq!(ends.last(), Some(&7));
}

#[tokio::test]
async fn says_how_it_computes_and_what_it_gave_up() {
    let worker = worker();
    worker.ping(Priority::Agent, PATIENT).await.unwrap();
    let WorkerState::Ready { pid, hello, .. } = worker.state() else {
        panic!("{:?}", worker.state());
    };
    assert_eq!((hello.embedder.as_str(), hello.threads), ("all-minilm-l6-v2", 2));
    assert_eq!(hello.fallback, None);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.rsplit('\t').next().unwrap_or_default().to_owned()
    };
    assert!(hello.cage.iter().any(|name| name == "no-new-privileges"), "{:?}", hello.cage);
    assert_eq!(field("NoNewPrivs:"), "1");
    assert!(
        hello.cage.iter().any(|name| name == "no-network-files-or-processes"),
        "{:?}",
        hello.cage
    );
    assert_eq!(field("Seccomp:"), "2");
}

#[tokio::test]
async fn the_cage_holds() {
    let exe = env!("CARGO_BIN_EXE_millwright-model-worker").into();
    let command = WorkerCommand { exe, args: Vec::new() };
    let report = models::worker_cage_self_test(&command).await.unwrap();
    assert_eq!(report.leaks(), [""; 0], "{report:?}");
    // Drivers of graphics processors may do three of them.
    let least = if cfg!(feature = "vulkan") { 32 } else { 35 };
    assert!(report.denied_count() >= least, "{} acts were tried", report.denied_count());
    let names: std::collections::BTreeSet<&str> =
        report.acts.iter().map(|act| act.name.as_str()).collect();
    assert_eq!(names.len(), report.acts.len(), "each is another act");
    for name in ["open_file", "create_file", "socket_inet", "fork", "execute"] {
        assert!(names.contains(name), "{name}");
    }
    assert_ne!(names.contains("map_executable"), cfg!(feature = "vulkan"));
}

#[tokio::test]
async fn a_worker_that_does_not_try_its_cage_has_none() {
    for exe in ["/bin/true", "/bin/cat", "/nonexistent/worker"] {
        let command = WorkerCommand { exe: exe.into(), args: Vec::new() };
        assert!(models::worker_cage_self_test(&command).await.is_err(), "{exe}");
    }
}

#[tokio::test]
async fn a_question_overtakes_ingestion() {
    let worker = worker();
    worker.ping(Priority::Agent, PATIENT).await.unwrap();
    let ingest = tokio::spawn({
        let worker = worker.clone();
        async move {
            let began = Instant::now();
            let embedded =
                worker.embed(texts(256), TextKind::Passage, Priority::Ingest, PATIENT).await;
            assert_eq!(embedded.unwrap().len(), 256);
            began.elapsed()
        }
    });
    let mut longest = Duration::ZERO;
    for n in 0..5 {
        let began = Instant::now();
        let question = vec![format!("What is the torque of flange {n}?")];
        worker.embed(question, TextKind::Query, Priority::Interactive, PATIENT).await.unwrap();
        longest = longest.max(began.elapsed());
    }
    assert!(!ingest.is_finished(), "five questions were answered while documents were embedded");
    let whole = ingest.await.unwrap();
    // 256 texts of the full window are 64 batches; a question waits for one of them.
    assert!(longest < whole / 4, "{longest:?} of {whole:?}");
}
