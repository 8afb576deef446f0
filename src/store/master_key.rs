//! The master key of an open store: what it opens, and how people protect it.

use audit::{Action, Event};
use base::{RequestId, TenantId, Timestamp};
use parking_lot::RwLockReadGuard;
use seal::{
    DataKey, KeyPurpose, MasterKey, MemoryLock, NewProtection, PassphraseCost, SealedMaster, Share,
    ShareSet,
};
use zeroize::Zeroizing;

use crate::key_place::KeyProtection;
use crate::open::Inner;
use crate::tenants::carry_through;
use crate::{ApplianceScope, Store, StoreError, control, steps};

const PASSPHRASE_SET: Action = Action::new("master_key.passphrase_set");
const PASSPHRASE_REMOVED: Action = Action::new("master_key.passphrase_removed");
const SHARES_MADE: Action = Action::new("master_key.shares_made");

/// The keys of one tenant.
pub(crate) struct TenantKeys {
    pub(crate) data: DataKey,
    pub(crate) seed: DataKey,
    /// Which files the data key is for.
    pub(crate) generation: u32,
}

impl Inner {
    pub(crate) fn master(&self) -> RwLockReadGuard<'_, MasterKey> {
        self.master.read()
    }

    /// Unwraps the keys of a tenant: master key and wrapped keys are looked at together, as they are
    /// changed together.
    pub(crate) fn tenant_keys(&self, id: TenantId) -> Result<TenantKeys, StoreError> {
        let master = self.master.read();
        let tenants = self.tenants.read();
        let row = tenants.get(&id).ok_or(StoreError::TenantNotFound)?;
        let (data, seed) = row.keys.as_ref().ok_or(StoreError::TenantNotFound)?;
        Ok(TenantKeys {
            data: master.unwrap(KeyPurpose::TenantData, id.as_bytes(), data)?,
            seed: master.unwrap(KeyPurpose::AuditSigning, id.as_bytes(), seed)?,
            generation: row.key_generation,
        })
    }
}

/// How the master key is kept. Nothing secret.
#[derive(Clone, Debug)]
pub struct KeyState {
    /// The key's name.
    pub id: String,
    /// What a start needs.
    pub protection: KeyProtection,
    /// Whether a passphrase opens it, and what a guess costs.
    pub passphrase: Option<PassphraseCost>,
    /// The shares that open it.
    pub shares: Option<ShareSet>,
    /// A passphrase is set, but the key file is still there: setting it was broken off.
    pub key_file_beside_passphrase: bool,
    /// The key was changed, and the operator has not supplied the new credential yet.
    pub awaits_credential: bool,
    /// When it was last changed.
    pub changed_at: Option<Timestamp>,
    /// Whether keys are kept out of the swap.
    pub memory: MemoryLock,
}

impl Store {
    /// What a start needs, as things are on disk now.
    #[must_use]
    pub fn key_protection(&self) -> KeyProtection {
        self.inner.key_place.protection()
    }

    /// How the master key is kept.
    ///
    /// # Errors
    /// The store's own.
    pub async fn key_state(&self, _scope: &ApplianceScope) -> Result<KeyState, StoreError> {
        let changed = self.inner.control.read(control::master_key_get).await?;
        let store = self.clone();
        blocking(move || {
            let place = &store.inner.key_place;
            let id = store.inner.master().id();
            let sealed = place.sealed()?.filter(|sealed| sealed.key() == id);
            let passphrase = sealed.as_ref().and_then(SealedMaster::passphrase);
            let protection = place.protection();
            let pending = place.pending()?;
            Ok(KeyState {
                id: id.to_string(),
                protection,
                passphrase,
                shares: sealed.as_ref().and_then(SealedMaster::shares),
                key_file_beside_passphrase: passphrase.is_some()
                    && protection == KeyProtection::KeyFile,
                awaits_credential: pending
                    .is_some_and(|p| matches!(p.protection(), NewProtection::Credential)),
                changed_at: changed.map(|(_, at)| at),
                memory: seal::memory_lock(),
            })
        })
        .await
    }

