//! From messages to the tokens of a prompt, by the model's own chat template.

use aho_corasick::AhoCorasick;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use minijinja::{Environment, Error, ErrorKind, context};
use models::protocol::{ChatMessage, OutputShape, Prompt, Speaker, WorkerError};
use serde::Serialize;

use super::shape;

/// Steps that a template may take; the longest known ones take some thousands for a long prompt.
const TEMPLATE_FUEL: u64 = 2_000_000;

/// Name of the template in its environment.
const TEMPLATE: &str = "chat";

/// Shortest control token that is looked for in what people write.
const CONTROL_MIN_BYTES: usize = 3;

/// What is put into a control token that somebody wrote, so that it is one no more: a word joiner,
/// which is not seen.
const BREAKER: char = '\u{2060}';

/// Templates for models that bring none, by a control token that tells them.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "<|im_start|>",
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
         {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ),
    (
        "<|start_header_id|>",
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n\
         {{ m.content }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}\
         <|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ),
    (
        "<start_of_turn>",
        "{{ bos_token }}{% for m in messages %}<start_of_turn>\
         {{ 'model' if m.role == 'assistant' else 'user' }}\n{{ m.content }}<end_of_turn>\n\
         {% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    ),
    (
        "[INST]",
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}\
         {{ eos_token }}{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}",
    ),
];

/// For a model that knows no turns at all.
const PLAIN: &str = "{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}\n\n\
     {% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";

/// See the module.
pub(super) struct Layout {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    /// Finds control tokens in what people write.
    controls: Option<AhoCorasick>,
    takes_system: bool,
    takes_tools: bool,
}

#[derive(Serialize)]
struct Turn {
    role: &'static str,
    content: String,
}

impl Layout {
    /// The layout of a model's prompts. A template that can't be read is replaced by a built-in one.
    pub(super) fn new(own: Option<&str>, model: &LlamaModel) -> Self {
        let controls = control_tokens(model);
        let known = |token: &str| controls.iter().any(|control| control == token);
        let built_in = BUILT_IN.iter().find(|(token, _)| known(token));
        let built_in = built_in.map_or(PLAIN, |(_, template)| template);
        let mut environment = Environment::new();
        environment.set_fuel(Some(TEMPLATE_FUEL));
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        // Templates that print the date would make a prompt that no replay gives again.
        environment.add_function("strftime_now", |_: String| String::new());
        let own = own.filter(|own| {
            let added = environment.add_template_owned(TEMPLATE, (*own).to_owned());
            if let Err(error) = &added {
                tracing::warn!(%error, "a model's chat template can't be read; a built-in one is used");
            }
            added.is_ok()
        });
        if own.is_none() {
            // Checked by the tests below: the built-in ones can be read.
            let _ = environment.add_template(TEMPLATE, built_in);
        }
        let source = own.unwrap_or(built_in);
        let piece = |token: LlamaToken| {
            let bytes = if token.0 < 0 {
                Vec::new()
            } else {
                model.vocab().token_to_piece(token, true, None)
            };
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            bos: piece(model.vocab().bos()),
            eos: piece(model.vocab().eos()),
            controls: AhoCorasick::new(&controls).ok().filter(|_| !controls.is_empty()),
            // The built-in ones for which it matters are the two that know no system.
            takes_system: own
                .map_or(!["<start_of_turn>", "[INST]"].iter().any(|t| known(t)), |own| {
                    own.contains("system")
                }),
            takes_tools: source.contains("'tool'") || source.contains("\"tool\""),
            environment,
        }
    }

    /// The tokens of a prompt.
    ///
    /// # Errors
    /// [`WorkerError::Failed`] when the template refuses the messages in every form.
    pub(super) fn tokens(
        &self,
        model: &LlamaModel,
        prompt: &Prompt,
        shape: &OutputShape,
    ) -> Result<Vec<LlamaToken>, WorkerError> {
        let messages = match prompt {
            // What is in it is text: no control token is read out of it.
            Prompt::Raw(text) => return Ok(model.vocab().tokenize(text.as_bytes(), true, false)),
            Prompt::Chat(messages) => messages,
        };
        let text = self.rendered(messages, shape)?;
        let adds_bos = self.bos.is_empty() || !text.starts_with(&self.bos);
        Ok(model.vocab().tokenize(text.as_bytes(), adds_bos, true))
    }

