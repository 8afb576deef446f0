//! Reading an encrypted file at any offset, from several threads.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::layout::{ChunkCipher, Extent, HEADER_BYTES, Header, TAG_BYTES};
use crate::{DataKey, SealError};

/// Decrypted chunks that one open file keeps, unless told otherwise: at most 512 KiB with chunks
/// of 64 KiB.
pub const CACHED_CHUNKS: usize = 8;

type Chunk = Arc<Zeroizing<Vec<u8>>>;

/// An encrypted file, open for reading.
///
/// `Send + Sync`; [`read_at`](Self::read_at) takes `&self` and may run in several threads at
/// once. A read costs the decryption of the chunks it touches, less those in the cache; whole
/// chunks are decrypted straight into the caller's memory and not cached, so that a scan does not
/// push out what random reads come back to.
pub struct EncryptedReader {
    file: File,
    cipher: ChunkCipher,
    extent: Extent,
    cache: Mutex<Cache>,
}

impl EncryptedReader {
    /// Opens a whole file (its header stands at offset 0) and authenticates its length.
    ///
    /// # Errors
    /// [`SealError::NotEncrypted`] and [`SealError::FormatVersion`] for another kind of file;
    /// [`SealError::Truncated`] or [`SealError::Damaged`] when it is not whole, or key or context
    /// are not those it was written with; [`SealError::Io`].
    pub fn open(file: File, key: &DataKey, context: &[u8]) -> Result<Self, SealError> {
        let file_bytes = file.metadata()?.len();
        let mut header = [0; HEADER_BYTES];
        read_exact_at(&file, &mut header, 0)?;
        let header = Header::parse(&header)?;
        let cipher = ChunkCipher::new(key, &header, context)?;
        let extent = Extent::of_file(file_bytes, header.chunk_size)?;
        let cache = Mutex::new(Cache::new(CACHED_CHUNKS));
        let reader = Self { file, cipher, extent, cache };
        // The last chunk alone tells that nothing was cut off behind it.
        reader.cached_chunk(extent.chunks - 1)?;
        Ok(reader)
    }

    /// The same file with a cache of `chunks` chunks, at least one.
    #[must_use]
    pub fn with_cached_chunks(self, chunks: usize) -> Self {
        self.cache.lock().resize(chunks);
        self
    }

    /// Length of the contents, in bytes; authenticated when the file was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.extent.len()
    }

    /// Whether the contents are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from byte `offset` of the contents until `out` is full or the contents end, and
    /// tells how many bytes that were (0 at and behind the end).
    ///
    /// # Errors
    /// [`SealError::Damaged`] names the chunk that does not authenticate; [`SealError::Truncated`]
    /// when the file shrank since it was opened; [`SealError::Io`]. What `out` then holds means
    /// nothing.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize, SealError> {
        let available = self.len().saturating_sub(offset);
        let wanted = usize::try_from(available).unwrap_or(usize::MAX).min(out.len());
        let mut filled = 0;
        while filled < wanted {
            let (index, within) = self.extent.locate(offset + filled as u64);
            let chunk_len = self.extent.chunk_len(index);
            let count = (chunk_len - within).min(wanted - filled);
            let target = &mut out[filled..filled + count];
            if count == chunk_len {
                self.whole_chunk(index, target)?;
            } else {
                let chunk = self.cached_chunk(index)?;
                target.copy_from_slice(&chunk[within..within + count]);
            }
            filled += count;
        }
        Ok(filled)
    }

    /// All contents at once, when they are no more than `max_bytes`.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); [`SealError::Io`] of kind `FileTooLarge` over the limit.
    pub fn read_all(&self, max_bytes: usize) -> Result<Vec<u8>, SealError> {
        let size_bytes = usize::try_from(self.len()).unwrap_or(usize::MAX);
        if size_bytes > max_bytes {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
        }
        let mut contents = vec![0; size_bytes];
        self.read_at(0, &mut contents)?;
        Ok(contents)
    }

    /// Decrypts all of chunk `index` into `out`, from the cache when it is there.
    fn whole_chunk(&self, index: u64, out: &mut [u8]) -> Result<(), SealError> {
        if let Some(chunk) = self.cache.lock().get(index) {
            out.copy_from_slice(&chunk);
            return Ok(());
        }
        let offset = self.extent.file_offset(index);
        let mut tag = [0; TAG_BYTES];
        read_exact_at(&self.file, out, offset)?;
        read_exact_at(&self.file, &mut tag, offset + out.len() as u64)?;
        self.cipher.open(self.extent.place(index), out, tag)
    }

    /// Chunk `index`, from the cache or into it. Two threads that miss together both decrypt;
    /// nobody waits for another's disk.
    fn cached_chunk(&self, index: u64) -> Result<Chunk, SealError> {
        if let Some(chunk) = self.cache.lock().get(index) {
            return Ok(chunk);
        }
        let chunk_len = self.extent.chunk_len(index);
        let mut bytes = Zeroizing::new(vec![0; chunk_len + TAG_BYTES]);
        read_exact_at(&self.file, &mut bytes, self.extent.file_offset(index))?;
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&bytes[chunk_len..]);
        bytes.truncate(chunk_len);
        self.cipher.open(self.extent.place(index), &mut bytes, tag)?;
        let chunk = Arc::new(bytes);
        self.cache.lock().put(index, Arc::clone(&chunk));
        Ok(chunk)
    }

    /// How many chunks the cache holds now; for tests of its bound.
    #[cfg(test)]
    pub(super) fn cached_now(&self) -> usize {
        self.cache.lock().chunks.len()
    }
}

impl fmt::Debug for EncryptedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedReader").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Reads all of `out` or says that the file is too short.
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> Result<(), SealError> {
    file.read_exact_at(out, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SealError::Truncated,
        _ => SealError::Io(error),
    })
}

/// The chunks used last, latest at the end. So few that a walk is quicker than a map.
struct Cache {
    capacity: usize,
    chunks: Vec<(u64, Chunk)>,
}

impl Cache {
    fn new(capacity: usize) -> Self {
        Self { capacity, chunks: Vec::new() }
    }

    fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        let surplus = self.chunks.len().saturating_sub(self.capacity);
        self.chunks.drain(..surplus);
    }

    fn get(&mut self, index: u64) -> Option<Chunk> {
        let at = self.chunks.iter().position(|(cached, _)| *cached == index)?;
        self.chunks[at..].rotate_left(1);
        self.chunks.last().map(|(_, chunk)| Arc::clone(chunk))
    }

    fn put(&mut self, index: u64, chunk: Chunk) {
        // Another thread may have been quicker with the same chunk.
        if self.get(index).is_some() {
            return;
        }
        if self.chunks.len() >= self.capacity {
            self.chunks.remove(0);
        }
        self.chunks.push((index, chunk));
    }
}
