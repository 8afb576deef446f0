//! Generated answers: a model writes from numbered evidence, and each sentence is shown when it has
//! passed its check.
//!
//! What does not pass is struck and kept in the receipt. When nothing is left a larger model tries
//! once; after that, and whenever a model fails, is out of time or out of budget, quote mode answers.

mod cutter;
mod kind;
mod prompt;

use std::collections::BTreeSet;

use base::{Coded as _, Timestamp};
use knowledge::Passage;
use models::{
    Complexity, FinishReason, ModelDescription, Priority, Routed, RouterDecision, TEXT_SINK_PIECES,
    Tier, TokenUsage, route,
};
use serde::{Deserialize, Serialize};
use store::TenantCtx;
use tokio::sync::mpsc;

use crate::AgentError;
use crate::answer::Listener;
use crate::brain::{Brain, RunBudget, RunSeed};
use crate::check::{Claim, EvidenceSet, LiteralCheck, SentenceCheck, Strike, StrikeReason};
use crate::figures;
use crate::model::{AnswerEvent, StepKind, Verdict};
use crate::specialist::{AgentChoice, Specialist};
use crate::spending::Spending;
use crate::workbench::Workbench;
use crate::writing::{Struck, Writing};
use cutter::{Cut, SentenceCutter};
use prompt::{Assembled, Material, assemble};

pub(crate) use kind::question_kind;
pub use prompt::Remembered;
pub(crate) use prompt::{EVIDENCE_MAX, NOT_IN_EVIDENCE, Turn, language_name};

/// The mode in which a language model writes.
pub const GENERATED_MODE: &str = "generated";

/// The step in which the answer is written.
const WRITE: &str = "write";

/// How often an answer is written at most: once, and once more in a larger tier.
const TRIES: u32 = 2;

/// What is to be answered, and with what.
pub(crate) struct Task<'t> {
    pub(crate) ctx: &'t TenantCtx,
    pub(crate) bench: &'t Workbench,
    /// The agent that takes part.
    pub(crate) specialist: Option<&'t Specialist>,
    pub(crate) spending: &'t Spending,
    pub(crate) listener: &'t Listener,
    /// The question as it was searched for.
    pub(crate) question: &'t str,
    pub(crate) memories: &'t [Remembered],
    /// Earlier messages, oldest first.
    pub(crate) turns: &'t [Turn],
    /// What was found, best first.
    pub(crate) passages: &'t [Passage],
    pub(crate) pinned: Option<Tier>,
    pub(crate) deadline: Timestamp,
    pub(crate) seed: RunSeed,
}

impl Task<'_> {
    fn brain<'b>(&'b self, budget: &'b RunBudget) -> Brain<'b> {
        Brain {
            ctx: self.ctx,
            tiers: self.bench.tiers(),
            budget,
            priority: Priority::Interactive,
            deadline: self.deadline,
        }
    }

    /// What the router looks at.
    pub(crate) fn complexity(&self) -> Complexity {
        let documents: std::collections::HashSet<_> =
            self.passages.iter().map(|passage| passage.document_id).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Complexity {
            question_chars: count(self.question.chars().count()),
            kind: question_kind(self.question),
            documents: count(documents.len()),
            tools: 0,
            history_turns: count(self.turns.len() / 2),
        }
    }
}

/// How a model came to its answer; part of the receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// Hash of the model that wrote last; `None` when none answered.
    pub model: Option<String>,
    /// Its name.
    pub model_name: Option<String>,
    /// Its tier.
    pub tier: Tier,
    /// Why this tier.
    pub router: RouterDecision,
    /// What all tries cost.
    pub tokens: TokenUsage,
    /// The seed of the run.
    pub seed: RunSeed,
    /// Hash of the last prompt.
    pub prompt_hash: String,
    /// Chunks that the model saw, by their number in the prompt.
    pub evidence: Vec<base::ChunkId>,
    /// Who checked the sentences.
    pub check: String,
    /// Sentences that were not shown.
    pub struck: Vec<Struck>,
    /// How often it was written.
    pub tries: u32,
    /// Why the text ends early: the error's code, or `length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
    /// The agent that took part, and why it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentChoice>,
    /// The stored trace of a reasoned answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<base::TraceId>,
}

