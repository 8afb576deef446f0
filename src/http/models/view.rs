//! GET /api/v1/models and /api/v1/models/{model}

use ::models::{ModelView, UpstreamState, UpstreamView};
use policy::models;
use serde::Serialize;
use utoipa::ToSchema;

use super::path::ModelPath;
use crate::call::Appliance;
use crate::cursor::Page;
use crate::input::Id;
use crate::output::Ok200;
use crate::problem::Problem;

/// A language model that was brought in.
#[derive(Serialize, ToSchema)]
#[schema(as = LanguageModel)]
pub(super) struct LanguageModelView {
    /// SHA-256 of its file.
    hash: String,
    name: String,
    size_bytes: u64,
    /// What the file says of itself.
    architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    parameters: u64,
    /// How most weights are stored (`Q8_0`).
    quantisation: String,
    /// Tokens that it was trained to see.
    trained_context_tokens: u32,
    /// The file brings its own layout of conversations.
    has_chat_template: bool,
    /// What it takes when it is loaded.
    memory: MemoryView,
    /// What it is made for: `generate`, `embed` or `rerank`.
    purpose: &'static str,
    /// What it is assigned to, of `light`, `standard`, `heavy`, `embed`, `rerank`.
    tiers: Vec<&'static str>,
    /// The model worker holds it at this moment.
    loaded: bool,
    trial: TrialView,
    #[schema(format = "date-time")]
    imported_at: String,
    imported_by: String,
    /// The file is there; compare it with its hash by verifying it.
    file_exists: bool,
}

/// What a loaded model takes.
#[derive(Serialize, ToSchema)]
#[schema(as = LanguageModelMemory)]
struct MemoryView {
    weights_bytes: u64,
    context_bytes: u64,
    /// Tokens of the context that it gets here.
    context_tokens: u32,
    working_bytes: u64,
    total_bytes: u64,
}

/// What came of trying a model.
#[derive(Serialize, ToSchema)]
#[schema(as = LanguageModelTrial)]
pub(super) struct TrialView {
    /// `none`, `waiting`, `running`, `failed` or `passed`.
    pub(super) state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// When it last passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    passed_at: Option<String>,
    /// Tokens of a prompt read in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_per_s: Option<f64>,
    /// Tokens written in a second, one text at a time, by a model that writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_tokens_per_s: Option<f64>,
    /// Largest memory of the model worker, whatever else it held.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

impl From<ModelView> for LanguageModelView {
    fn from(view: ModelView) -> Self {
        let (measured, need) = (view.measured, view.need);
        let detail = match &view.trial {
            ::models::TrialState::Failed(reason) => Some(reason.clone()),
            _ => None,
        };
        let state = match (&view.trial, measured) {
            (::models::TrialState::None, Some(_)) => "passed",
            (trial, _) => trial.as_str(),
        };
        Self {
            hash: view.hash.to_string(),
            size_bytes: view.size_bytes,
            architecture: view.facts.architecture,
            licence: view.facts.licence,
            parameters: view.facts.parameters,
            quantisation: view.facts.quantisation,
            trained_context_tokens: view.facts.context_tokens,
            has_chat_template: view.facts.has_chat_template,
            memory: MemoryView {
                weights_bytes: need.weights_bytes,
                context_bytes: need.kv_bytes,
                context_tokens: need.context_tokens,
                working_bytes: need.working_bytes,
                total_bytes: need.total_bytes(),
            },
            purpose: view.facts.purpose.as_str(),
            tiers: view.roles.iter().map(|role| role.as_str()).collect(),
            loaded: view.loaded,
            trial: TrialView {
                state,
                detail,
                passed_at: measured.map(|measured| measured.at.to_string()),
                prompt_tokens_per_s: measured.map(|measured| measured.prompt_tokens_per_s),
                generation_tokens_per_s: measured
                    .and_then(|measured| measured.generation_tokens_per_s),
                peak_memory_bytes: measured
                    .map(|measured| measured.peak_memory_bytes)
                    .filter(|bytes| *bytes > 0),
            },
            imported_at: view.imported_at.to_string(),
            imported_by: view.imported_by,
            file_exists: view.file_exists,
            name: view.name,
        }
    }
}

pub(super) async fn model_list(
    call: Appliance<models::Read>,
    (): (),
) -> Result<Ok200<Page<LanguageModelView>>, Problem> {
    call.permit()?;
    let list = call.state.models.list().await?;
    Ok(Ok200(Page::whole(list.into_iter().map(LanguageModelView::from).collect())))
}

/// A model on another machine, as the configuration has it.
#[derive(Serialize, ToSchema)]
#[schema(as = UpstreamModel)]
pub(super) struct UpstreamModelView {
    name: String,
    /// Where it is.
    address: String,
    /// The model, as the server calls it.
    model: String,
    /// What receipts and traces call it: a hash of its address and name.
    hash: String,
    /// Tokens that prompt and answer may have together.
    context_tokens: u32,
    /// Of `light`, `standard`, `heavy`.
    tiers: Vec<&'static str>,
    /// `unknown`, `answers` or `down`.
    state: &'static str,
    /// Why it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<UpstreamView> for UpstreamModelView {
    fn from(view: UpstreamView) -> Self {
        let (state, detail) = match view.state {
            UpstreamState::Unknown => ("unknown", None),
            UpstreamState::Answers => ("answers", None),
            UpstreamState::Down { reason } => ("down", Some(reason)),
        };
        Self {
            name: view.name,
            address: view.url,
            model: view.model,
            hash: view.hash.to_string(),
            context_tokens: view.context_tokens,
            tiers: view.tiers.iter().map(|tier| tier.as_str()).collect(),
            state,
            detail,
        }
    }
}

pub(super) async fn upstream_list(
    call: Appliance<models::Read>,
    (): (),
) -> Result<Ok200<Page<UpstreamModelView>>, Problem> {
    call.permit()?;
    let views = call.state.upstreams.iter().map(|upstream| upstream.view().into());
    Ok(Ok200(Page::whole(views.collect())))
}

pub(super) async fn model_get(
    call: Appliance<models::Read>,
    Id(model): Id<ModelPath>,
) -> Result<Ok200<LanguageModelView>, Problem> {
    call.permit()?;
    Ok(Ok200(call.state.models.get(&model.0).await?.into()))
}
