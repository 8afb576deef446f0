//! Carrying out a run: walks the tree, passes over what has ended, stores what ends.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use audit::{Action, Event, Outcome};
use base::{Coded as _, JobId, Label, RevisionId, Timestamp, WorkflowRunId};
use knowledge::{Work, made_from};
use models::{BoxFuture, ModelError, SettledUsage, TokenUsage, usage_insert};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use store::{StoreError, TenantCtx};
use tokio_util::sync::CancellationToken;

use super::definition::{Definition, Node};
use super::events;
use super::store::run_set_label;
use super::store_steps::{self as rows, Decided, StepInsert, StepRow};
use super::value::{Lookup, ValueError};
use crate::AgentError;
use crate::brain::{RunBudget, RunSeed};
use crate::workbench::Workbench;

/// Largest value that a node may give, in bytes of JSON.
const OUTPUT_MAX_BYTES: usize = 256 * 1024;
/// Longest words about a failure that are kept, in characters.
const DETAIL_MAX_CHARS: usize = 500;

const STEP_STARTED: Action = Action::new("workflow.step_started");
const STEP_FINISHED: Action = Action::new("workflow.step_finished");
const GATE_ASKED: Action = Action::new("workflow.gate_asked");

/// Why a node has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepFailure {
    /// Stable code.
    pub(super) code: String,
    /// In words.
    pub(super) detail: String,
}

impl StepFailure {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        Self { code: code.to_owned(), detail: detail.chars().take(DETAIL_MAX_CHARS).collect() }
    }
}

/// Why a node did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// It failed, and that is stored.
    Failed(StepFailure),
    /// A person is asked at a gate.
    Waiting,
    /// Somebody asked for the end, or the appliance stops.
    Cancelled,
    /// Something that says nothing about the run: it goes on from here later.
    Later(AgentError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into())
    }
}

/// One run at work.
pub(super) struct Engine<'a> {
    pub(super) bench: &'a Workbench,
    pub(super) ctx: &'a TenantCtx,
    pub(super) cancel: &'a CancellationToken,
    pub(super) run: WorkflowRunId,
    pub(super) job: JobId,
    pub(super) definition: &'a Definition,
    pub(super) input: &'a Value,
    pub(super) seed: RunSeed,
    pub(super) deadline: Timestamp,
    pub(super) budget: RunBudget,
    live: Mutex<Live>,
}

/// What is known so far.
struct Live {
    ended: HashMap<String, Result<Value, StepFailure>>,
    decided: HashMap<String, Decided>,
    label: Label,
}

/// Where in the tree a node stands.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// What keys begin with, from the outermost to this one.
    prefixes: Arc<Vec<String>>,
    pub(super) each: Option<Arc<(Value, usize)>>,
    pub(super) around: Option<Arc<Value>>,
}

impl Scope {
    fn prefix(&self) -> &str {
        self.prefixes.last().map_or("", String::as_str)
    }

    /// The key of a node here.
    pub(super) fn key(&self, id: &str) -> String {
        format!("{}{id}", self.prefix())
    }

    /// A scope inside, whose keys begin with `part` too.
    pub(super) fn within(&self, part: &str) -> Self {
        let mut prefixes = self.prefixes.as_ref().clone();
        prefixes.push(format!("{}{part}.", self.prefix()));
        Self { prefixes: Arc::new(prefixes), ..self.clone() }
    }
}

/// What a leaf gave.
pub(super) struct LeafOutcome {
    pub(super) result: Result<Value, StepFailure>,
    pub(super) label: Label,
    /// What it has been shown of documents.
    pub(super) revisions: BTreeSet<RevisionId>,
    pub(super) usage: TokenUsage,
    pub(super) settled: Vec<SettledUsage>,
}

impl LeafOutcome {
    /// Something that cost nothing and saw nothing new.
    pub(super) fn plain(result: Result<Value, StepFailure>) -> Self {
        let (label, revisions) = (Label::TYPED, BTreeSet::new());
        Self { result, label, revisions, usage: TokenUsage::default(), settled: Vec::new() }
    }
}

/// What a run goes on from.
pub(super) struct Progress {
    pub(super) steps: Vec<StepRow>,
    pub(super) decided: Vec<(String, Decided)>,
    pub(super) label: Label,
}

/// What an engine is made from.
pub(super) struct EngineParts<'a> {
    pub(super) bench: &'a Workbench,
    pub(super) ctx: &'a TenantCtx,
    pub(super) cancel: &'a CancellationToken,
    pub(super) run: WorkflowRunId,
    pub(super) job: JobId,
    pub(super) definition: &'a Definition,
    pub(super) input: &'a Value,
    pub(super) seed: RunSeed,
    pub(super) deadline: Timestamp,
}

