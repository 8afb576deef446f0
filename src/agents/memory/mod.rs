//! What agents remember about a person: facts, preferences, procedures, episodes.
//!
//! Nothing is remembered before the person has allowed it, and everything can be seen, changed, exported
//! and forgotten by them. A memory belongs to one person and one agent; it is found again by what it means
//! (the embedder), its importance and its age.
//!
//! Never:
//! - another person's memory, not for administrators either;
//! - a memory above what the person may see now, or the agent's ceiling: that is asked before anything is
//!   scored;
//! - anything remembered, or found again, without the person's consent;
//! - a memory in a prompt but between the marks of foreign text.

mod compact;
mod extract;
mod keep;
mod memories;
mod model;
mod recall;
mod store;

pub use compact::memories_compact;
pub use extract::{Extracted, memories_extract};
pub use keep::{MEMORY_JOB, memory_handler};
pub(crate) use keep::{memory_job, memory_job_enqueue};
pub use memories::{
    memories_export, memories_forget_all, memory_add, memory_change, memory_consent,
    memory_consent_set, memory_forget, memory_get, memory_list,
};
pub use model::{
    MEMORIES_MAX, MEMORY_TEXT_MAX_CHARS, Memory, MemoryChange, MemoryCursor, MemoryFilter,
    MemoryInput, MemoryKind, MemoryPage,
};
pub use recall::{MEMORIES_RECALLED_MAX, Recalled, memories_recall, recalled_text};

/// Whose memories answers outside of any other agent use, and are taken for.
pub(crate) const DEFAULT_AGENT: &str = "generalist";
