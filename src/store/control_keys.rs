//! The keys of the control database and of the appliance's log.

use std::path::Path;

use base::Entropy;
use seal::{DataKey, KeyPurpose, MasterKey, SigningKey, WrappedKey};

use crate::StoreError;

pub(crate) const CONTROL_KEYS_FILE: &str = "control.keys";

/// The control database's keys, wrapped by the master key in a file of their own, so that a new
/// master key re-wraps them and no database is encrypted anew.
pub(crate) struct ControlKeys {
    pub(crate) data: DataKey,
    pub(crate) signing: SigningKey,
}

impl ControlKeys {
    /// Unwraps the keys, making them at the first start.
    pub(crate) fn obtain(
        dir: &Path,
        master: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let path = dir.join(CONTROL_KEYS_FILE);
        if !path.exists() {
            Self::create(&path, master, entropy)?;
        }
        let text =
            std::fs::read_to_string(&path).map_err(StoreError::io("reading control.keys"))?;
        let mut lines = text.lines();
        let mut next = |purpose| -> Result<DataKey, StoreError> {
            let bytes = hex::decode(lines.next().unwrap_or_default()).map_err(|_| {
                StoreError::DataDirectory(format!("{CONTROL_KEYS_FILE} is damaged"))
            })?;
            Ok(master.unwrap(purpose, b"appliance", &WrappedKey::from_bytes(&bytes)?)?)
        };
        let data = next(KeyPurpose::ControlDatabase)?;
        let signing = SigningKey::from_seed(&next(KeyPurpose::AuditSigning)?);
        Ok(Self { data, signing })
    }

    fn create(path: &Path, master: &MasterKey, entropy: &dyn Entropy) -> Result<(), StoreError> {
        let mut text = String::new();
        for purpose in [KeyPurpose::ControlDatabase, KeyPurpose::AuditSigning] {
            let key = DataKey::generate(entropy)?;
            let wrapped = master.wrap(purpose, b"appliance", &key, entropy)?;
            text.push_str(&hex::encode(wrapped.as_bytes()));
            text.push('\n');
        }
        seal::write_atomically(path, text.as_bytes())
            .map_err(StoreError::io("writing control.keys"))
    }
}
