//! What a header may ask for at most.
//!
//! Chosen well above what models have (the largest of today have about 2,000 tensors, 60 keys and
//! 260,000 tokens) and well below what would hurt.

/// Tensors in a file.
pub const MAX_TENSORS: u64 = 65_536;

/// Entries of metadata in a file.
pub const MAX_METADATA: u64 = 65_536;

/// Length of a key of metadata.
pub const MAX_KEY_BYTES: u64 = 1024;

/// Length of one string of metadata.
pub const MAX_STRING_BYTES: u64 = 16 * 1024 * 1024;

/// Length of one string inside of an array, a token for instance.
pub const MAX_ELEMENT_BYTES: u64 = 64 * 1024;

/// Strings in one array; each of them is a step of a loop. Merges are the longest lists that there
/// are, with about half a million.
pub const MAX_STRINGS: u64 = 4 * 1024 * 1024;

/// Tokens of a vocabulary.
pub const MAX_VOCABULARY_TOKENS: u64 = 1024 * 1024;

/// Numbers of one array that are kept; of longer ones only kind and length are.
pub const MAX_KEPT_NUMBERS: u64 = 4096;

/// Memory that all metadata of a file may take together, keys included.
pub const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// Length of a tensor's name (`GGML_MAX_NAME` of `ggml.h` is 64, with the zero at the end).
pub const MAX_TENSOR_NAME_BYTES: u64 = 63;

/// Dimensions of a tensor (`GGML_MAX_DIMS` of `ggml.h`).
pub const MAX_DIMENSIONS: u32 = 4;

/// Elements of a tensor: what `ggml.h` counts in 64 bits with a sign.
pub const MAX_ELEMENTS: u64 = i64::MAX as u64;

/// Alignment where the file says none (`GGUF_DEFAULT_ALIGNMENT` of `gguf.h`).
pub const DEFAULT_ALIGNMENT: u64 = 32;

/// Smallest alignment of tensors; the specification wants a multiple of eight.
pub const MIN_ALIGNMENT: u64 = 8;

/// Largest alignment of tensors.
pub const MAX_ALIGNMENT: u64 = 65_536;

/// Length of the name of an architecture.
pub const MAX_ARCHITECTURE_BYTES: usize = 64;

/// Length of a name or licence in a summary; what is longer is cut.
pub const MAX_LABEL_BYTES: usize = 1024;

/// Length of a chat template.
pub const MAX_TEMPLATE_BYTES: usize = 256 * 1024;

/// Layers of a model (`LLAMA_MAX_LAYERS` of `llama-hparams.h`; beyond it llama.cpp aborts).
pub const MAX_LAYERS: u64 = 512;

/// Width of a model, its context in tokens, its heads, and the width of a head.
pub const MAX_SHAPE: u64 = i32::MAX as u64;
