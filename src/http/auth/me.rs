//! GET and PATCH /api/v1/auth/me, GET /api/v1/auth/me/disclosures

use base::TenantId;
use identity::{DisplayName, Language, ProfileChange, User};
use policy::{PermissionSet, effective, profile};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::{DisclosureQuery, PersonDisclosureView, person_page};
use crate::call::{Authorized, SignedIn};
use crate::cursor::LogPage;
use crate::input::{Json, Query};
use crate::output::Ok200;
use crate::problem::Problem;

/// A person, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct PersonView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    tenant_id: String,
    #[schema(format = "email")]
    email: String,
    display_name: String,
    /// `viewer`, `operator` or `admin`.
    role: &'static str,
    /// The most secret classification that is shown: PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED.
    clearance: &'static str,
    /// Whether export-controlled text is shown.
    export_eligible: bool,
    /// Language tag (BCP 47).
    language: String,
    /// The password is a one-time password and must be changed first.
    must_change_password: bool,
    /// What may be done with this session, token or key: what role and groups give, without what
    /// appliance and tenant withhold, within the scopes of a key.
    permissions: Vec<&'static str>,
}

impl PersonView {
    pub(crate) fn new(user: &User, tenant_id: TenantId, permissions: PermissionSet) -> Self {
        Self {
            id: user.id.to_string(),
            tenant_id: tenant_id.to_string(),
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str(),
            clearance: user.clearance.as_str(),
            export_eligible: user.export_eligible,
            language: user.language.as_str().to_owned(),
            must_change_password: user.must_change_password,
            permissions: permissions.iter().map(policy::Permission::as_str).collect(),
        }
    }
}

fn view(user: &User, ctx: &store::TenantCtx) -> PersonView {
    PersonView::new(user, ctx.tenant_id(), effective(ctx.principal()))
}

pub(super) async fn profile_get(
    call: SignedIn<profile::Read>,
    (): (),
) -> Result<Ok200<PersonView>, Problem> {
    let user = identity::profile_get(call.permit()?).await?;
    Ok(Ok200(view(&user, call.ctx())))
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfilePatch {
    #[serde(default)]
    display_name: Option<String>,
    /// Language tag (BCP 47).
    #[serde(default)]
    language: Option<String>,
}

pub(super) async fn profile_change(
    call: SignedIn<profile::Change>,
    Json(patch): Json<ProfilePatch>,
) -> Result<Ok200<PersonView>, Problem> {
    let change = ProfileChange {
        display_name: patch.display_name.as_deref().map(DisplayName::parse).transpose()?,
        language: patch.language.as_deref().map(Language::parse).transpose()?,
    };
    let user = identity::profile_change(call.permit()?, change).await?;
    Ok(Ok200(view(&user, call.ctx())))
}

pub(super) async fn own_disclosures(
    call: Authorized<profile::Read>,
    Query(query): Query<DisclosureQuery>,
) -> Result<Ok200<LogPage<PersonDisclosureView>>, Problem> {
    if call.permit()?.ctx().user_id().is_none() {
        return Err(Problem::new("person_required"));
    }
    let (filter, limit) = query.checked()?;
    let page = knowledge::own_disclosures(call.permit()?, filter, limit).await?;
    Ok(Ok200(person_page(page)))
}
