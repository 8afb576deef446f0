//! An encrypted file as a stream with a position.

use std::borrow::Borrow;
use std::io::{self, Read, Seek, SeekFrom};

use super::EncryptedReader;

/// Reads an [`EncryptedReader`] from a position of its own, for whatever wants `Read + Seek`.
///
/// Takes the reader itself, a reference, or an `Arc`: several cursors may share one reader.
#[derive(Debug)]
pub struct EncryptedCursor<R: Borrow<EncryptedReader>> {
    reader: R,
    position: u64,
}

impl<R: Borrow<EncryptedReader>> EncryptedCursor<R> {
    /// A cursor at the beginning.
    pub const fn new(reader: R) -> Self {
        Self { reader, position: 0 }
    }
}

impl<R: Borrow<EncryptedReader>> Read for EncryptedCursor<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.borrow().read_at(self.position, out)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Borrow<EncryptedReader>> Seek for EncryptedCursor<R> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.reader.borrow().len().checked_add_signed(delta),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek to before the beginning")
        })?;
        Ok(self.position)
    }
}
