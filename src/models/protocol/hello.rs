//! What the worker says of itself before anything else.

use serde::{Deserialize, Serialize};

/// The worker's first words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`super::PROTOCOL_VERSION`] of the worker.
    pub protocol_version: u8,
    /// Version of the build, for the log.
    pub build: String,
    /// Name of the embedder (`all-minilm-l6-v2`).
    pub embedder: String,
    /// How it computes.
    pub path: ComputePath,
    /// Why a slower path than the machine could run was taken, if it was.
    pub fallback: Option<String>,
    /// Threads that compute.
    pub threads: u32,
    /// Tokens of a text that the embedder sees, including the two that frame a sequence.
    pub window_tokens: u32,
    /// Restrictions that the worker has put on itself, for the log (`no-new-privs`, …).
    pub cage: Vec<String>,
    /// What computes language models (`llama.cpp (AVX2 FMA F16C)`).
    pub generator: String,
    /// Memory of the graphics processors that it computes on, in bytes; 0 without one.
    pub gpu_bytes: u64,
}

/// How the embedder computes, fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComputePath {
    /// 8-bit integers, AVX-512 VNNI.
    Int8Avx512Vnni,
    /// 8-bit integers, AVX2.
    Int8Avx2,
    /// 32-bit floats, own kernels.
    Float32,
    /// 32-bit floats, the reference implementation.
    Reference,
}
