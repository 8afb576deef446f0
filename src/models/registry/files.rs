//! Models as files: `models/<sha256>.gguf` in the data directory, and those that are on their way
//! there in `models/.incoming`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::RegistryError;
use crate::error::ModelError;
use crate::protocol::ModelHash;

/// What a model's file begins with (GGUF specification, "File Structure").
const MAGIC: [u8; 4] = *b"GGUF";

/// Largest file that is taken, in bytes.
pub const MODEL_FILE_MAX_BYTES: u64 = 512 * 1024 * 1024 * 1024;

/// What stays free on the disk for everything else.
const DISK_RESERVE_BYTES: u64 = 1024 * 1024 * 1024;

/// How often the disk is looked at while a file arrives.
const DISK_LOOK_BYTES: u64 = 64 * 1024 * 1024;

const READ_BYTES: usize = 1024 * 1024;

/// What tells that a file is the one whose hash was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    changed_ns: [i64; 4],
}

impl FileStamp {
    fn of(file: &File) -> std::io::Result<Self> {
        let meta = file.metadata()?;
        let changed_ns = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        Ok(Self { device: meta.dev(), inode: meta.ino(), size_bytes: meta.size(), changed_ns })
    }
}

/// The directory of models.
pub(super) struct ModelFiles {
    dir: PathBuf,
    /// Files whose hash was computed and found right. Bounded by the models there are.
    verified: Mutex<HashMap<ModelHash, FileStamp>>,
}

impl ModelFiles {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("models"), verified: Mutex::default() }
    }

    fn path(&self, hash: ModelHash) -> PathBuf {
        self.dir.join(format!("{hash}.gguf"))
    }

    fn incoming(&self) -> PathBuf {
        self.dir.join(".incoming")
    }

    /// Whether the file is there. Looks at the disk.
    pub(super) fn exists(&self, hash: ModelHash) -> bool {
        self.path(hash).is_file()
    }

    /// Removes what an interrupted import has left, and files that no row knows: their import ended
    /// between its file and its row. Blocks.
    pub(super) fn sweep(&self, known: &[ModelHash]) -> Result<usize, RegistryError> {
        let failed = RegistryError::io("looking for leftovers");
        let mut removed = 0;
        let mut remove = |path: &Path| -> std::io::Result<()> {
            std::fs::remove_file(path)?;
            removed += 1;
            Ok(())
        };
        for entry in entries(&self.incoming()).map_err(&failed)? {
            remove(&entry).map_err(&failed)?;
        }
        for entry in entries(&self.dir).map_err(&failed)? {
            let stem = entry.file_name().and_then(|name| name.to_str());
            let hash = stem.and_then(|name| name.strip_suffix(".gguf"));
            let hash = hash.and_then(|digits| digits.parse::<ModelHash>().ok());
            if hash.is_some_and(|hash| !known.contains(&hash)) {
                remove(&entry).map_err(&failed)?;
            }
        }
        Ok(removed)
    }

    /// Makes room for a file of `expected_bytes`, as far as its size is known. Blocks.
    pub(super) fn receive(
        &self,
        expected_bytes: Option<u64>,
        name: &str,
    ) -> Result<Incoming, RegistryError> {
        if expected_bytes.is_some_and(|bytes| bytes > MODEL_FILE_MAX_BYTES) {
            return Err(too_large());
        }
        let dir = self.incoming();
        let make = |dir: &Path| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        make(&dir).map_err(RegistryError::io("making the directory of models"))?;
        enough_disk(&dir, expected_bytes.unwrap_or(0))?;
        let path = dir.join(format!("{name}.part"));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path);
        Ok(Incoming {
            file: file.map_err(RegistryError::io("making a file for the model"))?,
            path,
            hasher: Sha256::new(),
            head: Vec::with_capacity(MAGIC.len()),
            size_bytes: 0,
            looked_at_bytes: 0,
        })
    }

    /// Gives a received file its name. Blocks.
    pub(super) fn keep(&self, mut received: Received) -> Result<(), RegistryError> {
        let failed = RegistryError::io("naming the model's file");
        let file = received.file.try_clone().map_err(&failed)?;
        std::fs::rename(&received.path, self.path(received.hash)).map_err(&failed)?;
        received.path = PathBuf::new();
        sync_dir(&self.dir).map_err(RegistryError::io("syncing the directory of models"))?;
        let stamp = FileStamp::of(&file).map_err(&failed)?;
        self.verified.lock().insert(received.hash, stamp);
        Ok(())
    }

    /// The model's file, open for reading, whose bytes have the hash that it is named by. Blocks; it
    /// reads the whole file at the first time, and again when the file was touched.
    pub(super) fn open(&self, hash: ModelHash) -> Result<OwnedFd, ModelError> {
        let refuse = |reason: String| ModelError::ModelRefused { reason };
        let path = self.path(hash);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|error| refuse(format!("its file can't be opened: {error}")))?;
        let mut file = File::from(file);
        let read = |error: std::io::Error| refuse(format!("its file can't be read: {error}"));
        let before = FileStamp::of(&file).map_err(read)?;
        if self.verified.lock().get(&hash) == Some(&before) {
            return Ok(file.into());
        }
        let found = hash_of(&mut file).map_err(read)?;
        let after = FileStamp::of(&file).map_err(read)?;
        if found != hash || before != after {
            self.verified.lock().remove(&hash);
            return Err(refuse("its file is not the one that was brought in".to_owned()));
        }
        self.verified.lock().insert(hash, after);
        file.rewind().map_err(read)?;
        Ok(file.into())
    }

    /// Whether the file still has its hash, whatever is remembered. Blocks.
    pub(super) fn verify(&self, hash: ModelHash) -> Result<bool, ModelError> {
        self.verified.lock().remove(&hash);
        match self.open(hash) {
            Ok(_) => Ok(true),
            Err(ModelError::ModelRefused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a model's file; one that is gone is no error. Blocks.
    pub(super) fn remove(&self, hash: ModelHash) -> Result<(), RegistryError> {
        self.verified.lock().remove(&hash);
        match std::fs::remove_file(self.path(hash)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RegistryError::io("removing the model's file")(error))
            }
            _ => sync_dir(&self.dir).map_err(RegistryError::io("syncing the directory of models")),
        }
    }
}

