//! What a file says of its model, by our own reader.

use std::fs::File;

use base::limits::EMBEDDING_DIMENSIONS;
use models::protocol::{ModelFacts, ModelPurpose};

use crate::gguf::{GgufHeader, GgufSummary};

/// Reads the header of `file`.
///
/// # Errors
/// Says, for the administrator, what is wrong with it.
pub(super) fn read(file: &File) -> Result<GgufSummary, String> {
    let size_bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let summary = GgufHeader::read(file, size_bytes)
        .and_then(|header| header.summary())
        .map_err(|error| error.to_string())?;
    let width = summary.embedding_width;
    if summary.purpose() == ModelPurpose::Embed && width < EMBEDDING_DIMENSIONS as u64 {
        return Err(format!(
            "its vectors have {width} numbers, and {EMBEDDING_DIMENSIONS} are kept of each"
        ));
    }
    Ok(summary)
}

/// The same, as it is told to the client.
pub(super) fn told(summary: &GgufSummary) -> ModelFacts {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    ModelFacts {
        architecture: summary.architecture.clone(),
        name: summary.name.clone(),
        licence: summary.licence.clone(),
        parameters: summary.parameters,
        quantisation: summary.quantisation.clone(),
        context_tokens: narrow(summary.context_tokens),
        vocabulary_tokens: narrow(summary.vocabulary_tokens),
        layers: narrow(summary.layers),
        embedding_width: narrow(summary.embedding_width),
        weights_bytes: summary.weights_bytes,
        kv_bytes_per_token: summary.kv_bytes_per_token(),
        has_chat_template: summary.chat_template.is_some(),
        purpose: summary.purpose(),
    }
}