/// What came of writing.
pub(crate) struct Outcome {
    pub(crate) writing: Writing,
    pub(crate) generated: Generated,
    /// Join of the labels of everything that the model saw.
    pub(crate) label: base::Label,
    /// Why quote mode has to answer.
    pub(crate) fallback: Option<String>,
}

/// Writes an answer. A model that fails is no error here: the outcome says so.
///
/// # Errors
/// The store's own.
pub(crate) async fn write(task: &Task<'_>) -> Result<Outcome, AgentError> {
    let passages: Vec<Passage> = task.passages.iter().take(EVIDENCE_MAX).cloned().collect();
    let evidence = tokio::task::spawn_blocking(move || EvidenceSet::new(passages));
    let evidence = evidence.await.map_err(|_| AgentError::Panicked)?;
    let decision = route(&task.complexity(), task.pinned);
    let check = LiteralCheck::new(task.bench.library().models().clone(), Priority::Interactive);
    let mut work = Work::new(task, evidence, decision, &check);
    let fallback = work.run().await?;
    task.spending.close();
    Ok(work.outcome(fallback))
}

/// One answer that is being written.
struct Work<'w> {
    task: &'w Task<'w>,
    evidence: EvidenceSet,
    check: &'w dyn SentenceCheck,
    writing: Writing,
    generated: Generated,
    label: base::Label,
    abstained: bool,
}

impl<'w> Work<'w> {
    fn new(
        task: &'w Task<'w>,
        evidence: EvidenceSet,
        router: RouterDecision,
        check: &'w dyn SentenceCheck,
    ) -> Self {
        let generated = Generated {
            model: None,
            model_name: None,
            tier: router.tier,
            router,
            tokens: TokenUsage::default(),
            seed: task.seed,
            prompt_hash: String::new(),
            evidence: Vec::new(),
            check: check.name().to_owned(),
            struck: Vec::new(),
            tries: 0,
            broken_off: None,
            agent: task.specialist.map(|agent| agent.choice.clone()),
            trace: None,
        };
        let label = base::Label::TYPED;
        let writing = Writing::default();
        Self { task, evidence, check, writing, generated, label, abstained: false }
    }

    fn outcome(mut self, fallback: Option<&'static str>) -> Outcome {
        self.generated.struck = std::mem::take(&mut self.writing.struck);
        self.generated.tokens = self.task.spending.total();
        Outcome {
            writing: self.writing,
            generated: self.generated,
            label: self.label,
            fallback: fallback.map(str::to_owned),
        }
    }

