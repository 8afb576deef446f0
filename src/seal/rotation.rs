//! A change of the master key that is under way: what a start needs to finish it or to take it back,
//! whichever of the two keys it is given.
//!
//! # File
//!
//! ```text
//! millwright master key change v1
//! from <name of the old key>
//! to <name of the new key>
//! forward <the new key, wrapped by the old>
//! back <the old key, wrapped by the new>
//! protection key-file | credential | sealed
//! ```
//!
//! After `protection sealed` follows the text of the new sealed master key, to its end.
//!
//! The file holds no key that is not wrapped. It is written before anything else of the change, and
//! removed last: from then on the old key opens nothing.

use std::path::Path;

use base::Entropy;

use crate::SealError;
use crate::master::{MasterKey, MasterKeyId, WrappedKey};
use crate::sealed_master::{self, SealedMaster, read_text, wrapped_key, write_text};

const TITLE: &str = "millwright master key change v1";
const FORWARD: &[u8] = b"change forward";
const BACK: &[u8] = b"change back";

/// How the new key is going to be protected.
#[derive(Clone)]
pub enum NewProtection {
    /// As a key file.
    KeyFile,
    /// The operator supplies it as a credential.
    Credential,
    /// Under a passphrase.
    Sealed(SealedMaster),
}

/// A change that has begun.
pub struct PendingRotation {
    from: MasterKeyId,
    to: MasterKeyId,
    forward: WrappedKey,
    back: WrappedKey,
    protection: NewProtection,
}

impl PendingRotation {
    /// From `old` to `new`.
    ///
    /// # Errors
    /// Those of wrapping.
    pub fn new(
        old: &MasterKey,
        new: &MasterKey,
        protection: NewProtection,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        Ok(Self {
            from: old.id(),
            to: new.id(),
            forward: old.wrap_master(FORWARD, new, entropy)?,
            back: new.wrap_master(BACK, old, entropy)?,
            protection,
        })
    }

    /// The old key's name.
    #[must_use]
    pub const fn from(&self) -> MasterKeyId {
        self.from
    }

    /// The new key's name.
    #[must_use]
    pub const fn to(&self) -> MasterKeyId {
        self.to
    }

    /// How the new key is going to be protected.
    #[must_use]
    pub const fn protection(&self) -> &NewProtection {
        &self.protection
    }

    /// Both keys, the old one first, from the one that is at hand.
    ///
    /// # Errors
    /// [`SealError::NeitherKey`]; [`SealError::Unwrap`] when the file is damaged.
    pub fn both(&self, at_hand: MasterKey) -> Result<(MasterKey, MasterKey), SealError> {
        let id = at_hand.id();
        if id == self.from {
            let new = at_hand.unwrap_master(FORWARD, &self.forward)?;
            Ok((at_hand, new))
        } else if id == self.to {
            let old = self.old(&at_hand)?;
            Ok((old, at_hand))
        } else {
            Err(SealError::NeitherKey { from: self.from, to: self.to })
        }
    }

    /// The old key, from the new one.
    ///
    /// # Errors
    /// [`SealError::Unwrap`] when `new` is another key.
    pub fn old(&self, new: &MasterKey) -> Result<MasterKey, SealError> {
        new.unwrap_master(BACK, &self.back)
    }

    /// Reads the file at `path`; `None` when no change is under way.
    ///
    /// # Errors
    /// [`SealError::SealedFile`], [`SealError::SealedFormat`].
    pub fn read(path: &Path) -> Result<Option<Self>, SealError> {
        read_text(path)?.map(|text| Self::parse(&text)).transpose()
    }

    /// Writes the file at `path`. On disk when this returns.
    ///
    /// # Errors
    /// [`SealError::SealedFile`].
    pub fn write(&self, path: &Path) -> Result<(), SealError> {
        write_text(path, &self.to_text())
    }

    /// Removes the file at `path`: the change is done, or taken back.
    ///
    /// # Errors
    /// [`SealError::SealedFile`].
    pub fn remove(path: &Path) -> Result<(), SealError> {
        sealed_master::remove(path)
    }

