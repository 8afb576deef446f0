//! What `/metrics` tells of answers and runs. Labels are bounded: kinds of work and of steps.

use std::time::Duration;

const RUN_DURATION: &str = "agent_run_duration_seconds";
const STEPS: &str = "agent_steps_total";

/// Says what the figures mean; once per process, after the recorder is there.
pub fn describe_figures() {
    metrics::describe_histogram!(
        RUN_DURATION,
        metrics::Unit::Seconds,
        "From a question to its answer, by who answered and what came of it."
    );
    metrics::describe_counter!(STEPS, "Steps of answers and runs, by kind.");
}

/// An answer or a run has ended.
pub(crate) fn run(agent: &'static str, outcome: &'static str, elapsed: Duration) {
    metrics::histogram!(RUN_DURATION, "agent" => agent, "outcome" => outcome)
        .record(elapsed.as_secs_f64());
}

/// A step has ended.
pub(crate) fn step(kind: &'static str) {
    metrics::counter!(STEPS, "kind" => kind).increment(1);
}
