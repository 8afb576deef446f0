//! Why nothing went out, or nothing came back.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use audit::Outcome;
use base::Code;
use store::StoreError;

/// An error of the door. The cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// An entry of the allow-list can't be used as it is.
    #[error("the entry of connector '{connector}' can't be used: {reason}")]
    Entry {
        /// The connector.
        connector: String,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
    /// The certificates that a connector trusts can't be read.
    #[error("no certificates for connector '{connector}' can be read from {}", path.display())]
    Roots {
        /// The connector.
        connector: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No entry of the allow-list has this name.
    #[error("no connector '{0}' is allowed to go out")]
    UnknownConnector(String),
    /// The URL is none that could be compared with an entry.
    #[error("the URL can't be used: {0}")]
    Url(&'static str),
    /// The entry allows another scheme.
    #[error("the connector's entry does not allow this scheme")]
    Scheme,
    /// The entry allows another host.
    #[error("the connector's entry does not allow this host")]
    Host,
    /// The entry allows another port.
    #[error("the connector's entry does not allow this port")]
    Port,
    /// The path is not below the one that the entry allows.
    #[error("the connector's entry does not allow this path")]
    Path,
    /// A method that no connector has a use for (`CONNECT`, `TRACE`, made-up ones).
    #[error("this method does not go out")]
    Method,
    /// The body is larger than the entry allows.
    #[error("the request has more than {max_bytes} bytes")]
    RequestTooLarge {
        /// The entry's limit.
        max_bytes: usize,
    },
    /// As many calls of this connector as its entry allows are on their way.
    #[error("{calls_max} calls of this connector are on their way already")]
    Busy {
        /// The entry's limit.
        calls_max: usize,
    },
    /// The name has no address.
    #[error("the host's name could not be resolved")]
    Resolve(#[source] std::io::Error),
    /// The name leads to an address that nothing is sent to.
    #[error("the host's address {address} is {kind}: nothing is sent there")]
    Address {
        /// The address.
        address: IpAddr,
        /// What it is: `a loopback address`.
        kind: &'static str,
    },
    /// No address of the host accepted a connection.
    #[error("{address} could not be connected to")]
    Connect {
        /// The last one that was tried.
        address: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The handshake failed: a certificate that leads to none that is trusted, a wrong name.
    #[error("the TLS handshake failed")]
    Tls(#[source] std::io::Error),
    /// What came back is not HTTP, or ended early.
    #[error("the exchange failed")]
    Exchange(#[source] hyper::Error),
    /// The whole call took longer than the entry allows.
    #[error("there was no answer within {timeout_ms} ms")]
    TimedOut {
        /// The entry's limit.
        timeout_ms: u64,
    },
    /// The answer points elsewhere; that is not followed.
    #[error("the answer is a redirect ({status}), which is not followed")]
    Redirected {
        /// Its status.
        status: u16,
    },
    /// The answer is larger than the entry allows.
    #[error("the answer has more than {max_bytes} bytes")]
    ResponseTooLarge {
        /// The entry's limit.
        max_bytes: usize,
    },
    /// Nobody receives the pieces of the answer any more.
    #[error("the caller went away")]
    Abandoned,
    /// The call can't be recorded, so it did not happen for its caller.
    #[error("the call could not be recorded")]
    NotRecorded(#[source] StoreError),
    /// The appliance stops.
    #[error("the door is closed")]
    Closed,
    /// The call ended in a way that nobody foresaw.
    #[error("the call ended unexpectedly")]
    Ended,
}

impl EgressError {
    /// The stable code that the record of the call carries.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Entry { .. } => "entry_invalid",
            Self::Roots { .. } => "roots_unreadable",
            Self::UnknownConnector(_) => "connector_unknown",
            Self::Url(_) => "url_refused",
            Self::Scheme => "scheme_refused",
            Self::Host => "host_refused",
            Self::Port => "port_refused",
            Self::Path => "path_refused",
            Self::Method => "method_refused",
            Self::RequestTooLarge { .. } => "request_too_large",
            Self::Busy { .. } => "busy",
            Self::Resolve(_) => "name_unresolved",
            Self::Address { .. } => "address_refused",
            Self::Connect { .. } => "connect_failed",
            Self::Tls(_) => "tls_failed",
            Self::Exchange(_) => "exchange_failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Redirected { .. } => "redirected",
            Self::ResponseTooLarge { .. } => "response_too_large",
            Self::Abandoned => "caller_gone",
            Self::NotRecorded(_) => "not_recorded",
            Self::Closed => "door_closed",
            Self::Ended => "call_ended",
        }
    }

    /// Whether the door refused, or something failed on a way that was allowed.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Entry { .. }
            | Self::Roots { .. }
            | Self::UnknownConnector(_)
            | Self::Url(_)
            | Self::Scheme
            | Self::Host
            | Self::Port
            | Self::Path
            | Self::Method
            | Self::RequestTooLarge { .. }
            | Self::Busy { .. }
            | Self::Address { .. } => Outcome::Denied,
            Self::Resolve(_)
            | Self::Connect { .. }
            | Self::Tls(_)
            | Self::Exchange(_)
            | Self::TimedOut { .. }
            | Self::Redirected { .. }
            | Self::ResponseTooLarge { .. }
            | Self::Abandoned
            | Self::NotRecorded(_)
            | Self::Closed
            | Self::Ended => Outcome::Failed,
        }
    }
}
