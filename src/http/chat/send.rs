//! POST /api/v1/chat

use agents::AskInput;
use axum::response::Response;
use base::ConversationId;
use policy::chat;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::ContentBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::stream;
use crate::call::Authorized;
use crate::endpoint::{Output, Signature};
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;
use crate::views::AnswerView;

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChatRequest {
    /// The question, at most 10,000 characters.
    #[schema(max_length = 10_000)]
    message: String,
    /// Answer as an event stream: `status`, `citation`, `token`, `receipt`, `error`, `done`,
    /// `heartbeat`. A request that repeats the last event's id in `Last-Event-ID` gets what
    /// followed it.
    #[serde(default)]
    stream: bool,
    /// The conversation that it belongs to; a new one when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation_id: Option<ConversationId>,
    /// Who is to answer: `quote`, which is the default.
    #[serde(default)]
    agent: Option<String>,
}

pub(super) async fn chat(
    call: Authorized<chat::Send>,
    Json(request): Json<ChatRequest>,
) -> Result<ChatAnswer, Problem> {
    let input = AskInput {
        message: request.message,
        conversation_id: request.conversation_id,
        agent: request.agent,
    };
    if let (true, Some(stream)) = (request.stream, stream::resume(&call)?) {
        return Ok(ChatAnswer::Stream(stream));
    }
    // What is wrong with the question is said before a stream begins.
    let question = agents::question(&call.permit()?, input).await?;
    if request.stream {
        return stream::open(&call, question).map(ChatAnswer::Stream);
    }
    let answer = agents::answer(call.permit()?, &call.state.library, question, None).await?;
    let view =
        AnswerView::try_from(&answer).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(ChatAnswer::Whole(Box::new(view)))
}

/// The answer whole, or as it comes.
pub(super) enum ChatAnswer {
    Whole(Box<AnswerView>),
    Stream(Response),
}

impl Output for ChatAnswer {
    fn describe(signature: &mut Signature) {
        Ok200::<AnswerView>::describe(signature);
        let events = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Server-sent events (WHATWG HTML section 9.2)"));
        let content = ContentBuilder::new().schema(Some(events)).build();
        signature.success.content.insert("text/event-stream".to_owned(), content.into());
    }

    fn into_answer(self) -> Result<Response, Problem> {
        match self {
            Self::Whole(view) => Ok200(*view).into_answer(),
            Self::Stream(response) => Ok(response),
        }
    }
}