    fn to_text(&self) -> String {
        let protection = match &self.protection {
            NewProtection::KeyFile => "key-file\n".to_owned(),
            NewProtection::Credential => "credential\n".to_owned(),
            NewProtection::Sealed(sealed) => format!("sealed\n{}", sealed.to_text()),
        };
        format!(
            "{TITLE}\nfrom {}\nto {}\nforward {}\nback {}\nprotection {protection}",
            self.from,
            self.to,
            hex::encode(self.forward.as_bytes()),
            hex::encode(self.back.as_bytes()),
        )
    }

    fn parse(text: &str) -> Result<Self, SealError> {
        const DAMAGED: SealError = SealError::SealedFormat("the change under way can't be read");
        let mut rest = text;
        let mut line = |word: &str| -> Result<&str, SealError> {
            let (line, after) = rest.split_once('\n').ok_or(DAMAGED)?;
            rest = after;
            line.strip_prefix(word).ok_or(DAMAGED)
        };
        if !line(TITLE)?.is_empty() {
            return Err(DAMAGED);
        }
        let (from, to) = (line("from ")?.parse()?, line("to ")?.parse()?);
        let forward = wrapped_key(line("forward ")?)?;
        let back = wrapped_key(line("back ")?)?;
        let protection = match (line("protection ")?, rest) {
            ("key-file", "") => NewProtection::KeyFile,
            ("credential", "") => NewProtection::Credential,
            ("sealed", sealed) => NewProtection::Sealed(SealedMaster::parse(sealed)?),
            _ => return Err(DAMAGED),
        };
        Ok(Self { from, to, forward, back, protection })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::SeededEntropy;

    use super::*;
    use crate::PassphraseCost;

    fn keys() -> (MasterKey, MasterKey, SeededEntropy) {
        let entropy = SeededEntropy::new(1);
        (MasterKey::generate(&entropy).unwrap(), MasterKey::generate(&entropy).unwrap(), entropy)
    }

    #[test]
    fn either_key_gives_both_and_no_other_does() {
        let (old, new, entropy) = keys();
        let mut sealed = SealedMaster::of(&new);
        let cheap = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
        sealed.set_passphrase(&new, "correct horse battery", cheap, &entropy).unwrap();
        let (old_id, new_id) = (old.id(), new.id());
        for protection in
            [NewProtection::KeyFile, NewProtection::Credential, NewProtection::Sealed(sealed)]
        {
            let (old, new, _) = keys();
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("keys.pending");
            assert!(PendingRotation::read(&path).unwrap().is_none());
            let pending = PendingRotation::new(&old, &new, protection, &entropy).unwrap();
            pending.write(&path).unwrap();
            let read = PendingRotation::read(&path).unwrap().unwrap();
            assert_eq!(read.to_text(), pending.to_text());
            for at_hand in [old, new] {
                let (first, second) = read.both(at_hand).unwrap();
                assert_eq!((first.id(), second.id()), (old_id, new_id));
            }
            let stranger = MasterKey::generate(&SeededEntropy::new(2)).unwrap();
            assert!(matches!(read.both(stranger), Err(SealError::NeitherKey { .. })));
            PendingRotation::remove(&path).unwrap();
            PendingRotation::remove(&path).unwrap();
            assert!(!path.exists());
        }
    }

    #[test]
    fn damage_is_said_and_gives_no_key() {
        let (old, new, entropy) = keys();
        let pending = PendingRotation::new(&old, &new, NewProtection::KeyFile, &entropy).unwrap();
        let text = pending.to_text();
        for end in 0..text.len() {
            assert!(PendingRotation::parse(&text[..end]).is_err(), "{end}");
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(damaged) = PendingRotation::parse(&String::from_utf8(bytes).unwrap()) else {
                continue;
            };
            let (old, _, _) = keys();
            if let Ok((_, opened)) = damaged.both(old) {
                assert_eq!(opened.id(), new.id(), "{at}");
            }
        }
    }
}
