//! Whether the worker's language models compute what they should on this machine.
//!
//! Kernels are compiled for instructions that a machine may lack, or claim and fault at: some
//! virtual machines advertise AMX without giving it. So a child computes a tiny model that it makes
//! itself, and compares with a plain calculation. What it dies of, it dies of alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::WorkerCommand;
use crate::child_report::child_report;

/// The last argument of a worker that only proves its language models.
const PROVE: &str = "--prove-generator";

/// How long that may take: drivers of graphics processors compile shaders before the first token.
const PROVE_TIMEOUT: Duration = Duration::from_secs(120);

/// What came of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorProof {
    /// The library, and the instructions that its kernels use.
    pub library: String,
    /// Tokens that were generated and compared.
    pub tokens: u32,
    /// What is wrong, if anything.
    pub fault: Option<String>,
}

/// Lets a child prove its language models; takes some tenths of a second, on graphics processors more.
///
/// # Errors
/// Says, for people, why they can't be trusted here.
pub async fn prove_generator(command: &WorkerCommand) -> Result<GeneratorProof, String> {
    let proof: GeneratorProof = child_report(command, PROVE, PROVE_TIMEOUT).await?;
    match &proof.fault {
        Some(fault) => Err(format!("{}: {fault}", proof.library)),
        None => Ok(proof),
    }
}
