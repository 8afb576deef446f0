#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::*;
use crate::{
    PROOF_NODES_MAX, ProofError, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};

/// Up to here every tree, every index and every earlier size is tried.
const SIZE_MAX: usize = 256;

/// Up to here every byte of every proof is damaged; above, one byte of every node.
const EVERY_BYTE_SIZE_MAX: usize = 32;

/// Above that size, nodes are dropped, added and swapped in one proof of so many.
const EDITED_PROOF_STRIDE: usize = 8;

/// The definitions of RFC 9162 section 2.1, as they stand there: recursive, over the entries
/// themselves. Shares nothing with the code under test; remembers subtrees, to end in time.
struct Slow {
    entries: Vec<Vec<u8>>,
    subtrees: HashMap<(usize, usize), Hash>,
}

impl Slow {
    fn new(entries: Vec<Vec<u8>>) -> Self {
        Self { entries, subtrees: HashMap::new() }
    }

    fn numbered(size: usize) -> Self {
        Self::new((0..size).map(|at| format!("entry {at}").into_bytes()).collect())
    }

    fn k(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    /// MTH(D[from:to]), section 2.1.1.
    fn mth(&mut self, from: usize, to: usize) -> Hash {
        if let Some(hash) = self.subtrees.get(&(from, to)) {
            return *hash;
        }
        let mut hasher = Sha256::new();
        match to - from {
            0 => {}
            1 => {
                hasher.update([0x00]);
                hasher.update(&self.entries[from]);
            }
            n => {
                let k = Self::k(n);
                let (left, right) = (self.mth(from, from + k), self.mth(from + k, to));
                hasher.update([0x01]);
                hasher.update(left.as_bytes());
                hasher.update(right.as_bytes());
            }
        }
        let hash = Hash::from_bytes(hasher.finalize().into());
        self.subtrees.insert((from, to), hash);
        hash
    }

    /// PATH(m, D[from:to]), section 2.1.3.1.
    fn path(&mut self, m: usize, from: usize, to: usize) -> Vec<Hash> {
        let n = to - from;
        if n == 1 {
            return Vec::new();
        }
        let k = Self::k(n);
        let (mut path, last) = if m < k {
            (self.path(m, from, from + k), self.mth(from + k, to))
        } else {
            (self.path(m - k, from + k, to), self.mth(from, from + k))
        };
        path.push(last);
        path
    }

    /// SUBPROOF(m, D[from:to], b), section 2.1.4.1.
    fn subproof(&mut self, m: usize, from: usize, to: usize, b: bool) -> Vec<Hash> {
        let n = to - from;
        if m == n {
            return if b { Vec::new() } else { vec![self.mth(from, to)] };
        }
        let k = Self::k(n);
        let (mut proof, last) = if m <= k {
            (self.subproof(m, from, from + k, b), self.mth(from + k, to))
        } else {
            (self.subproof(m - k, from + k, to, false), self.mth(from, from + k))
        };
        proof.push(last);
        proof
    }

    fn leaves(&mut self, size: usize) -> Vec<Hash> {
        (0..size).map(|at| self.mth(at, at + 1)).collect()
    }
}

fn flipped(hash: &Hash, byte: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[byte] ^= 1 << (byte % 8);
    Hash::from_bytes(bytes)
}

/// The ways in which the path of proof `number` in a tree of `size` is damaged: bytes changed,
/// nodes dropped, added, repeated, swapped.
fn damaged(path: &[Hash], number: usize, size: usize) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    let mut change = |edit: &dyn Fn(&mut Vec<Hash>)| {
        let mut copy = path.to_vec();
        edit(&mut copy);
        if copy != path {
            all.push(copy);
        }
    };
    let is_small = size <= EVERY_BYTE_SIZE_MAX;
    for node in 0..path.len() {
        let one = (size + 7 * node) % 32;
        for byte in if is_small { 0..32 } else { one..one + 1 } {
            change(&|copy| copy[node] = flipped(&path[node], byte));
        }
    }
    if is_small || (number + size).is_multiple_of(EDITED_PROOF_STRIDE) {
        for node in 0..path.len() {
            change(&|copy| {
                copy.remove(node);
            });
            change(&|copy| copy.insert(node, path[node]));
            change(&|copy| copy.swap(node, (node + 1) % path.len()));
        }
        for extra in [Hash::EMPTY_ROOT, leaf_hash(b"extra")] {
            change(&|copy| copy.insert(0, extra));
            change(&|copy| copy.push(extra));
        }
    }
    all
}

