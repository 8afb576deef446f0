//! OBSERVE with the tools of an agent: what they show of documents becomes facts, what they compute is
//! kept beside them.

use base::Timestamp;
use models::{BoxFuture, Sampling, Tier};
use parking_lot::Mutex;
use serde_json::json;

use super::prompts::{Given, NOTHING, use_tools};
use super::run::{Asked, Run, about_tokens};
use crate::AgentError;
use crate::brain::Thought;
use crate::check::EvidenceSet;
use crate::model::StepKind;
use crate::specialist::instructed;
use crate::tools::{ToolGate, ToolGrant, ToolLimits, Turn, TurnWatch, think_with_tools};

/// Turns with tools of one observation, the last reply included.
const TURNS_MAX: u32 = 6;

/// Tokens of one turn: a call with its arguments.
const TURN_MAX_TOKENS: u32 = 600;

/// Longest result beside facts that is kept.
const NOTE_MAX_CHARS: usize = 1_200;

/// Share of the window that all of them may take, in percent, and at most so many characters; facts take
/// `FACTS_WINDOW_PERCENT`.
const NOTES_WINDOW_PERCENT: u32 = 12;
const NOTES_MAX_CHARS: usize = 7_200;

/// Characters that a token has at least, in most texts.
const CHARS_PER_TOKEN: u32 = 3;

/// How much of a result a trace keeps.
const TRACED_MAX_CHARS: usize = 2_000;

/// Longest account of what is unknown that is kept.
const UNKNOWN_MAX_CHARS: usize = 300;

impl Run<'_> {
    /// Whether an agent with tools takes part.
    pub(super) fn has_tools(&self) -> bool {
        self.specialist.is_some_and(|agent| !agent.spec.tools.is_empty())
    }

    /// Has the agent find and work out with its tools what is not in the facts. Returns what stays
    /// unknown.
    pub(super) async fn observe_with_tools(
        &self,
        name: &str,
        tier: Tier,
        facts: &mut EvidenceSet,
        notes: &mut Vec<String>,
    ) -> Result<Vec<String>, AgentError> {
        let Some(agent) = self.specialist else { return Ok(Vec::new()) };
        let grant = ToolGrant { tools: agent.spec.tools.clone(), ceiling: agent.spec.ceiling };
        let (library, toolbox) = (self.bench.library(), self.bench.toolbox());
        let gate = ToolGate::new(self.brain.ctx, library, toolbox, grant, ToolLimits::default());
        gate.saw(facts.label());
        let words = use_tools(Given { question: self.question, facts, notes, path: &[] });
        let thought = Thought {
            tier,
            system: instructed(self.specialist, &words.system),
            user: words.user,
            output: words.output,
            sampling: Sampling::GREEDY,
            max_tokens: TURN_MAX_TOKENS,
        };
        let turns = agent.spec.turns.min(TURNS_MAX);
        let watch = Watch { run: self, name, begun: Mutex::new(self.now()) };
        let step = (self.seed, name);
        let done = think_with_tools(&self.brain, &gate, thought, step, turns, &watch).await?;
        {
            let mut seen = self.seen.lock();
            seen.label = seen.label.join(done.label);
            seen.by_tools.extend(&done.revisions);
        }
        let window = self.brain.tiers.context_tokens(tier).unwrap_or(0);
        let room = window / 100 * NOTES_WINDOW_PERCENT * CHARS_PER_TOKEN;
        let mut room = usize::try_from(room).unwrap_or(usize::MAX).min(NOTES_MAX_CHARS);
        for note in gate.notes() {
            let text = format!("{}: {}", note.tool, head(&note.text, NOTE_MAX_CHARS));
            let Some(left) = room.checked_sub(text.chars().count()) else { break };
            room = left;
            notes.push(text);
        }
        self.add_facts(facts, gate.passages(), tier).await?;
        let unknown = head(done.text.trim(), UNKNOWN_MAX_CHARS);
        let nothing = unknown.is_empty() || unknown.trim_end_matches('.') == NOTHING;
        Ok(if nothing { Vec::new() } else { vec![unknown] })
    }
}

/// Tells trace, stream and accounts of each turn.
struct Watch<'w> {
    run: &'w Run<'w>,
    name: &'w str,
    begun: Mutex<Timestamp>,
}

impl Watch<'_> {
    fn step(&self, turn: u32) -> String {
        format!("{}/tools.{}", self.name, turn + 1)
    }
}

impl TurnWatch for Watch<'_> {
    fn begins<'a>(&'a self, number: u32, thought: &'a Thought) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            *self.begun.lock() = self.run.now();
            self.run.spending.begins(about_tokens(thought));
            let (step, tier) = (self.step(number), Some(thought.tier));
            self.run.listener.step_started(&step, StepKind::Observe, tier).await;
        })
    }

    fn ended<'a>(&'a self, turn: Turn<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Turn { number, prompt_hash, seed, routed, results } = turn;
            let calls: Vec<_> = routed
                .generation
                .tool_calls
                .iter()
                .zip(results)
                .map(|(call, result)| {
                    json!({
                        "tool": call.name,
                        "arguments": head(&call.arguments, TRACED_MAX_CHARS),
                        "outcome": result.outcome,
                        "result": head(&result.text, TRACED_MAX_CHARS),
                    })
                })
                .collect();
            let output = json!({ "said": routed.generation.text, "calls": calls }).to_string();
            let name = self.step(number);
            let asked = Asked { name: &name, kind: StepKind::Observe, prompt_hash, seed };
            let begun = *self.begun.lock();
            self.run.thought(asked, routed, begun, output).await;
        })
    }

    fn failed(&self) {
        self.run.spending.failed();
    }
}

/// The first characters of a text.
fn head(text: &str, chars: usize) -> String {
    let mut head: String = text.chars().take(chars).collect();
    if head.len() < text.len() {
        head.push('…');
    }
    head
}
