//! Where the master key is kept: by the service manager, in a key file, or sealed.

use std::path::{Path, PathBuf};

use base::Entropy;
use seal::{KeyOrigin, KeySource, MasterKey, OnMissing, PendingRotation, SealedMaster};

use crate::StoreError;

const MASTER_KEY_FILE: &str = "master.key";
pub(crate) const SEALED_FILE: &str = "master.sealed";
pub(crate) const PENDING_FILE: &str = "keys.pending";

/// How the master key is protected at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProtection {
    /// A credential that the service manager places at each start.
    Credential,
    /// A file that only the appliance's user may read.
    KeyFile,
    /// A passphrase or shares: a start waits until somebody unseals.
    Sealed,
}

impl KeyProtection {
    /// The word used in API and command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::KeyFile => "key_file",
            Self::Sealed => "sealed",
        }
    }
}

/// The places of one data directory.
#[derive(Clone)]
pub(crate) struct KeyPlace {
    pub(crate) dir: PathBuf,
    pub(crate) credential: Option<PathBuf>,
    pub(crate) key_file: PathBuf,
}

/// What a start finds.
pub(crate) enum Found {
    Key(MasterKey, KeyOrigin),
    Sealed(SealedMaster),
}

impl KeyPlace {
    pub(crate) fn new(dir: &Path, credential: Option<PathBuf>, key_file: Option<PathBuf>) -> Self {
        let key_file = key_file.unwrap_or_else(|| dir.join(MASTER_KEY_FILE));
        Self { dir: dir.to_owned(), credential, key_file }
    }

    pub(crate) fn sealed_file(&self) -> PathBuf {
        self.dir.join(SEALED_FILE)
    }

    pub(crate) fn pending_file(&self) -> PathBuf {
        self.dir.join(PENDING_FILE)
    }

    /// The sealed master key beside whatever else there is.
    pub(crate) fn sealed(&self) -> Result<Option<SealedMaster>, StoreError> {
        Ok(SealedMaster::read(&self.sealed_file())?)
    }

    pub(crate) fn pending(&self) -> Result<Option<PendingRotation>, StoreError> {
        Ok(PendingRotation::read(&self.pending_file())?)
    }

    /// As things are on disk now. A key file counts before a sealed key: where a kill left both, or
    /// shares are kept for the case that the file is lost, the start needs nobody.
    pub(crate) fn protection(&self) -> KeyProtection {
        if self.credential.is_some() {
            KeyProtection::Credential
        } else if !self.key_file.exists() && self.sealed_file().exists() {
            KeyProtection::Sealed
        } else {
            KeyProtection::KeyFile
        }
    }

    /// Looks for the key, making a key file where that is allowed.
    pub(crate) fn find(
        &self,
        on_missing: OnMissing,
        entropy: &dyn Entropy,
    ) -> Result<Found, StoreError> {
        if self.protection() == KeyProtection::Sealed
            && let Some(sealed) = self.sealed()?
        {
            return Ok(Found::Sealed(sealed));
        }
        let source = KeySource {
            credential: self.credential.clone(),
            key_file: self.key_file.clone(),
            on_missing,
        };
        let (master, origin) = MasterKey::obtain(&source, entropy)?;
        Ok(Found::Key(master, origin))
    }
}
