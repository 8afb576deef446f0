//! GET and PATCH /api/v1/admin/settings

use std::collections::BTreeMap;

use ::audit::{Action, Event, RETENTION_LEAST_DAYS};
use ::store::{
    AUDIT_RETENTION_DAYS, RETENTION_MOST_DAYS, ReadTx, SECOND_FACTOR_ROLES, StoreError, TenantCtx,
    WITHHELD_PERMISSIONS, WriteTx,
};
use agents::{ANSWER_MODE, ANSWER_TIER, GENERATED_MODE, QUOTE_MODE, TIER_AUTOMATIC};
use base::{Classification, LabelError, Role, RoleError};
use identity::Language;
use models::Tier;
use policy::{Permission, PermissionUnknown, may_be_withheld, settings};
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
const WITHHELD: &str = WITHHELD_PERMISSIONS;
const MODE: &str = ANSWER_MODE;
const TIER: &str = ANSWER_TIER;

/// Names of permissions by role. Names, because a newer version may have written some that this one
/// does not know, and they must stay withheld.
type Withheld = BTreeMap<String, Vec<String>>;

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
    /// What is taken from roles.
    withheld_permissions: Withheld,
    /// Who answers when nobody is asked for.
    answer_mode: String,
    /// The tier that all answers get, or that the router decides.
    answer_tier: String,
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
        answer_mode: rows::setting_get(tx, MODE)?.unwrap_or_else(|| GENERATED_MODE.to_owned()),
        answer_tier: rows::setting_get(tx, TIER)?.unwrap_or_else(|| TIER_AUTOMATIC.to_owned()),
        withheld_permissions: match rows::setting_get(tx, WITHHELD)? {
            None => Withheld::new(),
            Some(map) => {
                serde_json::from_str(&map).map_err(|_| StoreError::Corrupt("settings.value"))?
            }
        },
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
    /// Permissions that are taken from roles, by role; a role that keeps all of its own is absent.
    withheld_permissions: BTreeMap<String, Vec<String>>,
    /// Permissions that nobody has on this appliance, by its configuration.
    appliance_withheld_permissions: Vec<String>,
    /// Who answers when a question asks for nobody: `generated` (a language model, where there is
    /// one) or `quote`.
    answer_mode: String,
    /// The tier that all answers get: `light`, `standard`, `heavy`, or `automatic`.
    answer_tier: String,
}

impl SettingsView {
    fn new(settings: TenantSettings, ctx: &TenantCtx) -> Self {
        Self {
            withheld_permissions: settings.withheld_permissions.clone(),
            appliance_withheld_permissions: ctx.withheld_permissions(),
            upload_default_classification: settings.upload_default_classification.as_str(),
            second_factor_roles: settings.factor_role_names(),
            audit_retention_days: settings.audit_retention_days,
            answer_mode: settings.answer_mode,
            answer_tier: settings.answer_tier,
            user_default_language: settings.user_default_language,
        }
    }
}

pub(super) async fn settings_get(
    call: Authorized<settings::Read>,
    (): (),
) -> Result<Ok200<SettingsView>, Problem> {
    let ctx = call.permit()?.ctx();
    Ok(Ok200(SettingsView::new(tenant_settings(ctx).await?, ctx)))
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
    /// All permissions that are to be taken from roles, by role. Narrows only: what a role does not
    /// have is not given by leaving it out. What is needed to sign in, and for administrators what
    /// undoes this setting, can't be taken.
    withheld_permissions: Option<BTreeMap<String, Vec<String>>>,
    /// Who is to answer when a question asks for nobody: `generated` or `quote`.
    answer_mode: Option<String>,
    /// The tier that all answers are to get: `light`, `standard`, `heavy`, or `automatic`.
    answer_tier: Option<String>,
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
    let withheld = patch.withheld_permissions;
    let (mode, tier) = answering(patch.answer_mode, patch.answer_tier)?;
    let describe = |settings: &TenantSettings| {
        json!({
            CLASSIFICATION: settings.upload_default_classification.as_str(),
            LANGUAGE: settings.user_default_language,
            FACTOR_ROLES: settings.factor_role_names(),
            RETENTION: settings.audit_retention_days,
            WITHHELD: settings.withheld_permissions,
            MODE: settings.answer_mode,
            TIER: settings.answer_tier,
        })
    };
    let change = move |tx: WriteTx<'_>| -> Result<_, Problem> {
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
        if let Some(withheld) = withheld {
            after.withheld_permissions = checked_withheld(withheld, &before.withheld_permissions)?;
            rows::setting_set(&tx, WITHHELD, &json!(after.withheld_permissions).to_string())?;
        }
        if let Some(mode) = mode {
            rows::setting_set(&tx, MODE, &mode)?;
            after.answer_mode = mode;
        }
        if let Some(tier) = tier {
            rows::setting_set(&tx, TIER, &tier)?;
            after.answer_tier = tier;
        }
        let event = Event::new(SETTINGS_CHANGED).before(describe(&before)).after(describe(&after));
        Ok(tx.commit(event, after)?)
    };
    let after = ctx.write(change).await?;
    Ok(Ok200(SettingsView::new(after, ctx)))
}

/// Who answers, and in which tier, as far as that is to change.
fn answering(
    mode: Option<String>,
    tier: Option<String>,
) -> Result<(Option<String>, Option<String>), Problem> {
    if mode.as_deref().is_some_and(|word| ![GENERATED_MODE, QUOTE_MODE].contains(&word)) {
        let wanted = format!("must be {GENERATED_MODE} or {QUOTE_MODE}");
        return Err(Problem::invalid(MODE, wanted));
    }
    let is_tier = |word: &str| word == TIER_AUTOMATIC || word.parse::<Tier>().is_ok();
    if tier.as_deref().is_some_and(|word| !is_tier(word)) {
        let words = Tier::ALL.map(Tier::as_str).join(", ");
        return Err(Problem::invalid(TIER, format!("must be {words} or {TIER_AUTOMATIC}")));
    }
    Ok((mode, tier))
}

/// What is to be withheld, in order, without roles from which nothing is. A name that this version
/// does not know may stay where it is: it came from a newer one.
fn checked_withheld(asked: Withheld, before: &Withheld) -> Result<Withheld, Problem> {
    let mut checked = Withheld::new();
    for (role_name, mut names) in asked {
        let field = format!("{WITHHELD}.{role_name}");
        let role: Role =
            role_name.parse().map_err(|e: RoleError| Problem::invalid(WITHHELD, e.to_string()))?;
        let had = before.get(&role_name).map(Vec::as_slice).unwrap_or_default();
        names.sort_unstable();
        names.dedup();
        for name in &names {
            match name.parse::<Permission>() {
                Ok(permission) if may_be_withheld(Some(role), permission) => {}
                Ok(permission) => {
                    let reason = format!("{permission} can't be taken from {role}");
                    return Err(Problem::invalid(field, reason));
                }
                Err(_) if had.contains(name) => {}
                Err(unknown) => {
                    return Err(Problem::invalid(field, PermissionUnknown::to_string(&unknown)));
                }
            }
        }
        if !names.is_empty() {
            checked.insert(role_name, names);
        }
    }
    Ok(checked)
}
