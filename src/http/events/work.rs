//! Work that is told as an event stream. It runs in a task of its own, so that a client whose
//! connection breaks can come back; when it does not, the work ends.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::Response;
use policy::chat;
use serde_json::json;
use store::TenantCtx;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::{EventId, Owner, Stream, TooManyStreams, answer};
use crate::call::Authorized;
use crate::problem::Problem;
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Time to write down what abandoned work has cost.
const ENDING_TIME: Duration = Duration::from_secs(10);

/// When a caller may try again that found too many streams open.
const RETRY_AFTER_S: u32 = 5;

/// What the work has: the appliance, the rights of who asked, and where its events go.
pub(crate) struct Streaming {
    pub(crate) state: Arc<AppState>,
    pub(crate) ctx: Arc<TenantCtx>,
    pub(crate) stream: Arc<Stream>,
}

/// The stream that a request takes up again, when it names one.
pub(crate) fn resume(call: &Authorized<chat::Send>) -> Result<Option<Response>, Problem> {
    let Some(last) = call.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let last = last.to_str().ok().and_then(|text| text.parse::<EventId>().ok());
    let owner = owner_of(&call.ctx());
    let found = last.and_then(|id| Some((call.state.streams.find(id.stream, owner)?, id)));
    let (stream, id) = found.ok_or_else(|| Problem::new("stream_expired"))?;
    Ok(Some(answer(&stream, id.number)))
}

/// Opens the stream of new work. It ends with the work, even when that panics.
pub(crate) fn open<W>(
    call: &Authorized<chat::Send>,
    work: impl FnOnce(Streaming) -> W,
) -> Result<Response, Problem>
where
    W: Future<Output = ()> + Send + 'static,
{
    let ctx = call.ctx();
    let opened = call.state.streams.open(ctx.request_id(), owner_of(&ctx));
    let stream = opened.map_err(|TooManyStreams| {
        Problem::new("too_many_streams").with_retry_after_s(RETRY_AFTER_S)
    })?;
    // The reader is there before the work begins, so that it is never taken for abandoned.
    let response = answer(&stream, 0);
    let ending = Ending { stream: Arc::clone(&stream), told: false };
    let work = work(Streaming { state: Arc::clone(&call.state), ctx, stream });
    let whole = async move {
        // Moved in whole: its drop is what ends the stream.
        let mut ending = ending;
        work.await;
        ending.told = true;
    };
    tokio::spawn(whole.in_current_span());
    Ok(response)
}

/// Carries `work` out while `each` sees the events that it sends to the other end of `receiver`; what was sent
/// right before its end is seen too. `None` once the stream is abandoned: without a listener the work ends by
/// itself and writes down what it has cost, and the stream says so to a reader who comes back after all.
pub(crate) async fn follow<E, T>(
    stream: &Stream,
    mut receiver: mpsc::Receiver<E>,
    work: impl Future<Output = T>,
    mut each: impl FnMut(&E),
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(event) = receiver.recv() => each(&event),
            outcome = &mut work => break Some(outcome),
            () = stream.abandoned() => break None,
        }
    };
    while let Ok(event) = receiver.try_recv() {
        each(&event);
    }
    if outcome.is_none() {
        drop(receiver);
        let _ = tokio::time::timeout(ENDING_TIME, work).await;
        tracing::debug!("a stream was abandoned; its work ended");
        push_problem(stream, &Problem::new("stream_expired"));
    }
    outcome
}

/// Tells a problem as the stream's last event.
pub(crate) fn push_problem(stream: &Stream, problem: &Problem) {
    let document = problem.document(None);
    let data = json!({
        "code": document.code,
        "status": document.status,
        "message": format!("{}. {}", document.title, document.detail),
    });
    stream.push("error", data.to_string());
}

fn owner_of(ctx: &TenantCtx) -> Owner {
    Owner { tenant: ctx.tenant_id(), actor: ctx.actor(), user: ctx.user_id() }
}

/// Ends a stream with the work behind it.
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
