//! The embedder's weights, as they lie in the executable: in this one, or in the one that carries this
//! build of the worker ([`WeightsPlace`]).
//!
//! all-MiniLM-L6-v2 (Apache-2.0): BERT with six layers. `build.rs` has verified the files against
//! `models/all-minilm-l6-v2/pins.json`. Tensors are read in place: the word table (47 MB) is paged
//! in from the executable as words are met, and never copied.

use std::ffi::OsString;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest as _, Sha256};

use crate::error::EngineError;

/// Width of a token's vector.
pub(crate) const HIDDEN: usize = base::limits::EMBEDDING_DIMENSIONS;
/// Transformer layers.
pub(crate) const LAYERS: usize = 6;
/// Attention heads.
pub(crate) const HEADS: usize = 12;
/// Width of one head.
pub(crate) const HEAD: usize = HIDDEN / HEADS;
/// Width of the feed-forward layer.
pub(crate) const FEED_FORWARD: usize = 4 * HIDDEN;
/// Entries of the word table.
pub(crate) const VOCABULARY: usize = 30_522;
/// Entries of the position table.
pub(crate) const POSITIONS: usize = 512;
/// Added to the variance in layer normalisation.
pub(crate) const NORM_EPSILON: f32 = 1e-12;

#[cfg(not(weights_outside))]
static MODEL: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_MODEL"));
/// What [`bring_weights`] has mapped.
#[cfg(weights_outside)]
static MODEL: std::sync::OnceLock<&'static [u8]> = std::sync::OnceLock::new();
pub(crate) static TOKENIZER: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_TOKENIZER"));
pub(crate) static CONFIG: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_CONFIG"));

/// SHA-256 of the embedder's weights as pinned in `models/all-minilm-l6-v2/pins.json`, in hex.
pub const WEIGHTS_SHA256: &str = env!("MILLWRIGHT_MINILM_MODEL_SHA256");

/// Hashes the weights in this executable (about 0.3 s) and compares with the pin; returns the hash.
///
/// # Errors
/// [`EngineError::Weights`] when the executable is damaged.
pub fn verify_weights() -> Result<&'static str, EngineError> {
    let found: String = Sha256::digest(model()?).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == WEIGHTS_SHA256 {
        Ok(WEIGHTS_SHA256)
    } else {
        Err(EngineError::Weights(format!("SHA-256 is {found}, pinned is {WEIGHTS_SHA256}")))
    }
}

/// The file of tensors.
///
/// # Errors
/// [`EngineError::Weights`] when they are outside and nobody has brought them.
pub(crate) fn model() -> Result<&'static [u8], EngineError> {
    #[cfg(not(weights_outside))]
    return Ok(MODEL);
    #[cfg(weights_outside)]
    MODEL.get().copied().ok_or_else(|| EngineError::Weights("they were not brought".to_owned()))
}

/// Where in a file the tensors lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsPlace {
    /// The executable that holds them.
    pub path: PathBuf,
    /// From its beginning.
    pub offset: u64,
    /// Their length.
    pub bytes: u64,
}

impl WeightsPlace {
    /// Where they lie in the executable that is running, as its mappings tell (proc(5)).
    ///
    /// # Errors
    /// [`EngineError::Weights`] when the mappings can't be read or name no file.
    pub fn in_here() -> Result<Self, EngineError> {
        let lost =
            |reason: String| EngineError::Weights(format!("their place is not known: {reason}"));
        let maps =
            std::fs::read_to_string("/proc/self/maps").map_err(|error| lost(error.to_string()))?;
        let model = model()?;
        let (place, bytes) = (model.as_ptr().addr() as u64, model.len() as u64);
        let (offset, path) = maps
            .lines()
            .find_map(|line| Mapping::read(line)?.locate(place, bytes))
            .ok_or_else(|| lost("no file is mapped there".to_owned()))?;
        Ok(Self { path, offset, bytes })
    }

    /// The worker's argument.
    #[must_use]
    pub fn argument(&self) -> OsString {
        let mut argument = OsString::from(format!("--weights={}:{}:", self.offset, self.bytes));
        argument.push(&self.path);
        argument
    }

    /// Reads the argument, without `--weights=`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (offset, bytes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { offset, bytes, path: parts.next()?.into() })
    }
}

/// One line of `/proc/self/maps`.
struct Mapping<'m> {
    start: u64,
    end: u64,
    offset: u64,
    path: &'m str,
}

impl<'m> Mapping<'m> {
    fn read(line: &'m str) -> Option<Self> {
        // start-end permissions offset device inode path
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let path = words.nth(2)?.trim_start();
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        Some(Self { start: hex(start)?, end: hex(end)?, offset: hex(offset)?, path })
    }

    /// Where in the file something stands that is mapped here.
    fn locate(&self, place: u64, bytes: u64) -> Option<(u64, PathBuf)> {
        let is_here = self.start <= place && place.checked_add(bytes)? <= self.end;
        let at = || (self.offset + (place - self.start), PathBuf::from(self.path));
        (is_here && self.path.starts_with('/')).then(at)
    }
}

