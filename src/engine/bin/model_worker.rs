//! The model worker by itself: for tests and tuning, and as the further builds that a release file
//! carries for other processors. Takes what `millwright worker model` takes, and logs nothing.

use std::process::ExitCode;

use engine::{WeightsPlace, WorkerOptions, worker_main};

fn main() -> ExitCode {
    let mut options = WorkerOptions::default();
    let (mut self_test, mut prove) = (false, false);
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        let taken = match name {
            "worker" | "model" => true,
            "--self-test" => {
                self_test = true;
                true
            }
            "--prove-generator" => {
                prove = true;
                true
            }
            "--software-gpu" => {
                options.software_gpu = true;
                true
            }
            "--threads" => {
                options.threads = value.parse().ok();
                options.threads.is_some()
            }
            "--weights" => WeightsPlace::parse(value)
                .is_some_and(|place| engine::bring_weights(&place).is_ok()),
            _ => false,
        };
        if !taken {
            return ExitCode::FAILURE;
        }
    }
    match (self_test, prove) {
        (true, _) => engine::self_test_main(),
        (false, true) => engine::prove_main(options.software_gpu),
        (false, false) => worker_main(&options),
    }
}