/// A model's file as it arrives; removed when nothing comes of it. Its methods block.
pub struct Incoming {
    file: File,
    path: PathBuf,
    hasher: Sha256,
    /// The first bytes.
    head: Vec<u8>,
    size_bytes: u64,
    /// Size when the disk was last looked at.
    looked_at_bytes: u64,
}

/// A model's file that has arrived whole, and is on the disk; removed when nothing comes of it.
pub struct Received {
    file: File,
    path: PathBuf,
    pub(super) hash: ModelHash,
    pub(super) size_bytes: u64,
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for what is no GGUF file or too large, [`RegistryError::NoDisk`],
    /// or [`RegistryError::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        if self.head.len() < MAGIC.len() {
            let wanted = MAGIC.len() - self.head.len();
            self.head.extend(bytes.iter().take(wanted));
            if !MAGIC.starts_with(&self.head) {
                return Err(no_gguf());
            }
        }
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > MODEL_FILE_MAX_BYTES {
            return Err(too_large());
        }
        if self.size_bytes - self.looked_at_bytes > DISK_LOOK_BYTES {
            self.looked_at_bytes = self.size_bytes;
            enough_disk(&self.path, 0)?;
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(RegistryError::io("writing the model's file"))
    }

    /// Bytes that have arrived.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Ends the file and has the disk keep it.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for what is no GGUF file, or [`RegistryError::Io`].
    pub fn finish(mut self) -> Result<Received, RegistryError> {
        if self.head != MAGIC {
            return Err(no_gguf());
        }
        let failed = RegistryError::io("syncing the model's file");
        self.file.sync_all().map_err(&failed)?;
        let hash = std::mem::take(&mut self.hasher).finalize();
        Ok(Received {
            file: self.file.try_clone().map_err(&failed)?,
            path: std::mem::take(&mut self.path),
            hash: ModelHash::from_bytes(hash.into()),
            size_bytes: self.size_bytes,
        })
    }
}

impl Received {
    /// The file from its beginning, for reading.
    pub(super) fn read_only(&self) -> Result<OwnedFd, RegistryError> {
        let file = File::open(&self.path).map_err(RegistryError::io("opening the model's file"))?;
        Ok(file.into())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        forget(&self.path);
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        forget(&self.path);
    }
}