    /// Writes, and once more in a larger tier when nothing passed. Returns why quote mode has to
    /// answer, if it has to.
    async fn run(&mut self) -> Result<Option<&'static str>, AgentError> {
        let mut wanted = self.generated.router.tier;
        for nth in 0..TRIES {
            let Some(tier) = self.task.bench.tiers().best_available(wanted) else {
                return Ok(Some("no_model"));
            };
            self.generated.tries = nth + 1;
            let used = match self.write_once(tier, nth).await {
                Ok(used) => used,
                Err(error) if is_of_house(&error) => return Err(error),
                Err(error) if self.writing.is_empty() => return Ok(Some(error.code())),
                Err(error) => {
                    self.generated.broken_off = Some(error.code().to_owned());
                    return Ok(None);
                }
            };
            if !self.writing.is_empty() {
                return Ok(None);
            }
            if self.abstained {
                return Ok(Some("model_abstained"));
            }
            // A larger model may do better; another try of the same one costs as much again.
            let larger = used.above().and_then(|tier| self.task.bench.tiers().best_available(tier));
            match larger.filter(|tier| *tier > used) {
                Some(tier) => wanted = tier,
                None => break,
            }
        }
        Ok(Some("all_struck"))
    }

    /// One text from one model; returns the tier that wrote it.
    async fn write_once(&mut self, tier: Tier, nth: u32) -> Result<Tier, AgentError> {
        let task = self.task;
        let seed = task.seed.of(WRITE, nth);
        // Counting spends nothing.
        let nothing = RunBudget::new(0);
        let material = Material {
            specialist: task.specialist,
            question: task.question,
            memories: task.memories,
            turns: task.turns,
            evidence: &self.evidence,
        };
        let mut assembled = assemble(&task.brain(&nothing), tier, seed, material).await?;
        let tokens = assembled.most_tokens();
        let allowed = task.spending.open(task.ctx, task.bench.ledger(), tokens, tier).await?;
        if allowed != tier {
            assembled = assemble(&task.brain(&nothing), allowed, seed, material).await?;
        }
        self.evidence.truncate(assembled.evidence_count);
        self.label = self.label.join(assembled.label);
        self.generated.prompt_hash = assembled.thought.prompt_hash();
        self.generated.evidence =
            self.evidence.items().iter().map(|item| item.passage.chunk_id).collect();
        task.listener.will_show(task.ctx, &self.evidence, &BTreeSet::new(), self.label).await?;
        let budget = RunBudget::new(assembled.most_tokens());
        let routed = self.stream(&task.brain(&budget), &assembled).await?;
        Ok(routed.tier)
    }

    /// Has the text written and checks its sentences as they become complete.
    async fn stream(
        &mut self,
        brain: &Brain<'_>,
        assembled: &Assembled,
    ) -> Result<Routed, AgentError> {
        let task = self.task;
        let (sink, mut pieces) = mpsc::channel::<String>(TEXT_SINK_PIECES);
        let tier = assembled.thought.tier;
        task.listener.step_started(WRITE, StepKind::Think, Some(tier)).await;
        let begun = task.ctx.now();
        task.spending.begins(assembled.prompt_tokens);
        let thinking = brain.think(&assembled.thought, Some(sink));
        let mut cutter = SentenceCutter::default();
        let reading = async {
            while let Some(piece) = pieces.recv().await {
                task.spending.piece();
                let cuts = cutter.push(&piece);
                task.listener.step_token(WRITE, piece).await;
                self.judge(cuts).await;
            }
        };
        let (thought, ()) = tokio::join!(thinking, reading);
        let finish = thought.as_ref().ok().map(|routed| routed.generation.finish);
        let mut cuts = cutter.finish();
        if finish != Some(FinishReason::Stop)
            && let Some(last) = cuts.pop()
        {
            self.writing.strike(&last.claim, Strike::new(StrikeReason::CutOff));
        }
        self.judge(cuts).await;
        let routed = thought.inspect_err(|_| task.spending.failed())?;
        if finish == Some(FinishReason::Length) {
            self.generated.broken_off = Some("length".to_owned());
        }
        let usage = routed.generation.usage;
        task.spending.ended(usage, routed.tier, routed.model.hash);
        self.written_by(routed.tier, &routed.model);
        let elapsed_ms = task.ctx.now().since_ms(begun);
        task.listener.step_finished(WRITE, StepKind::Think, usage, elapsed_ms).await;
        figures::step(StepKind::Think.as_str());
        Ok(routed)
    }

    fn written_by(&mut self, tier: Tier, model: &ModelDescription) {
        self.generated.tier = tier;
        self.generated.model = Some(model.hash.to_string());
        self.generated.model_name = Some(model.name.clone());
    }

    /// Checks sentences and shows those that pass.
    async fn judge(&mut self, cuts: Vec<Cut>) {
        let mut cuts = cuts;
        cuts.retain(|cut| {
            let abstains = cut.claim.text.contains(NOT_IN_EVIDENCE);
            self.abstained |= abstains;
            !abstains
        });
        if cuts.is_empty() {
            return;
        }
        let claims: Vec<Claim> = cuts.iter().map(|cut| cut.claim.clone()).collect();
        let findings = self.check.check(&claims, &self.evidence).await;
        let listener = self.task.listener;
        for (cut, finding) in cuts.iter().zip(findings) {
            figures::step(StepKind::Verify.as_str());
            let verdict = Verdict::of(&cut.claim, &finding);
            listener.send(AnswerEvent::Verdict(Box::new(verdict))).await;
            match finding {
                Ok(places) => {
                    let added = self.writing.accept(cut.gap, &cut.claim, &places, &self.evidence);
                    listener.show_piece(added.citations, added.text).await;
                }
                Err(strike) => self.writing.strike(&cut.claim, strike),
            }
        }
    }
}

/// Whether an error is none of a model, its time or its budget: it ends the answer.
pub(crate) const fn is_of_house(error: &AgentError) -> bool {
    !matches!(
        error,
        AgentError::Model(_)
            | AgentError::Budget(models::BudgetError::Exhausted { .. })
            | AgentError::RunBudgetExhausted { .. }
            | AgentError::TimeIsUp
            | AgentError::ModelOutput { .. }
    )
}
