//! Typed ids. No bare UUID or string crosses a function between rooms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{Entropy, EntropyError, Timestamp};

/// The text is not a UUID.
#[derive(Debug, thiserror::Error)]
#[error("not a UUID such as 0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10")]
pub struct IdError;

macro_rules! uuid_id {
    ($(#[$meta:meta] $name:ident),+ $(,)?) => {$(
        #[$meta]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new UUID version 7 (RFC 9562): ordered by `now`, the rest random.
            ///
            /// # Errors
            /// [`EntropyError`] when no random bytes can be had.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let mut random = [0_u8; 10];
                entropy.fill(&mut random)?;
                let unix_ms = u64::try_from(now.unix_ms()).unwrap_or(0);
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid()))
            }

            /// From the sixteen bytes that a database row keeps.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes that a database row keeps.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // Only the hyphenated form: one id has one spelling in paths, logs and SQL.
                if text.len() != 36 {
                    return Err(IdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

uuid_id! {
    /// One tenant: one database file, one key.
    TenantId,
    /// One person of one tenant.
    UserId,
    /// One browser session.
    SessionId,
    /// One API token (`jti`, RFC 7519 section 4.1.7).
    TokenId,
    /// One family of tokens: what came of one sign-in by refreshing.
    TokenFamilyId,
    /// One document: all its revisions.
    DocumentId,
    /// One revision of a document: one uploaded file.
    RevisionId,
    /// One conversation of one person.
    ConversationId,
    /// One message of a conversation.
    MessageId,
    /// One durable job.
    JobId,
    /// One request; stands in every log line and every answer.
    RequestId,
    /// One API key of one person; keeps its id when it is rotated.
    ApiKeyId,
    /// One group of people of one tenant.
    GroupId,
    /// One run of a workflow.
    WorkflowRunId,
    /// One plan for one goal.
    PlanId,
    /// One thing that an agent remembers.
    MemoryId,
    /// One trace of a run.
    TraceId,
}

impl TenantId {
    /// Last eight hex digits: what metrics call the tenant.
    #[must_use]
    pub fn short(&self) -> String {
        // The last digits: the first ones of a version 7 UUID are the time and collide.
        let text = self.to_string();
        text[28..].to_owned()
    }
}

/// One chunk of a revision; the row id in the tenant's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkId(pub i64);

/// A page of a document, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageNumber(pub u32);

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
