//! The keys of the control database and of the appliance's log.

use std::path::Path;

use base::Entropy;
use seal::{DataKey, KeyPurpose, MasterKey, SealError, SigningKey, WrappedKey};

use crate::StoreError;

pub(crate) const CONTROL_KEYS_FILE: &str = "control.keys";

/// The control database's keys, wrapped by the master key in a file of their own, so that a new
/// master key re-wraps them and no database is encrypted anew.
pub(crate) struct ControlKeys {
    pub(crate) data: DataKey,
    pub(crate) signing: SigningKey,
}

impl ControlKeys {
    /// Unwraps the keys with whichever of `masters` wraps them, making them at the first start under
    /// the first one.
    pub(crate) fn obtain(
        dir: &Path,
        masters: &[&MasterKey],
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let path = dir.join(CONTROL_KEYS_FILE);
        if let (false, Some(master)) = (path.exists(), masters.first()) {
            Self::create(&path, master, entropy)?;
        }
        let [data, seed] = unwrap_all(&path, masters)?;
        Ok(Self { data, signing: SigningKey::from_seed(&seed) })
    }

    /// Wraps the keys under `new`, whichever of `masters` wraps them now. On disk when this returns.
    pub(crate) fn rewrap(
        dir: &Path,
        masters: &[&MasterKey],
        new: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        let path = dir.join(CONTROL_KEYS_FILE);
        write(&path, &unwrap_all(&path, masters)?, new, entropy)
    }

    fn create(path: &Path, master: &MasterKey, entropy: &dyn Entropy) -> Result<(), StoreError> {
        let keys = [DataKey::generate(entropy)?, DataKey::generate(entropy)?];
        write(path, &keys, master, entropy)
    }
}

/// The keys of the file, in its order.
const PURPOSES: [KeyPurpose; 2] = [KeyPurpose::ControlDatabase, KeyPurpose::AuditSigning];
const CONTEXT: &[u8] = b"appliance";

fn unwrap_all(path: &Path, masters: &[&MasterKey]) -> Result<[DataKey; 2], StoreError> {
    let text = std::fs::read_to_string(path).map_err(StoreError::io("reading control.keys"))?;
    let mut lines = text.lines();
    let mut next = |purpose| -> Result<DataKey, StoreError> {
        let bytes = hex::decode(lines.next().unwrap_or_default())
            .map_err(|_| StoreError::DataDirectory(format!("{CONTROL_KEYS_FILE} is damaged")))?;
        let wrapped = WrappedKey::from_bytes(&bytes)?;
        let mut opened = Err(SealError::Unwrap { purpose });
        for master in masters {
            opened = opened.or_else(|_| master.unwrap(purpose, CONTEXT, &wrapped));
        }
        Ok(opened?)
    };
    let [first, second] = PURPOSES;
    Ok([next(first)?, next(second)?])
}

fn write(
    path: &Path,
    keys: &[DataKey; 2],
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let mut text = String::new();
    for (purpose, key) in PURPOSES.into_iter().zip(keys) {
        let wrapped = master.wrap(purpose, CONTEXT, key, entropy)?;
        text.push_str(&hex::encode(wrapped.as_bytes()));
        text.push('\n');
    }
    seal::write_atomically(path, text.as_bytes()).map_err(StoreError::io("writing control.keys"))
}