impl<'a> Engine<'a> {
    pub(super) fn new(parts: &EngineParts<'a>, progress: Progress) -> Self {
        let &EngineParts { bench, ctx, cancel, run, job, definition, input, seed, deadline } =
            parts;
        let budget = RunBudget::new(definition.limits.tokens);
        for step in &progress.steps {
            // What an earlier process spent is spent; too much of it only means that nothing is left.
            let _ = budget.charge(step.usage);
        }
        let ended = progress.steps.into_iter().map(|step| (step.key, step.outcome)).collect();
        let decided = progress.decided.into_iter().collect();
        let live = Mutex::new(Live { ended, decided, label: progress.label });
        Self { bench, ctx, cancel, run, job, definition, input, seed, deadline, budget, live }
    }

    /// Carries a node out, or gives what it gave before.
    pub(super) fn node<'s>(
        &'s self,
        node: &'s Node,
        scope: Scope,
    ) -> BoxFuture<'s, Result<Value, Halt>> {
        Box::pin(async move {
            let key = scope.key(node.id());
            if let Some(outcome) = self.ended(&key) {
                return outcome.map_err(Halt::Failed);
            }
            self.check_going()?;
            let started_at = self.ctx.now();
            let outcome = match node {
                Node::Pipeline(inner) => self.composite(self.pipeline(inner, &scope).await)?,
                Node::FanOut(inner) => self.composite(self.fan_out(inner, &scope).await)?,
                Node::Graph(inner) => self.composite(self.graph(inner, &scope).await)?,
                Node::TddLoop(inner) => self.composite(self.tdd_loop(inner, &scope).await)?,
                Node::Gate(inner) => self.composite(self.gate(inner, &scope).await)?,
                leaf => self.leaf_watched(leaf, &key, &scope).await?,
            };
            self.store(&key, node.kind(), started_at, outcome).await
        })
    }

    /// A node of nodes fails with what is inside; everything else passes through.
    fn composite(&self, result: Result<Value, Halt>) -> Result<LeafOutcome, Halt> {
        match result {
            Ok(value) => Ok(LeafOutcome::plain(Ok(value))),
            Err(Halt::Failed(failure)) => Ok(LeafOutcome::plain(Err(failure))),
            Err(other) => Err(other),
        }
    }

    async fn leaf_watched(
        &self,
        leaf: &Node,
        key: &str,
        scope: &Scope,
    ) -> Result<LeafOutcome, Halt> {
        self.tell_started(key, leaf.kind()).await?;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Halt::Cancelled),
            outcome = self.leaf(leaf, key, scope) => outcome,
        }
    }

    fn check_going(&self) -> Result<(), Halt> {
        if self.cancel.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        if self.ctx.now() >= self.deadline {
            let detail = "the time of the run has passed";
            return Err(Halt::Failed(StepFailure::new("run_deadline_passed", detail)));
        }
        Ok(())
    }

    pub(super) fn ended(&self, key: &str) -> Option<Result<Value, StepFailure>> {
        self.live.lock().ended.get(key).cloned()
    }

    pub(super) fn decided(&self, key: &str) -> Option<Decided> {
        self.live.lock().decided.get(key).cloned()
    }

    /// Join of the labels of everything that the run has seen.
    pub(super) fn label(&self) -> Label {
        self.live.lock().label
    }

    /// Writes how a node ended: result, label, cost, event and audit entry in one commit.
    async fn store(
        &self,
        key: &str,
        kind: &'static str,
        started_at: Timestamp,
        outcome: LeafOutcome,
    ) -> Result<Value, Halt> {
        let LeafOutcome { result, label, revisions, usage, settled } = outcome;
        let result = within_size(result);
        let label = self.label().join(label);
        let (run, job, key) = (self.run, self.job, key.to_owned());
        let stored = result.clone();
        let stored_key = key.clone();
        let steps = u64::try_from(self.live.lock().ended.len() + 1).unwrap_or(u64::MAX);
        let written = self.ctx.write(move |tx| {
            // A document may have become more secret since the step has read it, or an earlier one.
            let label = label.join(made_from(&tx, Work::Run(run), &revisions, tx.now())?);
            let insert = StepInsert {
                run,
                key: &stored_key,
                kind,
                outcome: &stored,
                label,
                usage,
                started_at,
            };
            rows::step_insert(&tx, &insert)?;
            run_set_label(&tx, run, label)?;
            for usage in &settled {
                usage_insert(&tx, usage)?;
            }
            let code = stored.as_ref().err().map(|failure| failure.code.clone());
            let data = json!({
                "step": stored_key, "kind": kind,
                "state": if code.is_none() { "done" } else { "failed" }, "error": code,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
            });
            rows::event_insert(&tx, run, "step.finished", &data)?;
            store::job_progress(&tx, job, steps, None)?;
            let outcome = if code.is_none() { Outcome::Success } else { Outcome::Failed };
            let event = Event::new(STEP_FINISHED)
                .object("workflow_run", run)
                .detail(data)
                .outcome(outcome)
                .label(label);
            tx.commit(event, label)
        });
        let label = written.await?;
        {
            let mut live = self.live.lock();
            live.label = live.label.join(label);
            live.ended.insert(key, result.clone());
        }
        events::wake(self.ctx);
        result.map_err(Halt::Failed)
    }

    async fn tell_started(&self, key: &str, kind: &'static str) -> Result<(), Halt> {
        let (run, key) = (self.run, key.to_owned());
        let written = self.ctx.write(move |tx| {
            let data = json!({ "step": key, "kind": kind });
            rows::event_insert(&tx, run, "step.started", &data)?;
            tx.commit(Event::new(STEP_STARTED).object("workflow_run", run).detail(data), ())
        });
        written.await?;
        events::wake(self.ctx);
        Ok(())
    }

    /// Asks people at a gate, once.
    pub(super) async fn ask(
        &self,
        key: &str,
        question: &str,
        shown: &Value,
        digest: [u8; 32],
    ) -> Result<(), Halt> {
        let (run, key, question) = (self.run, key.to_owned(), question.to_owned());
        let (shown, label) = (shown.clone(), self.label());
        let written = self.ctx.write(move |tx| {
            let asked = rows::gate_ask(&tx, run, &key, (&question, &shown, &digest))?;
            let data = json!({ "step": key, "shown_sha256": super::runs::hex_of(&digest) });
            if asked {
                rows::event_insert(&tx, run, "gate.asked", &data)?;
            }
            let event =
                Event::new(GATE_ASKED).object("workflow_run", run).detail(data).label(label);
            tx.commit(event, ())
        });
        written.await?;
        events::wake(self.ctx);
        Ok(())
    }

    /// What values are looked up in at this place.
    pub(super) fn names<'s>(&'s self, scope: &'s Scope) -> Names<'s> {
        Names { engine: self, scope }
    }
}

