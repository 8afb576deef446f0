//! The appliance's own scope and what can be done with it: tenants.

use audit::Event;
use base::{Actor, TenantId, Timestamp, UserId};
use serde::Serialize;

use crate::{Store, StoreError};

/// Whether a tenant is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Its database is being made; not usable.
    Creating,
    /// In use.
    Active,
    /// Kept, but nobody can sign in.
    Suspended,
    /// Its key is destroyed.
    Removed,
}

impl TenantStatus {
    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Creating, Self::Active, Self::Suspended, Self::Removed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A tenant as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id; also the name of its directory.
    pub id: TenantId,
    /// Short name for logins and the command line: `[a-z0-9-]`, 2 to 40 characters.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Whether it is in use.
    pub status: TenantStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or status last changed.
    pub updated_at: Timestamp,
}

/// What a new tenant needs.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Short name for logins and the command line: `[a-z0-9-]`, 2 to 40 characters.
    pub slug: String,
    /// Name for people, 1 to 120 characters.
    pub name: String,
}

/// The right to administer tenants. From the operator key, or from the scope of a person who is
/// an appliance administrator.
pub struct ApplianceScope {
    pub(crate) actor: Actor,
    pub(crate) home: Option<(TenantId, UserId)>,
}

impl ApplianceScope {
    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }

    /// The person and their own tenant; `None` for the console.
    #[must_use]
    pub const fn home(&self) -> Option<(TenantId, UserId)> {
        self.home
    }
}

impl Store {
    /// Records in the appliance's own log something that the appliance did by itself and that
    /// changes nothing here: a connection to another machine. Costs one sync.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be recorded; whatever came of it must not be used then.
    pub async fn appliance_record(&self, event: Event) -> Result<(), StoreError> {
        let stamp = self.system_stamp(None)?;
        self.inner.control.write(stamp, move |tx| tx.commit(event, ())).await
    }
}
