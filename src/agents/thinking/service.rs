//! Running a thinking tool for a person: evidence with their rights, tokens set aside, everything recorded
//! before it is shown.

use audit::{Action, Event};
use base::{ChunkId, Label, RevisionId};
use knowledge::{KnowledgeError, Passage, SearchFilters, SearchInput, passages_find, still_valid};
use models::{ModelHash, Priority, Tier, TokenUsage, usage_insert};
use policy::{Permit, chat};
use serde::Serialize;
use serde_json::json;
use store::WriteTx;

use super::{
    COUNCIL_MEMBERS, COUNCIL_ROUNDS_MAX, CouncilOptions, CouncilReport, EvidenceText,
    FirstPrinciplesReport, RED_TEAM_ATTACKERS_MAX, RedTeamOptions, RedTeamReport, StepRecord,
    THINKING_EVIDENCE_MAX, ThinkingEvents, ThinkingInput, ThinkingOptions, TokenEstimate, council,
    council_estimate, first_principles, first_principles_estimate, red_team, red_team_estimate,
};
use crate::AgentError;
use crate::answer::charge;
use crate::brain::{Brain, RunBudget, RunSeed};
use crate::spending::Spending;
use crate::workbench::Workbench;
use crate::workflow::ThinkingTool;

const THINKING_DONE: Action = Action::new("thinking.done");

/// Attackers and members where the request does not say, and prompts side by side.
const ATTACKERS_DEFAULT: u32 = 8;
const MEMBERS_DEFAULT: u32 = 5;
const ROUNDS_DEFAULT: u32 = 1;
const PARALLEL: usize = 4;
/// Passages that are searched for.
const PASSAGES: u32 = 8;
/// Most tokens of one run.
const BUDGET_MAX_TOKENS: u32 = 2_000_000;

/// What a person wants thought about, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ThinkingRequest {
    /// Which tool.
    pub tool: ThinkingTool,
    /// The question.
    pub question: String,
    /// A draft to be examined.
    pub draft: Option<String>,
    /// Whether passages of the documents are searched for it.
    pub with_documents: bool,
    /// Attackers of a red team, or members of a council.
    pub members: Option<u32>,
    /// Rounds of a council.
    pub rounds: Option<u32>,
    /// Which tier thinks.
    pub tier: Tier,
    /// Tokens that it may take; what is estimated when `None`.
    pub budget_tokens: Option<u32>,
    /// What all draws follow from; a new one when `None`.
    pub seed: Option<RunSeed>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "tool", rename_all = "snake_case")]
pub enum ThinkingReport {
    /// Of a red team.
    RedTeam(RedTeamReport),
    /// Of first principles.
    FirstPrinciples(FirstPrinciplesReport),
    /// Of a council.
    Council(CouncilReport),
}

/// What came of it, with what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct ThinkingDone {
    /// What came of it.
    pub report: ThinkingReport,
    /// What it was estimated to cost at most.
    pub estimate: TokenEstimate,
    /// What it may have cost.
    pub budget_tokens: u32,
    /// What it cost.
    pub usage: TokenUsage,
    /// What all draws followed from: the same again gives the same on the same model and build.
    pub seed: RunSeed,
    /// Its prompts, without content.
    pub steps: Vec<StepRecord>,
    /// Chunks that were put before the model.
    pub chunks: Vec<ChunkId>,
    /// Label of everything in it.
    pub label: Label,
}

impl ThinkingRequest {
    /// Attackers or members.
    fn count(&self) -> u32 {
        match self.tool {
            ThinkingTool::RedTeam => self.members.unwrap_or(ATTACKERS_DEFAULT),
            _ => self.members.unwrap_or(MEMBERS_DEFAULT),
        }
    }

    fn check(&self) -> Result<(), AgentError> {
        let count = self.count() as usize;
        let (least, most) = match self.tool {
            ThinkingTool::RedTeam => (1, RED_TEAM_ATTACKERS_MAX),
            _ => (*COUNCIL_MEMBERS.start(), *COUNCIL_MEMBERS.end()),
        };
        if !(least..=most).contains(&count) {
            let reason = format!("must be {least} to {most}, not {count}");
            return Err(AgentError::invalid("members", reason));
        }
        if self.rounds.is_some_and(|rounds| rounds > COUNCIL_ROUNDS_MAX) {
            let reason = format!("must be at most {COUNCIL_ROUNDS_MAX}");
            return Err(AgentError::invalid("rounds", reason));
        }
        if self.budget_tokens.is_some_and(|tokens| !(1..=BUDGET_MAX_TOKENS).contains(&tokens)) {
            let reason = format!("must be 1 to {BUDGET_MAX_TOKENS}");
            return Err(AgentError::invalid("budget_tokens", reason));
        }
        self.input(Vec::new()).check()
    }

    fn input(&self, evidence: Vec<EvidenceText>) -> ThinkingInput {
        let (question, draft) = (self.question.clone(), self.draft.clone());
        ThinkingInput { question, draft, evidence }
    }

    fn estimate(&self, input: &ThinkingInput) -> TokenEstimate {
        match self.tool {
            ThinkingTool::RedTeam => red_team_estimate(input, self.count() as usize),
            ThinkingTool::FirstPrinciples => first_principles_estimate(input),
            ThinkingTool::Council => {
                let rounds = self.rounds.unwrap_or(ROUNDS_DEFAULT);
                council_estimate(input, self.count() as usize, rounds)
            }
        }
    }
}

