//! Thinking tools: ways of having a question or a draft thought about by several prompts.
//!
//! - [`red_team()`] attacks a text from many named sides, and answers every finding;
//! - [`first_principles()`] takes a conclusion apart down to what it rests on, and builds it anew;
//! - [`council()`] lets members with roles judge for themselves, contradict each other, and vote.
//!
//! Each says what it will cost at most before it begins, stays within the budget and the deadline of its
//! run, and gives back what it has when they end, saying so.
//!
//! Never:
//! - text of a person, a document or a model in the instructions: it stands fenced in the message;
//! - a vote, a ranking or an order that a model has counted: models give opinions, this code counts;
//! - a dissent that is dropped because it lost.

mod council;
mod council_model;
mod first_principles;
mod merge;
mod perspectives;
mod red_team;
mod schemas;
mod service;
mod work;

use base::Label;
use models::{Tier, TokenUsage};
use serde::Serialize;

use crate::AgentError;
use crate::brain::{Fenced, RunSeed, fence};

pub use council::{COUNCIL_MEMBERS, COUNCIL_ROUNDS_MAX, CouncilOptions, council, council_estimate};
pub use council_model::{
    CouncilMember, CouncilOption, CouncilReport, Dissent, Opinion, Rebuttal, Vote,
};
pub use first_principles::{
    Assumption, Derivation, FirstPrinciplesReport, Fundamental, Judged, first_principles,
    first_principles_estimate,
};
pub use perspectives::{Perspective, PerspectiveError, Perspectives, Role};
pub use red_team::{
    Finding, RED_TEAM_ATTACKERS_MAX, RedTeamOptions, RedTeamReport, Response, Verdict, red_team,
    red_team_estimate,
};
pub use service::{ThinkingDone, ThinkingReport, ThinkingRequest, thinking_estimate, thinking_run};
pub use work::{Completeness, StepRecord, THINKING_EVENTS_MAX, ThinkingEvent, ThinkingEvents};

/// Longest question, in characters.
pub const THINKING_QUESTION_MAX_CHARS: usize = 10_000;
/// Longest draft, in characters.
pub const THINKING_DRAFT_MAX_CHARS: usize = 40_000;
/// Most passages of evidence.
pub const THINKING_EVIDENCE_MAX: usize = 16;

/// What is to be thought about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThinkingInput {
    /// The question.
    pub question: String,
    /// A draft of an answer or a plan that is to be examined.
    pub draft: Option<String>,
    /// What is known, each piece with its label.
    pub evidence: Vec<EvidenceText>,
}

/// A piece of what is known.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceText {
    /// Where it stands, for people (`P-101 manual, page 3`).
    pub source: String,
    /// The text.
    pub text: String,
    /// Its label.
    pub label: Label,
}

/// How a run of a thinking tool is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinkingOptions {
    /// Which tier thinks.
    pub tier: Tier,
    /// Everything that is drawn follows from it.
    pub seed: RunSeed,
    /// Prompts side by side, 1 to [`THINKING_PARALLEL_MAX`].
    pub parallel: usize,
}

/// Most prompts side by side.
pub const THINKING_PARALLEL_MAX: usize = 8;

/// What a run will cost at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenEstimate {
    /// Prompts.
    pub calls: u32,
    /// Tokens of all prompts.
    pub prompt_tokens: u32,
    /// Tokens of all outputs, at most.
    pub completion_tokens: u32,
}

impl TokenEstimate {
    /// All tokens together.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// Adds `calls` prompts with so many tokens each.
    #[must_use]
    pub(crate) const fn and(self, calls: u32, prompt_tokens: u32, completion_tokens: u32) -> Self {
        Self {
            calls: self.calls.saturating_add(calls),
            prompt_tokens: self.prompt_tokens.saturating_add(prompt_tokens.saturating_mul(calls)),
            completion_tokens: self
                .completion_tokens
                .saturating_add(completion_tokens.saturating_mul(calls)),
        }
    }
}

impl ThinkingInput {
    /// Checks the limits of this module.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] names the field.
    pub fn check(&self) -> Result<(), AgentError> {
        if self.question.trim().is_empty() {
            return Err(AgentError::invalid("question", "must not be empty"));
        }
        if self.question.chars().count() > THINKING_QUESTION_MAX_CHARS {
            let reason = format!("must be at most {THINKING_QUESTION_MAX_CHARS} characters");
            return Err(AgentError::invalid("question", reason));
        }
        let draft_chars = self.draft.as_ref().map_or(0, |draft| draft.chars().count());
        if draft_chars > THINKING_DRAFT_MAX_CHARS {
            let reason = format!("must be at most {THINKING_DRAFT_MAX_CHARS} characters");
            return Err(AgentError::invalid("draft", reason));
        }
        if self.evidence.len() > THINKING_EVIDENCE_MAX {
            let reason = format!("at most {THINKING_EVIDENCE_MAX} passages");
            return Err(AgentError::invalid("evidence", reason));
        }
        Ok(())
    }

    /// Label of everything in it: the label of what comes out.
    #[must_use]
    pub fn label(&self) -> Label {
        self.evidence.iter().map(|piece| piece.label).fold(Label::TYPED, Label::join)
    }

    /// All of it, fenced, in an order in which prompts of one run begin alike.
    fn material(&self) -> String {
        let mut parts = Vec::with_capacity(self.evidence.len() + 2);
        for (number, piece) in (1..).zip(&self.evidence) {
            let text = format!("{}\n{}", piece.source, piece.text);
            parts.push(fence(Fenced::Evidence, number, &text));
        }
        parts.push(fence(Fenced::Request, 1, &self.question));
        if let Some(draft) = &self.draft {
            parts.push(fence(Fenced::Draft, 1, draft));
        }
        parts.join("\n\n")
    }

    /// Tokens of [`Self::material`], rather too many than too few, without asking a model.
    fn tokens(&self) -> u32 {
        tokens_of(self.material().len())
    }
}

/// Tokens of a text of so many bytes: models of today have three to five bytes a token in European
/// languages, and never more tokens than bytes.
const fn tokens_of(bytes: usize) -> u32 {
    let tokens = bytes.div_ceil(2);
    if tokens > u32::MAX as usize { u32::MAX } else { tokens as u32 }
}

/// What a whole run has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Prompts.
    pub calls: u32,
    /// Tokens.
    pub usage: TokenUsage,
}
