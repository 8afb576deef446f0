//! Writing an encrypted file, front to back, one chunk in memory.

use std::fmt;
use std::io::{self, Write};

use base::Entropy;
use zeroize::Zeroizing;

use super::layout::{ChunkCipher, ChunkPlace, ChunkSize, FILE_CHUNKS_MAX, Header, TAG_BYTES};
use crate::{DataKey, SealError};

/// How an encrypted file is made.
#[derive(Clone, Copy)]
pub struct FileOptions<'a> {
    /// The key from which the file's own key is derived.
    pub key: &'a DataKey,
    /// What the file is (`blob:` and an id): it opens only where the same context is given.
    pub context: &'a [u8],
    /// How much is encrypted at a time.
    pub chunk_size: ChunkSize,
}

/// Encrypts what is written to it into `W`, which it takes from its present position.
///
/// The file is whole only after [`finish`](Self::finish); one that was dropped before does not
/// open. [`flush`](Write::flush) passes on whole chunks alone, because a chunk can be written only
/// once. Making the bytes durable (fsync) is the caller's part.
pub struct EncryptedWriter<W: Write> {
    inner: W,
    cipher: ChunkCipher,
    chunk_bytes: usize,
    /// What the next chunk holds so far; never longer than a chunk, tag included.
    buffer: Zeroizing<Vec<u8>>,
    next_chunk: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A chunk was lost on its way out; nothing that follows could be read.
    Failed,
}

impl<W: Write> EncryptedWriter<W> {
    /// Begins a file with chunks of 64 KiB.
    ///
    /// # Errors
    /// [`SealError::Entropy`], [`SealError::ContextTooLong`], [`SealError::Io`].
    pub fn create(
        inner: W,
        key: &DataKey,
        context: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let chunk_size = ChunkSize::default();
        Self::create_with(inner, FileOptions { key, context, chunk_size }, entropy)
    }

    /// Begins a file with chunks of a chosen size.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_with(
        mut inner: W,
        options: FileOptions<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let header = Header::new(options.chunk_size, entropy)?;
        let cipher = ChunkCipher::new(options.key, &header, options.context)?;
        inner.write_all(&header.to_bytes())?;
        let chunk_bytes = options.chunk_size.bytes();
        Ok(Self {
            inner,
            cipher,
            chunk_bytes,
            // Room for the tag, so that it never grows and leaves no copy behind.
            buffer: Zeroizing::new(Vec::with_capacity(chunk_bytes + TAG_BYTES)),
            next_chunk: 0,
            state: State::Open,
        })
    }

    /// Writes the last chunk, flushes, and gives back what was written into.
    ///
    /// # Errors
    /// [`SealError::Io`], and [`SealError::WriterFailed`] when an earlier write failed.
    pub fn finish(mut self) -> Result<W, SealError> {
        self.write_chunk(Position::Last)?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    /// What is written into. Writing to it directly breaks the file.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    fn write_chunk(&mut self, position: Position) -> Result<(), SealError> {
        if self.state == State::Failed {
            return Err(SealError::WriterFailed);
        }
        if self.next_chunk >= FILE_CHUNKS_MAX {
            return Err(SealError::FileTooLarge);
        }
        // Until the chunk is out whole, the file is broken.
        self.state = State::Failed;
        let place =
            ChunkPlace { index: self.next_chunk, is_last: matches!(position, Position::Last) };
        let tag = self.cipher.seal(place, &mut self.buffer)?;
        self.buffer.extend_from_slice(&tag);
        self.inner.write_all(&self.buffer)?;
        self.buffer.clear();
        self.next_chunk += 1;
        self.state = State::Open;
        Ok(())
    }
}

/// Whether more chunks follow.
#[derive(Clone, Copy)]
enum Position {
    Inner,
    Last,
}

impl<W: Write> Write for EncryptedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.state == State::Failed {
            return Err(SealError::WriterFailed.into());
        }
        // A full chunk waits until more comes: only then is it known not to be the last.
        if self.buffer.len() == self.chunk_bytes && !bytes.is_empty() {
            self.write_chunk(Position::Inner)?;
        }
        let count = bytes.len().min(self.chunk_bytes - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> fmt::Debug for EncryptedWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedWriter")
            .field("next_chunk", &self.next_chunk)
            .finish_non_exhaustive()
    }
}
