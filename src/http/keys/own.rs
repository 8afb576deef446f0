//! Routes below /api/v1/keys: one's own API keys.

use base::ApiKeyId;
use identity::{ApiKey, KeyInput, KeyRotation, KeySecret, MadeKey};
use policy::keys;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::Page;
use crate::input::{Id, Json};
use crate::output::{Created, NoContent, Ok200};
use crate::problem::Problem;

/// A live API key. Its secrets are not kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct KeyView {
    #[schema(format = "uuid")]
    id: String,
    /// Whom it acts for.
    #[schema(format = "uuid")]
    user_id: String,
    name: String,
    /// The permissions that it may use, as far as its person has them.
    scopes: Vec<String>,
    /// Requests a minute, when it has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    expires_at: String,
    /// Its live secrets, newest first: two while a rotation overlaps.
    secrets: Vec<SecretView>,
}

/// A secret of an API key, without the secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeySecret)]
pub(super) struct SecretView {
    /// Stands readable in the key, before the second `_`.
    prefix: String,
    #[schema(format = "date-time")]
    created_at: String,
    /// When it ends, after a rotation; with the key when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    ends_at: Option<String>,
    /// Recorded every hour at most; absent when it was not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    last_used_at: Option<String>,
}

impl From<&KeySecret> for SecretView {
    fn from(secret: &KeySecret) -> Self {
        Self {
            prefix: secret.prefix.clone(),
            created_at: secret.created_at.to_string(),
            ends_at: secret.ends_at.map(|at| at.to_string()),
            last_used_at: secret.last_used_at.map(|at| at.to_string()),
        }
    }
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            user_id: key.user_id.to_string(),
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            requests_per_minute: key.requests_per_minute,
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.to_string(),
            secrets: key.secrets.iter().map(SecretView::from).collect(),
        }
    }
}

pub(super) async fn key_list(
    call: Authorized<keys::Read>,
    (): (),
) -> Result<Ok200<Page<KeyView>>, Problem> {
    let keys = identity::key_list(call.permit()?).await?;
    Ok(Ok200(Page::whole(keys.iter().map(KeyView::from).collect())))
}

/// An API key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyCreateRequest {
    /// What you call it, so that you know it again.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The permissions that it may use: at least one, each of them your own.
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// How long it lives, in seconds: a minute to a year. The appliance's own time when absent.
    #[serde(default)]
    #[schema(minimum = 60)]
    lifetime_s: Option<i64>,
    /// Requests a minute, when it is to have a limit of its own.
    #[serde(default)]
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
}

/// An API key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct ApiKeyMade {
    #[serde(flatten)]
    key: KeyView,
    /// The whole key, for the header `Authorization: Bearer`.
    secret: String,
}

impl From<&MadeKey> for ApiKeyMade {
    fn from(made: &MadeKey) -> Self {
        Self { key: KeyView::from(&made.key), secret: made.reveal().to_owned() }
    }
}

pub(super) async fn key_create(
    call: Authorized<keys::Create>,
    Json(request): Json<KeyCreateRequest>,
) -> Result<Created<ApiKeyMade>, Problem> {
    let input = KeyInput {
        name: request.name,
        scopes: request.scopes,
        lifetime_s: request.lifetime_s,
        requests_per_minute: request.requests_per_minute,
        factor_shown_at: call.factor_shown_at,
    };
    let made = identity::key_create(call.permit()?, &call.state.settings.keys, input).await?;
    Ok(Created { location: format!("/api/v1/keys/{}", made.key.id), body: ApiKeyMade::from(&made) })
}

/// How a key is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct KeyRotateRequest {
    /// How long the former secret goes on, in seconds: up to 30 days, 0 to end it at once. The
    /// appliance's own time when absent.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_s: Option<i64>,
}

pub(super) async fn key_rotate(
    call: Authorized<keys::Rotate>,
    (Id(id), Json(request)): (Id<ApiKeyId>, Json<KeyRotateRequest>),
) -> Result<Ok200<ApiKeyMade>, Problem> {
    let rotation =
        KeyRotation { overlap_s: request.overlap_s, factor_shown_at: call.factor_shown_at };
    let settings = &call.state.settings.keys;
    let made = identity::key_rotate(call.permit()?, settings, id, rotation).await?;
    Ok(Ok200(ApiKeyMade::from(&made)))
}

pub(super) async fn key_revoke(
    call: Authorized<keys::Revoke>,
    Id(id): Id<ApiKeyId>,
) -> Result<NoContent, Problem> {
    identity::key_revoke(call.permit()?, id).await?;
    Ok(NoContent)
}
