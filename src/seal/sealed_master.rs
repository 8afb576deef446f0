//! The master key at rest under a passphrase, under shares, or both: each opens it alone.
//!
//! # File
//!
//! Text, one line each; a line that is not there stands for a protection that is not there.
//!
//! ```text
//! millwright sealed master key v1
//! key <name of the key inside>
//! passphrase argon2id <memory in KiB> <passes> <lanes> <salt> <wrapped key>
//! shares <set> <threshold> <count> <wrapped key>
//! ```
//!
//! Salt and set are hexadecimal, a wrapped key is as in [`WrappedKey`], of purpose "master key". What
//! stands before it on its line is its context. It is wrapped by the key that argon2id makes of the
//! passphrase, or by the key that the shares are of.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use base::Entropy;

use crate::durable::write_atomically;
use crate::master::{MasterKey, MasterKeyId, WrappedKey};
use crate::passphrase::{self, PassphraseCost, SALT_BYTES};
use crate::secret::Secret;
use crate::shares::{self, Share, SharePile};
use crate::{SealError, sync_dir};

const TITLE: &str = "millwright sealed master key v1";
/// A file that is longer is not one.
const FILE_MAX_BYTES: u64 = 4096;

/// A master key that people open.
#[derive(Clone)]
pub struct SealedMaster {
    key: MasterKeyId,
    passphrase: Option<PassphraseSlot>,
    shares: Option<ShareSlot>,
}

#[derive(Clone)]
struct PassphraseSlot {
    cost: PassphraseCost,
    salt: [u8; SALT_BYTES],
    wrapped: WrappedKey,
}

#[derive(Clone)]
struct ShareSlot {
    set: ShareSet,
    wrapped: WrappedKey,
}

/// Shares that were made together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareSet {
    set: [u8; 4],
    /// How many of them unseal.
    pub threshold: u8,
    /// How many were made.
    pub count: u8,
}

impl ShareSet {
    /// The name that each share carries, as 8 hex digits.
    #[must_use]
    pub fn name(&self) -> String {
        hex::encode(self.set)
    }

    fn context(&self) -> String {
        format!("shares {} {} {}", self.name(), self.threshold, self.count)
    }
}

impl PassphraseSlot {
    fn context(&self) -> String {
        let PassphraseCost { memory_kib, passes, lanes } = self.cost;
        format!("passphrase argon2id {memory_kib} {passes} {lanes} {}", hex::encode(self.salt))
    }
}

