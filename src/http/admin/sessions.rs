//! Routes below /api/v1/admin/users/{user_id}/sessions: where people of the tenant are signed in.

use base::{SessionId, TokenId, UserId};
use identity::Ending;
use policy::sessions;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{SessionView, TokenView};
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
}

/// How many ended.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedOut {
    sessions_ended: usize,
    tokens_ended: usize,
}

pub(super) async fn user_signed_in(
    call: Authorized<sessions::Read>,
    Id(user): Id<UserId>,
) -> Result<Ok200<SignedInPlaces>, Problem> {
    let settings = &call.state.settings.sessions;
    let places = identity::user_signed_in(call.permit()?, user, settings).await?;
    Ok(Ok200(SignedInPlaces {
        sessions: places.sessions.iter().map(|one| SessionView::new(one, None)).collect(),
        tokens: places.tokens.iter().map(TokenView::from).collect(),
    }))
}

pub(super) async fn user_sign_out(
    call: Authorized<sessions::Revoke>,
    Id(user): Id<UserId>,
) -> Result<Ok200<SignedOut>, Problem> {
    let ended = identity::user_sign_out(call.permit()?, user, Ending::All).await?;
    Ok(Ok200(SignedOut { sessions_ended: ended.sessions, tokens_ended: ended.tokens }))
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
