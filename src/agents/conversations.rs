//! Conversations: one's own. Anybody else's is not there, for administrators too.

use std::fmt;
use std::str::FromStr;

use audit::{Action, Event};
use base::{ConversationId, IdError, Label, MessageId, Timestamp, limits};
use policy::{Permit, conversations, may_see};
use serde_json::json;

use crate::AgentError;
use crate::feedback::Feedback;
use crate::model::{Citation, Receipt, Refusal};
use crate::store as rows;

/// Longest title of a conversation, in characters.
pub const CONVERSATION_TITLE_MAX_CHARS: usize = 120;
/// Most conversations that somebody keeps on top of their list.
pub const CONVERSATIONS_PINNED_MAX: u32 = 50;

const CONVERSATION_READ: Action = Action::new("conversation.read");
const CONVERSATION_CHANGED: Action = Action::new("conversation.changed");
const CONVERSATION_DELETED: Action = Action::new("conversation.deleted");

/// A conversation without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The first question, or what its owner called it.
    pub title: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Questions and answers.
    pub message_count: u32,
    /// Its owner keeps it on top of the list.
    pub pinned: bool,
}

/// What is to change about a conversation; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// What it is called.
    pub title: Option<String>,
    /// Whether it is kept on top of the list.
    pub pinned: Option<bool>,
}

/// Where a listing by time goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeCursor<I> {
    /// The time of the last one listed.
    pub time: Timestamp,
    /// Of the last one listed.
    pub id: I,
}

/// Where a list of conversations goes on: pinned ones first, then by the time of their last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationCursor {
    /// Whether the last one listed is pinned.
    pub pinned: bool,
    /// The time of its last change.
    pub time: Timestamp,
    /// Its id.
    pub id: ConversationId,
}

/// What stands before the cursor of a pinned conversation.
const PINNED_PREFIX: &str = "pinned_";

impl fmt::Display for ConversationCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.pinned { PINNED_PREFIX } else { "" };
        write!(f, "{prefix}{}", TimeCursor { time: self.time, id: self.id })
    }
}

impl FromStr for ConversationCursor {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rest = text.strip_prefix(PINNED_PREFIX);
        let TimeCursor { time, id } = rest.unwrap_or(text).parse()?;
        Ok(Self { pinned: rest.is_some(), time, id })
    }
}

/// Where found messages go on; by the time of their writing.
pub type MessageCursor = TimeCursor<MessageId>;

impl<I: fmt::Display> fmt::Display for TimeCursor<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.time.unix_ms(), self.id)
    }
}

impl<I: FromStr<Err = IdError>> FromStr for TimeCursor<I> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (time, id) = text.split_once('_').ok_or(IdError)?;
        let unix_ms = time.parse().map_err(|_| IdError)?;
        Ok(Self { time: Timestamp::from_unix_ms(unix_ms), id: id.parse()? })
    }
}

/// A stretch of the list: pinned ones first, then last changed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationPage {
    /// The conversations.
    pub conversations: Vec<Conversation>,
    /// Pass it as `after` to get the next stretch.
    pub next: Option<ConversationCursor>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// The person.
    Person,
    /// The appliance.
    Appliance,
}

impl Author {
    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Appliance => "appliance",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Appliance].into_iter().find(|author| author.as_str() == text)
    }
}

/// A question or an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// 1, 2, 3 … within the conversation.
    pub sequence: u32,
    /// Who wrote it.
    pub author: Author,
    /// Its text; empty when it is withheld.
    pub text: String,
    /// Who may see it.
    pub label: Label,
    /// Why there is no answer.
    pub refusal: Option<Refusal>,
    /// What an answer quotes; empty when it is withheld.
    pub citations: Vec<Citation>,
    /// What an answer was made from; `None` for questions and when it is withheld.
    pub receipt: Option<Receipt>,
    /// Its label is above what its owner may see now.
    pub withheld: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Message {
    fn withhold(&mut self) {
        self.withheld = true;
        self.text = String::new();
        self.citations = Vec::new();
        self.receipt = None;
    }
}

/// A conversation with a stretch of its messages, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationDetails {
    /// The conversation.
    pub conversation: Conversation,
    /// The messages.
    pub messages: Vec<Message>,
    /// What its owner said about the answers among them.
    pub feedback: Vec<Feedback>,
    /// Pass it as `after_sequence` to get the next stretch.
    pub next: Option<u32>,
}

/// One's own conversations: pinned ones first, then last changed first.
///
/// # Errors
/// The store's own.
pub async fn conversation_list(
    permit: Permit<'_, conversations::Read>,
    after: Option<ConversationCursor>,
    limit: u32,
) -> Result<ConversationPage, AgentError> {
    let ctx = permit.ctx();
    let owner = ctx.user_id();
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    ctx.read(move |tx| {
        let mut conversations = rows::conversation_list(tx, owner, after, limit + 1)?;
        let more = conversations.len() > limit as usize;
        conversations.truncate(limit as usize);
        let last = conversations.last().filter(|_| more);
        let next =
            last.map(|c| ConversationCursor { pinned: c.pinned, time: c.updated_at, id: c.id });
        Ok(ConversationPage { conversations, next })
    })
    .await
}

