//! Header, chunk places and chunk cipher of the format that the parent module documents.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base::Entropy;

use crate::master::check_context;
use crate::secret::Secret;
use crate::{DataKey, SealError};

/// Most chunks of one file; 256 TiB at the default chunk size.
pub const FILE_CHUNKS_MAX: u64 = 1 << 32;

pub(super) const TAG_BYTES: usize = 16;
pub(super) const HEADER_BYTES: usize = 24;

const MAGIC: &[u8; 6] = b"MWSEAL";
const VERSION: u8 = 1;
const VERSION_AT: usize = 6;
const CHUNK_SIZE_AT: usize = 7;
const FILE_ID_AT: usize = 8;
const FILE_ID_BYTES: usize = HEADER_BYTES - FILE_ID_AT;
const FILE_INFO: &[u8] = b"millwright file v1\0";

/// How many bytes are encrypted and authenticated at a time: the least that a random read costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChunkSize {
    /// 4 KiB: for files read a few bytes here and there.
    Kib4,
    /// 8 KiB.
    Kib8,
    /// 16 KiB.
    Kib16,
    /// 32 KiB.
    Kib32,
    /// 64 KiB: for files read front to back.
    #[default]
    Kib64,
}

impl ChunkSize {
    /// All sizes, smallest first.
    pub const ALL: [Self; 5] = [Self::Kib4, Self::Kib8, Self::Kib16, Self::Kib32, Self::Kib64];

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.exponent()
    }

    /// The power of two in the header.
    const fn exponent(self) -> u8 {
        match self {
            Self::Kib4 => 12,
            Self::Kib8 => 13,
            Self::Kib16 => 14,
            Self::Kib32 => 15,
            Self::Kib64 => 16,
        }
    }
}

/// The first bytes of an encrypted file.
pub(super) struct Header {
    pub(super) chunk_size: ChunkSize,
    file_id: [u8; FILE_ID_BYTES],
}

impl Header {
    pub(super) fn new(chunk_size: ChunkSize, entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut file_id = [0; FILE_ID_BYTES];
        entropy.fill(&mut file_id)?;
        Ok(Self { chunk_size, file_id })
    }

    pub(super) fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..VERSION_AT].copy_from_slice(MAGIC);
        bytes[VERSION_AT] = VERSION;
        bytes[CHUNK_SIZE_AT] = self.chunk_size.exponent();
        bytes[FILE_ID_AT..].copy_from_slice(&self.file_id);
        bytes
    }

    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, SealError> {
        if bytes[..VERSION_AT] != *MAGIC {
            return Err(SealError::NotEncrypted);
        }
        if bytes[VERSION_AT] != VERSION {
            return Err(SealError::FormatVersion { version: bytes[VERSION_AT] });
        }
        let chunk_size = ChunkSize::ALL
            .into_iter()
            .find(|size| size.exponent() == bytes[CHUNK_SIZE_AT])
            .ok_or(SealError::NotEncrypted)?;
        let mut file_id = [0; FILE_ID_BYTES];
        file_id.copy_from_slice(&bytes[FILE_ID_AT..]);
        Ok(Self { chunk_size, file_id })
    }
}

/// Encrypts and decrypts the chunks of one file.
pub(super) struct ChunkCipher {
    cipher: Aes256Gcm,
    context: Vec<u8>,
}

impl ChunkCipher {
    pub(super) fn new(key: &DataKey, header: &Header, context: &[u8]) -> Result<Self, SealError> {
        check_context(context)?;
        let mut file_key = Secret::zeroed();
        let bytes = header.to_bytes();
        key.expand(Some(&header.file_id), &[FILE_INFO, &bytes[..FILE_ID_AT]], &mut file_key);
        Ok(Self { cipher: Aes256Gcm::new(file_key.bytes().into()), context: context.to_vec() })
    }

    /// Encrypts chunk `place` in place and gives its tag.
    pub(super) fn seal(
        &self,
        place: ChunkPlace,
        chunk: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], SealError> {
        self.cipher
            .encrypt_inout_detached(&place.nonce(), &self.context, chunk.into())
            .map(Into::into)
            .map_err(|_| SealError::Encrypt)
    }

    /// Decrypts chunk `place` in place; when it does not authenticate it stays encrypted.
    pub(super) fn open(
        &self,
        place: ChunkPlace,
        chunk: &mut [u8],
        tag: [u8; TAG_BYTES],
    ) -> Result<(), SealError> {
        self.cipher
            .decrypt_inout_detached(&place.nonce(), &self.context, chunk.into(), &Tag::from(tag))
            .map_err(|_| SealError::Damaged { chunk: place.index })
    }
}

/// Which chunk of its file a chunk is.
#[derive(Clone, Copy)]
pub(super) struct ChunkPlace {
    pub(super) index: u64,
    pub(super) is_last: bool,
}

impl ChunkPlace {
    fn nonce(self) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.index.to_be_bytes());
        nonce[11] = u8::from(self.is_last);
        Nonce::from(nonce)
    }
}

/// How the chunks lie in a file of a known length.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    chunk_bytes: u64,
    pub(super) chunks: u64,
    last_chunk_bytes: u64,
}

impl Extent {
    /// From the length of the whole file, header included.
    pub(super) fn of_file(file_bytes: u64, chunk_size: ChunkSize) -> Result<Self, SealError> {
        let (tag_bytes, chunk_bytes) = (TAG_BYTES as u64, chunk_size.bytes() as u64);
        let stride = chunk_bytes + tag_bytes;
        let body = file_bytes.checked_sub(HEADER_BYTES as u64).ok_or(SealError::Truncated)?;
        let chunks = body.div_ceil(stride);
        if chunks > FILE_CHUNKS_MAX {
            return Err(SealError::FileTooLarge);
        }
        let before_last = chunks.checked_sub(1).ok_or(SealError::Truncated)? * stride;
        let last_chunk_bytes =
            (body - before_last).checked_sub(tag_bytes).ok_or(SealError::Truncated)?;
        if last_chunk_bytes == 0 && chunks > 1 {
            return Err(SealError::Truncated);
        }
        Ok(Self { chunk_bytes, chunks, last_chunk_bytes })
    }

    /// Length of the contents, in bytes.
    pub(super) fn len(&self) -> u64 {
        (self.chunks - 1) * self.chunk_bytes + self.last_chunk_bytes
    }

    pub(super) fn place(&self, index: u64) -> ChunkPlace {
        ChunkPlace { index, is_last: index + 1 == self.chunks }
    }

    /// Where chunk `index` begins in the file.
    pub(super) fn file_offset(&self, index: u64) -> u64 {
        HEADER_BYTES as u64 + index * (self.chunk_bytes + TAG_BYTES as u64)
    }

    /// Length of chunk `index` without its tag, in bytes.
    pub(super) fn chunk_len(&self, index: u64) -> usize {
        let bytes = if index + 1 == self.chunks { self.last_chunk_bytes } else { self.chunk_bytes };
        // At most 64 KiB by construction.
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The chunk that holds byte `offset` of the contents, and the byte's place in it.
    pub(super) fn locate(&self, offset: u64) -> (u64, usize) {
        let within = usize::try_from(offset % self.chunk_bytes).unwrap_or(usize::MAX);
        (offset / self.chunk_bytes, within)
    }
}
