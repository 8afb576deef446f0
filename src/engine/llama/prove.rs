//! The proof that a build computes here what it should: a tiny model, made on the spot, against a
//! plain calculation of the same. See [`models::GeneratorProof`].

use std::fs::File;
use std::io::{self, Write as _};
use std::process::ExitCode;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use models::GeneratorProof;
use rustix::fs::MemfdFlags;

use super::ffi;
use super::gpu::{self, Gpus};
use crate::cage;
use crate::tiny::{PROOF_TOKENS, Proof, TinyModel, WeightKind};

/// What `millwright worker model --prove-generator` runs: generates with the tiny model in a cage as
/// the worker's, and writes a [`GeneratorProof`] as JSON to fd 1. A fault of the kernels may end the
/// process instead, which is an answer too.
#[must_use]
pub fn prove_main(software_gpu: bool) -> ExitCode {
    let (gpus, proved) = match prove(software_gpu) {
        Ok((gpus, tokens)) => (gpus, Ok(tokens)),
        Err(fault) => (None, Err(fault)),
    };
    let library = super::describe(gpus.as_ref());
    let tokens = *proved.as_ref().unwrap_or(&0);
    let proof = GeneratorProof { library, tokens, fault: proved.err() };
    let written = serde_json::to_vec(&proof)
        .map_err(io::Error::other)
        .and_then(|json| io::stdout().lock().write_all(&json));
    let holds = written.is_ok() && proof.fault.is_none();
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// On what, and how many tokens came out right. Every layer is computed where a build for graphics
/// processors would like to.
fn prove(software_gpu: bool) -> Result<(Option<Gpus>, u32), String> {
    // Inside the cage there is no such file to be had.
    let memory = rustix::fs::memfd_create("tiny", MemfdFlags::CLOEXEC).map_err(told)?;
    let mut file = File::from(memory);
    cage::enter(cage::needs())?;
    let tiny = TinyModel::for_proof(WeightKind::F32);
    tiny.write(&mut file).map_err(told)?;
    let proof = Proof::of(&tiny).map_err(told)?;
    // Before the library lists its devices.
    let gpus = match gpu::IN_BUILD {
        true => Some(gpu::open(software_gpu)?),
        false => None,
    };
    let backend = ffi::start().map_err(told)?;
    let gpu_layers = if gpus.is_some() { u32::MAX } else { 0 };
    let model = ffi::load(file, gpu_layers, &mut |_| {})?;
    let params = LlamaContextParams::default().with_n_threads(2).with_n_threads_batch(2);
    let mut context = model.new_context(&backend, params).map_err(told)?;
    let prompt: Vec<LlamaToken> =
        proof.prompt.iter().map(|token| LlamaToken(token.cast_signed())).collect();
    let mut batch = LlamaBatch::new(prompt.len().max(1), 1);
    batch.add_sequence(&prompt, 0, false).map_err(told)?;
    let mut sampler = LlamaSampler::greedy();
    let mut position = prompt.len();
    let mut made = Vec::with_capacity(PROOF_TOKENS);
    while made.len() < PROOF_TOKENS {
        context.decode(&mut batch).map_err(told)?;
        let token = sampler.sample(&context, batch.n_tokens() - 1);
        made.push(u32::try_from(token.0).unwrap_or(u32::MAX));
        batch.clear();
        let at = i32::try_from(position).map_err(told)?;
        batch.add(token, at, &[0], true).map_err(told)?;
        position += 1;
    }
    proof.check(&made).map_err(told)?;
    Ok((gpus, u32::try_from(made.len()).unwrap_or(u32::MAX)))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn told(error: impl ToString) -> String {
    error.to_string()
}
