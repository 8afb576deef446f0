//! What every room speaks of: typed ids, the clock, labels, rights, limits and error kinds.
//!
//! Never:
//! - reads the ambient clock or randomness outside `clock.rs` and `entropy.rs`;
//! - touches files, sockets or threads;
//! - knows HTTP, SQL or a document format.

mod clock;
mod entropy;
mod error;
mod ids;
mod issuer_name;
mod labels;
pub mod limits;
mod page;
mod principal;
mod words;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp, TimestampError};
pub use entropy::{Entropy, EntropyError, OsEntropy, SeededEntropy};
pub use error::{Code, Coded, Violation};
pub use ids::{
    ApiKeyId, ChunkId, ConversationId, DocumentId, GroupId, IdError, JobId, MemoryId, MessageId,
    PageNumber, PlanId, RequestId, RevisionId, SessionId, TenantId, TokenFamilyId, TokenId,
    TraceId, UserId, WorkflowRunId,
};
pub use issuer_name::{IssuerName, IssuerNameError};
pub use labels::{Classification, ExportControl, Label, LabelError, Origin};
pub use page::fill_page;
pub use principal::{Actor, Grants, Principal, Rights, Role, RoleError};
