//! Thinking: one prompt at a time, within the budget of its run and with a seed of its own.

mod budget;
mod fence;
mod seed;

use std::time::Duration;

use base::Timestamp;
use models::{
    CallOptions, ChatMessage, FairShare, FinishReason, GenerateInput, OutputShape, PrefixScope,
    Priority, Prompt, Routed, Sampling, Speaker, TextSink, Tier, Tiers,
};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use store::TenantCtx;

use crate::AgentError;

pub use budget::{RunBudget, RunReservation};
pub use fence::{Fenced, fence};
pub use seed::RunSeed;

/// Tokens that a chat template may put around a message, beyond its text.
const MESSAGE_FRAME_TOKENS: u32 = 8;

/// How often a reply that must be JSON is asked for.
const JSON_TRIES: u32 = 2;

/// Least time that is worth beginning with.
const LEAST_TIME_MS: i64 = 50;

/// Everything that a step needs to think: tiers, budget, rights. Borrowed from the caller for one
/// run.
#[derive(Clone, Copy)]
pub struct Brain<'a> {
    /// For whom, in which tenant.
    pub ctx: &'a TenantCtx,
    /// The models.
    pub tiers: &'a Tiers,
    /// What the run may spend.
    pub budget: &'a RunBudget,
    /// Whose turn it is at the worker.
    pub priority: Priority,
    /// When the run must have ended.
    pub deadline: Timestamp,
}

/// One prompt with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Thought {
    /// Which tier thinks.
    pub tier: Tier,
    /// The instructions: the appliance's own words alone, never text of a document or a person.
    pub system: String,
    /// What follows them. Text of documents, tools and models stands in it through [`fence()`].
    pub user: Vec<ChatMessage>,
    /// The shape that the output is held to.
    pub output: OutputShape,
    /// How tokens are chosen; its seed is the run's [`RunSeed`] for this step.
    pub sampling: Sampling,
    /// Most tokens of the output.
    pub max_tokens: u32,
}

impl Thought {
    /// SHA-256 over everything that the model is given but the seed, as 64 hexadecimal digits: the
    /// same for the same prompt on every machine.
    #[must_use]
    pub fn prompt_hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            // With its length, so that no text can pass for two.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.system);
        for message in &self.user {
            part(message.speaker.as_str());
            part(&message.text);
            part(message.tool_name.as_deref().unwrap_or(""));
            for call in &message.tool_calls {
                part(&call.name);
                part(&call.arguments);
            }
        }
        match &self.output {
            OutputShape::Text => part("text"),
            OutputShape::Json { schema } => {
                part("json");
                part(schema);
            }
            OutputShape::Tools { tools, choice } => {
                part("tools");
                part(&format!("{choice:?}"));
                for tool in tools {
                    part(&tool.name);
                    part(&tool.description);
                    part(&tool.parameters);
                }
            }
        }
        let sampling = Sampling { seed: 0, ..self.sampling };
        part(&format!("{sampling:?} {}", self.max_tokens));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The messages as the model gets them.
    fn messages(&self) -> Vec<ChatMessage> {
        let mut messages = Vec::with_capacity(self.user.len() + 1);
        messages.push(ChatMessage::new(Speaker::System, self.system.clone()));
        messages.extend(self.user.iter().cloned());
        messages
    }

    /// All its texts, for counting.
    fn texts(&self) -> Vec<String> {
        let shape = match &self.output {
            OutputShape::Text | OutputShape::Json { .. } => None,
            OutputShape::Tools { tools, .. } => {
                Some(tools.iter().map(|t| format!("{} {} {}", t.name, t.description, t.parameters)))
            }
        };
        let mut texts = vec![self.system.clone()];
        texts.extend(self.user.iter().map(|message| message.text.clone()));
        texts.extend(shape.into_iter().flatten());
        texts
    }
}