/// One conversation with messages behind `after_sequence`; recorded as read. A message whose label
/// is above its owner's present rights is withheld.
///
/// # Errors
/// [`AgentError::ConversationNotFound`], or the store's own.
pub async fn conversation_get(
    permit: Permit<'_, conversations::Read>,
    id: ConversationId,
    after_sequence: Option<u32>,
    limit: u32,
) -> Result<ConversationDetails, AgentError> {
    let ctx = permit.ctx();
    let (owner, rights) = (ctx.user_id(), *ctx.rights());
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let details = ctx
        .read(move |tx| {
            let found = rows::conversation_find(tx, id, owner)?;
            let conversation = found.ok_or(AgentError::ConversationNotFound)?;
            let after = after_sequence.unwrap_or(0);
            let mut messages = rows::messages_after(tx, id, after, limit + 1)?;
            let more = messages.len() > limit as usize;
            messages.truncate(limit as usize);
            for message in &mut messages {
                if !may_see(&rights, &message.label).is_visible() {
                    message.withhold();
                }
            }
            let next = messages.last().filter(|_| more).map(|message| message.sequence);
            let feedback = rows::feedback_of(tx, id, after, next)?;
            Ok::<_, AgentError>(ConversationDetails { conversation, messages, feedback, next })
        })
        .await?;
    let shown = details.messages.iter().filter(|message| !message.withheld);
    let label = shown.clone().map(|message| message.label).fold(Label::TYPED, Label::join);
    let messages: Vec<MessageId> = shown.map(|message| message.id).collect();
    let event = Event::new(CONVERSATION_READ)
        .object("conversation", id)
        .detail(json!({ "messages": messages }))
        .label(label);
    ctx.record(event).await?;
    Ok(details)
}

/// Gives a conversation another title, keeps it on top of the list or no longer.
///
/// # Errors
/// [`AgentError::ConversationNotFound`]; [`AgentError::Invalid`] for a title that is none, or more
/// pinned conversations than [`CONVERSATIONS_PINNED_MAX`]; or the store's own.
pub async fn conversation_change(
    permit: Permit<'_, conversations::Change>,
    id: ConversationId,
    change: ConversationChange,
) -> Result<Conversation, AgentError> {
    let title = change.title.map(|text| bounded("title", &text, CONVERSATION_TITLE_MAX_CHARS));
    let title = title.transpose()?;
    let ctx = permit.ctx();
    let owner = ctx.user_id();
    ctx.write(move |tx| {
        let before = rows::conversation_find(&tx, id, owner)?;
        let before = before.ok_or(AgentError::ConversationNotFound)?;
        if let Some(title) = &title {
            rows::conversation_rename(&tx, id, title)?;
        }
        if let Some(pinned) = change.pinned {
            let more = pinned && !before.pinned;
            if more && rows::conversations_pinned(&tx, owner)? >= CONVERSATIONS_PINNED_MAX {
                let reason = format!("must be at most {CONVERSATIONS_PINNED_MAX} conversations");
                return Err(AgentError::invalid("pinned", reason));
            }
            rows::conversation_pin(&tx, id, pinned)?;
        }
        let after = rows::conversation_find(&tx, id, owner)?;
        let after = after.ok_or(AgentError::ConversationNotFound)?;
        // A title may be a question, so the log does not keep it.
        let event = Event::new(CONVERSATION_CHANGED)
            .object("conversation", id)
            .before(json!({ "pinned": before.pinned }))
            .after(json!({ "pinned": after.pinned }))
            .detail(json!({ "renamed": title.is_some() }));
        Ok(tx.commit(event, after)?)
    })
    .await
}

/// Deletes a conversation: it is kept until retention removes it, and nobody sees it.
///
/// # Errors
/// [`AgentError::ConversationNotFound`], or the store's own.
pub async fn conversation_delete(
    permit: Permit<'_, conversations::Change>,
    id: ConversationId,
) -> Result<(), AgentError> {
    let ctx = permit.ctx();
    let owner = ctx.user_id();
    ctx.write(move |tx| {
        let found = rows::conversation_find(&tx, id, owner)?;
        let found = found.ok_or(AgentError::ConversationNotFound)?;
        rows::conversation_delete(&tx, id)?;
        let event = Event::new(CONVERSATION_DELETED)
            .object("conversation", id)
            .before(json!({ "messages": found.message_count }))
            .after(json!({ "deleted": true }));
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// One line of text of at most `max_chars` as it was sent, not empty.
pub(crate) fn bounded(field: &str, text: &str, max_chars: usize) -> Result<String, AgentError> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err(AgentError::invalid(field, "must not be empty"));
    }
    if text.chars().count() > max_chars {
        let reason = format!("must be at most {max_chars} characters");
        return Err(AgentError::invalid(field, reason));
    }
    Ok(line)
}

/// The title of a conversation that begins with `question`.
pub(crate) fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CONVERSATION_TITLE_MAX_CHARS {
        return line;
    }
    let cut: String = line.chars().take(CONVERSATION_TITLE_MAX_CHARS - 1).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_cursor_survives_the_url() {
        for pinned in [false, true] {
            let cursor = ConversationCursor {
                pinned,
                time: Timestamp::from_unix_ms(1_795_000_000_123),
                id: "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10".parse().unwrap(),
            };
            assert_eq!(cursor.to_string().parse::<ConversationCursor>().unwrap(), cursor);
        }
        for wrong in ["", "1", "x_0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10", "1_2", "pinned_1_2"] {
            assert!(wrong.parse::<ConversationCursor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(title_of(" What\n is  it? "), "What is it?");
        assert_eq!(title_of(&"ž".repeat(400)).chars().count(), CONVERSATION_TITLE_MAX_CHARS);
    }
}
