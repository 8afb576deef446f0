//! The context of one piece of work in one tenant: first parameter of every domain function.

use std::any::Any;
use std::sync::Arc;

use audit::Event;
use base::{Actor, Entropy, IssuerName, Principal, RequestId, Rights, TenantId, Timestamp, UserId};

use crate::blobs::{Blobs, SealedDirectory};
use crate::ledger::Stamp;
use crate::open_tenant::OpenTenant;
use crate::{Committed, Health, ReadTx, Store, StoreError, TenantScope, WriteTx};

/// A scope bound to its database, clock and request: what is asked for by one principal in one
/// tenant can't meet the database of another.
pub struct TenantCtx {
    store: Store,
    tenant: Arc<OpenTenant>,
    scope: TenantScope,
    request_id: RequestId,
}

impl TenantCtx {
    pub(crate) const fn new(
        store: Store,
        tenant: Arc<OpenTenant>,
        scope: TenantScope,
        request_id: RequestId,
    ) -> Self {
        Self { store, tenant, scope, request_id }
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.scope.tenant_id()
    }

    /// Who acts, and with which rights.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        self.scope.principal()
    }

    /// What may be seen and done.
    #[must_use]
    pub const fn rights(&self) -> &Rights {
        &self.scope.principal().rights
    }

    /// The person on whose behalf, when there is one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        self.scope.principal().user_id
    }

    /// Who acts, as the audit log writes it.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.scope.principal().actor
    }

    /// Whose token was shown, when it was not one of the appliance's own.
    #[must_use]
    pub const fn issuer(&self) -> Option<IssuerName> {
        self.scope.issuer()
    }

    /// The request that this work belongs to.
    #[must_use]
    pub const fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// Random bytes.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.store.entropy()
    }

    /// Whether the tenant may be written to.
    #[must_use]
    pub fn health(&self) -> &Health {
        self.tenant.health()
    }

    /// Runs `work` on a consistent view of the tenant's database, off the async threads.
    ///
    /// # Errors
    /// What `work` returns, or a [`StoreError`] when no connection can be had.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.tenant.read(work).await
    }

    /// As [`TenantCtx::read`], on the calling thread. Blocks; for threads that may.
    ///
    /// # Errors
    /// What `work` returns, or a [`StoreError`] when no connection can be had.
    pub fn read_blocking<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.tenant.read_blocking(work)
    }

    /// Runs `change` on the tenant's writer and returns when change, audit entry and signed
    /// checkpoint are on disk. Costs one sync, shared with the writes that wait at the same time.
    ///
    /// # Errors
    /// What `change` returns (nothing has changed then), or a [`StoreError`].
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.tenant.write(self.stamp(), change).await
    }

    /// As [`TenantCtx::write`], on the calling thread. Blocks; for threads that may.
    ///
    /// # Errors
    /// As [`TenantCtx::write`].
    pub fn write_blocking<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(WriteTx<'_>) -> Result<Committed<T>, E> + Send + 'static,
    {
        self.tenant.write_blocking(self.stamp(), change)
    }

    /// Records something that changes nothing: content that was shown, an act that was refused.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be recorded; what was to be shown must not be shown then.
    pub async fn record(&self, event: Event) -> Result<(), StoreError> {
        self.write(move |tx| tx.commit(event, ())).await
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The tenant's original files.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::new(Arc::clone(&self.tenant), self.store.clone())
    }

    /// Where the tenant's index lies, and the key of its files.
    #[must_use]
    pub fn index_directory(&self) -> SealedDirectory {
        self.tenant.index_directory()
    }

    /// State that lives in memory as long as the tenant is open (an index reader, vector codes):
    /// made by `init` at first use, one per type, dropped when the tenant closes. Callers wait
    /// while another one runs `init`, which may use state of other types, but not of its own.
    /// The state must not hold a [`Store`] or a context: the tenant could never be closed.
    ///
    /// # Errors
    /// What `init` returns; the next call tries again.
    pub fn attached<T, E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        self.tenant.attached(init)
    }

    pub(crate) fn job_queue_length(&self) -> u32 {
        self.store.inner.settings.job_queue_length
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            time: self.now(),
            actor: self.actor(),
            tenant: Some(self.tenant_id()),
            request: self.request_id,
            issuer: self.scope.issuer(),
        }
    }
}

impl Drop for TenantCtx {
    /// The tenant is idle from now on, not from when this work began.
    fn drop(&mut self) {
        self.tenant.touch(self.store.now());
    }
}