#[test]
fn roots_and_frontiers_equal_the_definition() {
    let mut slow = Slow::numbered(SIZE_MAX);
    let leaves = slow.leaves(SIZE_MAX);
    let mut frontier = Frontier::new();
    for size in 0..=SIZE_MAX {
        let expected = slow.mth(0, size);
        assert_eq!(root(&leaves[..size]), expected, "root of {size}");
        assert_eq!(frontier.root(), expected, "frontier of {size}");
        assert_eq!(frontier.size(), size as u64);
        let stored = frontier.to_bytes();
        assert_eq!(stored.len(), 8 + 32 * size.count_ones() as usize);
        frontier = Frontier::from_bytes(&stored).unwrap();
        if let Some(leaf) = leaves.get(size) {
            frontier.append(*leaf);
        }
    }
}

#[test]
fn every_inclusion_proof_is_the_defined_one_and_no_damaged_one_passes() {
    let mut slow = Slow::numbered(SIZE_MAX);
    let leaves = slow.leaves(SIZE_MAX);
    for size in 1..=SIZE_MAX {
        let tree = slow.mth(0, size);
        for index in 0..size {
            let proof = inclusion_proof(&leaves[..size], index as u64).unwrap();
            assert_eq!(proof.path, slow.path(index, 0, size), "{index} of {size}");
            verify_inclusion(&proof, &leaves[index], &tree).unwrap();
            for path in damaged(&proof.path, index, size) {
                let damaged = InclusionProof { path, ..proof.clone() };
                let passed = verify_inclusion(&damaged, &leaves[index], &tree);
                assert!(passed.is_err(), "{index} of {size}: {damaged:?}");
            }
            let byte = index % 32;
            assert!(verify_inclusion(&proof, &flipped(&leaves[index], byte), &tree).is_err());
            assert!(verify_inclusion(&proof, &leaves[index], &flipped(&tree, byte)).is_err());
        }
    }
}

#[test]
fn an_inclusion_proof_holds_for_no_other_index() {
    let mut slow = Slow::numbered(33);
    let leaves = slow.leaves(33);
    for size in 1..=33 {
        let tree = slow.mth(0, size);
        for index in 0..size {
            let proof = inclusion_proof(&leaves[..size], index as u64).unwrap();
            for other in (0..size + 2).filter(|other| *other != index) {
                let moved = InclusionProof { leaf_index: other as u64, ..proof.clone() };
                assert!(verify_inclusion(&moved, &leaves[index], &tree).is_err());
            }
        }
    }
}

#[test]
fn every_consistency_proof_is_the_defined_one_and_no_damaged_one_passes() {
    let mut slow = Slow::numbered(SIZE_MAX);
    let leaves = slow.leaves(SIZE_MAX);
    for size in 0..=SIZE_MAX {
        let new = slow.mth(0, size);
        for old_size in 0..=size {
            let old = slow.mth(0, old_size);
            let proof = consistency_proof(&leaves[..size], old_size as u64).unwrap();
            let expected =
                if old_size == 0 { Vec::new() } else { slow.subproof(old_size, 0, size, true) };
            assert_eq!(proof.path, expected, "{old_size} of {size}");
            verify_consistency(&proof, &old, &new).unwrap();
            for path in damaged(&proof.path, old_size, size) {
                let damaged = ConsistencyProof { path, ..proof.clone() };
                let passed = verify_consistency(&damaged, &old, &new);
                assert!(passed.is_err(), "{old_size} of {size}: {damaged:?}");
            }
            let byte = old_size % 32;
            assert!(verify_consistency(&proof, &flipped(&old, byte), &new).is_err());
            if old_size > 0 {
                assert!(verify_consistency(&proof, &old, &flipped(&new, byte)).is_err());
            }
        }
    }
}

#[test]
fn a_rewritten_beginning_is_not_consistent() {
    for size in 2..=64 {
        let mut honest = Slow::numbered(size);
        let honest_leaves = honest.leaves(size);
        for old_size in 1..size {
            let mut entries = honest.entries.clone();
            entries[old_size - 1] = b"rewritten".to_vec();
            let mut forged = Slow::new(entries);
            let forged_leaves = forged.leaves(size);
            let (old, new) = (honest.mth(0, old_size), forged.mth(0, size));
            for leaves in [&honest_leaves, &forged_leaves] {
                let proof = consistency_proof(leaves, old_size as u64).unwrap();
                assert!(verify_consistency(&proof, &old, &new).is_err(), "{old_size} of {size}");
            }
        }
    }
}

