//! The text index through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod directory;
mod lifecycle;
mod search;
