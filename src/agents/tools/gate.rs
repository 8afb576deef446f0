//! The one gate: every call of a tool goes through [`ToolGate::call`], which decides whether it may run,
//! with whose rights, and how much of it comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::{Action, Event, Outcome};
use base::{Classification, Code, Label, Origin, RevisionId, Violation};
use knowledge::{Library, Passage};
use models::{ToolCall, ToolSpec};
use parking_lot::Mutex;
use policy::{effective, may_see};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::TenantCtx;

use super::model::{
    SideEffect, Tool, ToolAnswer, ToolEnv, ToolFailure, ToolInfo, ToolLimits, ToolOutput,
    ToolRecord, ToolRefusal,
};
use super::registry::Toolbox;

const TOOL_REFUSED: Action = Action::new("tool.refused");

/// Refusals of one run that go into the audit log; a model that tries a thousand times says nothing new.
const REFUSALS_RECORDED_MAX: u32 = 8;

/// Longest name of a tool that is kept, in characters.
const NAME_KEPT_CHARS: usize = 64;

/// What an agent may reach for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolGrant {
    /// Tools by name.
    pub tools: Vec<String>,
    /// The most secret text that it may be given.
    pub ceiling: Classification,
}

/// The gate of one run: knows what the run has seen so far.
pub struct ToolGate<'a> {
    ctx: &'a TenantCtx,
    library: &'a Library,
    toolbox: &'a Toolbox,
    grant: ToolGrant,
    limits: ToolLimits,
    state: Mutex<State>,
}

struct State {
    calls: u32,
    result_bytes: usize,
    refusals_recorded: u32,
    /// Join of everything in the context.
    label: Label,
    /// What tools have shown of documents.
    revisions: BTreeSet<RevisionId>,
    passages: Vec<Passage>,
    notes: Vec<ToolNote>,
    records: Vec<ToolRecord>,
}

/// A result that is no passage: computed, or read in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNote {
    /// The tool.
    pub tool: String,
    /// Its result. Content.
    pub text: String,
}

impl<'a> ToolGate<'a> {
    /// A gate for a run in which nothing but what the person typed has been seen.
    #[must_use]
    pub fn new(
        ctx: &'a TenantCtx,
        library: &'a Library,
        toolbox: &'a Toolbox,
        grant: ToolGrant,
        limits: ToolLimits,
    ) -> Self {
        let state = State {
            calls: 0,
            result_bytes: 0,
            refusals_recorded: 0,
            label: Label::TYPED,
            revisions: BTreeSet::new(),
            passages: Vec::new(),
            notes: Vec::new(),
            records: Vec::new(),
        };
        Self { ctx, library, toolbox, grant, limits, state: Mutex::new(state) }
    }

    /// Says that a text with this label has come into the run's context by another way.
    pub fn saw(&self, label: Label) {
        let mut state = self.state.lock();
        state.label = state.label.join(label);
    }

    /// Join of the labels of everything that the run has seen: the label of what it makes.
    #[must_use]
    pub fn label(&self) -> Label {
        self.state.lock().label
    }

    /// The revisions of which tools have shown something.
    #[must_use]
    pub fn revisions(&self) -> BTreeSet<RevisionId> {
        self.state.lock().revisions.clone()
    }

