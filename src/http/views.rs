//! Wire types that several groups of routes share.

use agents::{Answer, Citation, Nearest, Receipt};
use base::Label;
use knowledge::PassageBox;
use serde::Serialize;
use utoipa::ToSchema;

/// A rectangle on a page as displayed, in points of 1/72 inch; origin top left, y down.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoxView {
    /// Counted from 1.
    pub(crate) page: u32,
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

impl From<&PassageBox> for BoxView {
    fn from(at: &PassageBox) -> Self {
        let b = &at.bbox;
        Self { page: at.page.0, left: b.left, top: b.top, right: b.right, bottom: b.bottom }
    }
}

/// A quoted sentence and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Citation)]
pub(crate) struct CitationView {
    /// 1, 2, 3 … as in the answer's text.
    number: u32,
    #[schema(format = "uuid")]
    document_id: String,
    document_key: String,
    document_title: String,
    #[schema(format = "uuid")]
    revision_id: String,
    revision_number: u32,
    chunk_id: i64,
    /// Counted from 1.
    page: u32,
    /// From the outermost heading to the nearest.
    heading_path: Vec<String>,
    /// The words of the document.
    quote: String,
    /// The quoted lines; empty for formats without fixed pages.
    boxes: Vec<BoxView>,
    /// How well it answers, 0 to 1.
    score: f32,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
}

impl From<&Citation> for CitationView {
    fn from(citation: &Citation) -> Self {
        Self {
            number: citation.number,
            document_id: citation.document_id.to_string(),
            document_key: citation.document_key.clone(),
            document_title: citation.document_title.clone(),
            revision_id: citation.revision_id.to_string(),
            revision_number: citation.revision_number,
            chunk_id: citation.chunk_id.0,
            page: citation.page.0,
            heading_path: citation.heading_path.clone(),
            quote: citation.quote.clone(),
            boxes: citation.boxes.iter().map(BoxView::from).collect(),
            score: citation.score,
            classification: citation.label.classification.as_str(),
            export_control: citation.label.export_control.as_str(),
        }
    }
}

/// A passage shown instead of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NearestPassage)]
pub(crate) struct NearestView {
    #[schema(format = "uuid")]
    document_id: String,
    document_key: String,
    document_title: String,
    #[schema(format = "uuid")]
    revision_id: String,
    revision_number: u32,
    chunk_id: i64,
    /// Counted from 1.
    page: u32,
    /// From the outermost heading to the nearest.
    heading_path: Vec<String>,
    /// Its beginning.
    excerpt: String,
    score: f32,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
}

impl From<&Nearest> for NearestView {
    fn from(nearest: &Nearest) -> Self {
        Self {
            document_id: nearest.document_id.to_string(),
            document_key: nearest.document_key.clone(),
            document_title: nearest.document_title.clone(),
            revision_id: nearest.revision_id.to_string(),
            revision_number: nearest.revision_number,
            chunk_id: nearest.chunk_id.0,
            page: nearest.page.0,
            heading_path: nearest.heading_path.clone(),
            excerpt: nearest.excerpt.clone(),
            score: nearest.score,
            classification: nearest.label.classification.as_str(),
            export_control: nearest.label.export_control.as_str(),
        }
    }
}

/// An answer, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Answer)]
pub(crate) struct AnswerView {
    #[schema(format = "uuid")]
    conversation_id: String,
    #[schema(format = "uuid")]
    message_id: String,
    #[schema(format = "uuid")]
    question_id: String,
    /// Sentences with `[1]`, `[2]` … behind them; on refusal, that the documents do not answer.
    text: String,
    citations: Vec<CitationView>,
    /// `not_in_documents`, when there is no answer.
    refusal: Option<&'static str>,
    /// On refusal: what came closest.
    nearest: Vec<NearestView>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED: as secret as the most secret text in it.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
    receipt: serde_json::Value,
    #[schema(format = "date-time")]
    created_at: String,
}

impl TryFrom<&Answer> for AnswerView {
    type Error = serde_json::Error;

    fn try_from(answer: &Answer) -> Result<Self, serde_json::Error> {
        Ok(Self {
            conversation_id: answer.conversation_id.to_string(),
            message_id: answer.message_id.to_string(),
            question_id: answer.question_id.to_string(),
            text: answer.text.clone(),
            citations: answer.citations.iter().map(CitationView::from).collect(),
            refusal: answer.refusal.map(agents::Refusal::as_str),
            nearest: answer.nearest.iter().map(NearestView::from).collect(),
            classification: answer.label.classification.as_str(),
            export_control: answer.label.export_control.as_str(),
            receipt: receipt_value(&answer.receipt)?,
            created_at: answer.created_at.to_string(),
        })
    }
}

/// What an answer was made from, in the form in which it is stored.
pub(crate) fn receipt_value(receipt: &Receipt) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(receipt)
}

/// The two words of a label that people see.
pub(crate) fn label_words(label: &Label) -> (&'static str, &'static str) {
    (label.classification.as_str(), label.export_control.as_str())
}
