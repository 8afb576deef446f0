//! Trying a model: a first prompt that must be answered, and how fast it reads and writes; of one that writes
//! nothing, whether it tells a text that answers from one that doesn't matter, and how fast it reads.

use std::time::{Duration, Instant};

use base::Entropy;

use super::RegistryError;
use super::memory::peak_memory_bytes;
use super::resident::{Handle, Residents};
use crate::encoders::TextEncoder as _;
use crate::error::ModelError;
use crate::language::{CallOptions, LanguageModel};
use crate::protocol::{
    ChatMessage, FairShare, GenerateInput, Generation, ModelPurpose, OutputShape, PrefixScope,
    Priority, Prompt, Sampling, Speaker, TextKind,
};

/// For loading and answering together.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(900);

/// Words of the prompt whose reading is measured.
const PROMPT_WORDS: usize = 320;

/// A prompt takes at most this part of the model's window: one of so many.
const WINDOW_SHARE: u32 = 2;

/// Tokens that a word of the measured prompt has at most, in a vocabulary of bytes.
const TOKENS_PER_WORD: u32 = 8;

/// Tokens that are written while the writing is measured.
const WRITTEN_TOKENS: u32 = 64;

/// Texts of the size of a chunk that are read while the reading is measured.
const READ_TEXTS: usize = 8;

/// What a trial has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) prompt_tokens_per_s: f64,
    /// Of a model that writes.
    pub(super) generation_tokens_per_s: Option<f64>,
    pub(super) peak_memory_bytes: u64,
}

/// Tries `model` as what it is made for.
pub(super) async fn trial(
    model: &Handle,
    residents: &Residents,
    entropy: &dyn Entropy,
) -> Result<Measured, RegistryError> {
    match model.0.purpose() {
        ModelPurpose::Generate => writing(model, residents, entropy).await,
        ModelPurpose::Embed | ModelPurpose::Rerank => reading(model, residents).await,
    }
}

/// Has `model` read a few texts, and measures that. Numbers alone come out of it, so all that can be seen is
/// that different texts give different ones.
async fn reading(model: &Handle, residents: &Residents) -> Result<Measured, RegistryError> {
    let options = CallOptions { priority: Priority::Agent, timeout: TRIAL_TIMEOUT };
    let texts = vec!["The pump P-101 moves cooling water.".to_owned(), "Wear gloves.".to_owned()];
    let question = "Which pump moves cooling water?".to_owned();
    // Whether the first text gives another number than the last.
    let differ = async |texts| match model.0.purpose() {
        ModelPurpose::Rerank => {
            let relevances = model.rerank(question.clone(), texts, options).await?;
            Ok::<_, ModelError>(relevances.first() != relevances.last())
        }
        _ => {
            let embeddings = model.embed(texts, TextKind::Passage, options).await?;
            Ok(embeddings.first() != embeddings.last())
        }
    };
    if !differ(texts).await? {
        let reason = "it can't tell two texts from one another".to_owned();
        return Err(ModelError::ModelRefused { reason }.into());
    }
    let text = measured_prompt(PROMPT_WORDS);
    let counts = model.count_tokens(vec![text.clone()], options).await?;
    let window = LanguageModel::describe(model).context_tokens;
    let tokens = counts.first().copied().unwrap_or(0).min(window);
    let texts = vec![text; READ_TEXTS];
    let began = Instant::now();
    differ(texts).await?;
    let took_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    let read = tokens.saturating_mul(u32::try_from(READ_TEXTS).unwrap_or(u32::MAX));
    Ok(Measured {
        prompt_tokens_per_s: per_second(read, took_ms),
        generation_tokens_per_s: None,
        peak_memory_bytes: residents.pid().and_then(peak_memory_bytes).unwrap_or(0),
    })
}

/// Has `model` answer a first prompt, then a longer one, and measures the second.
async fn writing(
    model: &Handle,
    residents: &Residents,
    entropy: &dyn Entropy,
) -> Result<Measured, RegistryError> {
    let mut scope = [0; 16];
    entropy.fill(&mut scope).map_err(store::StoreError::from)?;
    // A tenant of its own: nothing of it is computed before, and nobody else gets to see any of it.
    let scope = PrefixScope(scope);
    let smoke = vec![ChatMessage::new(Speaker::User, "Say yes.")];
    let first = ask(model, scope, Prompt::Chat(smoke), 8).await?;
    if first.usage.completion_tokens == 0 && first.text.is_empty() {
        let reason = "it wrote nothing when it was asked for the first time".to_owned();
        return Err(ModelError::ModelRefused { reason }.into());
    }
    let window = LanguageModel::describe(model).context_tokens;
    let room = usize::try_from(window / WINDOW_SHARE / TOKENS_PER_WORD).unwrap_or(usize::MAX);
    let prompt = measured_prompt(room.clamp(1, PROMPT_WORDS));
    let measured = ask(model, scope, Prompt::Raw(prompt), WRITTEN_TOKENS).await?;
    let read = measured.usage.prompt_tokens.saturating_sub(measured.usage.cached_tokens);
    // The first token is the end of reading; the others are written.
    let written = measured.usage.completion_tokens.saturating_sub(1);
    Ok(Measured {
        prompt_tokens_per_s: per_second(read, measured.first_token_ms),
        generation_tokens_per_s: Some(per_second(written, measured.generation_ms)),
        peak_memory_bytes: residents.pid().and_then(peak_memory_bytes).unwrap_or(0),
    })
}

async fn ask(
    model: &Handle,
    scope: PrefixScope,
    prompt: Prompt,
    max_tokens: u32,
) -> Result<Generation, ModelError> {
    let input = GenerateInput {
        prompt,
        output: OutputShape::Text,
        sampling: Sampling::GREEDY,
        max_tokens,
        stop: Vec::new(),
        scope,
        share: FairShare(scope.0),
    };
    let options = CallOptions { priority: Priority::Agent, timeout: TRIAL_TIMEOUT };
    model.generate(&input, options, None).await
}

fn measured_prompt(words: usize) -> String {
    let text = "The pump P-101 moves cooling water to the crane and runs at 1450 turns a minute. ";
    text.split_inclusive(' ').cycle().take(words).collect()
}

/// Never infinite: what took less than a millisecond took one.
fn per_second(tokens: u32, ms: u32) -> f64 {
    f64::from(tokens) * 1000.0 / f64::from(ms.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_has_so_many_words() {
        assert_eq!(measured_prompt(40).split_whitespace().count(), 40);
        assert_eq!(measured_prompt(1), "The ");
    }

    #[test]
    fn rates_are_finite() {
        assert!((per_second(50, 0) - 50_000.0).abs() < 1e-6);
        assert!((per_second(50, 500) - 100.0).abs() < 1e-6);
    }
}
