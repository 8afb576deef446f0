//! GET /v1/models

use ::models::Tier;
use policy::chat;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::output::Ok200;
use crate::problem::Problem;

/// The model that answers from the documents.
pub(super) const FROM_DOCUMENTS: &str = "millwright";

/// The built-in embedder.
pub(super) const EMBEDDER: &str = "all-minilm-l6-v2";

/// Before the name of a tier: whichever model serves it.
pub(super) const TIER_PREFIX: &str = "millwright-";

const OWNER: &str = "millwright";

/// What may be named as `model`.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiModelList)]
pub(super) struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<ModelEntry>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiModel)]
struct ModelEntry {
    id: String,
    /// `model`.
    object: &'static str,
    /// Seconds since 1970; 0, since nothing here is newer than the appliance.
    created: i64,
    owned_by: &'static str,
    /// What it is: `documents`, `tier`, `language` or `embedding`.
    kind: &'static str,
    /// Tokens of prompt and answer together.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_tokens: Option<u32>,
}

impl ModelEntry {
    fn new(id: impl Into<String>, kind: &'static str, context_tokens: Option<u32>) -> Self {
        Self { id: id.into(), object: "model", created: 0, owned_by: OWNER, kind, context_tokens }
    }
}

pub(super) async fn models(
    call: Authorized<chat::Send>,
    (): (),
) -> Result<Ok200<ModelList>, Problem> {
    call.permit()?;
    let tiers = call.state.tiers();
    let mut data = vec![ModelEntry::new(FROM_DOCUMENTS, "documents", None)];
    if !tiers.is_empty() {
        data.extend(Tier::ALL.map(|tier| {
            let id = format!("{TIER_PREFIX}{tier}");
            ModelEntry::new(id, "tier", tiers.context_tokens(tier))
        }));
    }
    for model in Tier::ALL.into_iter().flat_map(|tier| tiers.members(tier)) {
        // One model may serve several tiers.
        if data.iter().all(|entry| entry.id != model.name) {
            data.push(ModelEntry::new(model.name, "language", Some(model.context_tokens)));
        }
    }
    data.push(ModelEntry::new(EMBEDDER, "embedding", None));
    Ok(Ok200(ModelList { object: "list", data }))
}
