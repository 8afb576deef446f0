//! GET /api/v1/feedback

use agents::{FeedbackCursor, FeedbackEntry, FeedbackTotals, QuotedDocument};
use policy::feedback;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::give::{FeedbackView, rating};
use crate::call::Authorized;
use crate::cursor::{page_end, page_limit, page_start};
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;
use crate::views::label_words;

/// Which feedback is wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackQuery {
    /// `up` or `down`; both when absent.
    #[serde(default)]
    rating: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A document that an answer quoted.
#[derive(Serialize, ToSchema)]
#[schema(as = QuotedDocument)]
struct QuotedView {
    #[schema(format = "uuid")]
    id: String,
    key: String,
    title: String,
    classification: &'static str,
    export_control: &'static str,
}

impl From<&QuotedDocument> for QuotedView {
    fn from(document: &QuotedDocument) -> Self {
        let (classification, export_control) = label_words(&document.label);
        Self {
            id: document.id.to_string(),
            key: document.key.clone(),
            title: document.title.clone(),
            classification,
            export_control,
        }
    }
}

/// What was said about an answer, without question, answer and person.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedbackEntry)]
struct EntryView {
    #[serde(flatten)]
    feedback: FeedbackView,
    /// The answer was that the documents do not say it.
    refused: bool,
    /// The documents that it quoted, as far as you may see them.
    documents: Vec<QuotedView>,
    /// The answer is above your present rights: the comment is left out.
    withheld: bool,
}

impl From<&FeedbackEntry> for EntryView {
    fn from(entry: &FeedbackEntry) -> Self {
        Self {
            feedback: FeedbackView::from(&entry.feedback),
            refused: entry.refused,
            documents: entry.documents.iter().map(QuotedView::from).collect(),
            withheld: entry.withheld,
        }
    }
}

/// How often a reason was chosen.
#[derive(Serialize, ToSchema)]
struct ReasonCount {
    reason: &'static str,
    count: u64,
}

/// How often something was said, over everything.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedbackTotals)]
struct TotalsView {
    up: u64,
    down: u64,
    reasons: Vec<ReasonCount>,
}

impl From<&FeedbackTotals> for TotalsView {
    fn from(totals: &FeedbackTotals) -> Self {
        let reasons = totals.reasons.iter();
        Self {
            up: totals.up,
            down: totals.down,
            reasons: reasons
                .map(|(reason, count)| ReasonCount { reason: reason.as_str(), count: *count })
                .collect(),
        }
    }
}

/// A page of feedback, with the totals of all.
#[derive(Serialize, ToSchema)]
pub(super) struct FeedbackList {
    totals: TotalsView,
    items: Vec<EntryView>,
    /// Pass it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) async fn feedback_list(
    call: Authorized<feedback::Read>,
    Query(query): Query<FeedbackQuery>,
) -> Result<Ok200<FeedbackList>, Problem> {
    let wanted = query.rating.as_deref().map(rating).transpose()?;
    let after = page_start::<FeedbackCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = agents::feedback_list(call.permit()?, wanted, after, limit).await?;
    Ok(Ok200(FeedbackList {
        totals: TotalsView::from(&page.totals),
        items: page.entries.iter().map(EntryView::from).collect(),
        next_cursor: page_end(page.next),
    }))
}
