//! The refusal.

use base::{Code, Coded};

use crate::Permission;

/// The person may not do this. Says which permission is missing, which is no secret: the matrix of
/// roles is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {permission}")]
pub struct Denied {
    /// The permission that is missing.
    pub permission: Permission,
}

impl Coded for Denied {
    fn code(&self) -> Code {
        "forbidden"
    }
}
