//! Budget and record of what was generated.

use std::sync::Arc;
use std::time::Duration;

use ::models::{
    CallOptions, ChatMessage, GenerateInput, ModelHash, OutputShape, Priority, Prompt, Reservation,
    Tier, TokenUsage, usage_insert,
};
use audit::{Action, Event, Outcome};
use serde_json::json;
use store::{StoreError, TenantCtx};

use crate::problem::Problem;
use crate::state::AppState;

const COMPLETION_GIVEN: Action = Action::new("completion.given");

/// Tokens that a template puts around a message, at most.
const MESSAGE_TOKENS: u32 = 16;

/// Bytes of a token where no model can count: less than any vocabulary has on average, so that
/// more is reserved than used.
const TOKEN_BYTES: usize = 2;

/// Counting a prompt.
const COUNT_TIMEOUT: Duration = Duration::from_secs(60);

/// Tokens of the prompt, as a member of `tier` counts them; rather too many than too few.
pub(super) async fn prompt_tokens(state: &AppState, tier: Tier, input: &GenerateInput) -> u32 {
    let Prompt::Chat(messages) = &input.prompt else { return 0 };
    let mut texts: Vec<String> = messages.iter().map(whole_text).collect();
    if let OutputShape::Tools { tools, .. } = &input.output {
        let words = |tool: &::models::ToolSpec| {
            format!("{} {} {}", tool.name, tool.description, tool.parameters)
        };
        texts.extend(tools.iter().map(words));
    }
    let around = u32::try_from(texts.len()).unwrap_or(u32::MAX).saturating_mul(MESSAGE_TOKENS);
    let bytes: usize = texts.iter().map(String::len).sum();
    let options = CallOptions { priority: Priority::Interactive, timeout: COUNT_TIMEOUT };
    let counted = state.tiers().count_tokens(tier, texts, options).await;
    let text = match counted {
        Ok(counts) => counts.into_iter().fold(0, u32::saturating_add),
        // The call itself will say what is wrong.
        Err(_) => u32::try_from(bytes / TOKEN_BYTES).unwrap_or(u32::MAX),
    };
    text.saturating_add(around)
}

fn whole_text(message: &ChatMessage) -> String {
    let mut text = message.text.clone();
    for call in &message.tool_calls {
        text.push_str(&call.name);
        text.push_str(&call.arguments);
    }
    text
}

/// What is to be recorded about one text.
pub(super) struct Spent {
    pub(super) tier: Tier,
    pub(super) model: ModelHash,
    pub(super) usage: TokenUsage,
    pub(super) outcome: Outcome,
    pub(super) streamed: bool,
}

/// Ends the reservation and writes what was used, with the entry of the log.
pub(super) async fn record(
    ctx: &Arc<TenantCtx>,
    reservation: Reservation,
    spent: Spent,
) -> Result<(), Problem> {
    let Spent { tier, model, usage, outcome, streamed } = spent;
    let settled = reservation.settle(usage).by(tier, model);
    let event =
        Event::new(COMPLETION_GIVEN).object("model", model).outcome(outcome).detail(json!({
            "tier": tier.as_str(),
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "streamed": streamed,
        }));
    let write = move |tx: store::WriteTx<'_>| -> Result<_, StoreError> {
        usage_insert(&tx, &settled)?;
        tx.commit(event, ())
    };
    Ok(ctx.write(write).await?)
}