/// Maps the tensors of another executable. To be called before the cage closes, and once.
///
/// # Errors
/// [`EngineError::Weights`] when the file can't be read or is too short.
#[cfg(weights_outside)]
pub fn bring_weights(place: &WeightsPlace) -> Result<(), EngineError> {
    use rustix::mm::{MapFlags, ProtFlags};
    let failed = |reason: String| {
        EngineError::Weights(format!("{} can't be used: {reason}", place.path.display()))
    };
    let file = std::fs::File::open(&place.path).map_err(|error| failed(error.to_string()))?;
    let size = file.metadata().map_err(|error| failed(error.to_string()))?.len();
    if place.offset.checked_add(place.bytes).is_none_or(|end| end > size) {
        return Err(failed("it is too short".to_owned()));
    }
    // A mapping begins at a page; pages of 64 KiB are the largest there are.
    let ahead = place.offset % (64 * 1024);
    let (ahead, bytes) = (
        usize::try_from(ahead).map_err(|error| failed(error.to_string()))?,
        usize::try_from(place.bytes).map_err(|error| failed(error.to_string()))?,
    );
    let (protection, flags) = (ProtFlags::READ, MapFlags::PRIVATE);
    // SAFETY: a new mapping of our own, nowhere near anything else, that is never unmapped.
    #[expect(unsafe_code, reason = "the file must be read in place")]
    let mapped = unsafe {
        rustix::mm::mmap(
            std::ptr::null_mut(),
            ahead + bytes,
            protection,
            flags,
            &file,
            place.offset - ahead as u64,
        )
    };
    let mapped = mapped.map_err(|error| failed(error.to_string()))?;
    // SAFETY: `ahead + bytes` readable bytes are mapped there for good. The file is an executable that
    // the administrator has installed; who could change it under us could change this program.
    #[expect(unsafe_code, reason = "as above")]
    let all =
        unsafe { std::slice::from_raw_parts(mapped.cast::<u8>().cast_const(), ahead + bytes) };
    MODEL.set(&all[ahead..]).map_err(|_| failed("weights were brought before".to_owned()))
}

/// This build holds its own.
///
/// # Errors
/// None.
#[cfg(not(weights_outside))]
pub const fn bring_weights(_: &WeightsPlace) -> Result<(), EngineError> {
    Ok(())
}

/// The tensors by name.
pub(crate) struct Weights {
    tensors: SafeTensors<'static>,
}

/// A table of `f32` that is read in place; its bytes have no alignment.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    bytes: &'static [u8],
    columns: usize,
}

impl Weights {
    /// Reads the header, and checks that the model has the shape the engine was written for.
    pub(crate) fn load() -> Result<Self, EngineError> {
        check_config()?;
        let tensors = SafeTensors::deserialize(model()?)
            .map_err(|error| EngineError::Weights(error.to_string()))?;
        Ok(Self { tensors })
    }

    /// The matrix `name`, `[rows, columns]`.
    pub(crate) fn table(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Table, EngineError> {
        Ok(Table { bytes: self.bytes(name, &[rows, columns])?, columns })
    }

    /// A copy of the vector `name`, `[length]`.
    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let table = Table { bytes: self.bytes(name, &[length])?, columns: length };
        Ok(table.row(0).collect())
    }

    fn bytes(&self, name: &str, shape: &[usize]) -> Result<&'static [u8], EngineError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|error| EngineError::Weights(format!("{name}: {error}")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(EngineError::Weights(format!(
                "{name} is {:?} {:?}, expected F32 {shape:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        Ok(tensor.data())
    }
}

impl Table {
    /// Row `index`; empty when there is no such row.
    pub(crate) fn row(self, index: usize) -> impl ExactSizeIterator<Item = f32> {
        let size_bytes = self.columns * 4;
        let start = index.saturating_mul(size_bytes);
        let bytes = self.bytes.get(start..start + size_bytes).unwrap_or_default();
        bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word))
    }
}

fn check_config() -> Result<(), EngineError> {
    let config: serde_json::Value = serde_json::from_slice(CONFIG)
        .map_err(|error| EngineError::Weights(format!("config.json: {error}")))?;
    let expected = [
        ("hidden_size", HIDDEN),
        ("num_hidden_layers", LAYERS),
        ("num_attention_heads", HEADS),
        ("intermediate_size", FEED_FORWARD),
        ("vocab_size", VOCABULARY),
        ("max_position_embeddings", POSITIONS),
    ];
    for (key, wanted) in expected {
        if config[key].as_u64() != u64::try_from(wanted).ok() {
            return Err(EngineError::Weights(format!("{key} is {}, not {wanted}", config[key])));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn the_weights_are_found_in_the_file_of_this_executable() {
        let place = WeightsPlace::in_here().unwrap();
        let file = std::fs::File::open(&place.path).unwrap();
        let mut read = vec![0; usize::try_from(place.bytes).unwrap()];
        file.read_exact_at(&mut read, place.offset).unwrap();
        assert!(read == model().unwrap(), "another part of the file");
        let argument = place.argument().into_string().unwrap();
        let text = argument.strip_prefix("--weights=").unwrap();
        assert_eq!(WeightsPlace::parse(text), Some(place));
    }

    #[test]
    fn mappings_are_read_with_whatever_the_path_holds() {
        let line = "00400000-00452000 r--p 00002000 08:02 173521      /opt/a b: c/millwright";
        let mapping = Mapping::read(line).unwrap();
        let found = mapping.locate(0x40_1000, 16).unwrap();
        assert_eq!(found, (0x3000, PathBuf::from("/opt/a b: c/millwright")));
        assert_eq!(mapping.locate(0x45_1fff, 2), None);
        for line in ["", "00-01 rw-p 00 00:00 0", "zz-01 r--p 00 00:00 0 /x"] {
            assert!(Mapping::read(line).and_then(|found| found.locate(0, 1)).is_none(), "{line}");
        }
    }
}
