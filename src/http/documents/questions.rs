//! GET /api/v1/documents/questions

use knowledge::SuggestedQuestion;
use policy::documents;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::cursor::Page;
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

/// In which language questions are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionsQuery {
    /// Language tag (BCP 47): questions in it come first.
    #[serde(default)]
    language: Option<String>,
}

/// A question that the documents answer.
#[derive(Serialize, ToSchema)]
#[schema(as = SuggestedQuestion)]
pub(super) struct QuestionView {
    text: String,
    /// Language tag (BCP 47).
    language: &'static str,
    /// The document that answers it.
    #[schema(format = "uuid")]
    document_id: String,
    document_title: String,
}

impl From<SuggestedQuestion> for QuestionView {
    fn from(question: SuggestedQuestion) -> Self {
        Self {
            text: question.text,
            language: question.language,
            document_id: question.document_id.to_string(),
            document_title: question.document_title,
        }
    }
}

pub(super) async fn questions_suggested(
    call: Authorized<documents::Read>,
    Query(query): Query<QuestionsQuery>,
) -> Result<Ok200<Page<QuestionView>>, Problem> {
    let questions = knowledge::questions_suggested(call.permit()?, query.language).await?;
    Ok(Ok200(Page::whole(questions.into_iter().map(QuestionView::from).collect())))
}
