//! All that must be kept of a tree to append to it and know its root.

use crate::canonical::SAFE_INTEGER_MAX;
use crate::{FrontierError, Hash, node_hash};

/// The right edge of a tree: the roots of the perfect subtrees it is made of, largest first, one
/// for every bit that is set in its size. At most 64 hashes, whatever the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

const SIZE_BYTES: usize = 8;
const HASH_BYTES: usize = 32;

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// Appends one leaf. Costs one hash on average, 64 at most.
    pub fn append(&mut self, leaf: Hash) {
        let mut subtree = leaf;
        // Each set bit from the low end is a subtree of the size just made: they become one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                subtree = node_hash(&left, &subtree);
            }
        }
        self.subtrees.push(subtree);
        self.size += 1;
    }

    /// How many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves; [`Hash::EMPTY_ROOT`] when there are none.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        let Some(smallest) = subtrees.next() else { return Hash::EMPTY_ROOT };
        subtrees.fold(*smallest, |right, left| node_hash(left, &right))
    }

    /// The bytes that a database row keeps: the size as eight big-endian bytes, then the subtree
    /// roots of 32 bytes each, largest subtree first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        self.subtrees.iter().for_each(|subtree| bytes.extend_from_slice(subtree.as_bytes()));
        bytes
    }

    /// From [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`FrontierError`] when the length does not fit the size, or the size is beyond the last
    /// index that an entry can have.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, hashes) = bytes
            .split_first_chunk::<SIZE_BYTES>()
            .ok_or(FrontierError("fewer than eight bytes"))?;
        let size = u64::from_be_bytes(*size);
        if size > SAFE_INTEGER_MAX {
            return Err(FrontierError("more entries than a log can have"));
        }
        let (subtrees, rest) = hashes.as_chunks::<HASH_BYTES>();
        if !rest.is_empty() || subtrees.len() != size.count_ones() as usize {
            return Err(FrontierError("its length does not fit its size"));
        }
        Ok(Self { size, subtrees: subtrees.iter().copied().map(Hash::from_bytes).collect() })
    }
}