    /// Puts the master key under a passphrase, or changes it; a key file is overwritten and removed
    /// last. From the next start on somebody has to unseal.
    ///
    /// # Errors
    /// [`StoreError::KeyInput`] for a weak passphrase, [`StoreError::KeyChangeRefused`] where the service
    /// manager keeps the key.
    pub async fn key_passphrase_set(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        passphrase: Zeroizing<String>,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _keys = store.inner.keys_gate.write().await;
            if store.inner.key_place.credential.is_some() {
                return Err(StoreError::KeyChangeRefused(
                    "The service manager supplies the master key as a credential. Put the key into \
                     the key file and take the credential out of the unit first."
                        .into(),
                ));
            }
            let writing = store.clone();
            let before = blocking(move || writing.write_passphrase(&passphrase)).await?;
            let event = Event::new(PASSPHRASE_SET);
            if let Err(error) = store.inner.control.write(stamp, |tx| tx.commit(event, ())).await {
                // Not recorded, so not done.
                let undoing = store.clone();
                blocking(move || undoing.write_sealed(before.as_ref())).await?;
                return Err(error);
            }
            steps::reached("passphrase recorded");
            let store = store.clone();
            blocking(move || {
                MasterKey::destroy_file(&store.inner.key_place.key_file)?;
                steps::reached("key file destroyed");
                Ok(())
            })
            .await
        })
        .await
    }

    /// Takes the passphrase away: the master key is a key file again, and a start needs nobody.
    ///
    /// # Errors
    /// [`StoreError::KeyChangeRefused`] when none is set.
    pub async fn key_passphrase_remove(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _keys = store.inner.keys_gate.write().await;
            let sealed = store.current_sealed()?;
            let Some(mut sealed) = sealed.filter(|sealed| sealed.passphrase().is_some()) else {
                return Err(StoreError::KeyChangeRefused("No passphrase is set.".into()));
            };
            let event = Event::new(PASSPHRASE_REMOVED);
            store.inner.control.write(stamp, |tx| tx.commit(event, ())).await?;
            steps::reached("removal recorded");
            let store = store.clone();
            blocking(move || {
                let place = &store.inner.key_place;
                store.inner.master().replace_file(&place.key_file)?;
                steps::reached("key file written");
                sealed.clear_passphrase();
                store.write_sealed(Some(&sealed).filter(|sealed| sealed.shares().is_some()))
            })
            .await
        })
        .await
    }

    /// Makes shares of the master key, `threshold` of which unseal; those made before count no more.
    /// They are returned this once and kept nowhere.
    ///
    /// # Errors
    /// [`StoreError::KeyInput`] for numbers out of bounds.
    pub async fn key_shares_make(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        threshold: u8,
        count: u8,
    ) -> Result<Vec<Share>, StoreError> {
        let stamp = self.appliance_stamp(scope.actor, request);
        let store = self.clone();
        carry_through(async move {
            let _keys = store.inner.keys_gate.write().await;
            let mut sealed = match store.current_sealed()? {
                Some(sealed) => sealed,
                None => SealedMaster::of(&store.inner.master()),
            };
            let shares = sealed.make_shares(
                &store.inner.master(),
                threshold,
                count,
                store.inner.entropy.as_ref(),
            )?;
            let set = shares.first().map(Share::set).unwrap_or_default();
            let detail = serde_json::json!({ "set": set, "threshold": threshold, "count": count });
            let event = Event::new(SHARES_MADE).detail(detail);
            store.inner.control.write(stamp, |tx| tx.commit(event, ())).await?;
            steps::reached("shares recorded");
            let writing = store.clone();
            blocking(move || writing.write_sealed(Some(&sealed))).await?;
            Ok(shares)
        })
        .await
    }

    /// The sealed file, unless it is of an earlier key.
    pub(crate) fn current_sealed(&self) -> Result<Option<SealedMaster>, StoreError> {
        let id = self.inner.master().id();
        Ok(self.inner.key_place.sealed()?.filter(|sealed| sealed.key() == id))
    }

    /// Writes the sealed file with a new passphrase; gives what was there before.
    fn write_passphrase(&self, passphrase: &str) -> Result<Option<SealedMaster>, StoreError> {
        let before = self.inner.key_place.sealed()?;
        let master = self.inner.master();
        let mut sealed = match self.current_sealed()? {
            Some(sealed) => sealed,
            None => SealedMaster::of(&master),
        };
        let cost = self.inner.settings.passphrase_cost;
        sealed.set_passphrase(&master, passphrase, cost, self.inner.entropy.as_ref())?;
        drop(master);
        self.write_sealed(Some(&sealed))?;
        steps::reached("sealed file written");
        Ok(before)
    }

    /// Blocks on the disk.
    fn write_sealed(&self, sealed: Option<&SealedMaster>) -> Result<(), StoreError> {
        let path = self.inner.key_place.sealed_file();
        match sealed {
            Some(sealed) => sealed.write(&path)?,
            None => SealedMaster::remove(&path)?,
        }
        Ok(())
    }
}

/// Runs what blocks off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Panicked))
}
