//! Proof, at every start, that this machine computes what the reference computed.
//!
//! `models/all-minilm-l6-v2/self-check.json` holds texts and the reference's vectors of them. A
//! processor, hypervisor or compiler that gets a kernel wrong shows here and not in the index.

use models::{ComputePath, Embedding};
use serde_json::Value;

use crate::embedder::Embedder;
use crate::error::EngineError;

static STORED: &[u8] = include_bytes!("../../models/all-minilm-l6-v2/self-check.json");

/// Compares the embedder with the stored vectors.
pub(crate) fn run(embedder: &Embedder) -> Result<(), EngineError> {
    let stored = stored()?;
    let texts: Vec<&str> = stored.iter().map(|(text, _)| text.as_str()).collect();
    let computed = embedder.embed(&texts)?;
    let cosines = computed.iter().zip(&stored).map(|(computed, (_, stored))| computed.dot(stored));
    let cosine = cosines.fold(1.0, f32::min);
    let (path, floor) = (embedder.path(), floor(embedder.path()));
    // Written so that a cosine that is not a number fails.
    if cosine >= floor { Ok(()) } else { Err(EngineError::SelfCheck { path, cosine, floor }) }
}

/// Smallest cosine to the reference that a path may have: measured on the texts, with a margin that
/// is small against what a wrong kernel does.
const fn floor(path: ComputePath) -> f32 {
    match path {
        ComputePath::Int8Avx512Vnni => 0.99,
        ComputePath::Int8Avx2 => 0.98,
        ComputePath::Float32 | ComputePath::Reference => 0.9999,
    }
}

fn stored() -> Result<Vec<(String, Embedding)>, EngineError> {
    let broken = || EngineError::Weights("self-check.json is not readable".to_owned());
    let stored: Value = serde_json::from_slice(STORED).map_err(|_| broken())?;
    let read = |entry: &Value| {
        let text = entry["text"].as_str()?;
        #[expect(clippy::cast_possible_truncation, reason = "they were f32 when they were written")]
        let numbers: Option<Vec<f32>> = entry["embedding"]
            .as_array()?
            .iter()
            .map(|number| number.as_f64().map(|number| number as f32))
            .collect();
        Some((text.to_owned(), Embedding::normalise(numbers?.try_into().ok()?).ok()?))
    };
    let entries = stored.as_array().filter(|entries| !entries.is_empty()).ok_or_else(broken)?;
    entries.iter().map(|entry| read(entry).ok_or_else(broken)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::reference::Reference;
    use crate::tokens::TextTokens;

    #[test]
    fn the_stored_vectors_are_the_references() {
        let (reference, tokens) = (Reference::load().unwrap(), TextTokens::load().unwrap());
        for (text, stored) in stored().unwrap() {
            let computed = reference.embed(&tokens.sequence(&text).unwrap()).unwrap();
            assert!(computed.dot(&stored) > 0.999_999, "{text}");
        }
    }
}
