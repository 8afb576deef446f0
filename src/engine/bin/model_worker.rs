//! The model worker by itself, for tests and tuning: `millwright-model-worker [threads]`. Logs
//! nothing; the product runs the same code with its own logging.

use std::process::ExitCode;

use engine::{WorkerOptions, worker_main};

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--self-test") {
        return engine::self_test_main();
    }
    let threads = std::env::args().nth(1).and_then(|threads| threads.parse().ok());
    worker_main(&WorkerOptions { threads, ..WorkerOptions::default() })
}
