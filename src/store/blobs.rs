//! Original files, encrypted under the tenant's key; and where the tenant's index may lie.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::RevisionId;
use seal::{DataKey, EncryptedCursor, EncryptedReader, EncryptedWriter};
use sha2::{Digest as _, Sha256};

use crate::directory::sync_parent;
use crate::open_tenant::{OpenTenant, Vault};
use crate::{Store, StoreError, fatal};

/// A directory whose files a room encrypts itself, under a key of the tenant.
pub struct SealedDirectory {
    /// The directory; exists.
    pub path: PathBuf,
    /// The key for its files.
    pub key: Arc<DataKey>,
}

/// What is known of a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// Length of the plaintext.
    pub size_bytes: u64,
}

/// The original files of one tenant, by revision.
pub struct Blobs {
    tenant: Arc<OpenTenant>,
    store: Store,
}

/// Bytes read and encrypted at a time.
const COPY_BUFFER_BYTES: usize = 64 * 1024;

impl Blobs {
    pub(crate) const fn new(tenant: Arc<OpenTenant>, store: Store) -> Self {
        Self { tenant, store }
    }

    /// Stores the original file of a revision; on disk when this returns. Blocks.
    ///
    /// Commit the revision's row only afterwards: a file without a row is swept, a row without a
    /// file would be a loss.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Seal`]; nothing is stored then.
    pub fn write(&self, id: RevisionId, content: &mut dyn Read) -> Result<BlobInfo, StoreError> {
        let mut vault = self.tenant.vault();
        let (mut file, info) = self.write_part(&vault, id, content)?;
        loop {
            let held = self.tenant.hold_vault();
            let present = self.tenant.vault();
            if present.generation == vault.generation {
                let path = vault.files.blobs.join(id.to_string());
                std::fs::rename(part(&vault, id), &path)
                    .map_err(StoreError::io("naming a stored file"))?;
                sync_parent(&path)?;
                return Ok(info);
            }
            drop(held);
            // The key was changed while the upload came in: what is there is encrypted anew. The file
            // has perhaps lost its name by now, but is open.
            let written = EncryptedReader::open(file, &vault.blob_key, &context(id))?;
            let mut content = EncryptedCursor::new(&written);
            file = self.write_part(&present, id, &mut content)?.0;
            let _ = std::fs::remove_file(part(&vault, id));
            vault = present;
        }
    }

    /// Opens the original file of a revision.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is missing, [`StoreError::Seal`] when it is damaged.
    pub fn open(&self, id: RevisionId) -> Result<EncryptedReader, StoreError> {
        let mut vault = self.tenant.vault();
        loop {
            let file = match File::open(vault.files.blobs.join(id.to_string())) {
                Ok(file) => file,
                Err(error) => {
                    // Swept just now, after a change of the key?
                    let present = self.tenant.vault();
                    if present.generation == vault.generation {
                        return Err(StoreError::io("opening a stored file")(error));
                    }
                    vault = present;
                    continue;
                }
            };
            return Ok(EncryptedReader::open(file, &vault.blob_key, &context(id))?);
        }
    }

    /// Removes the original file of a revision; a missing one is fine.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, id: RevisionId) -> Result<(), StoreError> {
        match std::fs::remove_file(self.tenant.vault().files.blobs.join(id.to_string())) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("removing a stored file")(e))
            }
            _ => Ok(()),
        }
    }

    /// The revisions that have a file, and names of files that belong to none (left by a kill).
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn list(&self) -> Result<(Vec<RevisionId>, Vec<PathBuf>), StoreError> {
        let (mut known, mut strays) = (Vec::new(), Vec::new());
        let listing = std::fs::read_dir(&self.tenant.vault().files.blobs);
        for entry in listing.map_err(StoreError::io("listing stored files"))? {
            let path = entry.map_err(StoreError::io("listing stored files"))?.path();
            let id = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            match id {
                Some(id) => known.push(id),
                None => strays.push(path),
            }
        }
        Ok((known, strays))
    }

    /// Encrypts the content under its unfinished name; removes that when it fails.
    fn write_part(
        &self,
        vault: &Vault,
        id: RevisionId,
        content: &mut dyn Read,
    ) -> Result<(File, BlobInfo), StoreError> {
        let path = part(vault, id);
        let written = self.write_to(&path, &vault.blob_key, id, content);
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        written
    }

    fn write_to(
        &self,
        path: &Path,
        key: &DataKey,
        id: RevisionId,
        content: &mut dyn Read,
    ) -> Result<(File, BlobInfo), StoreError> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true).mode(0o600);
        let file = options.open(path).map_err(StoreError::io("making a stored file"))?;
        let mut writer = EncryptedWriter::create(file, key, &context(id), self.store.entropy())?;
        let mut hasher = Sha256::new();
        let mut size_bytes = 0_u64;
        let mut buffer = vec![0_u8; COPY_BUFFER_BYTES];
        loop {
            let count = content.read(&mut buffer).map_err(StoreError::io("reading the upload"))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size_bytes += count as u64;
            writer.write_all(&buffer[..count]).map_err(StoreError::io("writing a stored file"))?;
        }
        let file = writer.finish()?;
        if let Err(error) = file.sync_all() {
            fatal::sync_failed("a stored file", &error);
        }
        Ok((file, BlobInfo { sha256: hasher.finalize().into(), size_bytes }))
    }
}

/// Where the original of a revision lies until it is whole.
fn part(vault: &Vault, id: RevisionId) -> PathBuf {
    vault.files.blobs.join(id.to_string()).with_extension("part")
}

fn context(id: RevisionId) -> Vec<u8> {
    context_of(&id.to_string())
}

/// Binds the ciphertext to its revision, so that two files can't be exchanged.
pub(crate) fn context_of(revision: &str) -> Vec<u8> {
    format!("blob:{revision}").into_bytes()
}
