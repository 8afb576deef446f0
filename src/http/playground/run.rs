//! POST /api/v1/playground/run and /api/v1/playground/traces/{trace_id}/replay

use agents::{ReasonInput, ReasonSettings, Strategy};
use base::TraceId;
use models::Tier;
use policy::chat;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{ReplayView, TraceView};
use crate::call::Authorized;
use crate::chat::stream::{self, Work};
use crate::events;
use crate::input::{Id, Json};
use crate::output::{Ok200, WholeOrStream};
use crate::problem::Problem;

/// How a run is to think; what is left out is chosen, and told in the trace.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PlaygroundSettings {
    /// The agent that thinks, by its name: with its tools, instructions and ceiling.
    agent: Option<String>,
    /// `light`, `standard` or `heavy`.
    tier: Option<String>,
    /// `direct`, `chain_of_thought`, `self_consistency` or `tree_of_thought`.
    strategy: Option<String>,
    /// 0 to 2.
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    /// What all seeds of the run follow from.
    seed: Option<u32>,
    /// Tokens that the run may spend, prompts and replies together, 500 to 400,000.
    #[schema(minimum = 500, maximum = 400_000)]
    budget_tokens: Option<u32>,
}

impl PlaygroundSettings {
    fn read(self) -> Result<ReasonSettings, Problem> {
        let tier = self.tier.map(|word| {
            let unknown = |_| Problem::invalid("settings.tier", "must be light, standard or heavy");
            word.parse::<Tier>().map_err(unknown)
        });
        let strategy = self.strategy.map(|word| {
            let words = Strategy::ALL.map(Strategy::as_str).join(", ");
            let unknown =
                || Problem::invalid("settings.strategy", format!("must be one of {words}"));
            Strategy::parse(&word).ok_or_else(unknown)
        });
        Ok(ReasonSettings {
            agent: self.agent,
            tier: tier.transpose()?,
            strategy: strategy.transpose()?,
            temperature: self.temperature,
            seed: self.seed,
            budget_tokens: self.budget_tokens,
        })
    }
}

/// A question to be reasoned over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaygroundRunRequest {
    /// The question, at most 10,000 characters.
    #[schema(max_length = 10_000)]
    question: String,
    #[serde(default)]
    settings: PlaygroundSettings,
    /// Tell the run as an event stream: `step.started`, `step.token`, `step.finished`, `verdict`,
    /// `error`, `done`, `heartbeat`. A request that repeats the last event's id in `Last-Event-ID`
    /// gets what followed it.
    #[serde(default)]
    stream: bool,
}

pub(super) async fn playground_run(
    call: Authorized<chat::Send>,
    Json(request): Json<PlaygroundRunRequest>,
) -> Result<WholeOrStream<TraceView>, Problem> {
    if let (true, Some(stream)) = (request.stream, events::resume(&call)?) {
        return Ok(WholeOrStream::Stream(stream));
    }
    let input = ReasonInput { question: request.question, settings: request.settings.read()? };
    let bench = call.state.workbench()?;
    if request.stream {
        input.check(bench)?;
        return stream::open(&call, Work::Reason(input)).map(WholeOrStream::Stream);
    }
    let trace = agents::reason(call.permit()?, bench, input, None).await?;
    let view =
        TraceView::try_from(&trace).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(WholeOrStream::Whole(Box::new(view)))
}

pub(super) async fn trace_replay(
    call: Authorized<chat::Send>,
    Id(id): Id<TraceId>,
) -> Result<Ok200<ReplayView>, Problem> {
    let bench = call.state.workbench()?;
    let replay = agents::replay(call.permit()?, bench, id, None).await?;
    let view =
        ReplayView::try_from(&replay).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(view))
}
