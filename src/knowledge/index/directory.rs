//! tantivy's directory over encrypted files: every file, the lists of files included.
//!
//! Each file is one [`seal::EncryptedWriter`] file, bound to its own name, so that one cannot be
//! put in the place of another. Nothing is memory-mapped and no plaintext reaches the disk; what
//! tantivy keeps open it decrypts on reading.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::Entropy;
use parking_lot::{Condvar, Mutex};
use seal::{ChunkSize, DataKey, EncryptedReader, EncryptedWriter, FileOptions, SealError};
use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite,
    WatchCallback, WatchCallbackList, WatchHandle, WritePtr,
};

use super::recent::RecentParts;

/// Encrypted at a time: a random read of a posting list decrypts no more than it must.
const CHUNK_SIZE: ChunkSize = ChunkSize::Kib16;

/// Largest file that is read at once (tantivy's `meta.json` and list of files).
const ATOMIC_FILE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Endings of files of which every query reads all: they are kept decrypted while open. One byte
/// for each field and chunk, and three or so for the chunk's id.
const KEPT_IN_MEMORY: [&str; 2] = ["fieldnorm", "fast"];

/// How long a blocking lock is waited for, as long as tantivy's own directories wait.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// File names that tantivy replaces as a whole.
const META: &str = "meta.json";

/// Where an encrypted index lies.
pub struct EncryptedDirectoryOptions {
    /// A directory of its own; made when it is missing.
    pub path: PathBuf,
    /// Key of its files.
    pub key: Arc<DataKey>,
    /// Randomness for file ids.
    pub entropy: Arc<dyn Entropy>,
}

/// A directory of encrypted files for tantivy. Clones share their locks; a path must be opened
/// once per process, and by one process.
#[derive(Clone)]
pub struct EncryptedDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    options: EncryptedDirectoryOptions,
    locked: Mutex<HashSet<PathBuf>>,
    unlocked: Condvar,
    watchers: WatchCallbackList,
    recent: RecentParts,
    /// Files that were opened so far; a number is never given twice.
    opened: AtomicU64,
}

impl EncryptedDirectory {
    /// Opens the directory and removes what a crash left half written.
    ///
    /// # Errors
    /// When it can't be made, listed or cleaned.
    pub fn open(options: EncryptedDirectoryOptions) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&options.path)?;
        seal::remove_temporary_files(&options.path)?;
        let inner = Inner {
            options,
            locked: Mutex::default(),
            unlocked: Condvar::new(),
            watchers: WatchCallbackList::default(),
            recent: RecentParts::default(),
            opened: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Removes every file, so that the index can be built anew. Only before the index is opened.
    ///
    /// # Errors
    /// When the directory can't be listed or a file can't be removed.
    pub fn remove_all(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.inner.options.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        seal::sync_dir(&self.inner.options.path)
    }

    /// Where the file `name` lies. tantivy's names are plain; anything else is a fault.
    fn place(&self, name: &Path) -> io::Result<PathBuf> {
        if name.file_name().is_some_and(|plain| Path::new(plain) == name) {
            Ok(self.inner.options.path.join(name))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file name"))
        }
    }

    fn reader(&self, name: &Path) -> io::Result<EncryptedReader> {
        let file = File::open(self.place(name)?)?;
        EncryptedReader::open(file, &self.inner.options.key, &context(name)).map_err(into_io)
    }

    fn writer<W: Write>(&self, name: &Path, inner: W) -> io::Result<EncryptedWriter<W>> {
        let context = context(name);
        let options = &self.inner.options;
        let file = FileOptions { key: &options.key, context: &context, chunk_size: CHUNK_SIZE };
        EncryptedWriter::create_with(inner, file, options.entropy.as_ref()).map_err(into_io)
    }
}

/// Binds a file to its name.
fn context(name: &Path) -> Vec<u8> {
    [b"index:", name.as_os_str().as_encoded_bytes()].concat()
}

fn into_io(error: SealError) -> io::Error {
    match error {
        SealError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

impl fmt::Debug for EncryptedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedDirectory({})", self.inner.options.path.display())
    }
}

