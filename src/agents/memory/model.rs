//! Memories as the rest of the house sees them.

use std::fmt;
use std::str::FromStr;

use base::{Classification, Label, MemoryId, Rights, Timestamp, UserId};
use policy::may_see;
use serde::{Deserialize, Serialize};

/// Most memories of one person.
pub const MEMORIES_MAX: u32 = 5_000;
/// Longest memory, in characters.
pub const MEMORY_TEXT_MAX_CHARS: usize = 1_000;

/// What kind of thing is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// Something that is so.
    Fact,
    /// How the person likes it.
    Preference,
    /// How something is done.
    Procedure,
    /// What happened once.
    Episode,
}

impl MemoryKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Fact, Self::Preference, Self::Procedure, Self::Episode];

    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Preference => "preference",
            Self::Procedure => "procedure",
            Self::Episode => "episode",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something that an agent remembers about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Its id.
    pub id: MemoryId,
    /// Whose it is.
    pub owner: UserId,
    /// The agent that remembers it.
    pub agent: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// What is remembered.
    pub text: String,
    /// 1 to 5.
    pub importance: u32,
    /// Label of the text.
    pub label: Label,
    /// What it was taken from (`conversation:<uuid>`, `person`).
    pub source: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was last of use.
    pub last_used_at: Option<Timestamp>,
    /// When it is forgotten by itself.
    pub expires_at: Option<Timestamp>,
}

impl Memory {
    /// Whether it counts at `now` for somebody with these rights.
    pub(super) fn counts(&self, rights: &Rights, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at) && may_see(rights, &self.label).is_visible()
    }
}

/// Something to be remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryInput {
    /// The agent that is to remember it.
    pub agent: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// What is to be remembered.
    pub text: String,
    /// 1 to 5.
    pub importance: u32,
    /// How secret it is.
    pub classification: Classification,
    /// When it is forgotten by itself.
    pub expires_at: Option<Timestamp>,
}

/// What is to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryChange {
    /// What is remembered.
    pub text: Option<String>,
    /// 1 to 5.
    pub importance: Option<u32>,
    /// When it is forgotten by itself; `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Which memories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFilter {
    /// Of this agent.
    pub agent: Option<String>,
    /// Of this kind.
    pub kind: Option<MemoryKind>,
    /// With all of these words in it, in any order, whatever their case and accents.
    pub text: Option<String>,
}

/// Where a stretch of the list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryCursor(pub MemoryId);

impl fmt::Display for MemoryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MemoryCursor {
    type Err = base::IdError;

    fn from_str(text: &str) -> Result<Self, base::IdError> {
        text.parse().map(Self)
    }
}

/// A stretch of the list of memories, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryPage {
    /// The memories.
    pub memories: Vec<Memory>,
    /// Where the next stretch begins.
    pub next: Option<MemoryCursor>,
}
