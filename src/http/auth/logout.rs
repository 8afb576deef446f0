//! POST /api/v1/auth/logout

use axum::http::{HeaderValue, header};
use axum::response::Response;
use policy::profile;

use super::login::ended_cookie;
use crate::call::Entering;
use crate::endpoint::{Output, Signature};
use crate::output::NoContent;
use crate::problem::Problem;

pub(super) async fn session_end(
    call: Entering<profile::Change>,
    (): (),
) -> Result<SignedOut, Problem> {
    let session = call.session.ok_or_else(|| Problem::new("session_required"))?;
    identity::logout(call.ctx(), session).await?;
    Ok(SignedOut)
}

/// 204, and the browser forgets its cookie.
pub(super) struct SignedOut;

impl Output for SignedOut {
    fn describe(signature: &mut Signature) {
        NoContent::describe(signature);
    }

    fn into_answer(self) -> Result<Response, Problem> {
        let mut response = NoContent.into_answer()?;
        let cookie = HeaderValue::from_str(&ended_cookie())
            .map_err(|e| Problem::new("internal_error").with_cause(e))?;
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(response)
    }
}
