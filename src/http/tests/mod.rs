//! The room as a whole: the table of routes, and requests through the router and the sockets.

mod access;
mod composition;
mod headers;
#[path = "../../identity/tests/keys/mod.rs"]
mod keys;
mod limits;
mod models;
mod openai;
mod playground;
mod records;
mod requests;
mod sealed;
mod sign_in;
mod sockets;
mod support;
mod table;
mod tokens;
mod uploads;
