//! The room as a whole: the table of routes, and requests through the router and the sockets.

mod records;
mod requests;
mod sign_in;
mod sockets;
mod support;
mod table;
mod uploads;
