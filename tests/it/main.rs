//! Behaviour of the whole appliance through its public face: the executable, HTTPS, the files.
//!
//! One executable with a module per capability, because linking is the slow part.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests tell why they skip")]

mod support;

mod access;
mod at_rest;
mod command_line;
mod databases;
mod demo;
mod documents;
mod fail_closed;
mod fuzz_targets;
mod hostile;
mod isolation;
mod keys;
mod live_unit;
mod models;
mod records;
mod resume;
mod shred;
mod soak;
mod socket_unit;
mod start;
mod telemetry;
mod torture;
mod upstreams;
