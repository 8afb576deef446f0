//! Changing the master key: every wrapped key is wrapped anew, no data is encrypted anew.
//!
//! The steps, each on disk before the next begins:
//! 1. `keys.pending`: both keys, each wrapped by the other, and how the new one will be protected;
//! 2. one commit in the control database: all wrapped keys of tenants, the new key's name, the audit
//!    entry. **This commit is the change**: before it everything is taken back, after it everything
//!    is finished;
//! 3. `control.keys` under the new key;
//! 4. the key file or the sealed file with the new key, the old bytes overwritten;
//! 5. old pages of the control database and copies made before migrations forgotten;
//! 6. `keys.pending` removed: the old key opens nothing any more.
//!
//! A kill anywhere leaves the old or the new key in the place where a start looks for it, and
//! `keys.pending` gives the other one. A credential is out of reach for this program: there the
//! pending file stays, and with it the old key's power, until a start brings the new one.

use std::path::PathBuf;

use audit::{Action, Event};
use base::{RequestId, TenantId};
use seal::{
    DataKey, KeyPurpose, MasterKey, NewProtection, PendingRotation, SealedMaster, WrappedKey,
};
use zeroize::Zeroizing;

use crate::control::{self, TenantRow};
use crate::control_keys::ControlKeys;
use crate::database::Database;
use crate::key_place::{KeyPlace, KeyProtection};
use crate::ledger::Stamp;
use crate::master_key::blocking;
use crate::open::{CONTROL_DB, Inner};
use crate::tenants::carry_through;
use crate::{ApplianceScope, Committed, Health, Store, StoreError, WriteTx, migrate, steps};

const ROTATED: Action = Action::new("master_key.rotated");

/// What a change of the master key needs.
#[derive(Default)]
pub struct MasterKeyChange {
    /// The present passphrase, where one is set: the new key is put under it too.
    pub passphrase: Option<Zeroizing<String>>,
    /// Where the service manager supplies the key: the file with the new one, or where to make it.
    pub credential_file: Option<PathBuf>,
}

/// What has become of it.
#[derive(Clone, Debug)]
pub struct MasterKeyChanged {
    /// The old key's name.
    pub from: String,
    /// The new key's name.
    pub to: String,
    /// Tenants whose keys were wrapped anew.
    pub tenants: usize,
    /// There were shares; they open nothing any more.
    pub shares_ended: bool,
    /// The new key must be supplied as the credential from this file; until a start has it, the old
    /// one still opens everything.
    pub awaits_credential: Option<PathBuf>,
}

/// A tenant's keys as they are wrapped now, and as they will be.
#[derive(Clone)]
struct Rewrapped {
    id: TenantId,
    old: (WrappedKey, WrappedKey),
    new: (WrappedKey, WrappedKey),
}

