//! Limits that more than one room must agree on. Limits of one room stand in that room.

/// Longest chat message, in characters.
pub const CHAT_MESSAGE_MAX_CHARS: usize = 10_000;

/// Largest document that may be uploaded, in bytes.
pub const DOCUMENT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Dimensions of the built-in embedder's vectors (all-MiniLM-L6-v2).
pub const EMBEDDING_DIMENSIONS: usize = 384;

/// Longest page a listing returns, in items.
pub const PAGE_MAX_ITEMS: u32 = 200;

/// Page length of a listing when the caller names none, in items.
pub const PAGE_DEFAULT_ITEMS: u32 = 50;
