//! Models that were brought in: llama.cpp inside the worker.
//!
//! [`Generator`] takes the calls of the generating lane. Each model has a thread that owns it and
//! its context ([`model`], [`serving`]); the thread puts the next tokens of all running texts, and pieces of the
//! prompts that are being read, into one batch after the other ([`plan`], [`step`]). What was computed for a
//! prompt is kept for the next one of the same tenant that begins alike ([`prefixes`]). A model that is made for
//! embedding or reranking reads one text after the other ([`encoder`]).
//!
//! Never:
//! - looks at a file that our own reader has not passed ([`crate::gguf`]);
//! - shares what it computed between tenants;
//! - lets a text take the control tokens of a prompt into its mouth ([`layout`]);
//! - gives out a shape that was not asked for: what ends before its shape is complete says so;
//! - logs a prompt or a text.

mod encoder;
mod facts;
mod ffi;
mod generator;
mod gpu;
mod inbox;
mod instructions;
mod layout;
mod model;
mod plan;
mod prefixes;
mod prove;
mod sequence;
mod serving;
mod shape;
mod step;
mod text;

pub(crate) use generator::Generator;
pub(crate) use gpu::{Gpus, IN_BUILD as USES_GPUS, open as open_gpus};
pub use prove::prove_main;

/// What the worker says of itself: the library, the instructions that its kernels use here, and the graphics
/// processors.
pub(crate) fn describe(gpus: Option<&Gpus>) -> String {
    let instructions = ffi::instructions();
    match gpus {
        None => format!("llama.cpp ({instructions})"),
        Some(Gpus { names, total_bytes }) => {
            let mebibytes = total_bytes / (1024 * 1024);
            format!("llama.cpp ({instructions}; Vulkan: {names}, {mebibytes} MiB)")
        }
    }
}
