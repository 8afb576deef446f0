//! What can be wrong with entries, notes, proofs and stored hashes.

/// The text is not a hash.
#[derive(Debug, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct HashError;

/// Stored bytes that are not a [`Frontier`](crate::Frontier).
#[derive(Debug, thiserror::Error)]
#[error("not a tree frontier: {0}")]
pub struct FrontierError(pub(crate) &'static str);

/// Bytes that are not an audit entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// More bytes than an entry can have.
    #[error("an audit entry has at most {} bytes, these are {size_bytes}", crate::ENTRY_MAX_BYTES)]
    TooLarge {
        /// How many there are.
        size_bytes: usize,
    },
    /// Not JSON, or not the members that an entry has.
    #[error("not an audit entry")]
    Shape(#[source] serde_json::Error),
    /// An entry of a version that this program does not know.
    #[error("audit entry version {version} is not known to this program (it knows 1)")]
    Version {
        /// The version it names.
        version: u64,
    },
    /// A member has a value that it cannot have.
    #[error("the member {member:?} of the audit entry is not valid")]
    Member {
        /// Which member.
        member: &'static str,
    },
    /// The same entry in another spelling than the one that is hashed.
    #[error("the audit entry is not in its canonical encoding")]
    NotCanonical,
}

/// A text that is not a checkpoint to be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// More bytes than a note may have.
    #[error("a signed note has at most {} bytes", crate::NOTE_MAX_BYTES)]
    TooLarge,
    /// Not built as a signed note or checkpoint is.
    #[error("not a signed checkpoint: {0}")]
    Malformed(&'static str),
    /// The origin cannot be a key name.
    #[error(
        "an origin has 1 to {} bytes without spaces, control characters or plus signs",
        crate::ORIGIN_MAX_BYTES
    )]
    Origin,
    /// The checkpoint of another log.
    #[error("the checkpoint belongs to another log")]
    OtherOrigin,
    /// No line is signed by the expected key.
    #[error("the checkpoint is not signed by the log's key")]
    Unsigned,
    /// A line of the expected key does not verify.
    #[error("the checkpoint's signature does not verify")]
    Signature(#[source] seal::SealError),
}

/// A proof that cannot be made or does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Index or sizes do not fit each other.
    #[error("the tree of {tree_size} entries has no such entry or earlier state: {wanted}")]
    OutOfRange {
        /// The index or the old size.
        wanted: u64,
        /// How many entries the tree has.
        tree_size: u64,
    },
    /// Too few or too many nodes for these sizes.
    #[error("the proof has the wrong number of nodes")]
    Length,
    /// The proof leads to another root.
    #[error("the proof does not lead to the root")]
    Mismatch,
}
