//! What is done with a language model that is here.

use ::models::{ModelRole, ModelView, TIER_MAX_MODELS, TrialState};
use policy::models;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::path::{ModelPath, RolePath};
use super::view::LanguageModelView;
use crate::call::Appliance;
use crate::cursor::Page;
use crate::input::{Id, Json};
use crate::output::{Accepted, NoContent, Ok200};
use crate::problem::Problem;

/// Tries a model beside the request. How it stands is told with the model.
pub(super) fn begin_trial(
    call: Appliance<models::Manage>,
    mut model: ModelView,
) -> LanguageModelView {
    let hash = model.hash;
    // Whoever asks next sees that it is not over yet.
    call.state.models.announce_trial(hash);
    model.trial = TrialState::Waiting;
    let trial = async move {
        let Ok(permit) = call.permit() else { return };
        let registry = &call.state.models;
        if let Err(error) = registry.measure(permit.scope(), call.request_id, hash).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(model.hash = %hash, error, "a language model did not pass its trial");
        }
    };
    tokio::spawn(trial.in_current_span());
    model.into()
}

pub(super) async fn model_try(
    call: Appliance<models::Manage>,
    Id(model): Id<ModelPath>,
) -> Result<Accepted<LanguageModelView>, Problem> {
    call.permit()?;
    let view = call.state.models.get(&model.0).await?;
    let location = format!("/api/v1/models/{}", view.hash);
    Ok(Accepted { location, body: begin_trial(call, view) })
}

/// Whether a file is the one that was brought in.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelVerification {
    hash: String,
    name: String,
    /// The file has its hash.
    sound: bool,
}

pub(super) async fn model_verify(
    call: Appliance<models::Manage>,
    Id(model): Id<ModelPath>,
) -> Result<Ok200<ModelVerification>, Problem> {
    let permit = call.permit()?;
    let registry = &call.state.models;
    let view = registry.get(&model.0).await?;
    let sound = registry.verify(permit.scope(), call.request_id, view.hash).await?;
    Ok(Ok200(ModelVerification { hash: view.hash.to_string(), name: view.name, sound }))
}

/// Which models serve a tier, embed or rerank.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignRequest {
    /// Names or hashes; the first one is asked first. None leaves the tier to others, embedding to the built-in
    /// model, and what is found in its own order. One at most for `embed` and `rerank`.
    #[schema(max_items = 8)]
    models: Vec<String>,
}

pub(super) async fn model_assign(
    call: Appliance<models::Manage>,
    (Id(role), Json(request)): (Id<RolePath>, Json<AssignRequest>),
) -> Result<Ok200<Page<LanguageModelView>>, Problem> {
    const _: () = assert!(TIER_MAX_MODELS == 8, "the schema above says so");
    let permit = call.permit()?;
    let registry = &call.state.models;
    let (scope, request_id) = (permit.scope(), call.request_id);
    let assigned = registry.assign(scope, request_id, role.0, &request.models).await?;
    if role.0 == ModelRole::Embed {
        knowledge::embedder_changed(&call.state.store, scope, request_id).await?;
    }
    Ok(Ok200(Page::whole(assigned.into_iter().map(LanguageModelView::from).collect())))
}

pub(super) async fn model_remove(
    call: Appliance<models::Manage>,
    Id(model): Id<ModelPath>,
) -> Result<NoContent, Problem> {
    let permit = call.permit()?;
    let registry = &call.state.models;
    let view = registry.get(&model.0).await?;
    registry.remove(permit.scope(), call.request_id, view.hash).await?;
    Ok(NoContent)
}
