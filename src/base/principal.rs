//! Who acts, and with which rights.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Classification, JobId, UserId};

/// What a person may do, as an ordered set: a later role may do all that an earlier one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks and reads.
    Viewer,
    /// Uploads and keeps documents.
    Operator,
    /// Administers one tenant.
    Admin,
}

/// A word that is not a role.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not one of viewer, operator, admin")]
pub struct RoleError(String);

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word used in tokens, API, SQL and UI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or_else(|| RoleError(text.into()))
    }
}

/// What somebody may see and do, as it stood when the scope was minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The role; permissions begin with it.
    pub role: Role,
    /// The most secret classification that may be shown.
    pub clearance: Classification,
    /// Whether export-controlled text may be shown.
    pub export_eligible: bool,
}

/// What was added to the permissions of a role and taken from them, for one person and one request.
/// By name, as it is kept: a name that this version does not know gives nothing, and stays kept.
/// What the names mean is for the room above that knows the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// What the person's groups give beside the role.
    pub added: Vec<String>,
    /// What nobody has on this appliance, and what the tenant takes from the person's role.
    pub withheld: Vec<String>,
    /// The only ones that count, behind an API key; `None` where nothing is narrowed.
    pub limited_to: Option<Vec<String>>,
}

/// Who acts, in the form the audit log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person of the tenant.
    User(UserId),
    /// Somebody at the machine's own command line who holds the operator key.
    Console,
    /// A durable job, acting for the person who queued it.
    Job(JobId),
    /// The appliance itself (start, retention, recovery).
    Appliance,
    /// Nobody yet: a login attempt for an account that may not exist.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Console => f.write_str("console"),
            Self::Job(id) => write!(f, "job:{id}"),
            Self::Appliance => f.write_str("appliance"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// Somebody who has proved who they are: the actor and the rights that count for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who acts.
    pub actor: Actor,
    /// The person on whose behalf: the user, or the user who queued the job.
    pub user_id: Option<UserId>,
    /// What may be seen and done.
    pub rights: Rights,
    /// How the permissions differ from those of the role.
    pub grants: Grants,
}
