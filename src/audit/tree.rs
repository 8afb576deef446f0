//! Roots and proofs from a list of leaf hashes (RFC 9162 section 2.1).

use crate::{ConsistencyProof, Frontier, Hash, InclusionProof, ProofError};

/// Root of the tree over `leaves`, given as leaf hashes in order. Cost: one hash a leaf.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier.root()
}

/// The proof that the leaf at `index` is in the tree over `leaves` (RFC 9162 section 2.1.3.1).
/// For an earlier state of the tree pass only its leaves. Cost: one hash a leaf.
///
/// # Errors
/// [`ProofError::OutOfRange`] when there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Result<InclusionProof, ProofError> {
    let tree_size = leaves.len() as u64;
    let out_of_range = ProofError::OutOfRange { wanted: index, tree_size };
    let mut index_left = match usize::try_from(index) {
        Ok(index) if index < leaves.len() => index,
        _ => return Err(out_of_range),
    };
    let mut subtree = leaves;
    let mut path = Vec::new();
    // From the root down to the leaf: at each step the side that does not hold it is proved.
    while subtree.len() > 1 {
        let (left, right) = subtree.split_at(split(subtree.len()));
        if index_left < left.len() {
            path.push(root(right));
            subtree = left;
        } else {
            path.push(root(left));
            index_left -= left.len();
            subtree = right;
        }
    }
    path.reverse();
    Ok(InclusionProof { leaf_index: index, tree_size, path })
}

/// The proof that the first `old_size` of `leaves` were the whole tree once, and that it has only
/// been appended to since (RFC 9162 section 2.1.4.1). Empty when nothing was there or nothing came
/// after. Cost: one hash a leaf.
///
/// # Errors
/// [`ProofError::OutOfRange`] when `old_size` is more than there are leaves.
pub fn consistency_proof(leaves: &[Hash], old_size: u64) -> Result<ConsistencyProof, ProofError> {
    let new_size = leaves.len() as u64;
    let mut old_left = match usize::try_from(old_size) {
        Ok(size) if size <= leaves.len() => size,
        _ => return Err(ProofError::OutOfRange { wanted: old_size, tree_size: new_size }),
    };
    let mut path = Vec::new();
    if old_size > 0 {
        let mut subtree = leaves;
        // Whether the subtree at hand is itself the old tree, whose root the verifier has.
        let mut is_old_tree = true;
        while old_left < subtree.len() {
            let (left, right) = subtree.split_at(split(subtree.len()));
            if old_left <= left.len() {
                path.push(root(right));
                subtree = left;
            } else {
                path.push(root(left));
                old_left -= left.len();
                subtree = right;
                is_old_tree = false;
            }
        }
        if !is_old_tree {
            path.push(root(subtree));
        }
    }
    path.reverse();
    Ok(ConsistencyProof { old_size, new_size, path })
}

/// Where a tree of `size` > 1 leaves divides: the greatest power of two below `size`.
const fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

#[cfg(test)]
mod tests;
