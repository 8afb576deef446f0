//! POST /v1/chat/completions

use std::sync::Arc;

use ::models::{
    CallOptions, FairShare, GenerateInput, ModelError, ModelHash, PrefixScope, Priority, Prompt,
    Reservation, Routed, TextSink, Tier,
};
use audit::Outcome;
use axum::response::Response;
use policy::chat;
use store::TenantCtx;
use utoipa::openapi::ContentBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::list::{FROM_DOCUMENTS, TIER_PREFIX};
use super::request::CompletionRequest;
use super::response::{Completion, Heading};
use super::spending::{self, Spent};
use super::{documents, options, prompt, stream};
use crate::call::Authorized;
use crate::endpoint::{Output, Signature};
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;
use crate::route::RateClass;
use crate::state::AppState;

/// Tokens that are written where the request names no limit.
const MAX_TOKENS: u32 = 1024;

/// Who is to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// A tier, and others when it fails.
    Tier(Tier),
    /// One model, as a member of this tier.
    Model(Tier, ModelHash),
}

impl Writer {
    pub(super) const fn tier(self) -> Tier {
        match self {
            Self::Tier(tier) | Self::Model(tier, _) => tier,
        }
    }

    /// As the reservation allows: beyond the budget only the light tier writes.
    fn within(self, reservation: &Reservation) -> Self {
        let tier = reservation.tier(self.tier());
        if tier == self.tier() { self } else { Self::Tier(tier) }
    }
}

/// One text that is going to be written, with all that belongs to it.
pub(super) struct Work {
    pub(super) state: Arc<AppState>,
    pub(super) ctx: Arc<TenantCtx>,
    pub(super) writer: Writer,
    pub(super) input: GenerateInput,
    pub(super) reservation: Reservation,
    /// Tokens of the prompt, as far as they can be counted beforehand.
    pub(super) prompt_tokens: u32,
    pub(super) heading: Heading,
}

impl Work {
    /// Has it written.
    pub(super) async fn write(&self, pieces: Option<TextSink>) -> Result<Routed, ModelError> {
        let options =
            CallOptions { priority: Priority::Interactive, timeout: RateClass::Ask.timeout() };
        let tiers = self.state.tiers();
        match self.writer {
            Writer::Tier(tier) => tiers.generate(tier, &self.input, options, pieces).await,
            Writer::Model(_, hash) => tiers.generate_by(hash, &self.input, options, pieces).await,
        }
    }
}

pub(super) async fn complete(
    call: Authorized<chat::Send>,
    Json(request): Json<CompletionRequest>,
) -> Result<CompletionAnswer, Problem> {
    call.permit()?;
    options::refuse_unknown_ways(&request)?;
    let streams = request.stream.unwrap_or(false);
    let with_usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
    if request.model.eq_ignore_ascii_case(FROM_DOCUMENTS) {
        let completion = documents::answer(&call, request).await?;
        return Ok(if streams {
            CompletionAnswer::Stream(stream::whole(&completion, with_usage)?)
        } else {
            CompletionAnswer::Whole(Box::new(completion))
        });
    }
    let work = prepare(&call, request).await?;
    if streams {
        return Ok(CompletionAnswer::Stream(stream::open(work, with_usage)));
    }
    Ok(CompletionAnswer::Whole(Box::new(write_whole(work).await?)))
}

async fn write_whole(work: Work) -> Result<Completion, Problem> {
    let routed = work.write(None).await?;
    let completion = work.heading.completion(routed.model.name.clone(), &routed.generation);
    let spent = Spent {
        tier: routed.tier,
        model: routed.model.hash,
        usage: routed.generation.usage,
        outcome: Outcome::Success,
        streamed: false,
    };
    spending::record(&work.ctx, work.reservation, spent).await?;
    Ok(completion)
}

/// Reads the request and reserves what it may cost.
async fn prepare(
    call: &Authorized<chat::Send>,
    request: CompletionRequest,
) -> Result<Work, Problem> {
    let (state, ctx) = (Arc::clone(&call.state), call.ctx());
    let writer = writer(&state, &request.model)?;
    let mut seed = [0; 4];
    ctx.entropy().fill(&mut seed).map_err(store::StoreError::from)?;
    let max_tokens = request.max_completion_tokens.or(request.max_tokens).unwrap_or(MAX_TOKENS);
    let share = ctx.user_id().map_or(*ctx.tenant_id().as_bytes(), |user| *user.as_bytes());
    let mut input = GenerateInput {
        prompt: Prompt::Chat(prompt::messages(&request.messages)?),
        output: options::output(&request)?,
        sampling: options::sampling(&request, u32::from_le_bytes(seed)),
        max_tokens,
        stop: Vec::new(),
        // Keys and values that were computed for one tenant are never used for another.
        scope: PrefixScope(*ctx.tenant_id().as_bytes()),
        share: FairShare(share),
    };
    let heading =
        Heading { id: ctx.request_id(), created: ctx.now().unix_s(), model: request.model };
    input.stop = request.stop.map(super::request::OneOrMany::into_vec).unwrap_or_default();
    input.check_limits().map_err(|error| Problem::invalid(error.field, error.reason))?;
    let prompt_tokens = spending::prompt_tokens(&state, writer.tier(), &input).await;
    let tokens = prompt_tokens.saturating_add(max_tokens);
    let reservation = state.budget().reserve(&ctx, tokens).await?;
    let writer = writer.within(&reservation);
    Ok(Work { state, ctx, writer, input, reservation, prompt_tokens, heading })
}

/// Who is meant by the request's `model`.
fn writer(state: &AppState, model: &str) -> Result<Writer, Problem> {
    let tiers = state.tiers();
    let tier = model.strip_prefix(TIER_PREFIX).and_then(|word| word.parse::<Tier>().ok());
    if let Some(tier) = tier
        && !tiers.is_empty()
    {
        return Ok(Writer::Tier(tier));
    }
    let found = tiers.find(model).map(|(tier, model)| Writer::Model(tier, model.hash));
    found.ok_or_else(|| {
        let reason = "there is no such model; GET /v1/models lists them";
        Problem::new("model_not_found").with_violation(base::Violation::new("model", reason))
    })
}

/// The answer whole, or as it comes.
pub(super) enum CompletionAnswer {
    Whole(Box<Completion>),
    Stream(Response),
}

impl Output for CompletionAnswer {
    fn describe(signature: &mut Signature) {
        Ok200::<Completion>::describe(signature);
        let events = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Server-sent events; the last one's data is `[DONE]`"));
        let content = ContentBuilder::new().schema(Some(events)).build();
        signature.success.content.insert("text/event-stream".to_owned(), content.into());
    }

    fn into_answer(self) -> Result<Response, Problem> {
        match self {
            Self::Whole(completion) => Ok200(*completion).into_answer(),
            Self::Stream(response) => Ok(response),
        }
    }
}
