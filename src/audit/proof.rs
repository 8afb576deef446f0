//! Proofs about a tree, checked without the tree (RFC 9162 sections 2.1.3.2 and 2.1.4.2).

use serde::{Deserialize, Serialize};

use crate::{Hash, ProofError, node_hash};

/// Most nodes of a proof: one for each level of a tree of 2⁶⁴ leaves, and the old tree's root.
pub const PROOF_NODES_MAX: usize = 65;

/// That one leaf stands at one place of a tree. The tree's root and the leaf are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// Which leaf, counted from 0.
    pub leaf_index: u64,
    /// How many leaves the tree has.
    pub tree_size: u64,
    /// Roots of the subtrees beside the way from the leaf up to the root.
    pub path: Vec<Hash>,
}

/// That one tree is the beginning of another. The two roots are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// How many leaves the earlier tree has.
    pub old_size: u64,
    /// How many leaves the later tree has.
    pub new_size: u64,
    /// Roots of the subtrees from which both roots can be computed.
    pub path: Vec<Hash>,
}

/// Checks that `leaf` stands in the tree of `root` where `proof` says.
///
/// # Errors
/// [`ProofError`] when it does not, or the proof is not built for its sizes.
pub fn verify_inclusion(
    proof: &InclusionProof,
    leaf: &Hash,
    root: &Hash,
) -> Result<(), ProofError> {
    let (index, size) = (proof.leaf_index, proof.tree_size);
    if index >= size {
        return Err(ProofError::OutOfRange { wanted: index, tree_size: size });
    }
    let mut climb = Climb::new(index, size - 1);
    let mut hash = *leaf;
    for sibling in bounded(&proof.path)? {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.end()?;
    if hash == *root { Ok(()) } else { Err(ProofError::Mismatch) }
}

/// Checks that the tree of `new_root` begins with the whole tree of `old_root`, at the sizes that
/// `proof` names. The empty tree is the beginning of every tree.
///
/// # Errors
/// [`ProofError`] when it does not, or the proof is not built for its sizes.
pub fn verify_consistency(
    proof: &ConsistencyProof,
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    let (old_size, new_size) = (proof.old_size, proof.new_size);
    if old_size > new_size {
        return Err(ProofError::OutOfRange { wanted: old_size, tree_size: new_size });
    }
    let mut path = bounded(&proof.path)?.iter();
    if old_size == 0 || old_size == new_size {
        let expected = if old_size == 0 { Hash::EMPTY_ROOT } else { *new_root };
        return match path.next() {
            Some(_) => Err(ProofError::Length),
            None if *old_root == expected => Ok(()),
            None => Err(ProofError::Mismatch),
        };
    }
    let mut climb = Climb::new(old_size - 1, new_size - 1);
    climb.skip_while_right();
    // An old tree that is one perfect subtree is its own starting point.
    let start = if old_size.is_power_of_two() {
        *old_root
    } else {
        *path.next().ok_or(ProofError::Length)?
    };
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in path {
        match climb.step()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    climb.end()?;
    if old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(ProofError::Mismatch) }
}

fn bounded(path: &[Hash]) -> Result<&[Hash], ProofError> {
    if path.len() > PROOF_NODES_MAX { Err(ProofError::Length) } else { Ok(path) }
}

/// On which side the next node of the path stands.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: `node` and `last` are the places of the node and of the last
/// node on its level (`fn` and `sn` in RFC 9162).
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    const fn new(node: u64, last: u64) -> Self {
        Self { node, last }
    }

    /// One level up; tells where the sibling is.
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A last node without a sibling moves up unchanged until it has one.
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        Ok(side)
    }

    /// Up while the node is a right child: the levels inside the old tree's last perfect subtree.
    fn skip_while_right(&mut self) {
        while self.node & 1 == 1 {
            self.up();
        }
    }

    const fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    /// The root must have been reached.
    const fn end(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length) }
    }
}
