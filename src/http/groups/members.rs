//! Routes below /api/v1/admin/groups/{group_id}/members

use base::{GroupId, UserId};
use identity::User;
use policy::groups;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::endpoint::endpoint;
use crate::input::{Id, Query};
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/groups/{group_id}/members",
            operation: "group_member_list",
            summary: "Who is in a group",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_member_list),
        },
        Route {
            method: Method::Put,
            path: "/api/v1/admin/groups/{group_id}/members/{user_id}",
            operation: "group_member_add",
            summary: "Put a person into a group",
            audit: Audit::Entry("group.member_added"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_member_add),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/groups/{group_id}/members/{user_id}",
            operation: "group_member_remove",
            summary: "Take a person out of a group",
            audit: Audit::Entry("group.member_removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_member_remove),
        },
    ]
}

/// A person in a group.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupMember {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "email")]
    email: String,
    display_name: String,
    role: &'static str,
    /// `active` or `disabled`.
    status: &'static str,
}

impl From<&User> for GroupMember {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str(),
            status: user.status.as_str(),
        }
    }
}

async fn group_member_list(
    call: Authorized<groups::Read>,
    (Id(id), Query(query)): (Id<GroupId>, Query<PageQuery>),
) -> Result<Ok200<Page<GroupMember>>, Problem> {
    let after = page_start::<UserId>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = identity::group_member_list(call.permit()?, id, after, limit).await?;
    Ok(Ok200(Page::new(page.users.iter().map(GroupMember::from).collect(), page.next)))
}

async fn group_member_add(
    call: Authorized<groups::Change>,
    (Id(id), Id(user)): (Id<GroupId>, Id<UserId>),
) -> Result<NoContent, Problem> {
    identity::group_member_add(call.permit()?, id, user).await?;
    Ok(NoContent)
}

async fn group_member_remove(
    call: Authorized<groups::Change>,
    (Id(id), Id(user)): (Id<GroupId>, Id<UserId>),
) -> Result<NoContent, Problem> {
    identity::group_member_remove(call.permit()?, id, user).await?;
    Ok(NoContent)
}