impl Brain<'_> {
    /// Thinks one thought. Its tokens are set aside before and charged after.
    ///
    /// # Errors
    /// [`AgentError::RunBudgetExhausted`] before anything is generated, [`AgentError::TimeIsUp`],
    /// or the model's own.
    pub async fn think(
        &self,
        thought: &Thought,
        pieces: Option<TextSink>,
    ) -> Result<Routed, AgentError> {
        let options = self.options()?;
        let prompt_tokens = self.prompt_tokens(thought).await?;
        let reservation = self.budget.reserve(prompt_tokens.saturating_add(thought.max_tokens))?;
        let input = GenerateInput {
            prompt: Prompt::Chat(thought.messages()),
            output: thought.output.clone(),
            sampling: thought.sampling,
            max_tokens: thought.max_tokens,
            stop: Vec::new(),
            scope: PrefixScope(*self.ctx.tenant_id().as_bytes()),
            share: self.share(),
        };
        let options = CallOptions { timeout: self.time_left()?, ..options };
        let routed = self.tiers.generate(thought.tier, &input, options, pieces).await?;
        reservation.settle(routed.generation.usage);
        Ok(routed)
    }

    /// As [`Brain::think`], and reads the reply as JSON. A real model is held to the schema token by
    /// token; a reply that does not parse all the same, or was cut off, is tried once more with the
    /// next seed.
    ///
    /// # Errors
    /// As [`Brain::think`]; [`AgentError::ModelOutput`] when the second reply does not parse either.
    pub async fn think_json<T: DeserializeOwned>(
        &self,
        thought: &Thought,
    ) -> Result<(T, Routed), AgentError> {
        let mut thought = thought.clone();
        let mut reason = String::new();
        for _ in 0..JSON_TRIES {
            let routed = self.think(&thought, None).await?;
            match serde_json::from_str(&routed.generation.text) {
                Ok(value) => return Ok((value, routed)),
                // Where it stopped to fit, not what was said.
                Err(error) if routed.generation.finish == FinishReason::Length => {
                    reason = format!("cut off after {} tokens: {error}", thought.max_tokens);
                }
                Err(error) => reason = error.to_string(),
            }
            thought.sampling.seed = thought.sampling.seed.wrapping_add(1);
        }
        Err(AgentError::ModelOutput { reason })
    }

    /// Tokens that the prompt will take, a little too many rather than too few.
    ///
    /// # Errors
    /// Those of counting.
    pub async fn prompt_tokens(&self, thought: &Thought) -> Result<u32, AgentError> {
        let texts = thought.texts();
        let frames = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let counts = self.count_tokens(thought.tier, texts).await?;
        let text_tokens = counts.into_iter().fold(0_u32, u32::saturating_add);
        Ok(text_tokens.saturating_add(frames.saturating_mul(MESSAGE_FRAME_TOKENS)))
    }

    /// Tokens of each text, as the tier's model counts them.
    ///
    /// # Errors
    /// [`AgentError::TimeIsUp`], or the model's own.
    pub async fn count_tokens(
        &self,
        tier: Tier,
        texts: Vec<String>,
    ) -> Result<Vec<u32>, AgentError> {
        Ok(self.tiers.count_tokens(tier, texts, self.options()?).await?)
    }

    /// Time until the deadline.
    ///
    /// # Errors
    /// [`AgentError::TimeIsUp`] when nothing worth beginning is left of it.
    pub fn time_left(&self) -> Result<Duration, AgentError> {
        let left_ms = self.deadline.since_ms(self.ctx.now());
        if left_ms < LEAST_TIME_MS {
            return Err(AgentError::TimeIsUp);
        }
        Ok(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
    }

    fn options(&self) -> Result<CallOptions, AgentError> {
        Ok(CallOptions { priority: self.priority, timeout: self.time_left()? })
    }

    /// People take turns; what has no person behind it takes the tenant's.
    fn share(&self) -> FairShare {
        let person = self.ctx.user_id().map(|user| *user.as_bytes());
        FairShare(person.unwrap_or(*self.ctx.tenant_id().as_bytes()))
    }
}
