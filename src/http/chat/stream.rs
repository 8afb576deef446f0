//! An answer or a run as an event stream. The work runs in a task of its own, so that a client whose
//! connection breaks can come back; when it does not, the work ends.

use std::time::Duration;

use agents::{ANSWER_EVENTS_MAX, AnswerEvent, AnswerEvents, Question, ReasonInput};
use axum::response::Response;
use policy::{Permit, authorize, chat};
use serde_json::json;
use tokio::sync::mpsc;

use crate::call::Authorized;
use crate::events::{self, Stream, Streaming, push_problem};
use crate::playground::TraceView;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{AnswerView, CitationView, receipt_value};

/// Time for all of it. A model on a small machine writes for minutes; it is given less than this, so
/// that there is time left to answer without it.
const STREAM_TIME: Duration = Duration::from_secs(10 * 60);

/// What is streamed.
pub(crate) enum Work {
    /// An answer in a conversation.
    Answer(Question),
    /// A run of the playground.
    Reason(ReasonInput),
}

impl Work {
    async fn run(
        self,
        permit: Permit<'_, chat::Send>,
        state: &AppState,
        events: AnswerEvents,
    ) -> Result<(), Problem> {
        let (bench, events) = (state.workbench()?, Some(events));
        match self {
            Self::Answer(question) => {
                agents::answer(permit, bench, question, events).await?;
            }
            Self::Reason(input) => {
                agents::reason(permit, bench, input, events).await?;
            }
        }
        Ok(())
    }
}

/// Opens the stream of new work.
pub(crate) fn open(call: &Authorized<chat::Send>, work: Work) -> Result<Response, Problem> {
    events::open(call, |streaming| run(streaming, work))
}

async fn run(Streaming { state, ctx, stream }: Streaming, work: Work) {
    let (sender, receiver) = mpsc::channel(ANSWER_EVENTS_MAX);
    let work = async {
        // Asked for anew: the permit can't outlive the context that this task owns.
        let permit = authorize::<chat::Send>(&ctx).map_err(Problem::from)?;
        let worked = tokio::time::timeout(STREAM_TIME, work.run(permit, &state, sender));
        worked.await.unwrap_or_else(|_| Err(Problem::new("deadline_passed")))
    };
    let mut ended = false;
    let outcome = events::follow(&stream, receiver, work, |event| {
        ended |= ends(event);
        push(&stream, event);
    });
    // A failure inside the work has sent its own event.
    if let Some(Err(problem)) = outcome.await {
        problem.log();
        if !ended {
            push_problem(&stream, &problem);
        }
    }
}

const fn ends(event: &AnswerEvent) -> bool {
    matches!(event, AnswerEvent::Done(_) | AnswerEvent::Traced(_) | AnswerEvent::Error { .. })
}

fn push(stream: &Stream, event: &AnswerEvent) {
    let data = match event {
        AnswerEvent::Status(stage) => Ok(("status", json!({ "stage": stage.as_str() }))),
        AnswerEvent::Citation(citation) => {
            serde_json::to_value(CitationView::from(&**citation)).map(|view| ("citation", view))
        }
        AnswerEvent::Token(text) => Ok(("token", json!({ "text": text }))),
        AnswerEvent::StepStarted { step, kind, tier } => {
            Ok(("step.started", json!({ "step": step, "kind": kind, "tier": tier })))
        }
        AnswerEvent::StepToken { step, text } => {
            Ok(("step.token", json!({ "step": step, "text": text })))
        }
        AnswerEvent::StepFinished { step, kind, tokens, elapsed_ms } => Ok((
            "step.finished",
            json!({ "step": step, "kind": kind, "tokens": tokens, "elapsed_ms": elapsed_ms }),
        )),
        AnswerEvent::Verdict(verdict) => {
            serde_json::to_value(verdict).map(|view| ("verdict", view))
        }
        AnswerEvent::Traced(trace) => {
            TraceView::try_from(&**trace).and_then(serde_json::to_value).map(|view| ("done", view))
        }
        AnswerEvent::Receipt(receipt) => receipt_value(receipt).map(|view| ("receipt", view)),
        AnswerEvent::Error { code, .. } => {
            // In the registry's words: a cause is for the log.
            return push_problem(stream, &Problem::new(code));
        }
        AnswerEvent::Done(answer) => AnswerView::try_from(&**answer)
            .and_then(serde_json::to_value)
            .map(|view| ("done", view)),
    };
    match data {
        Ok((name, data)) => stream.push(name, data.to_string()),
        Err(error) => {
            push_problem(stream, &Problem::new("internal_error").with_cause(error));
        }
    }
}
