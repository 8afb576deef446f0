//! What people say about answers: whether one was good and, when it was not, why.

use audit::{Action, Event};
use base::{DocumentId, Label, MessageId, Timestamp, limits};
use policy::{Permit, conversations, feedback, may_see};
use serde_json::json;

use crate::AgentError;
use crate::conversations::TimeCursor;
use crate::store as rows;

/// Longest comment on an answer, in characters.
pub const FEEDBACK_COMMENT_MAX_CHARS: usize = 2000;

const FEEDBACK_GIVEN: Action = Action::new("feedback.given");
const FEEDBACK_READ: Action = Action::new("feedback.read");

base::words! {
    /// Whether an answer was good.
    Rating {
        /// It was.
        Up = "up",
        /// It was not.
        Down = "down",
    }
}

base::words! {
    /// Why an answer was not good.
    FeedbackReason {
        /// It is not so.
        Wrong = "wrong",
        /// A part is missing.
        Incomplete = "incomplete",
        /// It answers something else than was asked.
        BesideThePoint = "beside_the_point",
        /// The documents say it, and it was not found.
        NotFound = "not_found",
        /// The document behind it is out of date.
        Outdated = "outdated",
        /// Something else; the comment may say what.
        Other = "other",
    }
}

/// What somebody says about an answer that they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The answer.
    pub message_id: MessageId,
    /// Whether it was good.
    pub rating: Rating,
    /// Why not.
    pub reason: Option<FeedbackReason>,
    /// In their own words.
    pub comment: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What is to be said about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackInput {
    /// The answer.
    pub message_id: MessageId,
    /// Whether it was good.
    pub rating: Rating,
    /// Why not; not with [`Rating::Up`].
    pub reason: Option<FeedbackReason>,
    /// In one's own words; an empty one counts as none.
    pub comment: Option<String>,
}

/// A document that an answer quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedDocument {
    /// Its id.
    pub id: DocumentId,
    /// What the plant calls it.
    pub key: String,
    /// Its title.
    pub title: String,
    /// The label of the quoted revision.
    pub label: Label,
}

/// Feedback as administrators read it: never the question, never the answer, never who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackEntry {
    /// What was said; without its comment when that is withheld.
    pub feedback: Feedback,
    /// The answer was that the documents do not say it.
    pub refused: bool,
    /// The documents that it quoted, as far as the reader may see them.
    pub documents: Vec<QuotedDocument>,
    /// The answer's label is above the reader's rights, so the comment is left out.
    pub withheld: bool,
    /// The label of the answer.
    pub(crate) label: Label,
}

/// How often something was said, over everything that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedbackTotals {
    /// Good answers.
    pub up: u64,
    /// Answers that were not good.
    pub down: u64,
    /// Why not, where a reason was chosen; by reason.
    pub reasons: Vec<(FeedbackReason, u64)>,
}

/// Where a list of feedback goes on.
pub type FeedbackCursor = TimeCursor<MessageId>;

/// A stretch of the feedback, last changed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackPage {
    /// The feedback.
    pub entries: Vec<FeedbackEntry>,
    /// Over everything, not over this stretch alone.
    pub totals: FeedbackTotals,
    /// Pass it as `after` to get the next stretch.
    pub next: Option<FeedbackCursor>,
}

/// Says something about an answer of one's own conversation, in place of what one said before.
///
/// # Errors
/// [`AgentError::MessageNotFound`] for what is no answer of one's own; [`AgentError::Invalid`] for a
/// reason beside praise or an overlong comment; or the store's own.
pub async fn feedback_give(
    permit: Permit<'_, conversations::Change>,
    input: FeedbackInput,
) -> Result<Feedback, AgentError> {
    let ctx = permit.ctx();
    let owner = ctx.user_id();
    if input.rating == Rating::Up && input.reason.is_some() {
        return Err(AgentError::invalid("reason", "is for the rating \"down\" alone"));
    }
    let comment = input.comment.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if comment.is_some_and(|text| text.chars().count() > FEEDBACK_COMMENT_MAX_CHARS) {
        let reason = format!("must be at most {FEEDBACK_COMMENT_MAX_CHARS} characters");
        return Err(AgentError::invalid("comment", reason));
    }
    let feedback = Feedback {
        message_id: input.message_id,
        rating: input.rating,
        reason: input.reason,
        comment: comment.map(str::to_owned),
        updated_at: ctx.now(),
    };
    ctx.write(move |tx| {
        let label = rows::answer_label(&tx, feedback.message_id, owner)?;
        let label = label.ok_or(AgentError::MessageNotFound)?;
        rows::feedback_set(&tx, &feedback, owner)?;
        // A comment is content, so the log does not keep it.
        let event = Event::new(FEEDBACK_GIVEN)
            .object("message", feedback.message_id)
            .detail(json!({
                "rating": feedback.rating.as_str(),
                "reason": feedback.reason.map(FeedbackReason::as_str),
                "commented": feedback.comment.is_some(),
            }))
            .label(label);
        Ok(tx.commit(event, feedback)?)
    })
    .await
}

/// What was said about answers, last changed first; comments that are shown are recorded as read.
///
/// # Errors
/// The store's own.
pub async fn feedback_list(
    permit: Permit<'_, feedback::Read>,
    rating: Option<Rating>,
    after: Option<FeedbackCursor>,
    limit: u32,
) -> Result<FeedbackPage, AgentError> {
    let ctx = permit.ctx();
    let rights = *ctx.rights();
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let page = ctx
        .read(move |tx| {
            let mut entries = rows::feedback_list(tx, rating, after, limit + 1)?;
            let more = entries.len() > limit as usize;
            entries.truncate(limit as usize);
            for entry in &mut entries {
                if !may_see(&rights, &entry.label).is_visible() {
                    entry.withheld = true;
                    entry.feedback.comment = None;
                }
                entry.documents.retain(|one| may_see(&rights, &one.label).is_visible());
            }
            let last = entries.last().filter(|_| more).map(|entry| &entry.feedback);
            let next = last.map(|f| TimeCursor { time: f.updated_at, id: f.message_id });
            let totals = rows::feedback_totals(tx)?;
            Ok::<_, AgentError>(FeedbackPage { entries, totals, next })
        })
        .await?;
    let read = page.entries.iter().filter(|entry| entry.feedback.comment.is_some());
    let messages: Vec<MessageId> = read.clone().map(|entry| entry.feedback.message_id).collect();
    let label = read.map(|entry| entry.label).fold(Label::TYPED, Label::join);
    let event = Event::new(FEEDBACK_READ).detail(json!({ "messages": messages })).label(label);
    ctx.record(event).await?;
    Ok(page)
}
