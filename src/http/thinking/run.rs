//! POST /api/v1/thinking and /api/v1/thinking/estimate

use agents::RunSeed;
use agents::thinking::{
    ThinkingDone, ThinkingRequest, TokenEstimate, thinking_estimate, thinking_run,
};
use agents::workflow::ThinkingTool;
use models::Tier;
use policy::chat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stream;
use crate::call::Authorized;
use crate::events;
use crate::input::Json;
use crate::output::{Ok200, WholeOrStream};
use crate::problem::Problem;
use crate::views::label_words;

/// A run that is answered whole ends a little before the request would.
const WHOLE_MS: i64 = 110_000;

/// What is to be thought about, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThinkRequest {
    /// `red_team`, `first_principles` or `council`.
    tool: String,
    #[schema(min_length = 1, max_length = 10_000)]
    question: String,
    /// A draft to be examined.
    #[serde(default)]
    #[schema(max_length = 40_000)]
    draft: Option<String>,
    /// Search the documents for passages first.
    #[serde(default)]
    with_documents: bool,
    /// Attackers of a red team, 1 to 32 (8 when absent), or members of a council, 3 to 7 (5).
    #[serde(default)]
    members: Option<u32>,
    /// Rounds of rebuttal of a council, 0 to 3; 1 when absent.
    #[serde(default)]
    rounds: Option<u32>,
    /// `light`, `standard` or `heavy`; heavy when absent.
    #[serde(default)]
    tier: Option<String>,
    /// Tokens that it may take at most; what is estimated when absent. What was thought until then is
    /// answered with.
    #[serde(default)]
    budget_tokens: Option<u32>,
    /// What all draws follow from.
    #[serde(default)]
    seed: Option<u32>,
    /// Tell the run as an event stream: `step.started`, `step.finished`, `error`, `done`, `heartbeat`. A
    /// stream may take twenty minutes, an answer two.
    #[serde(default)]
    stream: bool,
}

impl ThinkRequest {
    fn read(self) -> Result<ThinkingRequest, Problem> {
        let tool = match self.tool.as_str() {
            "red_team" => ThinkingTool::RedTeam,
            "first_principles" => ThinkingTool::FirstPrinciples,
            "council" => ThinkingTool::Council,
            _ => {
                let reason = "must be red_team, first_principles or council";
                return Err(Problem::invalid("tool", reason));
            }
        };
        let tier = self.tier.map(|word| {
            word.parse::<Tier>()
                .map_err(|_| Problem::invalid("tier", "must be light, standard or heavy"))
        });
        Ok(ThinkingRequest {
            tool,
            question: self.question,
            draft: self.draft,
            with_documents: self.with_documents,
            members: self.members,
            rounds: self.rounds,
            tier: tier.transpose()?.unwrap_or(Tier::Heavy),
            budget_tokens: self.budget_tokens,
            seed: self.seed.map(RunSeed),
        })
    }
}

/// What a run costs at most.
#[derive(Serialize, ToSchema)]
#[schema(as = ThinkingEstimate)]
pub(super) struct EstimateView {
    /// Prompts.
    calls: u32,
    prompt_tokens: u32,
    completion_tokens: u32,
    /// Both together.
    tokens: u32,
}

impl From<TokenEstimate> for EstimateView {
    fn from(estimate: TokenEstimate) -> Self {
        Self {
            calls: estimate.calls,
            prompt_tokens: estimate.prompt_tokens,
            completion_tokens: estimate.completion_tokens,
            tokens: estimate.total(),
        }
    }
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ThinkingResult)]
pub(super) struct ThinkingView {
    /// `tool`, and what that tool found: findings and verdict; assumptions, fundamentals and conclusion;
    /// or members, votes, decision and dissent. `completeness` says whether everything was done.
    #[schema(value_type = Object)]
    report: serde_json::Value,
    estimate: EstimateView,
    /// Tokens that it might have taken.
    budget_tokens: u32,
    prompt_tokens: u32,
    completion_tokens: u32,
    /// What all draws followed from.
    seed: u32,
    /// Each prompt: step, hash, seed, model and cost.
    #[schema(value_type = Vec<Object>)]
    steps: serde_json::Value,
    /// Chunks that were put before the model.
    chunks: Vec<i64>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
}

impl TryFrom<&ThinkingDone> for ThinkingView {
    type Error = serde_json::Error;

    fn try_from(done: &ThinkingDone) -> Result<Self, serde_json::Error> {
        let (classification, export_control) = label_words(&done.label);
        Ok(Self {
            report: serde_json::to_value(&done.report)?,
            estimate: done.estimate.into(),
            budget_tokens: done.budget_tokens,
            prompt_tokens: done.usage.prompt_tokens,
            completion_tokens: done.usage.completion_tokens,
            seed: done.seed.0,
            steps: serde_json::to_value(&done.steps)?,
            chunks: done.chunks.iter().map(|chunk| chunk.0).collect(),
            classification,
            export_control,
        })
    }
}

pub(super) async fn estimate(
    call: Authorized<chat::Send>,
    Json(request): Json<ThinkRequest>,
) -> Result<Ok200<EstimateView>, Problem> {
    call.permit()?;
    Ok(Ok200(thinking_estimate(&request.read()?)?.into()))
}

pub(super) async fn run(
    call: Authorized<chat::Send>,
    Json(request): Json<ThinkRequest>,
) -> Result<WholeOrStream<ThinkingView>, Problem> {
    if let (true, Some(stream)) = (request.stream, events::resume(&call)?) {
        return Ok(WholeOrStream::Stream(stream));
    }
    let streamed = request.stream;
    let request = request.read()?;
    // What is wrong with the request is said before a stream begins.
    thinking_estimate(&request)?;
    if streamed {
        return stream::open(&call, request).map(WholeOrStream::Stream);
    }
    let bench = call.state.workbench()?;
    let done = thinking_run(call.permit()?, bench, request, WHOLE_MS, None).await?;
    let view =
        ThinkingView::try_from(&done).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(WholeOrStream::Whole(Box::new(view)))
}