impl Store {
    /// Changes the master key. Tenants stay open, and nothing is encrypted anew; making a tenant,
    /// removing one and other changes of keys wait meanwhile. Costs some commits.
    ///
    /// # Errors
    /// [`StoreError::KeyChangeRefused`] when something is missing for it, [`StoreError::KeyInput`] for a
    /// wrong passphrase; nothing has changed then. An error after the commit says that the next start
    /// finishes the change.
    pub async fn master_key_rotate(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        change: MasterKeyChange,
    ) -> Result<MasterKeyChanged, StoreError> {
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _keys = store.inner.keys_gate.write().await;
            let rotating = store.clone();
            let changed = blocking(move || rotating.rotate_master(change, stamp)).await?;
            store.forget_old_pages().await;
            let finishing = store.clone();
            blocking(move || finishing.finish_rotation()).await?;
            Ok(changed)
        })
        .await
    }

    /// Up to the commit. Blocks.
    fn rotate_master(
        &self,
        change: MasterKeyChange,
        stamp: Stamp,
    ) -> Result<MasterKeyChanged, StoreError> {
        let inner = &self.inner;
        let place = &inner.key_place;
        if inner.control.health() != &Health::Sound {
            return Err(StoreError::ReadOnly("the appliance's database".into()));
        }
        if place.pending()?.is_some() {
            return Err(StoreError::KeyChangeRefused(
                "The last change of the master key is not finished: supply the new credential and \
                 restart, then change it again."
                    .into(),
            ));
        }
        let shares_ended = self.current_sealed()?.is_some_and(|sealed| sealed.shares().is_some());
        let (new, protection) = self.prepare_new(&change)?;
        let old_id = inner.master().id();
        if new.id() == old_id {
            return Err(StoreError::KeyChangeRefused(
                "The file holds the key that is in use already.".into(),
            ));
        }
        let rewrapped = self.rewrap_tenants(&new)?;
        let tenants = rewrapped.len();
        let awaits_credential =
            change.credential_file.filter(|_| matches!(protection, NewProtection::Credential));
        PendingRotation::new(&inner.master(), &new, protection, inner.entropy.as_ref())?
            .write(&place.pending_file())?;
        steps::reached("pending written");
        let to = new.id().to_string();
        let written = inner
            .control
            .write_blocking(stamp, commit_change(rewrapped.clone(), old_id.to_string(), to));
        if let Err(error) = written {
            PendingRotation::remove(&place.pending_file())?;
            return Err(error);
        }
        steps::reached("change committed");
        let to = new.id().to_string();
        inner.take_over(new, rewrapped);
        Ok(MasterKeyChanged {
            from: old_id.to_string(),
            to,
            tenants,
            shares_ended,
            awaits_credential,
        })
    }

    /// The new key, and how it is going to be protected: as the old one is.
    fn prepare_new(
        &self,
        change: &MasterKeyChange,
    ) -> Result<(MasterKey, NewProtection), StoreError> {
        let inner = &self.inner;
        let entropy = inner.entropy.as_ref();
        match inner.key_place.protection() {
            KeyProtection::KeyFile => Ok((MasterKey::generate(entropy)?, NewProtection::KeyFile)),
            KeyProtection::Credential => {
                let Some(file) = &change.credential_file else {
                    return Err(StoreError::KeyChangeRefused(
                        "The service manager supplies the master key as a credential: name the \
                         file with the new one (--new-credential FILE; it is made when missing)."
                            .into(),
                    ));
                };
                let new = match MasterKey::read_file(file)? {
                    Some(new) => new,
                    None => {
                        let new = MasterKey::generate(entropy)?;
                        new.write_new_file(file)?;
                        new
                    }
                };
                Ok((new, NewProtection::Credential))
            }
            KeyProtection::Sealed => {
                let sealed = self.current_sealed()?;
                let Some(before) = sealed.filter(|sealed| sealed.passphrase().is_some()) else {
                    return Err(StoreError::KeyChangeRefused(
                        "The master key is under shares alone: set a passphrase first, so that \
                         nobody is locked out if this is broken off."
                            .into(),
                    ));
                };
                let Some(passphrase) = &change.passphrase else {
                    return Err(StoreError::KeyChangeRefused(
                        "The master key is under a passphrase: it is needed to put the new key \
                         under it."
                            .into(),
                    ));
                };
                before.open_with_passphrase(passphrase)?;
                let new = MasterKey::generate(entropy)?;
                let mut sealed = SealedMaster::of(&new);
                sealed.set_passphrase(
                    &new,
                    passphrase,
                    before.passphrase().unwrap_or_default(),
                    entropy,
                )?;
                Ok((new, NewProtection::Sealed(sealed)))
            }
        }
    }

    fn rewrap_tenants(&self, new: &MasterKey) -> Result<Vec<Rewrapped>, StoreError> {
        let tenants = self.inner.tenants.read();
        rewrap(tenants.values(), &self.inner.master(), new, self.inner.entropy.as_ref())
    }

    /// From the commit on: everything else takes the new key. Blocks.
    fn finish_rotation(&self) -> Result<(), StoreError> {
        let inner = &self.inner;
        let Some(pending) = inner.key_place.pending()? else { return Ok(()) };
        let finished = finish(
            &inner.key_place,
            &pending,
            &inner.master(),
            AtHand::Old,
            inner.entropy.as_ref(),
        );
        if let Err(error) = &finished {
            let error: &dyn std::error::Error = error;
            tracing::error!(
                error,
                "the master key is changed, but the change is not finished; the next start does it"
            );
        }
        finished
    }
}

impl Inner {
    /// The new key and the newly wrapped keys, together.
    fn take_over(&self, new: MasterKey, rewrapped: Vec<Rewrapped>) {
        let mut master = self.master.write();
        let mut tenants = self.tenants.write();
        for Rewrapped { id, old, new } in rewrapped {
            if let Some(row) = tenants.get_mut(&id)
                && row.keys.as_ref() == Some(&old)
            {
                row.keys = Some(new);
            }
        }
        *master = new;
    }
}

/// The keys of all tenants that have any, under `new` instead of `old`.
fn rewrap<'a>(
    rows: impl Iterator<Item = &'a TenantRow>,
    old: &MasterKey,
    new: &MasterKey,
    entropy: &dyn base::Entropy,
) -> Result<Vec<Rewrapped>, StoreError> {
    let mut rewrapped = Vec::new();
    for row in rows {
        let Some(keys) = row.keys.clone() else { continue };
        let context = row.tenant.id.as_bytes();
        let again = |purpose: KeyPurpose, wrapped: &WrappedKey| -> Result<WrappedKey, StoreError> {
            let key: DataKey = old.unwrap(purpose, context, wrapped)?;
            Ok(new.wrap(purpose, context, &key, entropy)?)
        };
        let wrapped =
            (again(KeyPurpose::TenantData, &keys.0)?, again(KeyPurpose::AuditSigning, &keys.1)?);
        rewrapped.push(Rewrapped { id: row.tenant.id, old: keys, new: wrapped });
    }
    Ok(rewrapped)
}

