//! Messages of that API as the appliance's own.

use std::collections::HashMap;

use ::models::{ChatMessage, Speaker, ToolCall};

use super::request::{ContentIn, MessageIn};
use crate::problem::Problem;

/// The messages, in order.
pub(super) fn messages(messages: &[MessageIn]) -> Result<Vec<ChatMessage>, Problem> {
    if messages.is_empty() {
        return Err(Problem::invalid("messages", "must have at least one message"));
    }
    // A tool's result names the call; templates want the tool.
    let mut called: HashMap<&str, &str> = HashMap::new();
    let mut out = Vec::with_capacity(messages.len());
    for (i, message) in messages.iter().enumerate() {
        let speaker = match message.role.as_str() {
            "system" | "developer" => Speaker::System,
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            "tool" => Speaker::Tool,
            _ => {
                let wanted = "must be system, developer, user, assistant or tool";
                return Err(Problem::invalid(format!("messages[{i}].role"), wanted));
            }
        };
        let calls = message.tool_calls.as_deref().unwrap_or_default();
        called.extend(calls.iter().map(|call| (call.id.as_str(), call.function.name.as_str())));
        let tool_name = match (speaker, message.tool_call_id.as_deref()) {
            (Speaker::Tool, Some(id)) => Some(
                (*called.get(id).ok_or_else(|| {
                    let reason = "names no call of a message before it";
                    Problem::invalid(format!("messages[{i}].tool_call_id"), reason)
                })?)
                .to_owned(),
            ),
            (Speaker::Tool, None) => {
                let field = format!("messages[{i}].tool_call_id");
                return Err(Problem::invalid(field, "is missing"));
            }
            _ => None,
        };
        let text = text_of(i, message)?;
        let tool_calls = calls.iter().map(|call| ToolCall {
            name: call.function.name.clone(),
            arguments: call.function.arguments.clone(),
        });
        out.push(ChatMessage { speaker, text, tool_calls: tool_calls.collect(), tool_name });
    }
    Ok(out)
}

pub(super) fn text_of(i: usize, message: &MessageIn) -> Result<String, Problem> {
    let parts = match &message.content {
        Some(ContentIn::Text(text)) => return Ok(text.clone()),
        Some(ContentIn::Parts(parts)) => parts,
        // An assistant that called a tool said nothing.
        None if message.tool_calls.is_some() => return Ok(String::new()),
        None => return Err(Problem::invalid(format!("messages[{i}].content"), "is missing")),
    };
    let mut text = String::new();
    for (j, part) in parts.iter().enumerate() {
        match (part.r#type.as_str(), &part.text) {
            ("text", Some(more)) => text.push_str(more),
            _ => {
                let field = format!("messages[{i}].content[{j}]");
                return Err(Problem::invalid(field, "must be of type text, with its text"));
            }
        }
    }
    Ok(text)
}
