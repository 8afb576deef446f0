//! POST /api/v1/auth/password

use identity::{Password, PasswordChange};
use policy::profile;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::call::SignedIn;
use crate::input::Json;
use crate::output::NoContent;
use crate::problem::Problem;

/// The password as it is and as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordRequest {
    #[schema(format = "password")]
    current_password: String,
    /// 12 to 256 characters.
    #[schema(format = "password", min_length = 12, max_length = 256)]
    new_password: String,
}

pub(super) async fn password_change(
    call: SignedIn<profile::Change>,
    Json(input): Json<PasswordRequest>,
) -> Result<NoContent, Problem> {
    let change = PasswordChange {
        current: Password::typed(input.current_password),
        new: Password::typed(input.new_password),
        keep_session: call.session,
    };
    identity::change_own_password(call.permit()?, &call.state.passwords, change).await?;
    Ok(NoContent)
}