/// The leaves and roots that implementations of Certificate Transparency (RFC 6962) test with.
#[test]
fn roots_are_those_of_certificate_transparency() {
    let entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves: Vec<Hash> =
        entries.iter().map(|entry| leaf_hash(&hex::decode(entry).unwrap())).collect();
    for (at, expected) in roots.iter().enumerate() {
        assert_eq!(root(&leaves[..=at]).to_string(), *expected, "{} leaves", at + 1);
    }
    assert_eq!(root(&[]), Hash::EMPTY_ROOT);
    assert_eq!(Hash::EMPTY_ROOT.as_bytes(), Sha256::digest(b"").as_slice());
}

#[test]
fn what_is_not_there_cannot_be_proved() {
    let leaves = Slow::numbered(5).leaves(5);
    for index in [5, 6, u64::MAX] {
        let refused = inclusion_proof(&leaves, index).unwrap_err();
        assert_eq!(refused, ProofError::OutOfRange { wanted: index, tree_size: 5 });
    }
    assert!(inclusion_proof(&[], 0).is_err());
    assert!(consistency_proof(&leaves, 6).is_err());
    let root = root(&leaves);
    let beyond = InclusionProof { leaf_index: 5, tree_size: 5, path: Vec::new() };
    assert!(matches!(
        verify_inclusion(&beyond, &leaves[0], &root),
        Err(ProofError::OutOfRange { .. })
    ));
    let backwards = ConsistencyProof { old_size: 6, new_size: 5, path: Vec::new() };
    assert!(verify_consistency(&backwards, &root, &root).is_err());
}

#[test]
fn the_largest_trees_end_and_longer_paths_are_refused() {
    let hash = leaf_hash(b"x");
    let path = vec![hash; PROOF_NODES_MAX + 1];
    let (last, size) = (u64::MAX - 1, u64::MAX);
    let huge = InclusionProof { leaf_index: last, tree_size: size, path: path.clone() };
    assert_eq!(verify_inclusion(&huge, &hash, &hash), Err(ProofError::Length));
    let huge = ConsistencyProof { old_size: last, new_size: size, path };
    assert_eq!(verify_consistency(&huge, &hash, &hash), Err(ProofError::Length));

    // A leaf at the far left of the largest tree: 64 nodes, all to its right.
    let path = vec![hash; 64];
    let root = path.iter().fold(hash, |below, sibling| node_hash(&below, sibling));
    let far_left = InclusionProof { leaf_index: 0, tree_size: size, path };
    assert_eq!(verify_inclusion(&far_left, &hash, &root), Ok(()));
}

#[test]
fn stored_frontiers_of_the_wrong_length_are_refused() {
    let mut frontier = Frontier::new();
    Slow::numbered(7).leaves(7).into_iter().for_each(|leaf| frontier.append(leaf));
    let bytes = frontier.to_bytes();
    assert_eq!(Frontier::from_bytes(&bytes).unwrap(), frontier);
    for length in 0..bytes.len() {
        assert!(Frontier::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Frontier::from_bytes(&[bytes.as_slice(), &[0; 32]].concat()).is_err());
    assert_eq!(Frontier::from_bytes(&[0; 8]).unwrap(), Frontier::new());
    let endless = [[0xff; 8].as_slice(), &[0; 64 * 32]].concat();
    assert!(Frontier::from_bytes(&endless).is_err());
}

#[test]
fn proofs_are_written_as_json() {
    let leaves = Slow::numbered(3).leaves(3);
    let proof = inclusion_proof(&leaves, 2).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    let node = node_hash(&leaves[0], &leaves[1]);
    assert_eq!(text, format!(r#"{{"leaf_index":2,"tree_size":3,"path":["{node}"]}}"#));
    assert_eq!(serde_json::from_str::<InclusionProof>(&text).unwrap(), proof);
    let proof = consistency_proof(&leaves, 2).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    assert_eq!(text, format!(r#"{{"old_size":2,"new_size":3,"path":["{}"]}}"#, leaves[2]));
    assert_eq!(serde_json::from_str::<ConsistencyProof>(&text).unwrap(), proof);
    assert!(serde_json::from_str::<InclusionProof>(&text).is_err());
}
