//! POST /api/v1/auth/refresh and the routes below /api/v1/auth/token-families.

use base::TokenFamilyId;
use identity::{IssuedRefresh, IssuedToken, TokenFamily};
use policy::tokens;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tokens::TokenView;
use crate::call::{Authorized, Public};
use crate::cursor::Page;
use crate::input::{Id, Json};
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// What an answer says of the refresh token that goes with an access token, and when its family ends
/// in any case.
pub(super) fn told(refresh: Option<&IssuedRefresh>) -> (Option<String>, Option<String>) {
    refresh.map(|r| (r.token.reveal().to_owned(), r.expires_at.to_string())).unzip()
}

/// A refresh token to be exchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshRequest {
    #[schema(format = "password", max_length = 128)]
    refresh_token: String,
}

/// The next access token and the next refresh token; what they were exchanged for counts no more.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed {
    #[serde(flatten)]
    token: TokenView,
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Counts once, at POST /api/v1/auth/refresh. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// When the family ends in any case; it ends before where it is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    refresh_expires_at: Option<String>,
}

impl From<&IssuedToken> for Refreshed {
    fn from(issued: &IssuedToken) -> Self {
        let (refresh_token, refresh_expires_at) = told(issued.refresh.as_ref());
        Self {
            token: TokenView::from(&issued.recorded),
            access_token: issued.reveal().to_owned(),
            token_type: "Bearer",
            refresh_token,
            refresh_expires_at,
        }
    }
}

pub(super) async fn token_refresh(
    call: Public,
    Json(request): Json<RefreshRequest>,
) -> Result<Ok200<Refreshed>, Problem> {
    let state = &call.state;
    let refreshed = identity::token_refresh(
        &state.store,
        &state.signer,
        &state.settings.refresh,
        call.request_id,
        &request.refresh_token,
    );
    Ok(Ok200(Refreshed::from(&refreshed.await?)))
}

/// A live family of tokens: what came of one sign-in by refreshing. Its secrets are not kept.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenFamily)]
pub(crate) struct TokenFamilyView {
    #[schema(format = "uuid")]
    id: String,
    /// The role of its access tokens; the weaker of it and the person's own counts.
    role: &'static str,
    #[schema(format = "date-time")]
    created_at: String,
    /// When its refresh token was last exchanged.
    #[schema(format = "date-time")]
    last_used_at: String,
    #[schema(format = "date-time")]
    expires_at: String,
}

impl From<&TokenFamily> for TokenFamilyView {
    fn from(family: &TokenFamily) -> Self {
        Self {
            id: family.id.to_string(),
            role: family.role.as_str(),
            created_at: family.created_at.to_string(),
            last_used_at: family.last_used_at.to_string(),
            expires_at: family.expires_at.to_string(),
        }
    }
}

pub(super) async fn token_family_list(
    call: Authorized<tokens::Read>,
    (): (),
) -> Result<Ok200<Page<TokenFamilyView>>, Problem> {
    let families = identity::family_list(call.permit()?, &call.state.settings.refresh).await?;
    Ok(Ok200(Page::whole(families.iter().map(TokenFamilyView::from).collect())))
}

pub(super) async fn token_family_revoke(
    call: Authorized<tokens::Revoke>,
    Id(id): Id<TokenFamilyId>,
) -> Result<NoContent, Problem> {
    identity::family_revoke(call.permit()?, id).await?;
    Ok(NoContent)
}
