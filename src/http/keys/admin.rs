//! GET /api/v1/admin/keys, and routes below /api/v1/admin/users/{user_id}/keys: what acts for the people
//! of the tenant.

use base::{ApiKeyId, UserId};
use policy::sessions;

use super::own::KeyView;
use crate::call::Authorized;
use crate::cursor::Page;
use crate::input::Id;
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

pub(super) async fn tenant_keys(
    call: Authorized<sessions::Read>,
    (): (),
) -> Result<Ok200<Page<KeyView>>, Problem> {
    let keys = identity::tenant_keys(call.permit()?).await?;
    Ok(Ok200(Page::whole(keys.iter().map(KeyView::from).collect())))
}

pub(super) async fn user_keys(
    call: Authorized<sessions::Read>,
    Id(user): Id<UserId>,
) -> Result<Ok200<Page<KeyView>>, Problem> {
    let keys = identity::user_keys(call.permit()?, user).await?;
    Ok(Ok200(Page::whole(keys.iter().map(KeyView::from).collect())))
}

pub(super) async fn user_key_revoke(
    call: Authorized<sessions::Revoke>,
    (Id(user), Id(key)): (Id<UserId>, Id<ApiKeyId>),
) -> Result<NoContent, Problem> {
    identity::user_key_revoke(call.permit()?, user, key).await?;
    Ok(NoContent)
}
