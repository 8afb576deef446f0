//! Proofs about the tenant's log: its signed checkpoint, that an entry is in it, and that one state
//! of it is the beginning of another (RFC 9162 section 2.1, C2SP tlog-checkpoint).

use ::audit::Hash;
use ::store::{StoreError, TenantCtx, audit_bytes, audit_leaves};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy::audit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::input::{Id, PathId, Query};
use crate::output::Ok200;
use crate::problem::Problem;
use crate::route::{IdKind, IdParameter};

/// Leaf hashes that are read in one transaction.
pub(super) const LEAVES_AT_ONCE: u64 = 50_000;

/// Index of an entry in a path.
pub(super) struct EntryIndex(u64);

impl PathId for EntryIndex {
    const PARAMETER: IdParameter = IdParameter { name: "entry_index", kind: IdKind::Entry };
    const NOT_FOUND: &'static str = "audit_entry_not_found";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// The newest signed state of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = Checkpoint)]
pub(super) struct CheckpointView {
    /// Which log.
    origin: String,
    /// How many entries.
    size: u64,
    /// Root of the Merkle tree, in hex.
    root: String,
    /// The signed note as it stands beside the database.
    note: String,
    /// The log's Ed25519 key, in base64.
    public_key: String,
}

pub(super) async fn audit_checkpoint(
    call: Authorized<audit::Verify>,
    (): (),
) -> Result<Ok200<CheckpointView>, Problem> {
    let head = signed_head(call.ctx()).await?;
    Ok(Ok200(CheckpointView {
        origin: head.checkpoint.origin,
        size: head.checkpoint.size,
        root: head.checkpoint.root.to_string(),
        note: head.note,
        public_key: STANDARD.encode(head.public_key),
    }))
}

/// The signed head, read on a thread that may block.
pub(super) async fn signed_head(
    ctx: std::sync::Arc<TenantCtx>,
) -> Result<::store::SignedHead, Problem> {
    let read = tokio::task::spawn_blocking(move || ctx.signed_head()).await;
    Ok(read.map_err(|_| StoreError::Panicked)??)
}

/// Against which state the proof is wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofQuery {
    /// Entries of the state; those of the newest checkpoint when absent.
    #[serde(default)]
    tree_size: Option<u64>,
}

/// Proof that an entry is in a state of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = InclusionProof)]
pub(super) struct InclusionView {
    leaf_index: u64,
    tree_size: u64,
    /// The entry's canonical bytes, which are text; its leaf is SHA-256 of a zero byte and them.
    /// Absent when the content was pruned: the leaf is proved all the same.
    entry: Option<String>,
    /// In hex.
    leaf_hash: String,
    /// Roots of the subtrees beside the way up, in hex.
    path: Vec<String>,
    /// Root of the state, in hex.
    root: String,
}

pub(super) async fn audit_inclusion(
    call: Authorized<audit::Verify>,
    (Id(EntryIndex(index)), Query(query)): (Id<EntryIndex>, Query<ProofQuery>),
) -> Result<Ok200<InclusionView>, Problem> {
    let ctx = call.ctx();
    let newest = signed_head(call.ctx()).await?.checkpoint.size;
    let tree_size = within("tree_size", query.tree_size, newest)?;
    if index >= tree_size {
        return Err(Problem::new("audit_entry_not_found"));
    }
    let entry = match ctx.read(move |tx| audit_bytes(tx, index..index + 1)).await {
        Ok(mut entries) => Some(entries.remove(0)),
        Err(StoreError::EntryPruned) => None,
        Err(error) => return Err(error.into()),
    };
    let entry = entry.map(String::from_utf8).transpose();
    let entry = entry.map_err(|_| StoreError::Corrupt("audit_entries.bytes"))?;
    let leaves = leaves(&ctx, tree_size).await?;
    let stored = usize::try_from(index).ok().and_then(|at| leaves.get(at)).copied();
    let leaf = entry.as_ref().map(|text| ::audit::leaf_hash(text.as_bytes())).or(stored);
    let leaf = leaf.ok_or_else(|| Problem::new("audit_entry_not_found"))?;
    let made = tokio::task::spawn_blocking(move || {
        let proof = ::audit::inclusion_proof(&leaves, index);
        (proof, ::audit::root(&leaves))
    });
    let (proof, root) = made.await.map_err(|_| StoreError::Panicked)?;
    let proof = proof.map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(InclusionView {
        leaf_index: index,
        tree_size,
        leaf_hash: leaf.to_string(),
        entry,
        path: texts(&proof.path),
        root: root.to_string(),
    }))
}

/// Two states of the log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsistencyQuery {
    /// Entries of the earlier state.
    old_size: u64,
    /// Entries of the later one; those of the newest checkpoint when absent.
    #[serde(default)]
    new_size: Option<u64>,
}

/// Proof that nothing of an earlier state was changed in a later one.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsistencyProof)]
pub(super) struct ConsistencyView {
    old_size: u64,
    new_size: u64,
    /// Roots from which both states' roots can be computed, in hex.
    path: Vec<String>,
    /// Root of the earlier state, in hex.
    old_root: String,
    /// Root of the later one, in hex.
    new_root: String,
}

pub(super) async fn audit_consistency(
    call: Authorized<audit::Verify>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<Ok200<ConsistencyView>, Problem> {
    let ctx = call.ctx();
    let newest = signed_head(call.ctx()).await?.checkpoint.size;
    let new_size = within("new_size", query.new_size, newest)?;
    let old_size = within("old_size", Some(query.old_size), new_size)?;
    let leaves = leaves(&ctx, new_size).await?;
    let made = tokio::task::spawn_blocking(move || {
        let proof = ::audit::consistency_proof(&leaves, old_size);
        let old = leaves.len().min(usize::try_from(old_size).unwrap_or(usize::MAX));
        (proof, ::audit::root(&leaves[..old]), ::audit::root(&leaves))
    });
    let (proof, old_root, new_root) = made.await.map_err(|_| StoreError::Panicked)?;
    let proof = proof.map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(ConsistencyView {
        old_size,
        new_size,
        path: texts(&proof.path),
        old_root: old_root.to_string(),
        new_root: new_root.to_string(),
    }))
}

fn within(field: &str, wanted: Option<u64>, most: u64) -> Result<u64, Problem> {
    let wanted = wanted.unwrap_or(most);
    if wanted > most {
        return Err(Problem::invalid(field, format!("must be at most {most}")));
    }
    Ok(wanted)
}

fn texts(path: &[Hash]) -> Vec<String> {
    path.iter().map(Hash::to_string).collect()
}

/// All leaf hashes of a state, 32 bytes each.
async fn leaves(ctx: &TenantCtx, size: u64) -> Result<Vec<Hash>, StoreError> {
    let mut leaves = Vec::new();
    let mut next = 0;
    while next < size {
        let end = size.min(next + LEAVES_AT_ONCE);
        leaves.extend(ctx.read(move |tx| audit_leaves(tx, next..end)).await?);
        next = end;
    }
    Ok(leaves)
}
