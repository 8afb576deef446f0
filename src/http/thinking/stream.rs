//! A run of a thinking tool as an event stream.

use agents::thinking::{THINKING_EVENTS_MAX, ThinkingEvent, ThinkingRequest, thinking_run};
use axum::response::Response;
use policy::{authorize, chat};
use serde_json::json;
use tokio::sync::mpsc;

use super::run::ThinkingView;
use crate::call::Authorized;
use crate::events::{self, Stream, Streaming, push_problem};
use crate::problem::Problem;

/// Time of one run.
const STREAM_MS: i64 = 20 * 60 * 1000;

/// Opens the stream of a new run.
pub(super) fn open(
    call: &Authorized<chat::Send>,
    request: ThinkingRequest,
) -> Result<Response, Problem> {
    events::open(call, |streaming| run(streaming, request))
}

async fn run(Streaming { state, ctx, stream }: Streaming, request: ThinkingRequest) {
    let (sender, receiver) = mpsc::channel(THINKING_EVENTS_MAX);
    let work = async {
        let sender = sender;
        // Asked for anew: the permit can't outlive the context that this task owns.
        let permit = authorize::<chat::Send>(&ctx).map_err(Problem::from)?;
        let bench = state.workbench()?;
        let done = thinking_run(permit, bench, request, STREAM_MS, Some(&sender)).await?;
        let view = ThinkingView::try_from(&done).and_then(serde_json::to_value);
        view.map_err(|e| Problem::new("internal_error").with_cause(e))
    };
    match events::follow(&stream, receiver, work, |event| push(&stream, event)).await {
        Some(Ok(view)) => stream.push("done", view.to_string()),
        Some(Err(problem)) => {
            problem.log();
            push_problem(&stream, &problem);
        }
        None => {}
    }
}

fn push(stream: &Stream, event: &ThinkingEvent) {
    match event {
        ThinkingEvent::StepStarted { step } => {
            stream.push("step.started", json!({ "step": step }).to_string());
        }
        ThinkingEvent::StepFinished { step, usage } => {
            let data = json!({
                "step": step, "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
            });
            stream.push("step.finished", data.to_string());
        }
        ThinkingEvent::StepFailed { step, code } => {
            stream.push("step.finished", json!({ "step": step, "error": code }).to_string());
        }
    }
}
