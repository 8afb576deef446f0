//! Routes below /api/v1/admin/users

use base::{Classification, LabelError, Role, RoleError, UserId};
use identity::{DisplayName, Email, Language, NewUser, User, UserChange, UserQuery, UserStatus};
use policy::users;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::settings::tenant_settings;
use crate::call::Authorized;
use crate::cursor::{Page, page_limit, page_start};
use crate::input::{Id, Json, Query};
use crate::output::{Created, Ok200};
use crate::problem::Problem;

/// A person, as administrators see them.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "email")]
    email: String,
    display_name: String,
    role: &'static str,
    clearance: &'static str,
    export_eligible: bool,
    language: String,
    /// `active` or `disabled`.
    status: &'static str,
    must_change_password: bool,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str(),
            clearance: user.clearance.as_str(),
            export_eligible: user.export_eligible,
            language: user.language.as_str().to_owned(),
            status: user.status.as_str(),
            must_change_password: user.must_change_password,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}

fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|error: RoleError| Problem::invalid("role", error.to_string()))
}

fn clearance(text: &str) -> Result<Classification, Problem> {
    text.parse().map_err(|error: LabelError| Problem::invalid("clearance", error.to_string()))
}

/// Which people are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct UserListQuery {
    /// `viewer`, `operator` or `admin`.
    #[serde(default)]
    role: Option<String>,
    /// `active` or `disabled`.
    #[serde(default)]
    status: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

pub(super) async fn user_list(
    call: Authorized<users::Read>,
    Query(query): Query<UserListQuery>,
) -> Result<Ok200<Page<UserView>>, Problem> {
    let wanted = UserQuery {
        role: query.role.as_deref().map(role).transpose()?,
        status: query.status.as_deref().map(str::parse::<UserStatus>).transpose()?,
        after: page_start::<UserId>(query.cursor.as_deref())?,
    };
    let limit = page_limit(query.limit)?;
    let page = identity::user_list(call.permit()?, wanted, limit).await?;
    Ok(Ok200(Page::new(page.users.iter().map(UserView::from).collect(), page.next)))
}

pub(super) async fn user_get(
    call: Authorized<users::Read>,
    Id(id): Id<UserId>,
) -> Result<Ok200<UserView>, Problem> {
    Ok(Ok200(UserView::from(&identity::user_get(call.permit()?, id).await?)))
}

/// A person to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserCreateRequest {
    #[schema(format = "email")]
    email: String,
    display_name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED; INTERNAL when absent.
    #[serde(default)]
    clearance: Option<String>,
    /// Whether export-controlled text may be shown.
    #[serde(default)]
    export_eligible: bool,
    /// Language tag (BCP 47); the tenant's default when absent.
    #[serde(default)]
    language: Option<String>,
}

/// A person with the password for their first sign-in, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct UserCreated {
    #[serde(flatten)]
    user: UserView,
    one_time_password: String,
}

pub(super) async fn user_create(
    call: Authorized<users::Create>,
    Json(request): Json<UserCreateRequest>,
) -> Result<Created<UserCreated>, Problem> {
    let language = match request.language {
        Some(language) => language,
        None => tenant_settings(&call.ctx()).await?.user_default_language,
    };
    let new = NewUser {
        email: Email::parse(&request.email)?,
        display_name: DisplayName::parse(&request.display_name)?,
        role: role(&request.role)?,
        clearance: request.clearance.as_deref().map_or(Ok(Classification::Internal), clearance)?,
        export_eligible: request.export_eligible,
        language: Language::parse(&language)?,
    };
    let created = identity::user_create(call.permit()?, &call.state.passwords, new).await?;
    Ok(Created {
        location: format!("/api/v1/admin/users/{}", created.user.id),
        body: UserCreated {
            user: UserView::from(&created.user),
            one_time_password: created.one_time_password.reveal().to_owned(),
        },
    })
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct UserPatch {
    display_name: Option<String>,
    /// `viewer`, `operator` or `admin`.
    role: Option<String>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    clearance: Option<String>,
    export_eligible: Option<bool>,
    language: Option<String>,
    /// `active` or `disabled`.
    status: Option<String>,
}

pub(super) async fn user_change(
    call: Authorized<users::Change>,
    (Id(id), Json(patch)): (Id<UserId>, Json<UserPatch>),
) -> Result<Ok200<UserView>, Problem> {
    let change = UserChange {
        display_name: patch.display_name.as_deref().map(DisplayName::parse).transpose()?,
        role: patch.role.as_deref().map(role).transpose()?,
        clearance: patch.clearance.as_deref().map(clearance).transpose()?,
        export_eligible: patch.export_eligible,
        language: patch.language.as_deref().map(Language::parse).transpose()?,
        status: patch.status.as_deref().map(str::parse::<UserStatus>).transpose()?,
    };
    let changed = identity::user_change(call.permit()?, id, change).await?;
    Ok(Ok200(UserView::from(&changed)))
}

/// What became of a request to take somebody's second factor away.
#[derive(Serialize, ToSchema)]
pub(super) struct FactorReset {
    /// `done`, or `second_administrator_needed`: another administrator must ask for it within a day.
    state: &'static str,
}

pub(super) async fn user_reset_factor(
    call: Authorized<users::Change>,
    Id(id): Id<UserId>,
) -> Result<Ok200<FactorReset>, Problem> {
    let state = match identity::user_reset_factor(call.permit()?, id).await? {
        identity::FactorReset::Done => "done",
        identity::FactorReset::SecondAdministratorNeeded => "second_administrator_needed",
    };
    Ok(Ok200(FactorReset { state }))
}

/// A password for the next sign-in, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct PasswordReset {
    one_time_password: String,
}

pub(super) async fn user_reset_password(
    call: Authorized<users::Change>,
    Id(id): Id<UserId>,
) -> Result<Ok200<PasswordReset>, Problem> {
    let reset = identity::user_reset_password(call.permit()?, &call.state.passwords, id).await?;
    Ok(Ok200(PasswordReset { one_time_password: reset.reveal().to_owned() }))
}