/// What a request will cost at most; nothing is generated, and documents are not searched: their passages
/// come on top, as far as they are wanted.
///
/// # Errors
/// [`AgentError::Invalid`].
pub fn thinking_estimate(request: &ThinkingRequest) -> Result<TokenEstimate, AgentError> {
    request.check()?;
    Ok(request.estimate(&request.input(Vec::new())))
}

/// Runs a thinking tool for the asking person. `time_ms` bounds it.
///
/// # Errors
/// [`AgentError::Invalid`], [`AgentError::NoModel`]; [`AgentError::Abandoned`] when nobody hears the events any
/// more; those of budgets, models, retrieval and the store; a run
/// whose budget or time ends after its first step has a report that says so.
pub async fn thinking_run(
    permit: Permit<'_, chat::Send>,
    bench: &Workbench,
    request: ThinkingRequest,
    time_ms: i64,
    events: Option<&ThinkingEvents>,
) -> Result<ThinkingDone, AgentError> {
    request.check()?;
    if bench.tiers().is_empty() {
        return Err(AgentError::NoModel);
    }
    let ctx = permit.ctx();
    let passages = if request.with_documents {
        let query: String = request.question.chars().take(2_000).collect();
        let input = SearchInput { query, filters: SearchFilters::default(), limit: PASSAGES };
        passages_find(&permit, bench.library(), &input).await?.passages
    } else {
        Vec::new()
    };
    let input = request.input(passages.iter().take(THINKING_EVIDENCE_MAX).map(evidence).collect());
    let estimate = request.estimate(&input);
    let budget_tokens = request.budget_tokens.unwrap_or_else(|| estimate.total());
    let seed = match request.seed {
        Some(seed) => seed,
        None => RunSeed::new(ctx.entropy())?,
    };
    let spending = Spending::default();
    let tier = spending.open(ctx, bench.ledger(), budget_tokens, request.tier).await?;
    let budget = RunBudget::new(budget_tokens);
    let brain = Brain {
        ctx,
        tiers: bench.tiers(),
        budget: &budget,
        priority: Priority::Agent,
        deadline: ctx.now().plus_ms(time_ms),
    };
    let run = ThinkingOptions { tier, seed, parallel: PARALLEL };
    let listened = async {
        match events {
            Some(events) => events.closed().await,
            None => std::future::pending().await,
        }
    };
    let report = tokio::select! {
        biased;
        () = listened => Err(AgentError::Abandoned),
        report = carry_out(&brain, bench, &request, &input, (run, events)) => report,
    };
    let usage = budget.spent();
    let steps = report.as_ref().map(records).unwrap_or_default();
    if usage != TokenUsage::default() {
        spending.spent(usage, only_model(&steps).map(|model| (tier, model)));
    }
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            charge(ctx, &spending).await;
            return Err(error);
        }
    };
    let chunks: Vec<ChunkId> = passages.iter().map(|passage| passage.chunk_id).collect();
    let mut revisions: Vec<RevisionId> = passages.iter().map(|p| p.revision_id).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let label = input.label();
    let settled = spending.take();
    let event = Event::new(THINKING_DONE)
        .detail(json!({
            "tool": request.tool, "tier": tier, "seed": seed, "steps": steps.len(),
            "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            "chunks": chunks, "revisions": revisions,
        }))
        .label(label);
    let recorded = move |tx: WriteTx<'_>| {
        // What was withdrawn meanwhile is not shown, in no other words either.
        still_valid(&tx, &revisions, label, tx.now())?;
        for usage in &settled {
            usage_insert(&tx, usage)?;
        }
        Ok::<_, KnowledgeError>(tx.commit(event, ())?)
    };
    ctx.write(recorded).await?;
    Ok(ThinkingDone { report, estimate, budget_tokens, usage, seed, steps, chunks, label })
}

async fn carry_out(
    brain: &Brain<'_>,
    bench: &Workbench,
    request: &ThinkingRequest,
    input: &ThinkingInput,
    (run, events): (ThinkingOptions, Option<&ThinkingEvents>),
) -> Result<ThinkingReport, AgentError> {
    let perspectives = bench.perspectives();
    let count = request.count() as usize;
    Ok(match request.tool {
        ThinkingTool::RedTeam => {
            let attackers = perspectives.perspectives.iter().take(count).cloned().collect();
            let options = RedTeamOptions { attackers, run };
            let embedder = Some(bench.library().models());
            ThinkingReport::RedTeam(red_team(brain, embedder, input, &options, events).await?)
        }
        ThinkingTool::FirstPrinciples => {
            ThinkingReport::FirstPrinciples(first_principles(brain, input, run, events).await?)
        }
        ThinkingTool::Council => {
            let roles = perspectives.roles.iter().take(count).cloned().collect();
            let rounds = request.rounds.unwrap_or(ROUNDS_DEFAULT);
            let options = CouncilOptions { roles, rounds, run };
            ThinkingReport::Council(council(brain, input, &options, events).await?)
        }
    })
}

fn evidence(passage: &Passage) -> EvidenceText {
    EvidenceText {
        source: format!(
            "{}, revision {}, page {}",
            passage.document_key, passage.revision_number, passage.page_first
        ),
        text: passage.text.clone(),
        label: passage.label,
    }
}

fn records(report: &ThinkingReport) -> Vec<StepRecord> {
    match report {
        ThinkingReport::RedTeam(report) => report.records.clone(),
        ThinkingReport::FirstPrinciples(report) => report.records.clone(),
        ThinkingReport::Council(report) => report.records.clone(),
    }
}

/// The model, where all steps had the same.
fn only_model(steps: &[StepRecord]) -> Option<ModelHash> {
    let first = steps.first()?.model;
    steps.iter().all(|step| step.model == first).then_some(first)
}