/// Removes a file on its way; what can't be removed is swept at the next start.
fn forget(path: &Path) {
    if !path.as_os_str().is_empty()
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::warn!(%error, "the file of a refused model is left for the sweep");
    }
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            let files = paths.filter(|path| path.as_ref().map_or(true, |path| path.is_file()));
            files.collect()
        }
    }
}

fn hash_of(file: &mut File) -> std::io::Result<ModelHash> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(ModelHash::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn enough_disk(place: &Path, file_bytes: u64) -> Result<(), RegistryError> {
    let space = rustix::fs::statvfs(place)
        .map_err(|error| RegistryError::io("looking at the free disk")(error.into()))?;
    let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
    let needed_bytes = file_bytes.saturating_add(DISK_RESERVE_BYTES);
    if free_bytes < needed_bytes {
        return Err(RegistryError::NoDisk { needed_bytes, free_bytes });
    }
    Ok(())
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

fn no_gguf() -> RegistryError {
    RegistryError::invalid("file", "is no GGUF file: it does not begin with \"GGUF\"")
}

fn too_large() -> RegistryError {
    RegistryError::invalid("file", format!("has more than {MODEL_FILE_MAX_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn received(files: &ModelFiles, content: &[u8]) -> Received {
        let mut incoming = files.receive(Some(content.len() as u64), "a").unwrap();
        for piece in content.chunks(3) {
            incoming.write(piece).unwrap();
        }
        incoming.finish().unwrap()
    }

    fn listing(dir: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for place in [dir.join("models"), dir.join("models/.incoming")] {
            let paths = entries(&place).unwrap();
            names.extend(
                paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().into()),
            );
        }
        names
    }

    #[test]
    fn a_file_is_kept_under_its_hash_and_opened_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let files = ModelFiles::new(dir.path());
        let received = received(&files, b"GGUF and the rest");
        let hash = received.hash;
        assert_eq!(received.size_bytes, 17);
        files.keep(received).unwrap();
        assert_eq!(listing(dir.path()), [format!("{hash}.gguf")]);
        let mut text = String::new();
        File::from(files.open(hash).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "GGUF and the rest");
        assert!(files.verify(hash).unwrap());
        // One changed byte, and it is not opened any more.
        std::fs::write(files.path(hash), b"GGUF and the REST").unwrap();
        assert!(matches!(files.open(hash), Err(ModelError::ModelRefused { .. })));
        assert!(!files.verify(hash).unwrap());
        std::fs::write(files.path(hash), b"GGUF and the rest").unwrap();
        assert!(files.open(hash).is_ok());
        // Nor through a link.
        let elsewhere = dir.path().join("elsewhere");
        std::fs::rename(files.path(hash), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, files.path(hash)).unwrap();
        assert!(files.open(hash).is_err());
        files.remove(hash).unwrap();
        files.remove(hash).unwrap();
    }

    #[test]
    fn what_is_no_model_or_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = ModelFiles::new(dir.path());
        let mut incoming = files.receive(None, "a").unwrap();
        assert!(incoming.write(b"GG").is_ok());
        let error = incoming.write(b"ML").unwrap_err();
        assert_eq!(base::Coded::violation(&error).unwrap().field, "file");
        drop(incoming);
        assert!(files.receive(None, "b").unwrap().finish().is_err(), "an empty file");
        drop(received(&files, b"GGUF"));
        assert!(listing(dir.path()).is_empty());
        assert!(files.receive(Some(MODEL_FILE_MAX_BYTES + 1), "c").is_err());
        let huge = enough_disk(dir.path(), u64::MAX).unwrap_err();
        assert!(matches!(huge, RegistryError::NoDisk { .. }), "{huge}");
    }

    #[test]
    fn leftovers_are_swept_and_models_stay() {
        let dir = tempfile::tempdir().unwrap();
        let files = ModelFiles::new(dir.path());
        assert_eq!(files.sweep(&[]).unwrap(), 0);
        let known = received(&files, b"GGUF one");
        let hash = known.hash;
        files.keep(known).unwrap();
        let unknown = received(&files, b"GGUF two");
        files.keep(unknown).unwrap();
        std::fs::write(dir.path().join("models/.incoming/killed.part"), b"GGUF").unwrap();
        std::fs::write(dir.path().join("models/README"), b"mine").unwrap();
        assert_eq!(files.sweep(&[hash]).unwrap(), 2);
        assert_eq!(listing(dir.path()).len(), 2);
        assert!(files.open(hash).is_ok());
    }
}
