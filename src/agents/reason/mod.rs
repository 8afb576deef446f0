//! Reasoned answers: facts are observed, claims are thought, every claim is verified.
//!
//! For questions that the router calls heavy, on request, and in the playground. A run is bounded in
//! rounds, tiers, tokens and time, and leaves a [`Trace`] from which it can be repeated.

mod machine;
mod prompts;
mod replay;
mod run;
mod settings;
mod strategies;
mod told;
mod tools;

use audit::{Action, Event};
use base::{Coded as _, RevisionId, TraceId};
use knowledge::{Passage, passages_find, still_valid, still_within};
use models::{Priority, RouterDecision, Tier, route, usage_insert};
use parking_lot::Mutex;
use policy::{Permit, chat};
use serde_json::json;

use crate::AgentError;
use crate::answer::{Listener, search_for};
use crate::brain::{Brain, RunBudget, RunSeed};
use crate::check::LiteralCheck;
use crate::generated::{Outcome, Task, is_of_house};
use crate::model::{AnswerEvent, AnswerEvents};
use crate::question;
use crate::specialist::Specialist;
use crate::spending::Spending;
use crate::store::trace_insert;
use crate::trace::{Trace, TraceKind};
use crate::workbench::Workbench;
use machine::{Next, Observing, Verified};
use run::Run;
use told::{Ended, Seen};

pub use replay::{Replay, replay};
pub use settings::{
    AGENT_RUN_BUDGET_DEFAULT_TOKENS, RUN_BUDGET_DEFAULT_TOKENS, RUN_BUDGET_LEAST_TOKENS,
    RUN_BUDGET_MOST_TOKENS, ReasonSettings, Strategy, TEMPERATURE_MOST,
};

/// The mode in which a model reasons.
pub const REASON_MODE: &str = "reason";

/// Time for a run whose steps nobody watches.
const WHOLE_RUN_TIME_MS: i64 = 100_000;

/// The same for one that is shown as it goes.
const STREAMED_RUN_TIME_MS: i64 = 9 * 60_000;

/// A run of the playground; names the chunks that it read.
const PLAYGROUND_RUN: Action = Action::new("playground.run");

/// A question to the playground.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReasonInput {
    /// The question, at most [`base::limits::CHAT_MESSAGE_MAX_CHARS`].
    pub question: String,
    /// How to think.
    pub settings: ReasonSettings,
}

/// Reasons over a question outside of any conversation, and stores the trace. A model that fails is
/// no error: the trace says so.
///
/// # Errors
/// [`AgentError::Invalid`], [`AgentError::NoModel`], [`AgentError::Abandoned`], or those of
/// retrieval and the store.
pub async fn reason(
    permit: Permit<'_, chat::Send>,
    bench: &Workbench,
    input: ReasonInput,
    events: Option<AnswerEvents>,
) -> Result<Trace, AgentError> {
    input.check(bench)?;
    let question = question::checked_message("question", &input.question)?;
    let wanted =
        Wanted { question, settings: input.settings, kind: TraceKind::Playground, replay_of: None };
    recorded(&permit, bench, wanted, events).await
}

impl ReasonInput {
    /// Whether a run of it can begin: for callers who open a stream first and want to be refused
    /// before.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] with the field, or [`AgentError::NoModel`].
    pub fn check(&self, bench: &Workbench) -> Result<(), AgentError> {
        self.settings.check()?;
        question::checked_message("question", &self.question)?;
        if self.settings.agent.as_ref().is_some_and(|wanted| bench.agent(wanted).is_none()) {
            let reason = format!("must be one of {}, or absent", bench.agent_names());
            return Err(AgentError::invalid("settings.agent", reason));
        }
        if bench.tiers().is_empty() { Err(AgentError::NoModel) } else { Ok(()) }
    }
}

/// What a stored run is asked for.
struct Wanted {
    question: String,
    settings: ReasonSettings,
    kind: TraceKind,
    replay_of: Option<TraceId>,
}

async fn recorded(
    permit: &Permit<'_, chat::Send>,
    bench: &Workbench,
    wanted: Wanted,
    events: Option<AnswerEvents>,
) -> Result<Trace, AgentError> {
    let ctx = permit.ctx();
    if bench.tiers().is_empty() {
        return Err(AgentError::NoModel);
    }
    let listener = Listener::new(events);
    let spending = Spending::default();
    let work = async {
        let question = &wanted.question;
        let specialist = match &wanted.settings.agent {
            Some(name) => Some(Specialist::for_question(ctx, bench, question, Some(name)).await?),
            None => None,
        };
        let specialist = specialist.as_ref();
        let search = search_for(question, specialist.map(Specialist::ceiling));
        let found = passages_find(permit, bench.library(), &search).await?;
        let seed = match wanted.settings.seed {
            Some(seed) => RunSeed(seed),
            None => RunSeed::new(ctx.entropy())?,
        };
        let time_ms = if listener.is_there() { STREAMED_RUN_TIME_MS } else { WHOLE_RUN_TIME_MS };
        let task = Task {
            ctx,
            bench,
            specialist,
            spending: &spending,
            listener: &listener,
            question,
            memories: &[],
            turns: &[],
            passages: &found.passages,
            pinned: wanted.settings.tier.or(specialist.and_then(|agent| agent.tier(None))),
            deadline: ctx.now().plus_ms(time_ms),
            seed,
        };
        let ran = run(permit, &task, &wanted.settings).await?;
        let trace = Trace { kind: wanted.kind, replay_of: wanted.replay_of, ..ran.trace };
        Ok(Ran { trace, ..ran })
    };
    let ended = tokio::select! {
        biased;
        () = listener.gone() => Err(AgentError::Abandoned),
        ended = work => ended,
    };
    let stored = match ended {
        Ok(ran) => store(permit, ran, &spending).await,
        Err(error) => {
            crate::answer::charge(ctx, &spending).await;
            Err(error)
        }
    };
    match &stored {
        Ok(trace) => listener.send(AnswerEvent::Traced(Box::new(trace.clone()))).await,
        Err(error) => {
            let event = AnswerEvent::Error { code: error.code(), message: error.to_string() };
            listener.send(event).await;
        }
    }
    stored
}

