//! GET /api/v1/playground/traces/{trace_id}/events

use axum::http::HeaderName;
use axum::response::Response;
use base::TraceId;
use policy::conversations;
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use super::view::TraceView;
use crate::call::Authorized;
use crate::endpoint::{Output, Signature};
use crate::events::{self, EventId, Owner, Stream, TooManyStreams};
use crate::input::Id;
use crate::problem::Problem;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// When a caller may try again that found too many streams open.
const RETRY_AFTER_S: u32 = 5;

pub(super) async fn trace_events(
    call: Authorized<conversations::Read>,
    Id(id): Id<TraceId>,
) -> Result<EventStream, Problem> {
    let ctx = call.ctx();
    let owner = Owner { tenant: ctx.tenant_id(), actor: ctx.actor(), user: ctx.user_id() };
    if let Some(last) = call.headers().get(LAST_EVENT_ID) {
        let last = last.to_str().ok().and_then(|text| text.parse::<EventId>().ok());
        let found = last.and_then(|id| Some((call.state.streams.find(id.stream, owner)?, id)));
        let (stream, id) = found.ok_or_else(|| Problem::new("stream_expired"))?;
        return Ok(EventStream(events::answer(&stream, id.number)));
    }
    let trace = agents::trace_get(call.permit()?, id).await?;
    let internal = |error| Problem::new("internal_error").with_cause(error);
    let view = TraceView::try_from(&trace).map_err(internal)?;
    let opened = call.state.streams.open(ctx.request_id(), owner);
    let stream = opened.map_err(|TooManyStreams| {
        Problem::new("too_many_streams").with_retry_after_s(RETRY_AFTER_S)
    })?;
    tell(&stream, &view).map_err(internal)?;
    stream.finish();
    Ok(EventStream(events::answer(&stream, 0)))
}

/// The events of the run, as they came.
fn tell(stream: &Stream, trace: &TraceView) -> Result<(), serde_json::Error> {
    for step in &trace.steps {
        let name = &step.name;
        let started = json!({ "step": name, "kind": step.kind, "tier": step.tier });
        stream.push("step.started", started.to_string());
        if step.tier.is_some() {
            let token = json!({ "step": name, "text": step.output });
            stream.push("step.token", token.to_string());
        }
        for verdict in &step.verdicts {
            stream.push("verdict", verdict.to_string());
        }
        let finished = json!({
            "step": name, "kind": step.kind, "tokens": step.tokens, "elapsed_ms": step.elapsed_ms,
        });
        stream.push("step.finished", finished.to_string());
    }
    stream.push("done", serde_json::to_string(trace)?);
    Ok(())
}

/// An event stream and nothing else.
pub(super) struct EventStream(Response);

impl Output for EventStream {
    fn describe(signature: &mut Signature) {
        let events = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Server-sent events (WHATWG HTML section 9.2)"));
        signature.success_status = 200;
        signature.success = ResponseBuilder::new()
            .description("The events of the run")
            .content("text/event-stream", ContentBuilder::new().schema(Some(events)).build())
            .build();
    }

    fn into_answer(self) -> Result<Response, Problem> {
        Ok(self.0)
    }
}
