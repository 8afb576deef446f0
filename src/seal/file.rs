//! Encrypted files: written as a stream, read at random, nothing believed that does not
//! authenticate.
//!
//! # Format, version 1
//!
//! All numbers big-endian. A file is a header and one or more chunks; there is no footer, so a
//! writer never goes back.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 6 | magic `4d 57 53 45 41 4c` (`MWSEAL`) |
//! | 6 | 1 | format version, 1 |
//! | 7 | 1 | chunk size as a power of two, 12 to 16 (4 KiB to 64 KiB) |
//! | 8 | 16 | file id, random |
//! | 24 + i·(C + 16) | c | chunk i, encrypted; c = C for all but the last chunk |
//! | … + c | 16 | authentication tag of chunk i |
//!
//! C is the chunk size. The last chunk holds 1 to C bytes, and 0 only in an empty file, whose one
//! chunk it is. The length of the contents thus follows from the length of the file.
//!
//! - File key: HKDF-SHA256 (RFC 5869), input the data key, salt the file id, info
//!   `"millwright file v1\0"` and then bytes 0 to 7 of the header. Every file has its own key, so
//!   counted nonces never meet.
//! - Chunk: AES-256-GCM (NIST SP 800-38D). The 12-byte nonce is three zero bytes, the chunk's
//!   index as eight bytes, and one byte that is 1 for the last chunk and else 0 (the STREAM
//!   construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Associated data: the caller's
//!   context, such as `blob:` and a revision's id.
//!
//! What that detects: a changed byte anywhere; a chunk moved, repeated or taken from another
//! file (index, file key); a file cut or lengthened at any byte (last-chunk mark, checked when a
//! file is opened); a file in the place of another (context) or of another tenant (data key). What
//! it cannot detect is an older version of the same file put back whole; that is what the audit
//! checkpoint is for.

mod cursor;
mod layout;
mod reader;
mod writer;

pub use cursor::EncryptedCursor;
pub use layout::{ChunkSize, FILE_CHUNKS_MAX};
pub use reader::{CACHED_CHUNKS, EncryptedReader};
pub use writer::{EncryptedWriter, FileOptions};

#[cfg(test)]
mod tests;
