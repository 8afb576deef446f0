//! The header of a file, whole.

use std::io::{Read, Seek};

use super::cursor::Cursor;
use super::error::GgufError;
use super::layout::{self, TensorInfo};
use super::summary::GgufSummary;
use super::value::{Value, ValueKind};
use super::{ALIGNMENT_KEY, MAGIC, OLDEST_VERSION, VERSION, limits, metadata};

/// Arrays of strings whose elements are kept; of all others only the length is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep<'k>(&'k [&'k str]);

impl<'k> Keep<'k> {
    /// None of them.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(&[])
    }

    /// Those of these keys.
    #[must_use]
    pub const fn strings_of(keys: &'k [&'k str]) -> Self {
        Self(keys)
    }

    pub(super) fn wants(self, key: &str) -> bool {
        self.0.contains(&key)
    }
}

/// What a GGUF file says of itself, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufHeader {
    /// Version of the format, 2 or 3.
    pub version: u32,
    /// Keys and values, in the order of the file; each key is there once.
    pub metadata: Vec<(String, Value)>,
    /// Tensors, in the order of the file, which is the order of their data.
    pub tensors: Vec<TensorInfo>,
    /// Where the data begins, counted from the beginning of the file.
    pub data_offset_bytes: u64,
    /// Each tensor begins at a multiple of it.
    pub alignment: u64,
}

impl GgufHeader {
    /// Reads the header of `source`, which is `file_bytes` long, from its beginning. Keeps no arrays
    /// of strings.
    ///
    /// Blocks while it reads some megabytes; takes at most [`limits::MAX_KEPT_BYTES`] for metadata
    /// and about as much again for tensors and for comparing tokens, of real models a tenth of it.
    ///
    /// # Errors
    /// [`GgufError`] when it is no sound GGUF file, or cannot be read.
    pub fn read(source: impl Read + Seek, file_bytes: u64) -> Result<Self, GgufError> {
        Self::read_keeping(source, file_bytes, Keep::nothing())
    }

    /// As [`Self::read`], with the strings that `keep` names.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_keeping(
        source: impl Read + Seek,
        file_bytes: u64,
        keep: Keep<'_>,
    ) -> Result<Self, GgufError> {
        let mut cursor = Cursor::new(source, file_bytes)?;
        let version = version(&mut cursor)?;
        let tensor_count = count(&mut cursor, "the number of tensors", limits::MAX_TENSORS)?;
        let entry_count = count(&mut cursor, "the number of metadata", limits::MAX_METADATA)?;
        let metadata = metadata::read(&mut cursor, entry_count, keep)?;
        let alignment = alignment(&metadata)?;
        let tensors = layout::read(&mut cursor, tensor_count)?;
        let data_offset_bytes = layout::padded(cursor.at_byte(), alignment)
            .ok_or(GgufError::Alignment { found: alignment })?;
        layout::check(&tensors, data_offset_bytes, alignment, file_bytes)?;
        Ok(Self { version, metadata, tensors, data_offset_bytes, alignment })
    }

    /// What people and the fit check want to know of the model.
    ///
    /// # Errors
    /// [`GgufError`] when an entry that every model must have is missing or cannot be, or the file
    /// is one of several parts.
    pub fn summary(&self) -> Result<GgufSummary, GgufError> {
        GgufSummary::of(self)
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// The tensor of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The text of `key`, if it is there.
    ///
    /// # Errors
    /// [`GgufError::WrongKind`] when it is no text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.text().map(Some).ok_or_else(|| wrong_kind(key, value, "a string"))
    }

    /// The whole number of `key`, if it is there.
    ///
    /// # Errors
    /// [`GgufError::WrongKind`] when it is no whole number, [`GgufError::OutOfRange`] when it is
    /// negative.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.get(key).map(|value| unsigned(key, value)).transpose()
    }
}

/// The number that `value`, of `key`, is.
pub(super) fn unsigned(key: &str, value: &Value) -> Result<u64, GgufError> {
    value.unsigned().ok_or_else(|| {
        if value.is_whole() {
            return GgufError::OutOfRange {
                key: key.to_owned(),
                found: "negative".to_owned(),
                allowed: "0 or more".to_owned(),
            };
        }
        wrong_kind(key, value, "a whole number")
    })
}

pub(super) fn wrong_kind(key: &str, value: &Value, wanted: &'static str) -> GgufError {
    GgufError::WrongKind { key: key.to_owned(), found: value.kind(), wanted }
}

fn version<R: Read + Seek>(cursor: &mut Cursor<R>) -> Result<u32, GgufError> {
    let found: [u8; 4] = cursor.bytes("the beginning of the file")?;
    if found != MAGIC {
        return Err(GgufError::Magic { found });
    }
    let found = cursor.u32("the version")?;
    if (OLDEST_VERSION..=VERSION).contains(&found) {
        return Ok(found);
    }
    if (1..=VERSION).contains(&found.swap_bytes()) {
        return Err(GgufError::BigEndian);
    }
    Err(GgufError::Version { found })
}

fn count<R: Read + Seek>(
    cursor: &mut Cursor<R>,
    what: &str,
    allowed: u64,
) -> Result<u64, GgufError> {
    let place = cursor.place(what);
    let found = cursor.u64(what)?;
    if found <= allowed { Ok(found) } else { Err(GgufError::TooMany { place, found, allowed }) }
}

fn alignment(metadata: &[(String, Value)]) -> Result<u64, GgufError> {
    let entry = metadata.iter().find(|(key, _)| key == ALIGNMENT_KEY);
    let Some((key, value)) = entry else { return Ok(limits::DEFAULT_ALIGNMENT) };
    // llama.cpp takes it in this kind alone.
    let Value::U32(found) = value else {
        return Err(GgufError::WrongKind { key: key.clone(), found: value.kind(), wanted: "u32" });
    };
    check_alignment((*found).into())
}

/// `found`, when tensors may be aligned so.
pub(super) fn check_alignment(found: u64) -> Result<u64, GgufError> {
    let allowed = limits::MIN_ALIGNMENT..=limits::MAX_ALIGNMENT;
    if found.is_power_of_two() && allowed.contains(&found) {
        Ok(found)
    } else {
        Err(GgufError::Alignment { found })
    }
}

/// Whether a value can stand in an array of `kind`.
pub(super) fn fits(value: &Value, kind: ValueKind) -> bool {
    value.kind() == kind && kind != ValueKind::Array
}
