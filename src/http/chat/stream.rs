//! An answer as an event stream. The work runs in a task of its own, so that a client whose
//! connection breaks can come back; when it does not, the work ends.

use std::sync::Arc;

use agents::{ANSWER_EVENTS_MAX, AnswerEvent, Question};
use axum::http::HeaderName;
use axum::response::Response;
use policy::{authorize, chat};
use serde_json::json;
use store::TenantCtx;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::call::Authorized;
use crate::events::{self, EventId, Owner, Stream, TooManyStreams};
use crate::problem::Problem;
use crate::route::RateClass;
use crate::state::AppState;
use crate::views::{AnswerView, CitationView, receipt_value};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// When a caller may try again that found too many streams open.
const RETRY_AFTER_S: u32 = 5;

/// The stream that a request takes up again, when it names one.
pub(super) fn resume(call: &Authorized<chat::Send>) -> Result<Option<Response>, Problem> {
    let Some(last) = call.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let last = last.to_str().ok().and_then(|text| text.parse::<EventId>().ok());
    let owner = owner_of(&call.ctx());
    let found = last.and_then(|id| Some((call.state.streams.find(id.stream, owner)?, id)));
    let (stream, id) = found.ok_or_else(|| Problem::new("stream_expired"))?;
    Ok(Some(events::answer(&stream, id.number)))
}

fn owner_of(ctx: &TenantCtx) -> Owner {
    Owner { tenant: ctx.tenant_id(), actor: ctx.actor(), user: ctx.user_id() }
}

/// Opens the stream of a new answer.
pub(super) fn open(call: &Authorized<chat::Send>, question: Question) -> Result<Response, Problem> {
    let ctx = call.ctx();
    let opened = call.state.streams.open(ctx.request_id(), owner_of(&ctx));
    let stream = opened.map_err(|TooManyStreams| {
        Problem::new("too_many_streams").with_retry_after_s(RETRY_AFTER_S)
    })?;
    // The reader is there before the work begins, so that it is never taken for abandoned.
    let response = events::answer(&stream, 0);
    let state = Arc::clone(&call.state);
    tokio::spawn(run(state, ctx, stream, question).in_current_span());
    Ok(response)
}

/// Ends a stream with the work behind it, even when that panics.
struct Ending {
    stream: Arc<Stream>,
    /// The stream says how the work ended.
    told: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.told {
            push_problem(&self.stream, &Problem::new("internal_error"));
        }
        self.stream.finish();
    }
}

async fn run(state: Arc<AppState>, ctx: Arc<TenantCtx>, stream: Arc<Stream>, question: Question) {
    let mut ending = Ending { stream: Arc::clone(&stream), told: false };
    let (sender, mut receiver) = mpsc::channel(ANSWER_EVENTS_MAX);
    let limit = RateClass::Ask.timeout();
    let work = async {
        // Asked for anew: the permit can't outlive the context that this task owns.
        let permit = authorize::<chat::Send>(&ctx).map_err(Problem::from)?;
        let answered = agents::answer(permit, &state.library, question, Some(sender));
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Problem::from(error)),
            Err(_) => Err(Problem::new("deadline_passed")),
        }
    };
    let forward = async {
        let mut ended = false;
        while let Some(event) = receiver.recv().await {
            ended |= matches!(event, AnswerEvent::Done(_) | AnswerEvent::Error { .. });
            push(&stream, &event);
        }
        ended
    };
    tokio::select! {
        (outcome, ended) = async { tokio::join!(work, forward) } => {
            if let Err(problem) = outcome {
                problem.log();
                // A failure inside the answer has sent its own event.
                if !ended {
                    push_problem(&stream, &problem);
                }
            }
        }
        // Dropping the work cancels it.
        () = stream.abandoned() => {
            tracing::debug!("a stream was abandoned; its work ended");
            // For a reader who comes back after all.
            push_problem(&stream, &Problem::new("stream_expired"));
        }
    }
    ending.told = true;
}

fn push(stream: &Stream, event: &AnswerEvent) {
    let data = match event {
        AnswerEvent::Status(stage) => Ok(("status", json!({ "stage": stage.as_str() }))),
        AnswerEvent::Citation(citation) => {
            serde_json::to_value(CitationView::from(&**citation)).map(|view| ("citation", view))
        }
        AnswerEvent::Token(text) => Ok(("token", json!({ "text": text }))),
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

fn push_problem(stream: &Stream, problem: &Problem) {
    let document = problem.document(None);
    let data = json!({
        "code": document.code,
        "message": format!("{}. {}", document.title, document.detail),
    });
    stream.push("error", data.to_string());
}