    fn rendered(
        &self,
        messages: &[ChatMessage],
        shape: &OutputShape,
    ) -> Result<String, WorkerError> {
        let turns = self.turns(messages, shape, self.takes_system, self.takes_tools);
        let first = self.render(&turns);
        // Some templates refuse roles that they name, or two turns of the same speaker.
        let text = first.or_else(|_| self.render(&self.turns(messages, shape, false, false)));
        text.map_err(|error| WorkerError::Failed {
            reason: format!("the model's chat template: {}", error.kind()),
        })
    }

    fn render(&self, turns: &[Turn]) -> Result<String, Error> {
        self.environment.get_template(TEMPLATE)?.render(context! {
            messages => turns,
            bos_token => self.bos,
            eos_token => self.eos,
            add_generation_prompt => true,
        })
    }

    /// The messages as turns; without `system` and `tools` they become the person's, and turns of
    /// the same speaker one.
    fn turns(
        &self,
        messages: &[ChatMessage],
        shape: &OutputShape,
        system: bool,
        tools: bool,
    ) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::with_capacity(messages.len() + 1);
        if let OutputShape::Tools { tools, choice } = shape {
            let content = self.harmless(&shape::tools_told(tools, choice));
            let role = if system { Speaker::System } else { Speaker::User };
            turns.push(Turn { role: role.as_str(), content });
        }
        for message in messages {
            let mut content = self.harmless(&message.text);
            for call in &message.tool_calls {
                content.push_str(&self.harmless(&shape::call_told(call)));
            }
            let speaker = match message.speaker {
                Speaker::System if !system => Speaker::User,
                Speaker::Tool if !tools => {
                    let tool = self.harmless(message.tool_name.as_deref().unwrap_or("tool"));
                    content = format!("Result of {tool}:\n{content}");
                    Speaker::User
                }
                speaker => speaker,
            };
            let joins = !system || speaker == Speaker::System;
            match turns.last_mut() {
                Some(last) if joins && last.role == speaker.as_str() => {
                    last.content.push_str("\n\n");
                    last.content.push_str(&content);
                }
                _ => turns.push(Turn { role: speaker.as_str(), content }),
            }
        }
        turns
    }

    /// The text without control tokens: each is broken by a character that is not seen.
    fn harmless(&self, text: &str) -> String {
        let Some(controls) = &self.controls else { return text.to_owned() };
        let mut safe = String::with_capacity(text.len());
        let mut from = 0;
        // Overlapping finds don't matter: a broken token is broken for the ones that share it too.
        for found in controls.find_iter(text) {
            let first = text[found.start()..].chars().next().map_or(0, char::len_utf8);
            safe.push_str(&text[from..found.start() + first]);
            safe.push(BREAKER);
            from = found.start() + first;
        }
        safe.push_str(&text[from..]);
        safe
    }
}

/// The texts of all tokens that steer a model.
fn control_tokens(model: &LlamaModel) -> Vec<String> {
    let vocab = model.vocab();
    let texts = vocab.tokens().filter_map(|token| {
        let text = vocab.text(token)?.to_str().ok()?;
        let marks = text.starts_with(['<', '[']) && text.ends_with(['>', ']']);
        // Byte tokens of some vocabularies look like control tokens and are letters.
        let is_byte = text.len() == 6 && text.starts_with("<0x");
        let steers =
            vocab.is_control(token) || vocab.is_eog(token) || (marks && text.contains('|'));
        (steers && !is_byte && text.len() >= CONTROL_MIN_BYTES).then(|| text.to_owned())
    });
    texts.collect()
}
