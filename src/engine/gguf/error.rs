//! Why a file is not taken for a model.

use std::fmt;

use super::limits;
use super::value::ValueKind;

/// How much of a text of the file goes into a message.
const SHOWN_CHARS: usize = 80;

/// Where in a file something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What stands there, for instance `the key of metadata 3`.
    pub what: String,
    /// Its first byte, counted from the beginning of the file.
    pub at_byte: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (byte {})", self.what, self.at_byte)
    }
}

/// Why a file was refused, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file could not be read or written.
    #[error("the model file could not be read or written")]
    Io(#[from] std::io::Error),
    /// The file ends too early.
    #[error("{place} needs {wanted_bytes} bytes, but the file has only {left_bytes} left")]
    Ended {
        /// What was being read.
        place: Place,
        /// How much it needs.
        wanted_bytes: u64,
        /// How much there is.
        left_bytes: u64,
    },
    /// It is another kind of file.
    #[error("the file begins with {found:02x?}, a GGUF file begins with 47 47 55 46 (\"GGUF\")")]
    Magic {
        /// Its first bytes.
        found: [u8; 4],
    },
    /// It was made for big-endian machines.
    #[error("the file was written for big-endian machines; only little-endian files are read")]
    BigEndian,
    /// It has a version that is not known.
    #[error("the file has version {found} of the format; versions 2 and 3 are read")]
    Version {
        /// The version it says.
        found: u32,
    },
    /// There is more of something than is allowed.
    #[error("{place} says {found}, at most {allowed} are allowed")]
    TooMany {
        /// What says so.
        place: Place,
        /// How many.
        found: u64,
        /// How many may be.
        allowed: u64,
    },
    /// A text is longer than is allowed.
    #[error("{place} is {found_bytes} bytes long, at most {allowed_bytes} are allowed")]
    TooLong {
        /// Which text.
        place: Place,
        /// Its length.
        found_bytes: u64,
        /// The longest allowed one.
        allowed_bytes: u64,
    },
    /// A text that must not be empty is.
    #[error("{place} is empty")]
    Empty {
        /// Which text.
        place: Place,
    },
    /// A text is not UTF-8.
    #[error("{place} is not UTF-8")]
    NotUtf8 {
        /// Which text.
        place: Place,
    },
    /// Two entries, tensors or tokens have one name.
    #[error("{place} is {name:?}, which was there before; each may be there once")]
    Duplicate {
        /// The second one.
        place: Place,
        /// The name, shortened.
        name: String,
    },
    /// The metadata would take too much memory.
    #[error("the metadata takes more than {} bytes with {place}", limits::MAX_KEPT_BYTES)]
    TooMuchMetadata {
        /// What no longer fitted.
        place: Place,
    },
    /// A value is of a kind that is not known.
    #[error("{place} has the kind {found}; kinds 0 to 12 are known")]
    UnknownValueKind {
        /// Which value.
        place: Place,
        /// The number of its kind.
        found: u32,
    },
    /// An array holds arrays.
    #[error("{place} is an array of arrays; arrays of numbers, truth values and strings are read")]
    NestedArray {
        /// Which array.
        place: Place,
    },
    /// A truth value is neither 0 nor 1.
    #[error("{place} is {found}, a truth value is 0 or 1")]
    NotBool {
        /// Which value.
        place: Place,
        /// What it is.
        found: u8,
    },
    /// The alignment cannot be.
    #[error(
        "the alignment is {found}; powers of two from {} to {} are allowed",
        limits::MIN_ALIGNMENT,
        limits::MAX_ALIGNMENT
    )]
    Alignment {
        /// What the file says.
        found: u64,
    },
    /// A tensor has no dimensions, or more than there can be.
    #[error(
        "tensor {tensor:?} has {found} dimensions, 1 to {} are allowed",
        limits::MAX_DIMENSIONS
    )]
    Dimensions {
        /// Which tensor.
        tensor: String,
        /// How many.
        found: u64,
    },
    /// A dimension is zero, or the dimensions multiply to more than can be counted.
    #[error("tensor {tensor:?} has the shape {shape:?}, which is {why}")]
    Shape {
        /// Which tensor.
        tensor: String,
        /// Its dimensions.
        shape: Vec<u64>,
        /// What is wrong with them.
        why: &'static str,
    },
    /// A tensor is of a kind that is not known, or was removed from the format.
    #[error("tensor {tensor:?} has the kind {found}, which is {why}")]
    UnknownTensorKind {
        /// Which tensor.
        tensor: String,
        /// The number of its kind.
        found: u32,
        /// Unknown, or no longer read.
        why: &'static str,
    },
    /// A row does not consist of whole blocks.
    #[error("tensor {tensor:?} has rows of {row} elements; {kind} wants a multiple of {block}")]
    BlockSize {
        /// Which tensor.
        tensor: String,
        /// Its kind.
        kind: &'static str,
        /// Elements of a row.
        row: u64,
        /// Elements of a block.
        block: u64,
    },
    /// A tensor does not begin at a multiple of the alignment.
    #[error("tensor {tensor:?} begins at {found} of the data, not at a multiple of {alignment}")]
    Misaligned {
        /// Which tensor.
        tensor: String,
        /// Where it begins, counted from the beginning of the data.
        found: u64,
        /// The file's alignment.
        alignment: u64,
    },
    /// A tensor begins inside of another one, or before it.
    #[error("tensor {tensor:?} begins at {found} of the data, in {other:?}, which ends at {end}")]
    Overlap {
        /// Which tensor.
        tensor: String,
        /// Where it begins, counted from the beginning of the data.
        found: u64,
        /// The tensor listed before it.
        other: String,
        /// Where that one ends, with what it is padded by.
        end: u64,
    },
    /// Between two tensors is something that belongs to none.
    #[error("tensor {tensor:?} begins at {found} of the data, the one before it ends at {end}")]
    Gap {
        /// Which tensor.
        tensor: String,
        /// Where it begins, counted from the beginning of the data.
        found: u64,
        /// Where the one before it ends, with what it is padded by.
        end: u64,
    },
    /// The file ends before its last tensor does.
    #[error(
        "the file is cut off: {missing_bytes} bytes are missing ({file_bytes} of {wanted_bytes} \
         are there); the first tensor that is not whole is {tensor:?}"
    )]
    Truncated {
        /// The first tensor that is not whole.
        tensor: String,
        /// How large the file is.
        file_bytes: u64,
        /// How large it must be.
        wanted_bytes: u64,
        /// What is missing.
        missing_bytes: u64,
    },
    /// An entry that every model must have is not there.
    #[error("the metadata has no {key:?}, which a model must have")]
    Missing {
        /// Its key.
        key: String,
    },
    /// An entry has another kind than it must have.
    #[error("{key:?} is of the kind {found}, {wanted} is wanted")]
    WrongKind {
        /// Its key.
        key: String,
        /// What it is.
        found: ValueKind,
        /// What it must be.
        wanted: &'static str,
    },
    /// An entry has a value that cannot be.
    #[error("{key:?} is {found}, {allowed} is allowed")]
    OutOfRange {
        /// Its key.
        key: String,
        /// What it is, shortened.
        found: String,
        /// What it may be.
        allowed: String,
    },
    /// The file is one part of several.
    #[error("the file is one of {parts} parts of a model; merge them into one file first")]
    Split {
        /// How many there are.
        parts: u64,
    },
    /// There are no weights in it.
    #[error("the file has no tensors: it holds a vocabulary, not a model")]
    NoTensors,
    /// What was to be written is no GGUF file.
    #[error("{what} cannot be written: {why}")]
    Unwritable {
        /// The key or tensor.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A text of a file for a message: shortened, control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}