/// The commit that is the change.
fn commit_change(
    rewrapped: Vec<Rewrapped>,
    from: String,
    to: String,
) -> impl FnOnce(WriteTx<'_>) -> Result<Committed<()>, StoreError> + Send + 'static {
    move |tx| {
        let mut count = 0;
        for Rewrapped { id, old, new } in &rewrapped {
            count += usize::from(control::tenant_rewrap(&tx, *id, old, new)?);
        }
        control::master_key_put(&tx, &to)?;
        let detail = serde_json::json!({ "from": from, "to": to, "tenants": count });
        tx.commit(Event::new(ROTATED).detail(detail), ())
    }
}

/// Which key the place where a start looks for it gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtHand {
    Old,
    New,
}

/// A start that found a change under way: both keys.
pub(crate) struct Unfinished {
    pub(crate) pending: PendingRotation,
    pub(crate) old: MasterKey,
    pub(crate) new: MasterKey,
    pub(crate) at_hand: AtHand,
}

impl Unfinished {
    /// Looks for a change under way; gives the key back when there is none.
    pub(crate) fn find(
        place: &KeyPlace,
        master: MasterKey,
    ) -> Result<Result<Self, MasterKey>, StoreError> {
        let Some(pending) = place.pending()? else { return Ok(Err(master)) };
        let at_hand = if master.id() == pending.to() { AtHand::New } else { AtHand::Old };
        let (old, new) = pending.both(master)?;
        Ok(Ok(Self { pending, old, new, at_hand }))
    }

    /// Finishes the change or takes it back, and gives the key that counts. What is not sound is left
    /// as it is. Blocks.
    pub(crate) fn settle(
        self,
        place: &KeyPlace,
        control: &Database,
        stamp: Stamp,
        entropy: &dyn base::Entropy,
    ) -> Result<MasterKey, StoreError> {
        let Self { pending, old, new, at_hand } = self;
        let recorded = control.read_blocking(control::master_key_get)?;
        let committed = recorded.is_some_and(|(id, _)| id == pending.to().to_string());
        if control.health() != &Health::Sound {
            return Ok(if committed { new } else { old });
        }
        if !committed && at_hand == AtHand::Old {
            PendingRotation::remove(&place.pending_file())?;
            tracing::warn!("a change of the master key was broken off early and is taken back");
            return Ok(old);
        }
        if !committed {
            // The new credential is in place, so that is what the operator wants.
            let rows = control.read_blocking(control::tenant_rows)?;
            let rewrapped = rewrap(rows.iter(), &old, &new, entropy)?;
            let (from, to) = (pending.from().to_string(), pending.to().to_string());
            control.write_blocking(stamp, commit_change(rewrapped, from, to))?;
        }
        migrate::remove_copies(&place.dir.join(CONTROL_DB))?;
        finish(place, &pending, &new, at_hand, entropy)?;
        Ok(new)
    }
}

/// From step 3 on. Each step may have been done before. Blocks.
fn finish(
    place: &KeyPlace,
    pending: &PendingRotation,
    new: &MasterKey,
    at_hand: AtHand,
    entropy: &dyn base::Entropy,
) -> Result<(), StoreError> {
    // Under the new key already when a start finishes what a kill broke off.
    ControlKeys::rewrap(&place.dir, &[new, &pending.old(new)?], new, entropy)?;
    steps::reached("control keys written");
    match pending.protection() {
        NewProtection::KeyFile => new.replace_file(&place.key_file)?,
        NewProtection::Sealed(sealed) => sealed.write(&place.sealed_file())?,
        NewProtection::Credential => {}
    }
    steps::reached("protection written");
    if place.sealed()?.is_some_and(|sealed| sealed.key() != pending.to()) {
        // Shares of the old key, kept for the loss of the key file or credential.
        SealedMaster::remove(&place.sealed_file())?;
    }
    if matches!(pending.protection(), NewProtection::Credential) && at_hand == AtHand::Old {
        tracing::warn!(
            "the credential still holds the old master key: supply the new one and restart; until \
             then the old one opens everything"
        );
        return Ok(());
    }
    steps::reached("old shares removed");
    PendingRotation::remove(&place.pending_file())?;
    steps::reached("pending removed");
    Ok(())
}
