//! GET /api/v1/workflows/runs/{run_id}/events
//!
//! Events are rows, so a reader who comes back with `Last-Event-ID` gets what it missed, also after the
//! server was started anew. The id of an event is its number in the run.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agents::workflow::{RunEvent, run_events, run_watch};
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use base::WorkflowRunId;
use futures_util::stream;
use policy::{authorize, workflows};
use store::TenantCtx;
use tokio::sync::watch;

use crate::call::Authorized;
use crate::input::Id;
use crate::output::{Media, Raw, streamed};
use crate::problem::Problem;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Readers at once.
const READERS_MAX: usize = 256;
/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A reader looks by itself after so long: the run may be carried out by another opening of the tenant.
const LOOK: Duration = Duration::from_secs(2);
/// When a caller may try again that found too many readers.
const RETRY_AFTER_S: u32 = 5;

static READERS: AtomicUsize = AtomicUsize::new(0);

/// The media type of the answer.
pub(super) struct RunEvents;

impl Media for RunEvents {
    const TYPE: &'static str = "text/event-stream";
    const DESCRIPTION: &'static str = "Server-sent events (WHATWG HTML section 9.2): `run.started`, \
        `step.started`, `step.finished`, `gate.asked`, `gate.decided`, `run.waiting`, `run.ended`, \
        `heartbeat`";
}

pub(super) async fn events(
    call: Authorized<workflows::Read>,
    Id(id): Id<WorkflowRunId>,
) -> Result<Raw<RunEvents>, Problem> {
    let after = match call.headers().get(LAST_EVENT_ID) {
        None => 0,
        Some(last) => last
            .to_str()
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| Problem::invalid("Last-Event-ID", "must be the id of an event"))?,
    };
    // Whether there is such a run is said before a stream begins.
    let first = run_events(&call.permit()?, id, after).await?;
    let place = Place::take()?;
    let ctx = call.ctx();
    let watch = run_watch(&ctx)?;
    let reader = Reader {
        ctx,
        watch,
        id,
        after,
        queued: first.events.into(),
        over: first.over,
        _place: place,
    };
    let body = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let text = reader.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), Some(reader)))
    });
    let mut response = Response::new(streamed(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(RunEvents::TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Reverse proxies would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(Raw::of(response))
}

struct Reader {
    ctx: Arc<TenantCtx>,
    watch: watch::Receiver<u64>,
    id: WorkflowRunId,
    after: u64,
    queued: VecDeque<RunEvent>,
    /// What is queued are the last events.
    over: bool,
    _place: Place,
}

impl Reader {
    /// The next event as text; `None` when the run is over, or may not be seen any more.
    async fn next(&mut self) -> Option<String> {
        let mut silent = Duration::ZERO;
        loop {
            if let Some(event) = self.queued.pop_front() {
                self.after = event.number;
                return Some(format!(
                    "event: {}\nid: {}\ndata: {}\n\n",
                    event.name, event.number, event.data
                ));
            }
            if self.over {
                return None;
            }
            self.watch.mark_unchanged();
            // Asked for anew: what may be seen may have changed since.
            let page = {
                let permit = authorize::<workflows::Read>(&self.ctx).ok()?;
                run_events(&permit, self.id, self.after).await.ok()?
            };
            self.over = page.over;
            self.queued = page.events.into();
            if !self.queued.is_empty() || self.over {
                continue;
            }
            if silent >= HEARTBEAT {
                return Some(format!("event: heartbeat\nid: {}\ndata: {{}}\n\n", self.after));
            }
            tokio::select! {
                _ = self.watch.changed() => {}
                () = tokio::time::sleep(LOOK) => silent += LOOK,
            }
        }
    }
}

/// A reader's place; given back when dropped.
struct Place(());

impl Place {
    fn take() -> Result<Self, Problem> {
        let taken = READERS.fetch_add(1, Ordering::AcqRel);
        let place = Self(());
        if taken >= READERS_MAX {
            return Err(Problem::new("too_many_streams").with_retry_after_s(RETRY_AFTER_S));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::AcqRel);
    }
}
