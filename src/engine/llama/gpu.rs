//! Graphics processors, in a build that computes on them: which there are, and how much of a model
//! their memory takes.

use llama_cpp_2::{LlamaBackendDevice, LlamaBackendDeviceType, list_llama_ggml_backend_devices};

use super::ffi;
use crate::gguf::GgufSummary;

/// Room for intermediate results, beside what the widest of them takes.
const WORKING_LEAST_BYTES: u64 = 256 * 1024 * 1024;
/// Tokens of a micro-batch, each with numbers (f32) for the whole vocabulary.
const WORKING_BYTES_PER_ENTRY: u64 = 512 * 4;
/// One of so many bytes of free memory stays free: drivers keep books of their own.
const MARGIN_SHARE: u64 = 16;

/// Whether this build computes on graphics processors.
pub(crate) const IN_BUILD: bool = cfg!(feature = "vulkan");

/// The graphics processors that were opened; a model's layers are spread over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gpus {
    /// What they call themselves.
    pub(crate) names: String,
    /// Memory that they have of their own, all of them together.
    pub(crate) total_bytes: u64,
}

/// Opens the graphics processors of this machine: their drivers load libraries and start threads, so the
/// cage must be shut before. With `software`, one that the processor only acts is taken, for trials.
///
/// # Errors
/// Says, for the administrator, why there is none.
pub(crate) fn open(software: bool) -> Result<Gpus, String> {
    ffi::hear_complaints();
    if software {
        ffi::show_software_devices();
    }
    let mut gpus = Gpus { names: String::new(), total_bytes: 0 };
    for device in devices() {
        ffi::open_device(device.index)
            .ok_or_else(|| format!("{} can't be opened", device.description))?;
        if !gpus.names.is_empty() {
            gpus.names.push_str(", ");
        }
        gpus.names.push_str(device.description.trim());
        // What is integrated has the machine's memory, which is counted already.
        if device.device_type == LlamaBackendDeviceType::Gpu {
            gpus.total_bytes = gpus.total_bytes.saturating_add(device.memory_total as u64);
        }
    }
    if gpus.names.is_empty() {
        return Err(
            "the Vulkan loader finds no graphics processor: its driver must be installed, and \
                    this service must be let at /dev/dri or /dev/nvidia*"
                .to_owned(),
        );
    }
    Ok(gpus)
}

/// Bytes that are free on all of them now.
pub(super) fn free_bytes() -> u64 {
    devices().fold(0, |sum, device| sum.saturating_add(device.memory_free as u64))
}

/// The devices that the library places layers on: graphics processors with a memory of their own, and those that
/// share the machine's where there is no other.
fn devices() -> impl Iterator<Item = LlamaBackendDevice> {
    let all = list_llama_ggml_backend_devices();
    let kinds = [LlamaBackendDeviceType::Gpu, LlamaBackendDeviceType::IntegratedGpu];
    let used = kinds.into_iter().find(|kind| all.iter().any(|device| device.device_type == *kind));
    all.into_iter().filter(move |device| Some(device.device_type) == used)
}

/// Layers of a model that `free_bytes` take, with their part of a context; the output counts as one more.
pub(super) fn layers_that_fit(free_bytes: u64, model: &GgufSummary, context_tokens: u32) -> u32 {
    let layers = model.layers.saturating_add(1);
    let cache = model.kv_bytes_per_token().saturating_mul(u64::from(context_tokens));
    let each = model.weights_bytes.saturating_add(cache).div_ceil(layers).max(1);
    let widest = model.vocabulary_tokens.max(model.embedding_width);
    let working =
        widest.saturating_mul(WORKING_BYTES_PER_ENTRY).saturating_add(WORKING_LEAST_BYTES);
    let room = free_bytes.saturating_sub(free_bytes / MARGIN_SHARE).saturating_sub(working);
    u32::try_from((room / each).min(layers)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::fs::File;

    use super::*;
    use crate::gguf::GgufHeader;
    use crate::tiny::{TinyModel, WeightKind};

    fn a_model() -> GgufSummary {
        let mut file = tempfile::tempfile().unwrap();
        TinyModel::for_proof(WeightKind::F32).write(&mut file).unwrap();
        summary(&file)
    }

    fn summary(file: &File) -> GgufSummary {
        let size_bytes = file.metadata().unwrap().len();
        GgufHeader::read(file, size_bytes).unwrap().summary().unwrap()
    }

    #[test]
    fn layers_go_where_there_is_memory_for_them() {
        let model = GgufSummary { layers: 31, weights_bytes: 32 << 30, ..a_model() };
        let all = 32;
        assert_eq!(layers_that_fit(0, &model, 4096), 0);
        assert_eq!(layers_that_fit(WORKING_LEAST_BYTES, &model, 4096), 0);
        assert_eq!(layers_that_fit(80 << 30, &model, 4096), all);
        let half = layers_that_fit(18 << 30, &model, 4096);
        assert!((14..=17).contains(&half), "{half}");
        // A longer context takes the place of layers, and figures that can't be are no fault of ours.
        let longer = layers_that_fit(18 << 30, &model, 1 << 24);
        assert!(longer < half, "{longer}");
        let absurd = GgufSummary { weights_bytes: u64::MAX, layers: u64::MAX, ..model };
        assert_eq!(layers_that_fit(u64::MAX, &absurd, u32::MAX), u32::MAX);
    }
}
