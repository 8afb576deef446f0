//! Parts of encrypted files that were read a moment ago, decrypted.
//!
//! A query reads the posting lists of its words twice, to find chunks and to score them, and the
//! words of the next query are often the same. With a million chunks a frequent word's list has
//! some hundred kilobytes, and decrypting the lists was a third of the text arm's work.

use std::collections::HashMap;
use std::ops::Range;

use parking_lot::Mutex;
use tantivy::directory::OwnedBytes;

/// Most memory for them, per open index. Small indexes never come near it.
const KEPT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Shortest part that is kept: about what one chunk of a file is decrypted to anyway.
const PART_MIN_BYTES: usize = 16 * 1024;

/// Longest part that is kept. Longer ones are read once, when a segment is opened.
const PART_MAX_BYTES: usize = KEPT_MAX_BYTES / 8;

/// Of which open file, and which bytes of it.
type Key = (u64, usize, usize);

/// The parts that were used last, up to a bound.
#[derive(Default)]
pub(super) struct RecentParts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    parts: HashMap<Key, Part>,
    size_bytes: usize,
    uses: u64,
}

struct Part {
    bytes: OwnedBytes,
    last_use: u64,
}

impl RecentParts {
    /// The bytes `range` of `file`: kept, or else what `read` gives.
    pub(super) fn get_or_read<E>(
        &self,
        file: u64,
        range: Range<usize>,
        read: impl FnOnce(Range<usize>) -> Result<OwnedBytes, E>,
    ) -> Result<OwnedBytes, E> {
        if !(PART_MIN_BYTES..=PART_MAX_BYTES).contains(&range.len()) {
            return read(range);
        }
        let key = (file, range.start, range.end);
        if let Some(bytes) = self.0.lock().find(key) {
            return Ok(bytes);
        }
        // Two readers of the same part may both decrypt it; neither waits for the other.
        let bytes = read(range)?;
        self.0.lock().keep(key, bytes.clone());
        Ok(bytes)
    }
}

impl Kept {
    fn find(&mut self, key: Key) -> Option<OwnedBytes> {
        self.uses += 1;
        let part = self.parts.get_mut(&key)?;
        part.last_use = self.uses;
        Some(part.bytes.clone())
    }

    fn keep(&mut self, key: Key, bytes: OwnedBytes) {
        self.uses += 1;
        self.size_bytes += bytes.len();
        let part = Part { bytes, last_use: self.uses };
        if let Some(same) = self.parts.insert(key, part) {
            self.size_bytes -= same.bytes.len();
        }
        // A thousand parts at most, so looking at all of them costs less than decrypting one.
        while self.size_bytes > KEPT_MAX_BYTES {
            let oldest = self.parts.iter().min_by_key(|(_, part)| part.last_use);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { return };
            if let Some(gone) = self.parts.remove(&oldest) {
                self.size_bytes -= gone.bytes.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Asks for a part; tells whether it had to be read.
    fn is_read(recent: &RecentParts, file: u64, range: Range<usize>) -> bool {
        let mut was_read = false;
        let Ok(bytes) = recent.get_or_read(file, range.clone(), |range| {
            was_read = true;
            Ok::<_, Infallible>(OwnedBytes::new(vec![u8::try_from(file).unwrap_or(0); range.len()]))
        });
        assert_eq!(bytes.len(), range.len());
        assert!(bytes.iter().all(|byte| u64::from(*byte) == file));
        was_read
    }

    #[test]
    fn a_part_is_read_once_and_told_from_others() {
        let recent = RecentParts::default();
        assert!(is_read(&recent, 1, 0..20_000));
        assert!(!is_read(&recent, 1, 0..20_000));
        assert!(is_read(&recent, 2, 0..20_000));
        assert!(is_read(&recent, 1, 1..20_000));
        assert!(is_read(&recent, 1, 0..20_001));
        assert!(!is_read(&recent, 1, 0..20_000));
    }

    #[test]
    fn short_and_long_parts_are_not_kept() {
        let recent = RecentParts::default();
        for length in [1, PART_MIN_BYTES - 1, PART_MAX_BYTES + 1] {
            assert!(is_read(&recent, 1, 0..length));
            assert!(is_read(&recent, 1, 0..length));
        }
        assert_eq!(recent.0.lock().parts.len(), 0);
    }

    #[test]
    fn what_was_not_used_for_longest_gives_way() {
        let recent = RecentParts::default();
        for start in 0..8 {
            assert!(is_read(&recent, 1, start..start + PART_MAX_BYTES));
        }
        assert!(!is_read(&recent, 1, 0..PART_MAX_BYTES), "all eight fit");
        assert!(is_read(&recent, 1, 8..8 + PART_MAX_BYTES));
        assert!(!is_read(&recent, 1, 0..PART_MAX_BYTES), "used after the second one");
        assert!(is_read(&recent, 1, 1..1 + PART_MAX_BYTES));
        let kept = recent.0.lock();
        assert!(kept.size_bytes <= KEPT_MAX_BYTES);
        let sum: usize = kept.parts.values().map(|part| part.bytes.len()).sum();
        assert_eq!(sum, kept.size_bytes);
    }
}