async fn store(
    permit: &Permit<'_, chat::Send>,
    Ran { trace, valid, .. }: Ran,
    spending: &Spending,
) -> Result<Trace, AgentError> {
    let usage = spending.take();
    permit
        .ctx()
        .write(move |tx| {
            still_valid(&tx, &valid, trace.label, tx.now())?;
            still_within(&tx, &trace.revisions, trace.label, tx.now())?;
            for usage in &usage {
                usage_insert(&tx, usage)?;
            }
            trace_insert(&tx, &trace)?;
            let event = Event::new(PLAYGROUND_RUN)
                .object("trace", trace.id)
                .detail(json!({
                    "chunks": trace.chunks,
                    "revisions": trace.revisions,
                    "strategy": trace.strategy,
                    "agent": trace.settings.agent,
                    "outcome": trace.outcome.as_str(),
                    "replay_of": trace.replay_of,
                }))
                .label(trace.label);
            Ok(tx.commit(event, trace)?)
        })
        .await
}

/// Reasons over the question of a conversation. The trace is to be stored with the answer.
///
/// # Errors
/// The store's and retrieval's own.
pub(crate) async fn answer(
    permit: &Permit<'_, chat::Send>,
    task: &Task<'_>,
) -> Result<(Outcome, Option<Trace>), AgentError> {
    let agent = task.specialist.map(|agent| agent.choice.agent.clone());
    let settings = ReasonSettings { agent, ..ReasonSettings::default() };
    let Ran { outcome, trace, .. } = run(permit, task, &settings).await?;
    Ok((outcome, Some(trace)))
}

/// What a run came to.
struct Ran {
    outcome: Outcome,
    trace: Trace,
    /// The revisions that its facts are from: they must still be valid when it is stored. Tools may have
    /// read others.
    valid: Vec<RevisionId>,
}

/// How a run thinks, once everything is chosen.
struct Chosen {
    decision: RouterDecision,
    tier: Tier,
    strategy: Strategy,
    budget_tokens: u32,
}

impl Chosen {
    fn of(task: &Task<'_>, settings: &ReasonSettings) -> Self {
        let complexity = task.complexity();
        let decision = route(&complexity, task.pinned);
        let strategy = settings
            .strategy
            .unwrap_or_else(|| Strategy::for_question(complexity.kind, decision.tier));
        let with_tools = task.specialist.is_some_and(|agent| !agent.spec.tools.is_empty());
        let usual =
            if with_tools { AGENT_RUN_BUDGET_DEFAULT_TOKENS } else { RUN_BUDGET_DEFAULT_TOKENS };
        let budget_tokens = settings.budget_tokens.unwrap_or(usual);
        let tier = task.bench.tiers().best_available(decision.tier).unwrap_or(decision.tier);
        Self { decision, tier, strategy, budget_tokens }
    }
}

async fn run(
    permit: &Permit<'_, chat::Send>,
    task: &Task<'_>,
    settings: &ReasonSettings,
) -> Result<Ran, AgentError> {
    let started = task.ctx.now();
    let chosen = Chosen::of(task, settings);
    let (ledger, tokens) = (task.bench.ledger(), chosen.budget_tokens);
    let ended = |seen, steps| Ended { task, settings, chosen: &chosen, started, seen, steps };
    let opened = task.spending.open(task.ctx, ledger, tokens, chosen.tier).await;
    let tier = match opened {
        Ok(tier) => tier,
        Err(error) if is_of_house(&error) => return Err(error),
        Err(error) => return ended(Seen::default(), Vec::new()).tell(Err(error)),
    };
    let budget = RunBudget::new(chosen.budget_tokens);
    let check = LiteralCheck::new(task.bench.library().models().clone(), Priority::Agent);
    let run = Run {
        permit,
        bench: task.bench,
        specialist: task.specialist,
        listener: task.listener,
        spending: task.spending,
        brain: Brain {
            ctx: task.ctx,
            tiers: task.bench.tiers(),
            budget: &budget,
            priority: Priority::Agent,
            deadline: task.deadline,
        },
        check: &check,
        question: task.question,
        seed: task.seed,
        strategy: chosen.strategy,
        temperature: settings.temperature,
        steps: Mutex::default(),
        seen: Mutex::default(),
    };
    let verified = drive(&run, task.passages.to_vec(), tier).await;
    task.spending.close();
    ended(run.seen.into_inner(), run.steps.into_inner()).tell(verified)
}

/// The machine from its first state to its last.
async fn drive(
    run: &Run<'_>,
    passages: Vec<Passage>,
    tier: Tier,
) -> Result<(Verified, bool), AgentError> {
    let mut thinking = Observing::begin(passages, tier).observe(run).await?;
    loop {
        thinking = match thinking.think(run).await?.verify(run).await? {
            Next::Accepted(verified) => {
                return Ok((verified, true));
            }
            Next::Refused(verified) => return Ok((verified, false)),
            Next::Observe(observing) => observing.observe(run).await?,
            Next::Escalate(thinking) => thinking,
        };
    }
}
