//! What a change of a tenant's key copies: originals and database, encrypted anew.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use seal::{DataKey, EncryptedCursor, EncryptedReader, EncryptedWriter};

use super::{Change, refused};
use crate::blobs::context_of;
use crate::connection::{self, Access, Connection};
use crate::directory::make_private_dir;
use crate::ledger::read_frontier;
use crate::{Store, StoreError, fatal, steps};

/// Bytes copied between two looks at whether the change was cancelled.
const COPY_BUFFER_BYTES: usize = 256 * 1024;
/// Free space beyond what is copied, for what people do meanwhile.
const SPARE_BYTES: u64 = 64 * 1024 * 1024;

impl Change {
    /// Refuses to begin what the disk can't hold.
    pub(super) fn check_space(&self) -> Result<(), StoreError> {
        let mut needed = file_length(&self.old.files.database);
        for (_, path) in originals(&self.old.files.blobs)? {
            needed += file_length(&path);
        }
        self.progress.total_bytes.store(needed, Ordering::Relaxed);
        let disk = rustix::fs::statvfs(self.tenant.dir())
            .map_err(|error| StoreError::io("asking for free space")(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < needed + SPARE_BYTES {
            const MIB: u64 = 1024 * 1024;
            return Err(refused(&format!(
                "Everything of the tenant is written once more before the old files go: {} MiB are \
                 needed, {} MiB are free.",
                (needed + SPARE_BYTES) / MIB,
                free / MIB
            )));
        }
        Ok(())
    }

    /// Encrypts every original under the new key that is not there yet, and removes copies whose
    /// original is gone. Blocks.
    pub(super) fn copy_blobs(&self, store: &Store) -> Result<(), StoreError> {
        make_private_dir(&self.files.blobs)?;
        let key = self.new.derive("tenant blobs");
        let originals = originals(&self.old.files.blobs)?;
        for (name, path) in &originals {
            let target = self.files.blobs.join(name);
            if !target.exists() {
                self.copy_blob(path, &target, name, &key, store)?;
                steps::reached("original copied");
            }
        }
        for (name, path) in self::originals(&self.files.blobs)? {
            if !originals.iter().any(|(kept, _)| *kept == name) {
                std::fs::remove_file(path).map_err(StoreError::io("removing a copied file"))?;
            }
        }
        Ok(())
    }

    fn copy_blob(
        &self,
        from: &Path,
        to: &Path,
        name: &str,
        key: &DataKey,
        store: &Store,
    ) -> Result<(), StoreError> {
        let context = context_of(name);
        let source = match File::open(from) {
            Ok(source) => source,
            // Removed since it was listed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("opening a stored file")(error)),
        };
        let reader = EncryptedReader::open(source, &self.old.blob_key, &context)?;
        let unfinished = to.with_extension("part");
        let file = private_file(&unfinished)?;
        let mut writer = EncryptedWriter::create(file, key, &context, store.entropy())?;
        let mut content = EncryptedCursor::new(reader);
        let mut buffer = vec![0_u8; COPY_BUFFER_BYTES];
        loop {
            let count =
                content.read(&mut buffer).map_err(StoreError::io("reading a stored file"))?;
            if count == 0 {
                break;
            }
            writer.write_all(&buffer[..count]).map_err(StoreError::io("writing a stored file"))?;
            self.progress.copied(count as u64)?;
        }
        let file = writer.finish()?;
        if let Err(error) = file.sync_all() {
            fatal::sync_failed("a stored file", &error);
        }
        std::fs::rename(&unfinished, to).map_err(StoreError::io("naming a stored file"))
    }

    /// Copies the database file and encrypts the copy anew. The writer is closed. Blocks.
    pub(super) fn copy_database(&self) -> Result<(), StoreError> {
        let from = &self.old.files.database;
        let log = from.with_file_name(format!(
            "{}-wal",
            from.file_name().unwrap_or_default().to_string_lossy()
        ));
        if file_length(&log) != 0 {
            return Err(refused(
                "The tenant is being read too much at this moment: try again later.",
            ));
        }
        let to = &self.files.database;
        let mut source = File::open(from).map_err(StoreError::io("opening a database"))?;
        let mut copy = private_file(to)?;
        let mut buffer = vec![0_u8; COPY_BUFFER_BYTES];
        loop {
            let count = source.read(&mut buffer).map_err(StoreError::io("reading a database"))?;
            if count == 0 {
                break;
            }
            copy.write_all(&buffer[..count]).map_err(StoreError::io("copying a database"))?;
            self.progress.copied(count as u64)?;
        }
        drop(copy);
        steps::reached("database half copied");
        let (old, new) = (self.old_database_key(), self.new.derive("tenant database"));
        connection::reencrypt(to, old, &new)?;
        let copy = File::open(to).map_err(StoreError::io("opening a copied database"))?;
        if let Err(error) = copy.sync_all() {
            fatal::sync_failed("a copied database", &error);
        }
        Ok(())
    }

    /// Every page authenticates under the new key, and the log ends as it did.
    pub(super) fn check_copy(&self) -> Result<(), StoreError> {
        let new = self.new.derive("tenant database");
        let copy = Connection::open(&self.files.database, &new, Access::Read)?;
        let mut statement = copy.prepare("PRAGMA cipher_integrity_check")?;
        if statement.query([])?.next()?.is_some() {
            return Err(StoreError::Corrupt("the pages of a database that was encrypted anew"));
        }
        let old =
            Connection::open(&self.old.files.database, self.old_database_key(), Access::Read)?;
        if read_frontier(&copy)? != read_frontier(&old)? {
            return Err(StoreError::Corrupt("the log of a database that was encrypted anew"));
        }
        Ok(())
    }

    fn old_database_key(&self) -> &DataKey {
        self.old.database.key()
    }
}

/// Originals in a directory: name and path. What is not finished yet is none.
fn originals(dir: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let failed = || StoreError::io("listing stored files");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| name.parse::<base::RevisionId>().is_ok()) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    Ok(found)
}

fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(path).map_err(StoreError::io("making a file"))
}

fn file_length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
