//! Routes below /api/v1/appliance/keys

use std::path::PathBuf;

use policy::master_keys;
use seal::MemoryLock;
use serde::{Deserialize, Serialize};
use store::{KeyState, MasterKeyChange};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::call::Appliance;
use crate::input::Json;
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// How the master key is kept. Nothing secret.
#[derive(Serialize, ToSchema)]
#[schema(as = MasterKey)]
pub(super) struct KeyView {
    /// The key's name, which says nothing about the key.
    id: String,
    /// What a start needs: `credential`, `key_file` or `sealed`.
    protection: &'static str,
    /// What a guess at the passphrase costs; absent when none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<CostView>,
    /// The shares that unseal; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<ShareSetView>,
    /// When the key was last changed; absent when it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    changed_at: Option<String>,
    /// The operating system keeps keys out of the swap.
    memory_locked: bool,
    /// What is not finished, or not as it should be.
    warnings: Vec<String>,
}

/// What a guess at the passphrase costs (argon2id).
#[derive(Serialize, ToSchema)]
#[schema(as = PassphraseCost)]
struct CostView {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Shares that were made together.
#[derive(Serialize, ToSchema)]
#[schema(as = ShareSet)]
pub(crate) struct ShareSetView {
    /// Their common name.
    pub(crate) set: String,
    /// How many of them unseal.
    pub(crate) threshold: u8,
    /// How many were made.
    pub(crate) count: u8,
}

impl From<KeyState> for KeyView {
    fn from(state: KeyState) -> Self {
        let mut warnings = Vec::new();
        if state.key_file_beside_passphrase {
            warnings.push(
                "A passphrase is set, but the key file is still there: set it again to finish."
                    .to_owned(),
            );
        }
        if state.awaits_credential {
            warnings.push(
                "The key was changed, but the credential may still hold the old one: supply the \
                 new one and restart. Until then the old one opens everything."
                    .to_owned(),
            );
        }
        if let MemoryLock::Refused(_) = state.memory {
            warnings.push(format!(
                "{}: raise LimitMEMLOCK= or turn the swap off or encrypt it.",
                state.memory
            ));
        }
        Self {
            id: state.id,
            protection: state.protection.as_str(),
            passphrase: state.passphrase.map(|cost| CostView {
                memory_kib: cost.memory_kib,
                passes: cost.passes,
                lanes: cost.lanes,
            }),
            shares: state.shares.map(|set| ShareSetView {
                set: set.name(),
                threshold: set.threshold,
                count: set.count,
            }),
            changed_at: state.changed_at.map(|at| at.to_string()),
            memory_locked: state.memory == MemoryLock::Locked,
            warnings,
        }
    }
}

pub(super) async fn keys_get(
    call: Appliance<master_keys::Manage>,
    (): (),
) -> Result<Ok200<KeyView>, Problem> {
    let permit = call.permit_at_console()?;
    Ok(Ok200(call.state.store.key_state(permit.scope()).await?.into()))
}

/// What changing the master key needs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterKeyRotateRequest {
    /// The present passphrase, where one is set.
    #[serde(default)]
    #[schema(max_length = 1024)]
    passphrase: Option<String>,
    /// Where the service manager supplies the key: a file on the machine with the new one. It is made
    /// when it is missing.
    #[serde(default)]
    #[schema(max_length = 4096)]
    new_credential_file: Option<String>,
}

/// The master key was changed.
#[derive(Serialize, ToSchema)]
#[schema(as = MasterKeyChanged)]
pub(super) struct ChangedView {
    /// The old key's name.
    from: String,
    /// The new key's name.
    to: String,
    /// Tenants whose keys were wrapped anew.
    tenants: usize,
    /// There were shares, which open nothing any more.
    shares_ended: bool,
    /// The file whose key must be supplied as the credential from the next start on.
    #[serde(skip_serializing_if = "Option::is_none")]
    awaits_credential: Option<String>,
}

pub(super) async fn master_key_rotate(
    call: Appliance<master_keys::Manage>,
    Json(request): Json<MasterKeyRotateRequest>,
) -> Result<Ok200<ChangedView>, Problem> {
    let permit = call.permit_at_console()?;
    let change = MasterKeyChange {
        passphrase: request.passphrase.map(Zeroizing::new),
        credential_file: request.new_credential_file.map(PathBuf::from),
    };
    if change.credential_file.as_ref().is_some_and(|file| !file.is_absolute()) {
        return Err(Problem::invalid("new_credential_file", "must be an absolute path"));
    }
    let store = &call.state.store;
    let changed = store.master_key_rotate(permit.scope(), call.request_id, change).await?;
    Ok(Ok200(ChangedView {
        from: changed.from,
        to: changed.to,
        tenants: changed.tenants,
        shares_ended: changed.shares_ended,
        awaits_credential: changed.awaits_credential.map(|path| path.display().to_string()),
    }))
}

/// A passphrase for the master key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PassphraseRequest {
    /// At least 12 characters.
    #[schema(min_length = 12, max_length = 1024)]
    passphrase: String,
}

pub(super) async fn passphrase_set(
    call: Appliance<master_keys::Manage>,
    Json(request): Json<PassphraseRequest>,
) -> Result<NoContent, Problem> {
    let permit = call.permit_at_console()?;
    let passphrase = Zeroizing::new(request.passphrase);
    call.state.store.key_passphrase_set(permit.scope(), call.request_id, passphrase).await?;
    Ok(NoContent)
}

pub(super) async fn passphrase_remove(
    call: Appliance<master_keys::Manage>,
    (): (),
) -> Result<NoContent, Problem> {
    let permit = call.permit_at_console()?;
    call.state.store.key_passphrase_remove(permit.scope(), call.request_id).await?;
    Ok(NoContent)
}

/// How many shares are made, and how many of them unseal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SharesRequest {
    #[schema(minimum = 2, maximum = 10)]
    threshold: u8,
    #[schema(minimum = 2, maximum = 10)]
    count: u8,
}

/// Shares, shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = Shares)]
pub(super) struct SharesView {
    #[serde(flatten)]
    set: ShareSetView,
    /// Each is for somebody else to keep.
    shares: Vec<String>,
}

pub(super) async fn shares_make(
    call: Appliance<master_keys::Manage>,
    Json(request): Json<SharesRequest>,
) -> Result<Ok200<SharesView>, Problem> {
    let permit = call.permit_at_console()?;
    let SharesRequest { threshold, count } = request;
    let store = &call.state.store;
    let made = store.key_shares_make(permit.scope(), call.request_id, threshold, count).await?;
    let set = made.first().map(seal::Share::set).unwrap_or_default();
    Ok(Ok200(SharesView {
        set: ShareSetView { set, threshold, count },
        shares: made.iter().map(|share| share.to_text().to_string()).collect(),
    }))
}
