//! Routes below /api/v1/auth/tokens: one's own bearer tokens.

use base::{Role, RoleError, TokenId};
use identity::{ApiToken, TokenInput};
use policy::tokens;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refresh::told;
use crate::call::Authorized;
use crate::cursor::Page;
use crate::input::{Id, Json};
use crate::output::{Created, NoContent, Ok200};
use crate::problem::Problem;

/// A live bearer token. The token itself is not kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// `jti` of the token.
    #[schema(format = "uuid")]
    id: String,
    /// The role that it carries; the weaker of it and the person's own counts.
    role: &'static str,
    #[schema(format = "date-time")]
    issued_at: String,
    #[schema(format = "date-time")]
    expires_at: String,
    /// The family that it came of by refreshing, if it came of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    family_id: Option<String>,
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            role: token.role.as_str(),
            issued_at: token.issued_at.to_string(),
            expires_at: token.expires_at.to_string(),
            family_id: token.family_id.map(|id| id.to_string()),
        }
    }
}

pub(super) async fn token_list(
    call: Authorized<tokens::Read>,
    (): (),
) -> Result<Ok200<Page<TokenView>>, Problem> {
    let tokens = identity::token_list(call.permit()?).await?;
    Ok(Ok200(Page::whole(tokens.iter().map(TokenView::from).collect())))
}

/// A token to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// `viewer`, `operator` or `admin`, at most one's own; one's own when absent.
    #[serde(default)]
    role: Option<String>,
    /// How long it lives, in seconds: a minute to 90 days.
    #[schema(minimum = 60, maximum = 7_776_000)]
    lifetime_s: i64,
    /// Answer with a refresh token too, for the next ones of the same life. Takes a browser session.
    #[serde(default)]
    refresh: bool,
}

/// A token that was issued; it is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenIssued {
    #[serde(flatten)]
    token: TokenView,
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// If it was asked for: counts once, at POST /api/v1/auth/refresh. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// When the family ends in any case; it ends before where it is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    refresh_expires_at: Option<String>,
}

pub(super) async fn token_issue(
    call: Authorized<tokens::Issue>,
    Json(request): Json<TokenRequest>,
) -> Result<Created<TokenIssued>, Problem> {
    // A stolen token must not become one that lives on by itself.
    if request.refresh && call.session.is_none() {
        return Err(Problem::new("session_required"));
    }
    let role = request.role.as_deref().map(str::parse::<Role>).transpose();
    let input = TokenInput {
        role: role.map_err(|e: RoleError| Problem::invalid("role", e.to_string()))?,
        lifetime_s: request.lifetime_s,
        factor_shown_at: call.factor_shown_at,
        refresh: request.refresh.then_some(call.state.settings.refresh),
        family: call.family,
    };
    let issued = identity::token_issue(call.permit()?, &call.state.signer, input).await?;
    let (refresh_token, refresh_expires_at) = told(issued.refresh.as_ref());
    Ok(Created {
        location: format!("/api/v1/auth/tokens/{}", issued.recorded.id),
        body: TokenIssued {
            token: TokenView::from(&issued.recorded),
            access_token: issued.reveal().to_owned(),
            token_type: "Bearer",
            refresh_token,
            refresh_expires_at,
        },
    })
}

pub(super) async fn token_revoke(
    call: Authorized<tokens::Revoke>,
    Id(id): Id<TokenId>,
) -> Result<NoContent, Problem> {
    identity::token_revoke(call.permit()?, id).await?;
    Ok(NoContent)
}
