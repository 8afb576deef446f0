//! The model `millwright`: an answer from the documents, by the way that POST /api/v1/chat takes.

use agents::AskInput;
use base::ConversationId;
use policy::chat;
use serde_json::json;

use super::request::{CompletionRequest, MessageIn};
use super::response::{Choice, Completion, Heading, MessageOut, UsageView};
use super::{options, prompt};
use crate::call::Authorized;
use crate::problem::Problem;
use crate::views::AnswerView;

/// Answers the last message of the person. Earlier ones are not read: the appliance keeps its own
/// conversations, which `millwright.conversation_id` goes on with.
pub(super) async fn answer(
    call: &Authorized<chat::Send>,
    request: CompletionRequest,
) -> Result<Completion, Problem> {
    options::refuse_unknown_ways(&request)?;
    refuse_what_is_not_a_question(&request)?;
    prompt::messages(&request.messages)?;
    let is_question = |message: &&MessageIn| message.role == "user";
    let place = request.messages.iter().rposition(|message| is_question(&message));
    let missing = || Problem::invalid("messages", "must have a message of role user");
    let place = place.ok_or_else(missing)?;
    let question = prompt::text_of(place, &request.messages[place])?;
    let conversation = request.millwright.unwrap_or_default().conversation_id;
    let conversation_id: Option<ConversationId> = match conversation {
        None => None,
        Some(text) => {
            let wrong = |_| Problem::invalid("millwright.conversation_id", "must be an id");
            Some(text.parse().map_err(wrong)?)
        }
    };
    let input = AskInput { message: question, conversation_id, agent: None };
    let bench = call.state.workbench()?;
    let question = agents::question(&call.permit()?, bench, input).await?;
    let answer = agents::answer(call.permit()?, bench, question, None).await?;
    let view =
        AnswerView::try_from(&answer).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    let view =
        serde_json::to_value(view).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    // Quotes cost nothing.
    let tokens = answer.receipt.generated.as_ref().map(|generated| generated.tokens);
    let tokens = tokens.unwrap_or_default();
    let ctx = call.ctx();
    let heading =
        Heading { id: ctx.request_id(), created: ctx.now().unix_s(), model: request.model };
    Ok(Completion {
        id: heading.name(),
        object: "chat.completion",
        created: heading.created,
        model: heading.model,
        choices: vec![Choice {
            index: 0,
            message: MessageOut::text(answer.text.clone()),
            finish_reason: "stop",
            logprobs: None,
        }],
        usage: UsageView::from(tokens),
        system_fingerprint: "mw-documents".to_owned(),
        millwright: Some(json!(view)),
    })
}

/// An answer from documents has a shape of its own and uses no tools of the caller's.
fn refuse_what_is_not_a_question(request: &CompletionRequest) -> Result<(), Problem> {
    let shaped = request.response_format.as_ref().is_some_and(|format| format.r#type != "text");
    let reason = "is not for the model millwright; name a tier or a language model";
    if shaped {
        return Err(Problem::invalid("response_format", reason));
    }
    if request.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        return Err(Problem::invalid("tools", reason));
    }
    Ok(())
}