    /// The passages that tools have shown, in their order: what can be cited.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        self.state.lock().passages.clone()
    }

    /// What tools have shown besides passages, in its order.
    #[must_use]
    pub fn notes(&self) -> Vec<ToolNote> {
        self.state.lock().notes.clone()
    }

    /// The tools that are within reach at this moment, for the next prompt.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        let label = self.label();
        let reachable = |info: &&ToolInfo| {
            self.grant.tools.iter().any(|name| name == info.name)
                && self.admits(info, label).is_ok()
        };
        self.toolbox.infos().filter(reachable).map(ToolInfo::spec).collect()
    }

    /// What was called so far, for the trace of the run.
    #[must_use]
    pub fn records(&self) -> Vec<ToolRecord> {
        self.state.lock().records.clone()
    }

    /// Runs a call that a model has made, if it may run.
    ///
    /// # Errors
    /// [`ToolRefusal`], for the model to read.
    pub async fn call(&self, call: &ToolCall) -> Result<ToolAnswer, ToolRefusal> {
        let outcome = self.decide_and_run(call).await;
        let (code, bytes): (Code, usize) = match &outcome {
            Ok(answer) => ("ok", answer.text.len()),
            Err(refusal) => (refusal.outcome(), 0),
        };
        self.keep(call, code, bytes);
        if let Err(refusal) = &outcome {
            self.record(call, refusal).await;
        }
        outcome
    }

    async fn decide_and_run(&self, call: &ToolCall) -> Result<ToolAnswer, ToolRefusal> {
        let label = self.count_call()?;
        // A tool that this agent was not given is not there.
        let granted = self.grant.tools.contains(&call.name);
        let tool = self.toolbox.find(&call.name).filter(|_| granted).map(Arc::clone);
        let tool = tool.ok_or(ToolRefusal::Unknown)?;
        self.admits(tool.info(), label)?;
        let arguments = self.arguments(tool.info(), &call.arguments)?;
        let ceiling = self.ceiling(tool.info());
        let env = ToolEnv { ctx: self.ctx, library: self.library, ceiling };
        let run = tokio::time::timeout(self.limits.timeout, tool.run(&env, arguments));
        let output = run.await.map_err(|_| ToolRefusal::TimedOut)?.map_err(ToolRefusal::Failed)?;
        self.hand_out(call, tool.as_ref(), ceiling, &output)
    }

    /// Whether person, context and tool go together.
    fn admits(&self, info: &ToolInfo, label: Label) -> Result<(), ToolRefusal> {
        let permitted = effective(self.ctx.principal());
        if info.permission.is_some_and(|permission| !permitted.contains(permission)) {
            return Err(ToolRefusal::Forbidden);
        }
        // DESIGN.md section 5.5. What a model wrote counts as foreign too: it may have read such text.
        if label.origin > Origin::User && !info.side_effect.is_safe_after_foreign_text() {
            return Err(ToolRefusal::ForeignText);
        }
        let hands_on = matches!(info.side_effect, SideEffect::Propose | SideEffect::Write);
        if hands_on && label.classification > info.ceiling {
            return Err(ToolRefusal::AboveCeiling);
        }
        Ok(())
    }

    fn count_call(&self) -> Result<Label, ToolRefusal> {
        let mut state = self.state.lock();
        if state.calls >= self.limits.calls {
            return Err(ToolRefusal::TooManyCalls { limit: self.limits.calls });
        }
        state.calls += 1;
        if state.result_bytes >= self.limits.total_bytes {
            return Err(ToolRefusal::TooMuchOutput { limit_bytes: self.limits.total_bytes });
        }
        Ok(state.label)
    }

    fn arguments(&self, info: &ToolInfo, text: &str) -> Result<Value, ToolRefusal> {
        let wrong =
            |reason: String| ToolRefusal::Arguments(vec![Violation::new("arguments", reason)]);
        if text.len() > self.limits.argument_bytes {
            let limit = self.limits.argument_bytes;
            return Err(wrong(format!("have {} bytes, at most {limit}", text.len())));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| wrong(format!("are no JSON: {error}")))?;
        info.parameters.check("arguments", &value).map_err(ToolRefusal::Arguments)?;
        Ok(value)
    }

    fn ceiling(&self, info: &ToolInfo) -> Classification {
        info.ceiling.min(self.grant.ceiling).min(self.ctx.rights().clearance)
    }

    /// Lets a result out: within label and size.
    fn hand_out(
        &self,
        call: &ToolCall,
        tool: &dyn Tool,
        ceiling: Classification,
        output: &ToolOutput,
    ) -> Result<ToolAnswer, ToolRefusal> {
        // The tools filter before; this is the second lock of the same door.
        let visible = may_see(self.ctx.rights(), &output.label).is_visible();
        if !visible || output.label.classification > ceiling {
            tracing::error!(tool = tool.info().name, "a tool gave more than may be seen");
            let hidden = ToolFailure::new("document_not_found", "there is no such document");
            return Err(ToolRefusal::Failed(hidden));
        }
        let mut text = match &output.content {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut state = self.state.lock();
        let room = self.limits.total_bytes.saturating_sub(state.result_bytes);
        let cut_bytes = cut(&mut text, self.limits.result_bytes.min(room));
        state.result_bytes += text.len();
        state.label = state.label.join(output.label);
        state.revisions.extend(&output.revisions);
        if cut_bytes > 0 {
            text.push_str(&format!("… ({cut_bytes} more bytes are left out)"));
        }
        if output.passages.is_empty() {
            state.notes.push(ToolNote { tool: call.name.clone(), text: text.clone() });
        } else {
            state.passages.extend(output.passages.iter().cloned());
        }
        drop(state);
        Ok(ToolAnswer { name: call.name.clone(), text, label: output.label, cut_bytes })
    }

    fn keep(&self, call: &ToolCall, outcome: Code, result_bytes: usize) {
        let mut state = self.state.lock();
        // One more than may be made: the first that was one too many.
        if state.records.len() > self.limits.calls as usize {
            return;
        }
        let digest = Sha256::digest(call.arguments.as_bytes());
        state.records.push(ToolRecord {
            name: call.name.chars().take(NAME_KEPT_CHARS).collect(),
            arguments_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            outcome,
            result_bytes,
        });
    }

    /// Writes down that something was tried which may not be.
    async fn record(&self, call: &ToolCall, refusal: &ToolRefusal) {
        if !refusal.is_breach_attempt() {
            return;
        }
        {
            let mut state = self.state.lock();
            if state.refusals_recorded >= REFUSALS_RECORDED_MAX {
                return;
            }
            state.refusals_recorded += 1;
        }
        // The name is one of ours: an unknown one is no breach.
        let detail = json!({ "tool": call.name, "reason": refusal.outcome() });
        let event = Event::new(TOOL_REFUSED).outcome(Outcome::Denied).detail(detail);
        if let Err(error) = self.ctx.record(event).await {
            // It stays refused.
            tracing::warn!(error = &error as &dyn std::error::Error, "a refusal was not recorded");
        }
    }
}

/// Cuts `text` to at most `bytes`, between characters; returns how many bytes went.
fn cut(text: &mut String, bytes: usize) -> usize {
    let before = text.len();
    let mut end = bytes.min(before);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    before - end
}
