//! Routes below /api/v1/admin/users/{user_id}/sessions: where people of the tenant are signed in.

use base::{SessionId, TokenFamilyId, TokenId, UserId};
use identity::Ending;
use policy::sessions;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{SessionView, TokenFamilyView, TokenView};
use crate::call::Authorized;
use crate::input::Id;
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedInPlaces {
    /// Live browser sessions, newest first.
    sessions: Vec<SessionView>,
    /// Live bearer tokens, newest first.
    tokens: Vec<TokenView>,
    /// Live families of tokens, newest first: sign-ins that are refreshed.
    families: Vec<TokenFamilyView>,
}

/// How many ended.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedOut {
    sessions_ended: usize,
    tokens_ended: usize,
    families_ended: usize,
}

pub(super) async fn user_signed_in(
    call: Authorized<sessions::Read>,
    Id(user): Id<UserId>,
) -> Result<Ok200<SignedInPlaces>, Problem> {
    let settings = &call.state.settings;
    let places =
        identity::user_signed_in(call.permit()?, user, &settings.sessions, &settings.refresh)
            .await?;
    Ok(Ok200(SignedInPlaces {
        sessions: places.sessions.iter().map(|one| SessionView::new(one, None)).collect(),
        tokens: places.tokens.iter().map(TokenView::from).collect(),
        families: places.families.iter().map(TokenFamilyView::from).collect(),
    }))
}

pub(super) async fn user_sign_out(
    call: Authorized<sessions::Revoke>,
    Id(user): Id<UserId>,
) -> Result<Ok200<SignedOut>, Problem> {
    let ended = identity::user_sign_out(call.permit()?, user, Ending::All).await?;
    Ok(Ok200(SignedOut {
        sessions_ended: ended.sessions,
        tokens_ended: ended.tokens,
        families_ended: ended.families,
    }))
}

pub(super) async fn user_session_end(
    call: Authorized<sessions::Revoke>,
    (Id(user), Id(session)): (Id<UserId>, Id<SessionId>),
) -> Result<NoContent, Problem> {
    identity::user_sign_out(call.permit()?, user, Ending::Session(session)).await?;
    Ok(NoContent)
}

pub(super) async fn user_token_revoke(
    call: Authorized<sessions::Revoke>,
    (Id(user), Id(token)): (Id<UserId>, Id<TokenId>),
) -> Result<NoContent, Problem> {
    identity::user_sign_out(call.permit()?, user, Ending::Token(token)).await?;
    Ok(NoContent)
}

pub(super) async fn user_token_family_end(
    call: Authorized<sessions::Revoke>,
    (Id(user), Id(family)): (Id<UserId>, Id<TokenFamilyId>),
) -> Result<NoContent, Problem> {
    identity::user_sign_out(call.permit()?, user, Ending::Family(family)).await?;
    Ok(NoContent)
}
