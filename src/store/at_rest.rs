//! What a database file is while nothing is written to it.
//!
//! SQLCipher authenticates each page by itself, so it takes a page from yesterday's file for one of
//! today's; the audit log notices when one of its own pages is old, and not when one of the people's
//! is. Hence a digest over the file, in the signed checkpoint, as long as the file does not change:
//! changes go to the write-ahead log, and before that is folded the digest is taken out.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use audit::Hash;
use sha2::{Digest as _, Sha256};

/// Size of a page, as SQLCipher 4 has it.
const PAGE_BYTES: usize = 4096;

/// End of a page that authenticates all of it: initialisation vector and HMAC-SHA-512.
const TAG_BYTES: usize = 16 + 64;

/// Beginning of the file: the salt of the key that the tags are made with.
const SALT_BYTES: usize = 16;

/// Read at a time.
const BUFFER_BYTES: usize = 64 * PAGE_BYTES;

/// Digest of a database file: of its length, its salt and each page's tag, which stands for the page.
/// Blocks; reads all of the file.
pub(crate) fn digest(database: &Path) -> io::Result<Hash> {
    let file = File::open(database)?;
    let length = file.metadata()?.len();
    let mut hasher = Sha256::new().chain_update(length.to_le_bytes());
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut page = [0; PAGE_BYTES];
    let mut left = length;
    while left > 0 {
        // A file that was cut inside a page is hashed to its end all the same.
        let count = usize::try_from(left).map_or(PAGE_BYTES, |left| left.min(PAGE_BYTES));
        let bytes = page.get_mut(..count).unwrap_or_default();
        reader.read_exact(bytes)?;
        if left == length {
            hasher.update(bytes.get(..SALT_BYTES).unwrap_or(bytes));
        }
        hasher.update(bytes.get(count.saturating_sub(TAG_BYTES)..).unwrap_or_default());
        left -= count as u64;
    }
    Ok(Hash::from_bytes(hasher.finalize().into()))
}