impl Directory for EncryptedDirectory {
    fn get_file_handle(&self, name: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let reader = self.reader(name).map_err(|error| read_error(error, name))?;
        let is_kept = name
            .extension()
            .is_some_and(|ending| KEPT_IN_MEMORY.iter().any(|kept| ending == *kept));
        let kept = is_kept.then(OnceLock::new);
        let inner = Arc::clone(&self.inner);
        let number = inner.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(EncryptedHandle { reader, kept, inner, number }))
    }

    fn delete(&self, name: &Path) -> Result<(), DeleteError> {
        self.place(name).and_then(fs::remove_file).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                DeleteError::FileDoesNotExist(name.to_owned())
            } else {
                DeleteError::IoError { io_error: Arc::new(error), filepath: name.to_owned() }
            }
        })
    }

    fn exists(&self, name: &Path) -> Result<bool, OpenReadError> {
        self.place(name).and_then(|path| path.try_exists()).map_err(|error| read_error(error, name))
    }

    fn open_write(&self, name: &Path) -> Result<WritePtr, OpenWriteError> {
        let created = self.place(name).and_then(|path| {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
        });
        let file = created.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                OpenWriteError::FileAlreadyExists(name.to_owned())
            } else {
                OpenWriteError::wrap_io_error(error, name.to_owned())
            }
        })?;
        let writer = self
            .writer(name, file)
            .map_err(|error| OpenWriteError::wrap_io_error(error, name.to_owned()))?;
        Ok(BufWriter::new(Box::new(EncryptedFile { writer: Some(writer) })))
    }

    fn atomic_read(&self, name: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.reader(name)
            .and_then(|reader| reader.read_all(ATOMIC_FILE_MAX_BYTES).map_err(into_io))
            .map_err(|error| read_error(error, name))
    }

    fn atomic_write(&self, name: &Path, data: &[u8]) -> io::Result<()> {
        let path = self.place(name)?;
        let mut writer = self.writer(name, Vec::new())?;
        writer.write_all(data)?;
        let encrypted = writer.finish().map_err(into_io)?;
        seal::write_atomically(&path, &encrypted)?;
        if name == Path::new(META) {
            // Nobody waits for the callbacks.
            drop(self.inner.watchers.broadcast());
        }
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        seal::sync_dir(&self.inner.options.path)
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let inner = &self.inner;
        let mut locked = inner.locked.lock();
        if lock.is_blocking {
            let is_taken = |locked: &mut HashSet<PathBuf>| locked.contains(&lock.filepath);
            inner.unlocked.wait_while_for(&mut locked, is_taken, LOCK_WAIT);
        }
        if !locked.insert(lock.filepath.clone()) {
            return Err(LockError::LockBusy);
        }
        let guard = LockGuard { inner: Arc::clone(inner), path: lock.filepath.clone() };
        Ok(DirectoryLock::from(Box::new(guard)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(self.inner.watchers.subscribe(callback))
    }
}

fn read_error(error: io::Error, name: &Path) -> OpenReadError {
    if error.kind() == io::ErrorKind::NotFound {
        OpenReadError::FileDoesNotExist(name.to_owned())
    } else {
        OpenReadError::wrap_io_error(error, name.to_owned())
    }
}

struct LockGuard {
    inner: Arc<Inner>,
    path: PathBuf,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.inner.locked.lock().remove(&self.path);
        self.inner.unlocked.notify_all();
    }
}

/// A file that is being written. Whole and durable once it was terminated.
struct EncryptedFile {
    writer: Option<EncryptedWriter<File>>,
}

fn terminated() -> io::Error {
    io::Error::other("the file was terminated already")
}

impl Write for EncryptedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().ok_or_else(terminated)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().ok_or_else(terminated)?.flush()
    }
}

impl TerminatingWrite for EncryptedFile {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        let writer = self.writer.take().ok_or_else(terminated)?;
        writer.finish().map_err(into_io)?.sync_all()
    }
}

/// An open file. Stays readable when its name is removed.
struct EncryptedHandle {
    reader: EncryptedReader,
    /// All of it, decrypted at first use, for the files that every query reads.
    kept: Option<OnceLock<OwnedBytes>>,
    /// Where its parts are kept that were read last, and under which number.
    inner: Arc<Inner>,
    number: u64,
}

impl EncryptedHandle {
    fn read(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.is_empty() {
            return Ok(OwnedBytes::empty());
        }
        if range.end > self.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let mut bytes = vec![0; range.len()];
        let read = self.reader.read_at(range.start as u64, &mut bytes).map_err(into_io)?;
        if read < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(OwnedBytes::new(bytes))
    }
}

impl FileHandle for EncryptedHandle {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let Some(kept) = &self.kept else {
            let recent = &self.inner.recent;
            return recent.get_or_read(self.number, range, |range| self.read(range));
        };
        let all = match kept.get() {
            Some(all) => all,
            None => {
                let all = self.read(0..self.len())?;
                kept.get_or_init(|| all)
            }
        };
        if range.start > range.end || range.end > all.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(all.slice(range))
    }
}

impl HasLen for EncryptedHandle {
    fn len(&self) -> usize {
        usize::try_from(self.reader.len()).unwrap_or(usize::MAX)
    }
}

impl fmt::Debug for EncryptedHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedHandle({} bytes)", self.reader.len())
    }
}
