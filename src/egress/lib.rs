//! The one door out: every connection that the appliance makes to another machine.
//!
//! A [`Door`] is built from an allow-list and refuses everything else. An [`Entry`] names a
//! connector (`telemetry`) and says where it may go: scheme, host, port, path, certificates,
//! limits. One call, [`Door::send`], does the whole of it: compares the URL with the entry,
//! resolves the name once, looks at the addresses, connects to exactly one of them, exchanges one
//! request for one bounded answer, and records the call in the appliance's audit log. Nothing is
//! kept open between calls: what was allowed a minute ago is asked again.
//!
//! Never:
//! - a connection to what no entry allows, or to an address other than the one that was checked;
//! - a second look at the name service between the check and the connection;
//! - a redirect that is followed;
//! - an answer, a wait or a number of calls without a limit;
//! - an answer, or the first piece of one, that is handed over without its record, or a record with a path, a query, a header
//!   or a body in it;
//! - certificates that are not those of the entry's file or of the operating system.
//!
//! Other rooms can't connect by themselves: the constructors are banned in `clippy.toml`, and
//! `outside.rs` is the one place that is excepted.

mod address;
mod door;
mod entry;
mod error;
mod exchange;
mod outside;
mod record;
mod tls;

pub use door::Door;
pub use entry::{CallLimits, Entry, Loopback, Scheme};
pub use error::EgressError;
pub use hyper::body::Bytes;
pub use hyper::{Request, Response};

#[cfg(test)]
mod tests;
