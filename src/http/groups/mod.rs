//! Groups of people and what they add to a role: routes below /api/v1/admin/groups.

mod members;

use base::GroupId;
use identity::{Group, GroupChange, GroupName};
use policy::groups;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::Page;
use crate::endpoint::endpoint;
use crate::input::{Id, Json};
use crate::output::{Created, NoContent, Ok200};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/groups",
            operation: "group_list",
            summary: "List the groups of people and what they add to a role",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/groups",
            operation: "group_create",
            summary: "Make a group that gives its members permissions beside their role's",
            audit: Audit::Entry("group.created"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(group_create),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/groups/{group_id}",
            operation: "group_get",
            summary: "A group of people",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/admin/groups/{group_id}",
            operation: "group_change",
            summary: "Change a group's name or what it gives",
            audit: Audit::Entry("group.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_change),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/groups/{group_id}",
            operation: "group_remove",
            summary: "Remove a group; its members lose what it gave",
            audit: Audit::Entry("group.removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(group_remove),
        },
    ];
    routes.extend(members::routes());
    routes
}

/// A group of people.
#[derive(Serialize, ToSchema)]
#[schema(as = Group)]
struct GroupView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    /// What its members may do beside what their role allows.
    permissions: Vec<String>,
    /// How many people are in it.
    members: u32,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<&Group> for GroupView {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.as_str().to_owned(),
            permissions: group.permissions.clone(),
            members: group.members,
            created_at: group.created_at.to_string(),
            updated_at: group.updated_at.to_string(),
        }
    }
}

async fn group_list(
    call: Authorized<groups::Read>,
    (): (),
) -> Result<Ok200<Page<GroupView>>, Problem> {
    let groups = identity::group_list(call.permit()?).await?;
    Ok(Ok200(Page::whole(groups.iter().map(GroupView::from).collect())))
}

async fn group_get(
    call: Authorized<groups::Read>,
    Id(id): Id<GroupId>,
) -> Result<Ok200<GroupView>, Problem> {
    Ok(Ok200(GroupView::from(&identity::group_get(call.permit()?, id).await?)))
}

/// A group to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupCreateRequest {
    /// Unique in the tenant.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What its members may do beside what their role allows, each of them what you may do yourself.
    permissions: Vec<String>,
}

async fn group_create(
    call: Authorized<groups::Change>,
    Json(request): Json<GroupCreateRequest>,
) -> Result<Created<GroupView>, Problem> {
    let name = GroupName::parse(&request.name)?;
    let group = identity::group_create(call.permit()?, name, &request.permissions).await?;
    Ok(Created {
        location: format!("/api/v1/admin/groups/{}", group.id),
        body: GroupView::from(&group),
    })
}

/// What is to change; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct GroupPatch {
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// All that its members are to be allowed by it.
    permissions: Option<Vec<String>>,
}

async fn group_change(
    call: Authorized<groups::Change>,
    (Id(id), Json(patch)): (Id<GroupId>, Json<GroupPatch>),
) -> Result<Ok200<GroupView>, Problem> {
    let change = GroupChange {
        name: patch.name.as_deref().map(GroupName::parse).transpose()?,
        permissions: patch.permissions,
    };
    let group = identity::group_change(call.permit()?, id, change).await?;
    Ok(Ok200(GroupView::from(&group)))
}

async fn group_remove(
    call: Authorized<groups::Change>,
    Id(id): Id<GroupId>,
) -> Result<NoContent, Problem> {
    identity::group_remove(call.permit()?, id).await?;
    Ok(NoContent)
}
