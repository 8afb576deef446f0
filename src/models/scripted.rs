//! A model that says what a script tells it to: for rehearsals, and for tests of all that is built
//! on models.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::ModelError;
use crate::language::{BoxFuture, CallOptions, LanguageModel, ModelDescription, TextSink};
use crate::protocol::{
    FinishReason, GenerateInput, Generation, ModelHash, Prompt, TokenUsage, ToolCall,
};

/// What a script answers to one prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptedReply {
    /// This text, in pieces of one word.
    Text(String),
    /// This tool call.
    Tool(ToolCall),
    /// It breaks after these words.
    Dies {
        /// What was said until then.
        after: String,
    },
    /// It never ends, until the caller gives up.
    Hangs,
    /// The prompt does not fit into its window.
    TooLong,
}

/// The script: given what was asked, says what comes back.
type Script = dyn Fn(&GenerateInput) -> ScriptedReply + Send + Sync;

/// See the module. Deterministic: the same calls in the same order give the same answers.
#[derive(Clone)]
pub struct ScriptedModel {
    description: ModelDescription,
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<GenerateInput>>>,
}

impl ScriptedModel {
    /// A model that asks `script` each time.
    pub fn new(
        name: &str,
        script: impl Fn(&GenerateInput) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        let mut hash = [0; 32];
        for (i, byte) in name.bytes().enumerate() {
            hash[i % 32] ^= byte.rotate_left(u32::try_from(i / 32 % 8).unwrap_or(0));
        }
        Self {
            description: ModelDescription {
                hash: ModelHash::from_bytes(hash),
                name: name.to_owned(),
                context_tokens: 8192,
            },
            script: Arc::new(script),
            asked: Arc::default(),
        }
    }

    /// A model that gives these replies, one after the other, and breaks when there are no more.
    pub fn replies(name: &str, replies: impl IntoIterator<Item = ScriptedReply>) -> Self {
        let left: Mutex<VecDeque<_>> = Mutex::new(replies.into_iter().collect());
        Self::new(name, move |_| {
            let next = left.lock().pop_front();
            next.unwrap_or(ScriptedReply::Dies { after: String::new() })
        })
    }

    /// Everything that was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<GenerateInput> {
        self.asked.lock().clone()
    }

    async fn play(
        &self,
        input: &GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> Result<Generation, ModelError> {
        self.asked.lock().push(input.clone());
        let (text, tool_calls, dies) = match (self.script)(input) {
            ScriptedReply::Text(text) => (text, Vec::new(), false),
            ScriptedReply::Tool(call) => (String::new(), vec![call], false),
            ScriptedReply::Dies { after } => (after, Vec::new(), true),
            ScriptedReply::TooLong => {
                let room_tokens = self.description.context_tokens;
                return Err(ModelError::PromptTooLong { prompt_tokens: u32::MAX, room_tokens });
            }
            ScriptedReply::Hangs => {
                tokio::time::sleep(options.timeout).await;
                return Err(ModelError::DeadlinePassed { timeout: options.timeout });
            }
        };
        // A word is a token, to the script.
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let limit = usize::try_from(input.max_tokens).unwrap_or(usize::MAX);
        let said: String = words.iter().take(limit).copied().collect();
        if let Some(pieces) = pieces {
            for word in words.iter().take(limit) {
                if pieces.send((*word).to_owned()).await.is_err() {
                    break;
                }
            }
        }
        if dies {
            return Err(ModelError::WorkerDied { attempts: 1 });
        }
        let finish = match () {
            () if !tool_calls.is_empty() => FinishReason::ToolCalls,
            () if words.len() > limit => FinishReason::Length,
            () => FinishReason::Stop,
        };
        Ok(Generation {
            usage: TokenUsage {
                prompt_tokens: prompt_words(&input.prompt),
                cached_tokens: 0,
                completion_tokens: u32::try_from(words.len().min(limit)).unwrap_or(u32::MAX),
            },
            text: said,
            tool_calls,
            finish,
            model: self.description.hash,
            first_token_ms: 0,
            generation_ms: 0,
        })
    }
}

impl LanguageModel for ScriptedModel {
    fn describe(&self) -> ModelDescription {
        self.description.clone()
    }

    fn generate<'a>(
        &'a self,
        input: &'a GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> BoxFuture<'a, Result<Generation, ModelError>> {
        Box::pin(self.play(input, options, pieces))
    }

    fn count_tokens<'a>(
        &'a self,
        texts: Vec<String>,
        _options: CallOptions,
    ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>> {
        Box::pin(async move { Ok(texts.iter().map(|text| words(text)).collect()) })
    }
}

fn prompt_words(prompt: &Prompt) -> u32 {
    match prompt {
        Prompt::Raw(text) => words(text),
        Prompt::Chat(messages) => messages.iter().map(|message| words(&message.text)).sum(),
    }
}

fn words(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}
