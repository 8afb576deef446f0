//! Merkle log of what happened: entries, checkpoints, proofs, verifier.
