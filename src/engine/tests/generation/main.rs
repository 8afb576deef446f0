//! Language models in a real worker, spoken to by the real client: tiny ones, whose text is
//! nonsense and whose arithmetic is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod damaged;
mod deaths;
mod encoders;
#[cfg(feature = "vulkan")]
mod gpu;
mod plant;
mod prefixes;
mod recurrent;
mod shapes;
mod texts;
