//! POST /api/v1/chat

use agents::AskInput;
use base::ConversationId;
use policy::chat;
use serde::Deserialize;
use utoipa::ToSchema;

use super::stream::{self, Work};
use crate::call::Authorized;
use crate::events;
use crate::input::Json;
use crate::output::WholeOrStream;
use crate::problem::Problem;
use crate::views::AnswerView;

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChatRequest {
    /// The question, at most 10,000 characters.
    #[schema(max_length = 10_000)]
    message: String,
    /// Answer as an event stream: `status`, `step.started`, `step.token`, `step.finished`, `verdict`,
    /// `citation`, `token`, `receipt`, `error`, `done`, `heartbeat`. What `step.token` holds is not
    /// checked yet and no part of the answer. A request that repeats the last event's id in `Last-Event-ID` gets what
    /// followed it.
    #[serde(default)]
    stream: bool,
    /// The conversation that it belongs to; a new one when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation_id: Option<ConversationId>,
    /// Who is to answer: `quote` (the documents, word for word), `generated` (a language model, each
    /// of whose sentences is checked), `reason` (one that observes, thinks and verifies), or an agent by
    /// its name, which reasons with its own tools, instructions and ceiling. When absent, what the
    /// tenant has set, with the agent that is meant for such questions; `quote` without a language
    /// model. The receipt names the agent, and why it.
    #[serde(default)]
    agent: Option<String>,
}

pub(super) async fn chat(
    call: Authorized<chat::Send>,
    Json(request): Json<ChatRequest>,
) -> Result<WholeOrStream<AnswerView>, Problem> {
    let input = AskInput {
        message: request.message,
        conversation_id: request.conversation_id,
        agent: request.agent,
    };
    if let (true, Some(stream)) = (request.stream, events::resume(&call)?) {
        return Ok(WholeOrStream::Stream(stream));
    }
    // What is wrong with the question is said before a stream begins.
    let bench = call.state.workbench()?;
    let question = agents::question(&call.permit()?, bench, input).await?;
    if request.stream {
        return stream::open(&call, Work::Answer(question)).map(WholeOrStream::Stream);
    }
    let answer = agents::answer(call.permit()?, bench, question, None).await?;
    let view =
        AnswerView::try_from(&answer).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(WholeOrStream::Whole(Box::new(view)))
}
