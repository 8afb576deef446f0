//! Values of metadata.

use std::fmt;

/// Of what kind a value is (`enum gguf_type` of `gguf.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ValueKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64,
}

/// In the order of their numbers: name, bytes of a value or `None` where that differs.
const KINDS: [(ValueKind, &str, Option<u64>); 13] = [
    (ValueKind::U8, "u8", Some(1)),
    (ValueKind::I8, "i8", Some(1)),
    (ValueKind::U16, "u16", Some(2)),
    (ValueKind::I16, "i16", Some(2)),
    (ValueKind::U32, "u32", Some(4)),
    (ValueKind::I32, "i32", Some(4)),
    (ValueKind::F32, "f32", Some(4)),
    (ValueKind::Bool, "bool", Some(1)),
    (ValueKind::String, "string", None),
    (ValueKind::Array, "array", None),
    (ValueKind::U64, "u64", Some(8)),
    (ValueKind::I64, "i64", Some(8)),
    (ValueKind::F64, "f64", Some(8)),
];

impl ValueKind {
    /// The kind that a number stands for in a file.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        KINDS.get(usize::try_from(code).ok()?).map(|(kind, ..)| *kind)
    }

    /// The number that stands for it in a file.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// Size of a value of it; `None` for strings and arrays, whose sizes differ.
    #[must_use]
    pub const fn size_bytes(self) -> Option<u64> {
        KINDS[self as usize].2
    }
}

impl fmt::Display for ValueKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(KINDS[*self as usize].1)
    }
}

/// A value of metadata.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the kinds")]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    Array(Array),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// An array of metadata; all elements are of one kind, which is not an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Kind of the elements.
    pub kind: ValueKind,
    /// How many there are in the file.
    pub length: u64,
    /// The elements, where they were kept: strings when asked for, numbers of short arrays.
    pub elements: Option<Vec<Value>>,
}

impl Array {
    /// An array to write. Elements of another kind than `kind` are refused when it is written.
    #[must_use]
    pub fn of(kind: ValueKind, elements: Vec<Value>) -> Self {
        Self { kind, length: elements.len() as u64, elements: Some(elements) }
    }
}

impl Value {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::U8(_) => ValueKind::U8,
            Self::I8(_) => ValueKind::I8,
            Self::U16(_) => ValueKind::U16,
            Self::I16(_) => ValueKind::I16,
            Self::U32(_) => ValueKind::U32,
            Self::I32(_) => ValueKind::I32,
            Self::F32(_) => ValueKind::F32,
            Self::Bool(_) => ValueKind::Bool,
            Self::String(_) => ValueKind::String,
            Self::Array(_) => ValueKind::Array,
            Self::U64(_) => ValueKind::U64,
            Self::I64(_) => ValueKind::I64,
            Self::F64(_) => ValueKind::F64,
        }
    }

    /// The number, when it is a whole one that is not negative.
    #[must_use]
    pub fn unsigned(&self) -> Option<u64> {
        match *self {
            Self::U8(number) => Some(number.into()),
            Self::U16(number) => Some(number.into()),
            Self::U32(number) => Some(number.into()),
            Self::U64(number) => Some(number),
            Self::I8(number) => number.try_into().ok(),
            Self::I16(number) => number.try_into().ok(),
            Self::I32(number) => number.try_into().ok(),
            Self::I64(number) => number.try_into().ok(),
            _ => None,
        }
    }

    /// Whether it is a whole number, of whatever sign.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        !matches!(
            self,
            Self::F32(_) | Self::F64(_) | Self::Bool(_) | Self::String(_) | Self::Array(_)
        )
    }

    /// The text, when it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::U32(number)
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        Self::F32(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_the_order_of_their_numbers() {
        for (index, (kind, ..)) in KINDS.iter().enumerate() {
            assert_eq!(kind.code() as usize, index);
            assert_eq!(ValueKind::from_code(kind.code()), Some(*kind));
        }
        assert_eq!(ValueKind::from_code(13), None);
    }
}