impl SealedMaster {
    /// For `master`, protected by nothing yet.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self { key: master.id(), passphrase: None, shares: None }
    }

    /// The name of the key inside.
    #[must_use]
    pub const fn key(&self) -> MasterKeyId {
        self.key
    }

    /// Whether a passphrase opens it, and what a guess costs.
    #[must_use]
    pub fn passphrase(&self) -> Option<PassphraseCost> {
        self.passphrase.as_ref().map(|slot| slot.cost)
    }

    /// The shares that open it.
    #[must_use]
    pub fn shares(&self) -> Option<ShareSet> {
        self.shares.as_ref().map(|slot| slot.set)
    }

    /// Sets the passphrase, in place of the one before. Takes about a fifth of a second.
    ///
    /// # Errors
    /// [`SealError::WeakPassphrase`], and those of wrapping.
    pub fn set_passphrase(
        &mut self,
        master: &MasterKey,
        passphrase: &str,
        cost: PassphraseCost,
        entropy: &dyn Entropy,
    ) -> Result<(), SealError> {
        passphrase::check(passphrase)?;
        self.expect(master)?;
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt)?;
        let key = passphrase::derive(passphrase, &salt, cost)?;
        let empty = WrappedKey::from_bytes(&[&[1], [0; 60].as_slice()].concat())?;
        let mut slot = PassphraseSlot { cost, salt, wrapped: empty };
        slot.wrapped = key.wrap_master(slot.context().as_bytes(), master, entropy)?;
        self.passphrase = Some(slot);
        Ok(())
    }

    /// Forgets the passphrase.
    pub fn clear_passphrase(&mut self) {
        self.passphrase = None;
    }

    /// Makes shares, in place of those before, which open nothing any more once this is written.
    ///
    /// # Errors
    /// [`SealError::ShareCount`], and those of wrapping.
    pub fn make_shares(
        &mut self,
        master: &MasterKey,
        threshold: u8,
        count: u8,
        entropy: &dyn Entropy,
    ) -> Result<Vec<Share>, SealError> {
        self.expect(master)?;
        let secret = Secret::random(entropy)?;
        let made = shares::split(&secret, threshold, count, entropy)?;
        let set = made.first().map(Share::set_bytes).unwrap_or_default();
        let set = ShareSet { set, threshold, count };
        let wrapped = MasterKey::from_secret(secret).wrap_master(
            set.context().as_bytes(),
            master,
            entropy,
        )?;
        self.shares = Some(ShareSlot { set, wrapped });
        Ok(made)
    }

    /// Forgets the shares.
    pub fn clear_shares(&mut self) {
        self.shares = None;
    }

    /// Opens it with the passphrase. Takes about a fifth of a second and the cost's memory.
    ///
    /// # Errors
    /// [`SealError::WrongPassphrase`]; [`SealError::NoSuchProtection`] when there is none.
    pub fn open_with_passphrase(&self, passphrase: &str) -> Result<MasterKey, SealError> {
        let slot = self.passphrase.as_ref().ok_or(SealError::NoSuchProtection("a passphrase"))?;
        let key = passphrase::derive(passphrase, &slot.salt, slot.cost)?;
        let master = key
            .unwrap_master(slot.context().as_bytes(), &slot.wrapped)
            .map_err(|_| SealError::WrongPassphrase)?;
        self.expect(&master)?;
        Ok(master)
    }

    /// Whether a share is of the set that opens it.
    ///
    /// # Errors
    /// [`SealError::ShareRefused`] when it is of another one, as shares are that newer ones replaced.
    pub fn check_share(&self, share: &Share) -> Result<(), SealError> {
        let slot = self.shares.as_ref().ok_or(SealError::NoSuchProtection("shares"))?;
        let set =
            ShareSet { set: share.set_bytes(), threshold: share.threshold(), count: share.count() };
        if set == slot.set {
            Ok(())
        } else {
            Err(SealError::ShareRefused(
                "this share is of another set: newer shares have replaced it, or it belongs to \
                 another appliance",
            ))
        }
    }

    /// Opens it with the shares of a pile.
    ///
    /// # Errors
    /// [`SealError::ShareRefused`] when there are too few, or they give another key.
    pub fn open_with_shares(&self, pile: &SharePile) -> Result<MasterKey, SealError> {
        let slot = self.shares.as_ref().ok_or(SealError::NoSuchProtection("shares"))?;
        for share in pile.shares() {
            self.check_share(share)?;
        }
        let needed = usize::from(slot.set.threshold);
        let enough =
            pile.shares().get(..needed).ok_or(SealError::ShareRefused("more shares are needed"))?;
        let key = MasterKey::from_secret(shares::combine(&enough.iter().collect::<Vec<_>>()));
        let master =
            key.unwrap_master(slot.set.context().as_bytes(), &slot.wrapped).map_err(|_| {
                SealError::ShareRefused("the shares do not give the key: one of them is false")
            })?;
        self.expect(&master)?;
        Ok(master)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{TITLE}\nkey {}\n", self.key);
        if let Some(slot) = &self.passphrase {
            let _ = writeln!(text, "{} {}", slot.context(), hex::encode(slot.wrapped.as_bytes()));
        }
        if let Some(slot) = &self.shares {
            let wrapped = hex::encode(slot.wrapped.as_bytes());
            let _ = writeln!(text, "{} {wrapped}", slot.set.context());
        }
        text
    }

    /// From the file's text.
    ///
    /// # Errors
    /// [`SealError::SealedFormat`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(SealError::SealedFormat("it does not begin as one does"));
        }
        let key = lines.next().and_then(|line| line.strip_prefix("key "));
        let key = key.ok_or(SealError::SealedFormat("it does not name its key"))?.parse()?;
        let mut sealed = Self { key, passphrase: None, shares: None };
        for line in lines {
            let fields: Vec<&str> = line.split(' ').collect();
            match fields.as_slice() {
                ["passphrase", "argon2id", memory, passes, lanes, salt, wrapped]
                    if sealed.passphrase.is_none() =>
                {
                    let cost = PassphraseCost {
                        memory_kib: number(memory)?,
                        passes: number(passes)?,
                        lanes: number(lanes)?,
                    };
                    let cost = cost.check()?;
                    let slot =
                        PassphraseSlot { cost, salt: bytes(salt)?, wrapped: wrapped_key(wrapped)? };
                    sealed.passphrase = Some(slot);
                }
                ["shares", set, threshold, count, wrapped] if sealed.shares.is_none() => {
                    let (threshold, count) = (number(threshold)?, number(count)?);
                    shares::check_count(threshold, count)
                        .map_err(|_| SealError::SealedFormat("its numbers are out of bounds"))?;
                    let set = ShareSet { set: bytes(set)?, threshold, count };
                    sealed.shares = Some(ShareSlot { set, wrapped: wrapped_key(wrapped)? });
                }
                _ => return Err(SealError::SealedFormat("a line of it is not known")),
            }
        }
        Ok(sealed)
    }

    /// Reads the file at `path`; `None` when there is none.
    ///
    /// # Errors
    /// [`SealError::SealedFile`], [`SealError::SealedFormat`].
    pub fn read(path: &Path) -> Result<Option<Self>, SealError> {
        read_text(path)?.map(|text| Self::parse(&text)).transpose()
    }

    /// Writes the file at `path`, in place of the one that is there. On disk when this returns.
    ///
    /// # Errors
    /// [`SealError::SealedFile`].
    pub fn write(&self, path: &Path) -> Result<(), SealError> {
        write_text(path, &self.to_text())
    }

    /// Removes the file at `path`; a missing one is fine.
    ///
    /// # Errors
    /// [`SealError::SealedFile`].
    pub fn remove(path: &Path) -> Result<(), SealError> {
        remove(path)
    }

    fn expect(&self, master: &MasterKey) -> Result<(), SealError> {
        if master.id() == self.key {
            Ok(())
        } else {
            Err(SealError::SealedFormat("it names another key than it holds"))
        }
    }
}

/// The text of a small file; `None` when there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, SealError> {
    use io::Read as _;
    let failed = |source| SealError::SealedFile { action: "read", path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    match file.take(FILE_MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(SealError::SealedFormat("it is not text"))
        }
        Err(error) => Err(failed(error)),
    }
}

pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), SealError> {
    write_atomically(path, text.as_bytes()).map_err(|source| SealError::SealedFile {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Removes a small file for good; a missing one is fine.
pub(crate) fn remove(path: &Path) -> Result<(), SealError> {
    let failed = |source| SealError::SealedFile { action: "remove", path: path.to_owned(), source };
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    path.parent().map_or(Ok(()), sync_dir).map_err(failed)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, SealError> {
    text.parse().map_err(|_| SealError::SealedFormat("a number of it can't be read"))
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| SealError::SealedFormat("a part of it has the wrong length or digits"))?;
    Ok(bytes)
}

/// A wrapped key in hexadecimal.
pub(crate) fn wrapped_key(text: &str) -> Result<WrappedKey, SealError> {
    let bytes =
        hex::decode(text).map_err(|_| SealError::SealedFormat("a key of it is not hexadecimal"))?;
    WrappedKey::from_bytes(&bytes)
}

#[cfg(test)]
mod tests;