/// Looks values up for the nodes of one scope.
pub(super) struct Names<'s> {
    engine: &'s Engine<'s>,
    scope: &'s Scope,
}

impl Lookup for Names<'_> {
    fn root(&self, root: &str, id: Option<&str>) -> Option<Value> {
        match (root, id) {
            ("input", _) => Some(self.engine.input.clone()),
            ("each", _) => {
                let (item, index) = self.scope.each.as_deref()?;
                Some(json!({ "item": item, "index": index }))
            }
            ("loop", _) => self.scope.around.as_deref().cloned(),
            ("steps", Some(id)) => {
                // What is nearest counts: the same iteration first, then outwards.
                let live = self.engine.live.lock();
                let prefixes = self.scope.prefixes.iter().rev().map(String::as_str).chain([""]);
                let mut found =
                    prefixes.filter_map(|prefix| live.ended.get(&format!("{prefix}{id}")));
                found.next().and_then(|outcome| outcome.as_ref().ok()).cloned()
            }
            ("steps", None) => Some(Value::Object(Map::new())),
            _ => None,
        }
    }
}

impl From<ValueError> for StepFailure {
    fn from(error: ValueError) -> Self {
        Self::new("workflow_value_missing", error.to_string())
    }
}

fn within_size(result: Result<Value, StepFailure>) -> Result<Value, StepFailure> {
    let bytes = result.as_ref().map_or(0, |value| value.to_string().len());
    if bytes <= OUTPUT_MAX_BYTES {
        return result;
    }
    let detail = format!("the step gave {bytes} bytes, at most {OUTPUT_MAX_BYTES}");
    Err(StepFailure::new("workflow_value_too_large", detail))
}

/// Whether an error says something about the step, or only about this moment.
pub(super) fn judged(error: AgentError) -> Result<StepFailure, Halt> {
    match error {
        AgentError::Store(_) => Err(Halt::Later(error)),
        AgentError::Model(
            ModelError::Busy { .. }
            | ModelError::Unavailable { .. }
            | ModelError::ShutDown
            | ModelError::WorkerDied { .. },
        ) => Err(Halt::Later(error)),
        other => Ok(StepFailure::new(other.code(), other.to_string())),
    }
}
