//! What is built from thoughts: tools, thinking tools, workflows, plans, agents, memories. Over a real
//! store and the real parser, with models that follow a script.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod labels;
mod memories;
mod planning;
#[path = "../../../knowledge/tests/library/plant.rs"]
#[allow(dead_code, reason = "shared with the tests of `knowledge`, which use more of it")]
mod plant;
mod resuming;
mod thinking;
mod tools;
mod workflows;
mod world;
