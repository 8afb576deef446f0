//! Merkle log of what happened: entries, checkpoints, proofs and the verifier. Pure: bytes in,
//! bytes out; the store keeps them.
//!
//! A room reports an [`Event`]; the store stamps it ([`Stamp`]) into an [`Entry`] and keeps its
//! canonical bytes. Their [`leaf_hash`] goes into an RFC 6962 tree, of which the store keeps only
//! the [`Frontier`]. A signed [`Checkpoint`] of the tree lies outside the database;
//! [`Verifier`] reads a log from the beginning and says whether it is the one the checkpoint was
//! made of, or where it stops being so.
//!
//! # Verifying a log without this program
//!
//! 1. Check the checkpoint: a C2SP signed note (<https://c2sp.org/tlog-checkpoint>,
//!    <https://c2sp.org/signed-note>). Its text is everything up to and with the newline before
//!    the last empty line; the signature line is `— <origin> <base64 of 4 + 64 bytes>`; the 64
//!    bytes are the Ed25519 signature (RFC 8032) over the text, the 4 bytes are the first of
//!    SHA-256(origin, byte 0a, byte 01, the 32 bytes of the public key). Line 1 of the text is
//!    the origin, line 2 the number of entries in decimal, line 3 the root in base64.
//! 2. Take each entry's bytes as they were exported, without a line end. The leaf is
//!    SHA-256(byte 00, entry).
//! 3. Root of n leaves (RFC 6962 section 2.1): of none, SHA-256 of nothing; of one, the leaf; of
//!    more, SHA-256(byte 01, root of the first k, root of the rest), where k is the greatest power
//!    of two below n.
//! 4. The root of the first "number of entries" leaves must be line 3. Entry number i (from 0)
//!    must say `"index":i`.
//! 5. Entries at the beginning may have been pruned: of them only the leaves are left. A later entry
//!    with the action `audit.pruned`, the actor `appliance`, the outcome `success` and at least as
//!    large an `end` in its `detail` must say so; its `cutoff` must lie as many days before its own
//!    `time` as its `retention_days` says, which are 90 at least, and `end` must not be above its own
//!    index. Exports begin behind what was pruned.
//!
//! What the bytes of an entry mean stands at [`Entry`].
//!
//! Never:
//! - reads a clock, a file, a socket or randomness;
//! - accepts two spellings of one entry: [`Entry::parse`] refuses bytes that are not canonical;
//! - fails to record: [`Entry::canonical`] has no error, values that are too large are replaced
//!   by their hash;
//! - trusts a checkpoint before its signature has been verified;
//! - holds more than a few hashes while it verifies a log of any length.

mod canonical;
mod checkpoint;
mod entry;
mod error;
mod event;
mod export;
mod frontier;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hash;
mod proof;
mod pruning;
mod tree;
mod verifier;

pub use canonical::{SAFE_INTEGER_MAX, VALUE_DEPTH_MAX, VALUE_MAX_BYTES};
pub use checkpoint::{Checkpoint, NOTE_MAX_BYTES, ORIGIN_MAX_BYTES};
pub use entry::{ENTRY_MAX_BYTES, Entry, Object};
pub use error::{EntryError, FrontierError, HashError, NoteError, ProofError};
pub use event::{Action, Event, OBJECT_ID_MAX_CHARS, Outcome, Stamp};
pub use export::{
    Cover, EXPORT_FORMAT, ExportEnd, ExportError, ExportHead, ExportVerifier, PrunedBefore,
    Subtree, VerifiedExport,
};
pub use frontier::Frontier;
pub use hash::{Hash, leaf_hash, node_hash};
pub use proof::{
    ConsistencyProof, InclusionProof, PROOF_NODES_MAX, verify_consistency, verify_inclusion,
};
pub use pruning::{Pruning, RETENTION_LEAST_DAYS};
pub use tree::{consistency_proof, inclusion_proof, root};
pub use verifier::{ExaminedRow, Finding, FindingKind, Report, Verifier};
