//! Routes below /api/v1/auth/sessions: where one is signed in oneself.

use base::SessionId;
use identity::Session;
use policy::profile;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::SignedIn;
use crate::cursor::Page;
use crate::input::Id;
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// A live browser session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "date-time")]
    created_at: String,
    /// Recorded every few minutes at most.
    #[schema(format = "date-time")]
    last_seen_at: String,
    #[schema(format = "date-time")]
    expires_at: String,
    /// The session of this very request.
    current: bool,
}

impl SessionView {
    pub(crate) fn new(session: &Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.to_string(),
            created_at: session.created_at.to_string(),
            last_seen_at: session.last_seen_at.to_string(),
            expires_at: session.expires_at.to_string(),
            current: current == Some(session.id),
        }
    }
}

pub(super) async fn session_list(
    call: SignedIn<profile::Read>,
    (): (),
) -> Result<Ok200<Page<SessionView>>, Problem> {
    let sessions = identity::session_list(call.permit()?, &call.state.settings.sessions).await?;
    let views = sessions.iter().map(|session| SessionView::new(session, call.session));
    Ok(Ok200(Page::whole(views.collect())))
}

pub(super) async fn session_revoke(
    call: SignedIn<profile::Change>,
    Id(id): Id<SessionId>,
) -> Result<NoContent, Problem> {
    identity::session_end(call.permit()?, id).await?;
    Ok(NoContent)
}
