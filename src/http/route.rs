//! The declaration of a route, and what tests and documents can read from it.

use std::fmt;
use std::time::Duration;

use base::Role;
use policy::{Permission, permissions_of};

use crate::endpoint::{AnyEndpoint, Signature};

/// HTTP methods that routes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or does.
    Post,
    /// Sets as a whole.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who may call a route. Taken from the handler's first parameter, so that it can't differ from
/// what the handler is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; the handler gets no tenant.
    Public,
    /// Anybody whose password was right, before the second factor is shown too.
    Entering(Permission),
    /// Anybody who is signed in, with a one-time password too.
    SignedIn(Permission),
    /// Whoever has the permission in the tenant they are signed in to.
    Tenant(Permission),
    /// Whoever administers the appliance.
    Appliance(Permission),
}

impl Access {
    /// The least role of a tenant that may call the route; `None` when no role is enough, or none
    /// is needed.
    #[must_use]
    pub fn least_role(self) -> Option<Role> {
        match self {
            Self::Entering(permission) | Self::SignedIn(permission) | Self::Tenant(permission) => {
                Role::ALL.into_iter().find(|r| permissions_of(*r).contains(permission))
            }
            Self::Public | Self::Appliance(_) => None,
        }
    }

    /// The permission that is asked for.
    #[must_use]
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Self::Public => None,
            Self::Entering(p) | Self::SignedIn(p) | Self::Tenant(p) | Self::Appliance(p) => Some(p),
        }
    }

    /// `public`, `entering`, `signed_in`, `tenant` or `appliance`.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Entering(_) => "entering",
            Self::SignedIn(_) => "signed_in",
            Self::Tenant(_) => "tenant",
            Self::Appliance(_) => "appliance",
        }
    }
}

/// What the audit log holds after a successful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// An entry of this action, in the transaction of the change or before content is shown.
    Entry(&'static str),
    /// Nothing, because nothing changes and no content of documents or people is shown.
    Nothing,
}

/// How often a route may be called, how large its body may be, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// Probes and pages without a tenant.
    Open,
    /// Attempts to sign in.
    Login,
    /// Reads.
    Read,
    /// Changes.
    Write,
    /// Questions and searches.
    Ask,
    /// Whole files.
    Upload,
    /// Whole language models.
    Model,
}

/// Bytes of a multipart body around the file itself.
const MULTIPART_OVERHEAD_BYTES: u64 = 1024 * 1024;

impl RateClass {
    /// Largest body, in bytes.
    #[must_use]
    pub const fn body_max_bytes(self) -> u64 {
        match self {
            Self::Open => 0,
            Self::Login => 16 * 1024,
            Self::Read => 64 * 1024,
            Self::Write | Self::Ask => 1024 * 1024,
            Self::Upload => base::limits::DOCUMENT_MAX_BYTES + MULTIPART_OVERHEAD_BYTES,
            Self::Model => ::models::MODEL_FILE_MAX_BYTES,
        }
    }

    /// From the end of the header to the beginning of the answer.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Open | Self::Login | Self::Read => 30,
            Self::Write => 60,
            Self::Ask => 120,
            // 256 MiB over a line of 4 Mbit/s takes nine minutes.
            Self::Upload => 15 * 60,
            // 40 GB over a line of 10 Mbit/s take nine hours.
            Self::Model => 24 * 60 * 60,
        })
    }

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Login => "login",
            Self::Read => "read",
            Self::Write => "write",
            Self::Ask => "ask",
            Self::Upload => "upload",
            Self::Model => "model",
        }
    }
}

/// Whether a repeated request with the same `Idempotency-Key` is answered with the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The method is idempotent in itself (RFC 9110 section 9.2.2), or nothing changes.
    Inherent,
    /// The header is honoured: the body is read whole and compared.
    Keyed,
    /// The header is honoured by the handler, which reads the body piece by piece.
    KeyedByHandler,
    /// The header is not honoured, and why.
    Refused(&'static str),
}

/// What an id in a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A tenant.
    Tenant,
    /// A person.
    User,
    /// A browser session.
    Session,
    /// A bearer token.
    Token,
    /// A family of bearer tokens.
    TokenFamily,
    /// A document.
    Document,
    /// A revision of a document.
    Revision,
    /// A page of a revision, counted from 1.
    Page,
    /// A conversation.
    Conversation,
    /// A durable job.
    Job,
    /// An entry of the audit log, counted from 0.
    Entry,
    /// An API key.
    ApiKey,
    /// A group of people.
    Group,
    /// A trace of a run.
    Trace,
    /// A run of a workflow.
    WorkflowRun,
    /// A plan.
    Plan,
    /// Something that an agent remembers.
    Memory,
    /// An agent, by name.
    Agent,
    /// A workflow, by name.
    Workflow,
    /// A code of the error registry.
    ErrorCode,
    /// A file of the web pages.
    Asset,
    /// A language model, by name or hash.
    Model,
    /// A tier of language models.
    Tier,
}

/// An id parameter in a route's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdParameter {
    /// Its name between the braces of the path.
    pub name: &'static str,
    /// What it names.
    pub kind: IdKind,
}

/// One route: everything that there is to say about it, in one place.
pub(crate) struct Route {
    /// The method.
    pub(crate) method: Method,
    /// The path, ids in braces.
    pub(crate) path: &'static str,
    /// Name of the operation in OpenAPI and in the access log; noun first.
    pub(crate) operation: &'static str,
    /// What it is for, in one line.
    pub(crate) summary: &'static str,
    /// What the audit log holds afterwards.
    pub(crate) audit: Audit,
    /// How often, how large, how long.
    pub(crate) rate: RateClass,
    /// What a repeated request does.
    pub(crate) idempotency: Idempotency,
    /// The handler; access, parameters, body and answer are read from its signature.
    pub(crate) endpoint: Box<dyn AnyEndpoint>,
}

/// What tests, matrices and documents read from a route.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, ids in braces.
    pub path: &'static str,
    /// Name of the operation.
    pub operation: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the audit log holds afterwards.
    pub audit: Audit,
    /// How often, how large, how long.
    pub rate: RateClass,
    /// What a repeated request does.
    pub idempotency: Idempotency,
    /// The ids in its path, in order.
    pub ids: Vec<IdParameter>,
    /// Media type of the body that it reads.
    pub request_media_type: Option<&'static str>,
    /// Status of a successful answer.
    pub success_status: u16,
}

impl Route {
    pub(crate) fn info(&self) -> RouteInfo {
        let Signature { access, ids, request_media_type, success_status, .. } =
            self.endpoint.signature();
        RouteInfo {
            method: self.method,
            path: self.path,
            operation: self.operation,
            summary: self.summary,
            access,
            audit: self.audit,
            rate: self.rate,
            idempotency: self.idempotency,
            ids,
            request_media_type,
            success_status,
        }
    }
}
