//! GET and PATCH /api/v1/admin/settings

use ::audit::{Action, Event, RETENTION_LEAST_DAYS};
use ::store::{
    AUDIT_RETENTION_DAYS, RETENTION_MOST_DAYS, ReadTx, SECOND_FACTOR_ROLES, StoreError, TenantCtx,
    WriteTx,
};
use base::{Classification, LabelError, Role, RoleError};
use identity::Language;
use policy::settings;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::store as rows;
use crate::call::Authorized;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;

const SETTINGS_CHANGED: Action = Action::new("settings.changed");

const CLASSIFICATION: &str = "upload_default_classification";
const LANGUAGE: &str = "user_default_language";
const FACTOR_ROLES: &str = SECOND_FACTOR_ROLES;
const RETENTION: &str = AUDIT_RETENTION_DAYS;

/// What a tenant may set for itself.
#[derive(Clone, Debug)]
pub(crate) struct TenantSettings {
    /// Classification of uploads that name none.
    pub(crate) upload_default_classification: Classification,
    /// Language of new people of whom none is named.
    pub(crate) user_default_language: String,
    /// Roles that need a second factor.
    pub(crate) second_factor_roles: Vec<Role>,
    /// Days that the audit log keeps its content.
    pub(crate) audit_retention_days: u32,
}

impl TenantSettings {
    fn factor_role_names(&self) -> Vec<&'static str> {
        self.second_factor_roles.iter().map(|role| role.as_str()).collect()
    }
}

/// The tenant's settings, defaults included.
pub(crate) async fn tenant_settings(ctx: &TenantCtx) -> Result<TenantSettings, StoreError> {
    ctx.read(settings_in).await
}

fn settings_in(tx: &ReadTx<'_>) -> Result<TenantSettings, StoreError> {
    let classification = rows::setting_get(tx, CLASSIFICATION)?;
    let damaged = |_: LabelError| StoreError::Corrupt("settings.value");
    Ok(TenantSettings {
        upload_default_classification: match classification {
            None => Classification::Internal,
            Some(word) => word.parse().map_err(damaged)?,
        },
        user_default_language: rows::setting_get(tx, LANGUAGE)?.unwrap_or_else(|| "en".to_owned()),
        second_factor_roles: match rows::setting_get(tx, FACTOR_ROLES)? {
            None => Vec::new(),
            Some(list) => serde_json::from_str::<Vec<String>>(&list)
                .ok()
                .and_then(|names| names.iter().map(|name| name.parse().ok()).collect())
                .ok_or(StoreError::Corrupt("settings.value"))?,
        },
        audit_retention_days: ::store::retention_days(tx)?,
    })
}

/// The tenant's settings.
#[derive(Serialize, ToSchema)]
pub(super) struct SettingsView {
    /// Classification of uploads that name none.
    upload_default_classification: &'static str,
    /// Language (BCP 47) of new people of whom none is named.
    user_default_language: String,
    /// Roles that need a second factor: `viewer`, `operator`, `admin`.
    second_factor_roles: Vec<&'static str>,
    /// Days that the audit log keeps the content of its entries.
    audit_retention_days: u32,
}

impl From<TenantSettings> for SettingsView {
    fn from(settings: TenantSettings) -> Self {
        Self {
            upload_default_classification: settings.upload_default_classification.as_str(),
            second_factor_roles: settings.factor_role_names(),
            audit_retention_days: settings.audit_retention_days,
            user_default_language: settings.user_default_language,
        }
    }
}

pub(super) async fn settings_get(
    call: Authorized<settings::Read>,
    (): (),
) -> Result<Ok200<SettingsView>, Problem> {
    Ok(Ok200(tenant_settings(call.permit()?.ctx()).await?.into()))
}

/// What is to change; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsPatch {
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    upload_default_classification: Option<String>,
    /// Language tag (BCP 47).
    user_default_language: Option<String>,
    /// All roles that are to need a second factor: `viewer`, `operator`, `admin`.
    second_factor_roles: Option<Vec<String>>,
    /// Days that the audit log is to keep the content of its entries, 90 to 36525. What is older is
    /// pruned within a day, unless a legal hold is in force; the log is proved as before.
    #[schema(minimum = 90, maximum = 36525)]
    audit_retention_days: Option<u32>,
}

pub(super) async fn settings_change(
    call: Authorized<settings::Change>,
    Json(patch): Json<SettingsPatch>,
) -> Result<Ok200<SettingsView>, Problem> {
    let ctx = call.permit()?.ctx();
    let classification = match &patch.upload_default_classification {
        Some(word) => Some(
            word.parse::<Classification>()
                .map_err(|e: LabelError| Problem::invalid(CLASSIFICATION, e.to_string()))?,
        ),
        None => None,
    };
    let language = match &patch.user_default_language {
        Some(tag) => Some(Language::parse(tag).map_err(|_| {
            Problem::invalid(LANGUAGE, "must be a language tag such as de or en-GB")
        })?),
        None => None,
    };
    let factor_roles = match &patch.second_factor_roles {
        Some(names) => {
            let roles = names.iter().map(|name| name.parse::<Role>());
            let mut roles: Vec<Role> = roles
                .collect::<Result<_, _>>()
                .map_err(|e: RoleError| Problem::invalid(FACTOR_ROLES, e.to_string()))?;
            roles.sort_unstable();
            roles.dedup();
            Some(roles)
        }
        None => None,
    };
    let retention_days = patch.audit_retention_days;
    if retention_days.is_some_and(|d| !(RETENTION_LEAST_DAYS..=RETENTION_MOST_DAYS).contains(&d)) {
        let wanted = format!("must be {RETENTION_LEAST_DAYS} to {RETENTION_MOST_DAYS}");
        return Err(Problem::invalid(RETENTION, wanted));
    }
    let describe = |settings: &TenantSettings| {
        json!({
            CLASSIFICATION: settings.upload_default_classification.as_str(),
            LANGUAGE: settings.user_default_language,
            FACTOR_ROLES: settings.factor_role_names(),
            RETENTION: settings.audit_retention_days,
        })
    };
    let change = move |tx: WriteTx<'_>| -> Result<_, StoreError> {
        let before = settings_in(&tx)?;
        let mut after = before.clone();
        if let Some(classification) = classification {
            after.upload_default_classification = classification;
            rows::setting_set(&tx, CLASSIFICATION, classification.as_str())?;
        }
        if let Some(language) = language {
            language.as_str().clone_into(&mut after.user_default_language);
            rows::setting_set(&tx, LANGUAGE, language.as_str())?;
        }
        if let Some(roles) = factor_roles {
            after.second_factor_roles = roles;
            rows::setting_set(&tx, FACTOR_ROLES, &json!(after.factor_role_names()).to_string())?;
        }
        if let Some(days) = retention_days {
            after.audit_retention_days = days;
            rows::setting_set(&tx, RETENTION, &days.to_string())?;
        }
        let event = Event::new(SETTINGS_CHANGED).before(describe(&before)).after(describe(&after));
        tx.commit(event, after)
    };
    let after = ctx.write(change).await?;
    Ok(Ok200(after.into()))
}
