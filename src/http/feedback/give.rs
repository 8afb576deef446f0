//! POST /api/v1/feedback

use agents::{Feedback, FeedbackInput, FeedbackReason, Rating};
use policy::conversations;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;

/// What is said about an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Feedback)]
pub(crate) struct FeedbackView {
    #[schema(format = "uuid")]
    message_id: String,
    /// `up` or `down`.
    rating: &'static str,
    /// `wrong`, `incomplete`, `beside_the_point`, `not_found`, `outdated` or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<&Feedback> for FeedbackView {
    fn from(feedback: &Feedback) -> Self {
        Self {
            message_id: feedback.message_id.to_string(),
            rating: feedback.rating.as_str(),
            reason: feedback.reason.map(FeedbackReason::as_str),
            comment: feedback.comment.clone(),
            updated_at: feedback.updated_at.to_string(),
        }
    }
}

/// What is to be said about an answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackRequest {
    /// The answer, of one of your own conversations.
    #[schema(format = "uuid")]
    message_id: String,
    /// `up` or `down`.
    rating: String,
    /// With `down` only: `wrong`, `incomplete`, `beside_the_point`, `not_found`, `outdated` or `other`.
    #[serde(default)]
    reason: Option<String>,
    /// For the administrators, who do not see the question.
    #[serde(default)]
    #[schema(max_length = 2000)]
    comment: Option<String>,
}

pub(super) fn rating(text: &str) -> Result<Rating, Problem> {
    Rating::parse(text).ok_or_else(|| Problem::invalid("rating", "is neither up nor down"))
}

fn reason(text: &str) -> Result<FeedbackReason, Problem> {
    FeedbackReason::parse(text).ok_or_else(|| {
        let words: Vec<&str> = FeedbackReason::ALL.iter().map(|one| one.as_str()).collect();
        Problem::invalid("reason", format!("is none of {}", words.join(", ")))
    })
}

pub(super) async fn feedback_give(
    call: Authorized<conversations::Change>,
    Json(request): Json<FeedbackRequest>,
) -> Result<Ok200<FeedbackView>, Problem> {
    // What is no id names no answer.
    let message_id = request.message_id.parse().map_err(|_| Problem::new("message_not_found"))?;
    let input = FeedbackInput {
        message_id,
        rating: rating(&request.rating)?,
        reason: request.reason.as_deref().map(reason).transpose()?,
        comment: request.comment,
    };
    let given = agents::feedback_give(call.permit()?, input).await?;
    Ok(Ok200(FeedbackView::from(&given)))
}
