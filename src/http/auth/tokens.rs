//! Routes below /api/v1/auth/tokens: one's own bearer tokens.

use base::{Role, RoleError, TokenId};
use identity::{ApiToken, TokenInput};
use policy::tokens;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            role: token.role.as_str(),
            issued_at: token.issued_at.to_string(),
            expires_at: token.expires_at.to_string(),
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
}

/// A token that was issued; it is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenIssued {
    #[serde(flatten)]
    token: TokenView,
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
}

pub(super) async fn token_issue(
    call: Authorized<tokens::Issue>,
    Json(request): Json<TokenRequest>,
) -> Result<Created<TokenIssued>, Problem> {
    let role = request.role.as_deref().map(str::parse::<Role>).transpose();
    let input = TokenInput {
        role: role.map_err(|e: RoleError| Problem::invalid("role", e.to_string()))?,
        lifetime_s: request.lifetime_s,
        factor_shown_at: call.factor_shown_at,
    };
    let issued = identity::token_issue(call.permit()?, &call.state.signer, input).await?;
    Ok(Created {
        location: format!("/api/v1/auth/tokens/{}", issued.recorded.id),
        body: TokenIssued {
            token: TokenView::from(&issued.recorded),
            access_token: issued.reveal().to_owned(),
            token_type: "Bearer",
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
