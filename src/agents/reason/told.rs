//! What is told of a run that has ended: its answer, its receipt and its trace.

use std::collections::BTreeSet;
use std::time::Duration;

use base::{ChunkId, Coded as _, Label, Origin, RevisionId, Timestamp, TraceId};
use knowledge::Library;
use models::WorkerState;

use super::machine::Verified;
use super::settings::ReasonSettings;
use super::{Chosen, Ran};
use crate::AgentError;
use crate::check::LITERAL_CHECK;
use crate::figures;
use crate::generated::{Generated, Outcome, Task, is_of_house};
use crate::trace::{Trace, TraceKind, TraceOutcome, TraceStep};
use crate::writing::Writing;

/// Everything that a run has read, also what it dropped again: a step may have repeated it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) label: Label,
    /// Passages.
    pub(super) read: Vec<(ChunkId, RevisionId)>,
    /// What tools have read besides, valid or not.
    pub(super) by_tools: BTreeSet<RevisionId>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { label: Label::TYPED, read: Vec::new(), by_tools: BTreeSet::new() }
    }
}

/// A run that has ended, one way or the other.
pub(super) struct Ended<'e> {
    pub(super) task: &'e Task<'e>,
    pub(super) settings: &'e ReasonSettings,
    pub(super) chosen: &'e Chosen,
    pub(super) started: Timestamp,
    pub(super) seen: Seen,
    pub(super) steps: Vec<TraceStep>,
}

impl Ended<'_> {
    /// Tells of it.
    ///
    /// # Errors
    /// The error it ended with, where that is none of a model, its time or its budget.
    pub(super) fn tell(
        self,
        verified: Result<(Verified, bool), AgentError>,
    ) -> Result<Ran, AgentError> {
        let (task, chosen) = (self.task, self.chosen);
        let mut writing = Writing::default();
        let (mut rounds, mut tier) = (0, chosen.tier);
        let outcome = match verified {
            Ok((verified, accepted)) => {
                (rounds, tier) = (verified.rounds, verified.tier);
                for (claim, places) in &verified.supported {
                    writing.accept(" ", claim, places, &verified.facts);
                }
                for (claim, strike) in verified.struck {
                    writing.strike(&claim, strike);
                }
                if accepted { TraceOutcome::Answered } else { TraceOutcome::Refused }
            }
            Err(error) if is_of_house(&error) => return Err(error),
            Err(error) => TraceOutcome::Failed(error.code().to_owned()),
        };
        let fallback = match &outcome {
            TraceOutcome::Answered => None,
            TraceOutcome::Refused => Some("all_struck".to_owned()),
            TraceOutcome::Failed(code) => Some(code.clone()),
        };
        let valid = distinct(self.seen.read.iter().map(|(_, revision)| *revision));
        let trace = self.trace(outcome, writing.text.clone())?;
        let mut generated = receipt(task, chosen, &trace);
        (generated.tier, generated.tries) = (tier, rounds);
        generated.struck = std::mem::take(&mut writing.struck);
        count(&trace);
        let label = trace.label;
        Ok(Ran { outcome: Outcome { writing, generated, label, fallback }, trace, valid })
    }

    fn trace(self, outcome: TraceOutcome, answer: String) -> Result<Trace, AgentError> {
        let Self { task, settings, chosen, started, seen, steps } = self;
        let (chunks, revisions): (Vec<_>, Vec<_>) = seen.read.into_iter().unzip();
        let chunks = distinct(chunks);
        let revisions = distinct(revisions.into_iter().chain(seen.by_tools));
        Ok(Trace {
            id: TraceId::new(task.ctx.now(), task.ctx.entropy())?,
            owner: task.ctx.user_id(),
            kind: TraceKind::Answer,
            question: task.question.to_owned(),
            settings: ReasonSettings {
                agent: settings.agent.clone(),
                tier: Some(chosen.decision.tier),
                strategy: Some(chosen.strategy),
                seed: Some(task.seed.0),
                budget_tokens: Some(chosen.budget_tokens),
                temperature: settings.temperature,
            },
            strategy: chosen.strategy,
            seed: task.seed,
            build: build(task.bench.library()),
            outcome,
            answer,
            chunks,
            revisions,
            label: Label { origin: Origin::Model, ..seen.label },
            message_id: None,
            replay_of: None,
            tokens: task.spending.total(),
            started_at: started,
            ended_at: task.ctx.now(),
            steps,
        })
    }
}

/// `all` in order, each once.
fn distinct<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    all.into_iter().collect::<BTreeSet<T>>().into_iter().collect()
}

fn receipt(task: &Task<'_>, chosen: &Chosen, trace: &Trace) -> Generated {
    let last = trace.steps.iter().rev().find(|step| step.model.is_some());
    let model = last.and_then(|step| step.model.clone());
    let tier = last.and_then(|step| step.tier).unwrap_or(chosen.tier);
    let members = task.bench.tiers().members(tier);
    let name = members.iter().find(|member| Some(member.hash.to_string()) == model);
    Generated {
        model_name: name.map(|member| member.name.clone()),
        model,
        tier,
        router: chosen.decision.clone(),
        tokens: trace.tokens,
        seed: task.seed,
        prompt_hash: last.and_then(|step| step.prompt_hash.clone()).unwrap_or_default(),
        evidence: trace.chunks.clone(),
        check: LITERAL_CHECK.to_owned(),
        struck: Vec::new(),
        tries: 0,
        broken_off: None,
        agent: task.specialist.map(|agent| agent.choice.clone()),
        trace: Some(trace.id),
    }
}

fn count(trace: &Trace) {
    let outcome = match &trace.outcome {
        TraceOutcome::Answered => "answered",
        TraceOutcome::Refused => "refused",
        TraceOutcome::Failed(_) => "failed",
    };
    let elapsed_ms = u64::try_from(trace.ended_at.since_ms(trace.started_at)).unwrap_or(0);
    figures::run("run", outcome, Duration::from_millis(elapsed_ms));
}

/// Version of the program, and of the model worker as far as it runs.
fn build(library: &Library) -> String {
    let program = env!("CARGO_PKG_VERSION");
    match library.models().state() {
        WorkerState::Ready { hello, .. } => format!("{program}+{}", hello.build),
        _ => program.to_owned(),
    }
}
