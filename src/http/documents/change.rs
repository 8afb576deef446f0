//! PATCH /api/v1/documents/{document_id}

use base::{Classification, DocumentId, ExportControl};
use knowledge::{DocumentChange, Labelled};
use policy::documents;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::DocumentView;
use crate::call::Authorized;
use crate::input::{Id, Json};
use crate::output::Ok200;
use crate::problem::Problem;

/// What is to change; what is left out stays. Label, tags and metadata are those of the current
/// revision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentPatch {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300)]
    title: Option<String>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED; at most your own clearance. Answers that were made
    /// from the revision become as secret; less secret they never become.
    #[serde(default)]
    classification: Option<String>,
    /// `none` or `controlled`.
    #[serde(default)]
    export_control: Option<String>,
    /// All tags that it is to have.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// All metadata that it is to have.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// Whether every revision gets the label, not the current one alone.
    #[serde(default)]
    all_revisions: bool,
}

impl TryFrom<DocumentPatch> for DocumentChange {
    type Error = Problem;

    fn try_from(patch: DocumentPatch) -> Result<Self, Problem> {
        let classification = patch.classification.as_deref().map(str::parse::<Classification>);
        let export_control = patch.export_control.as_deref().map(str::parse::<ExportControl>);
        let wrong = |field: &'static str| {
            move |error: base::LabelError| Problem::invalid(field, error.to_string())
        };
        Ok(Self {
            reason: patch.reason,
            title: patch.title,
            classification: classification.transpose().map_err(wrong("classification"))?,
            export_control: export_control.transpose().map_err(wrong("export_control"))?,
            tags: patch.tags,
            metadata: patch.metadata,
            labelled: if patch.all_revisions { Labelled::All } else { Labelled::Current },
        })
    }
}

pub(super) async fn document_change(
    call: Authorized<documents::Change>,
    (Id(id), Json(patch)): (Id<DocumentId>, Json<DocumentPatch>),
) -> Result<Ok200<DocumentView>, Problem> {
    let change = DocumentChange::try_from(patch)?;
    let changed = knowledge::document_change(call.permit()?, id, change).await?;
    Ok(Ok200(DocumentView::from(&changed)))
}
