//! A reader that knows where it is and how much is left.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{GgufError, Place};

/// Read from the file at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// How far one seek goes at most, so that it fits into a signed offset.
const SEEK_BYTES: u64 = 1 << 62;

/// Reads little-endian values; asks what is left of the file before it reads or reserves anything.
pub(super) struct Cursor<R> {
    source: BufReader<R>,
    at_byte: u64,
    file_bytes: u64,
}

impl<R: Read + Seek> Cursor<R> {
    /// At the beginning of `source`, of which `file_bytes` are looked at.
    pub(super) fn new(mut source: R, file_bytes: u64) -> Result<Self, GgufError> {
        source.seek(SeekFrom::Start(0))?;
        Ok(Self { source: BufReader::with_capacity(BUFFER_BYTES, source), at_byte: 0, file_bytes })
    }

    pub(super) const fn at_byte(&self) -> u64 {
        self.at_byte
    }

    pub(super) const fn left_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(self.at_byte)
    }

    /// Names what begins here.
    pub(super) fn place(&self, what: impl Into<String>) -> Place {
        Place { what: what.into(), at_byte: self.at_byte }
    }

    /// Fails unless so much is left.
    pub(super) fn need(&self, what: &str, wanted_bytes: u64) -> Result<(), GgufError> {
        let left_bytes = self.left_bytes();
        if wanted_bytes <= left_bytes {
            return Ok(());
        }
        Err(GgufError::Ended { place: self.place(what), wanted_bytes, left_bytes })
    }

    pub(super) fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.bytes(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.bytes(what).map(u64::from_le_bytes)
    }

    /// Reads a length and so many bytes into `buffer`, in the place of what it held.
    pub(super) fn string(
        &mut self,
        what: &str,
        allowed_bytes: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), GgufError> {
        // The place is only made for a message: lists of tokens have a million strings.
        let at_byte = self.at_byte;
        let found_bytes = self.u64(what)?;
        let too_long = || GgufError::TooLong {
            place: Place { what: what.to_owned(), at_byte },
            found_bytes,
            allowed_bytes,
        };
        if found_bytes > allowed_bytes {
            return Err(too_long());
        }
        self.need(what, found_bytes)?;
        let length = usize::try_from(found_bytes).map_err(|_| too_long())?;
        buffer.clear();
        buffer.resize(length, 0);
        self.fill(what, buffer)
    }

    /// As [`Self::string`], and it must be UTF-8.
    pub(super) fn text(&mut self, what: &str, allowed_bytes: u64) -> Result<String, GgufError> {
        let at_byte = self.at_byte;
        let mut bytes = Vec::new();
        self.string(what, allowed_bytes, &mut bytes)?;
        String::from_utf8(bytes)
            .map_err(|_| GgufError::NotUtf8 { place: Place { what: what.to_owned(), at_byte } })
    }

    /// Goes on without reading.
    pub(super) fn skip(&mut self, what: &str, count_bytes: u64) -> Result<(), GgufError> {
        self.need(what, count_bytes)?;
        let mut left = count_bytes;
        while left > 0 {
            let step = left.min(SEEK_BYTES);
            self.source.seek_relative(i64::try_from(step).unwrap_or(i64::MAX))?;
            left -= step;
        }
        self.at_byte += count_bytes;
        Ok(())
    }

    fn fill(&mut self, what: &str, bytes: &mut [u8]) -> Result<(), GgufError> {
        let wanted_bytes = bytes.len() as u64;
        self.need(what, wanted_bytes)?;
        match self.source.read_exact(bytes) {
            Ok(()) => {
                self.at_byte += wanted_bytes;
                Ok(())
            }
            // Shorter than it was said to be, or cut off in the meantime.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(GgufError::Ended { place: self.place(what), wanted_bytes, left_bytes: 0 })
            }
            Err(error) => Err(error.into()),
        }
    }
}
