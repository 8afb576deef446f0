//! Searching one's own conversations.

use audit::{Action, Event};
use base::{Label, MessageId, Timestamp, limits};
use policy::{Permit, conversations, may_see};
use serde_json::json;

use crate::AgentError;
use crate::conversations::{Conversation, MessageCursor, TimeCursor, bounded};
use crate::store as rows;

/// Longest text to search conversations for, in characters.
pub const CONVERSATION_QUERY_MAX_CHARS: usize = 200;
/// Characters of a message shown around what was found.
const EXCERPT_CHARS: usize = 160;

const CONVERSATION_SEARCHED: Action = Action::new("conversation.searched");

/// A message that contains what was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationHit {
    /// Its conversation.
    pub conversation: Conversation,
    /// The message.
    pub message_id: MessageId,
    /// The text around what was found.
    pub excerpt: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A stretch of what was found, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationHits {
    /// The messages.
    pub hits: Vec<ConversationHit>,
    /// Pass it as `after` to get the next stretch.
    pub next: Option<MessageCursor>,
}

/// Messages of one's own conversations that contain `query`, and the first ones of conversations
/// whose title does, newest first; recorded.
///
/// # Errors
/// [`AgentError::Invalid`] for an empty or overlong text, or the store's own.
pub async fn conversation_search(
    permit: Permit<'_, conversations::Read>,
    query: String,
    after: Option<MessageCursor>,
    limit: u32,
) -> Result<ConversationHits, AgentError> {
    let query = bounded("q", &query, CONVERSATION_QUERY_MAX_CHARS)?;
    let ctx = permit.ctx();
    let (owner, rights) = (ctx.user_id(), *ctx.rights());
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let (hits, next, label) = ctx
        .read(move |tx| {
            let mut label = Label::TYPED;
            let mut hits = Vec::new();
            let mut all = rows::conversation_search(tx, owner, &query, after, limit + 1)?;
            let more = all.len() > limit as usize;
            all.truncate(limit as usize);
            let last = all.last().filter(|_| more);
            let next =
                last.map(|found| TimeCursor { time: found.created_at, id: found.message_id });
            for found in all {
                if may_see(&rights, &found.label).is_visible() {
                    label = label.join(found.label);
                    hits.push(ConversationHit {
                        excerpt: excerpt(&found.text, &query),
                        conversation: found.conversation,
                        message_id: found.message_id,
                        created_at: found.created_at,
                    });
                }
            }
            Ok::<_, AgentError>((hits, next, label))
        })
        .await?;
    let messages: Vec<MessageId> = hits.iter().map(|hit| hit.message_id).collect();
    let event =
        Event::new(CONVERSATION_SEARCHED).detail(json!({ "messages": messages })).label(label);
    ctx.record(event).await?;
    Ok(ConversationHits { hits, next })
}

/// The text around the first occurrence of `query`.
fn excerpt(text: &str, query: &str) -> String {
    let found = find_in_any_case(text, query).unwrap_or(0);
    let before =
        text[..found].chars().rev().take(EXCERPT_CHARS / 3).map(char::len_utf8).sum::<usize>();
    let start = found - before;
    let part: String = text[start..].chars().take(EXCERPT_CHARS).collect();
    let lead = if start > 0 { "…" } else { "" };
    let tail = if start + part.len() < text.len() { "…" } else { "" };
    format!("{lead}{}{tail}", part.trim())
}

/// Where `needle` begins in `text`, whatever the case of either.
fn find_in_any_case(text: &str, needle: &str) -> Option<usize> {
    let needle: Vec<char> = needle.chars().flat_map(char::to_lowercase).collect();
    let starts = |rest: &str| {
        let mut chars = rest.chars().flat_map(char::to_lowercase);
        needle.iter().all(|wanted| chars.next() == Some(*wanted))
    };
    text.char_indices().map(|(at, _)| at).find(|at| starts(&text[*at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_around_what_was_found_in_any_case() {
        let text = format!("{}Die GRÖSSE der Dichtung", "x ".repeat(200));
        let found = excerpt(&text, "größe");
        assert!(found.starts_with("x x"), "ß is not SS: {found}");
        let found = excerpt(&text, "GRÖsse");
        assert!(found.ends_with("Die GRÖSSE der Dichtung"), "{found}");
        assert_eq!(find_in_any_case("İstanbul", "stan"), Some(2));
    }

    #[test]
    fn an_excerpt_holds_what_was_found() {
        let text = format!("{} TORQUE of the bolts {}", "ä".repeat(100), "x".repeat(300));
        let shown = excerpt(&text, "torque");
        assert!(shown.contains("TORQUE of the bolts") && shown.starts_with('…'));
        assert_eq!(excerpt("short", "or"), "short");
    }
}
