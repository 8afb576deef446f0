//! The entries of metadata: keys and typed values, within limits.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek};

use super::cursor::Cursor;
use super::error::{GgufError, Place, shown};
use super::header::Keep;
use super::value::{Array, Value, ValueKind};
use super::{TOKENS_KEY, limits};

/// What an entry takes in memory beside its key and value, about.
const ENTRY_BYTES: u64 = 64;

/// What a kept value takes in memory beside its text.
const VALUE_BYTES: u64 = size_of::<Value>() as u64;

/// Reads `count` entries.
pub(super) fn read<R: Read + Seek>(
    cursor: &mut Cursor<R>,
    count: u64,
    keep: Keep<'_>,
) -> Result<Vec<(String, Value)>, GgufError> {
    let mut reader = MetadataReader { cursor, keep, kept_bytes: 0 };
    let mut entries = Vec::new();
    let mut keys = HashSet::new();
    for index in 0..count {
        let (place, key) = reader.key(index)?;
        if !keys.insert(key.clone()) {
            return Err(GgufError::Duplicate { place, name: shown(&key) });
        }
        let value = reader.value(&key)?;
        entries.push((key, value));
    }
    Ok(entries)
}

struct MetadataReader<'r, R> {
    cursor: &'r mut Cursor<R>,
    keep: Keep<'r>,
    kept_bytes: u64,
}

impl<R: Read + Seek> MetadataReader<'_, R> {
    fn key(&mut self, index: u64) -> Result<(Place, String), GgufError> {
        let what = format!("the key of metadata {index}");
        let place = self.cursor.place(what.as_str());
        let key = self.cursor.text(&what, limits::MAX_KEY_BYTES)?;
        if key.is_empty() {
            return Err(GgufError::Empty { place });
        }
        // Once in the list and once in the set of keys.
        self.charge(&place, 2 * (ENTRY_BYTES + key.len() as u64))?;
        Ok((place, key))
    }

    fn value(&mut self, key: &str) -> Result<Value, GgufError> {
        let what = format!("the value of {}", shown(key));
        let kind = self.kind(&what)?;
        match kind {
            ValueKind::Array => self.array(key, &what).map(Value::Array),
            ValueKind::String => {
                let place = self.cursor.place(what.as_str());
                let text = self.cursor.text(&what, limits::MAX_STRING_BYTES)?;
                self.charge(&place, text.len() as u64)?;
                Ok(Value::String(text))
            }
            kind => self.number(kind, &what),
        }
    }

    fn kind(&mut self, what: &str) -> Result<ValueKind, GgufError> {
        let place = self.cursor.place(what);
        let found = self.cursor.u32(what)?;
        ValueKind::from_code(found).ok_or(GgufError::UnknownValueKind { place, found })
    }

    /// A number or truth value.
    fn number(&mut self, kind: ValueKind, what: &str) -> Result<Value, GgufError> {
        let cursor = &mut *self.cursor;
        Ok(match kind {
            ValueKind::U8 => Value::U8(u8::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::I8 => Value::I8(i8::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::U16 => Value::U16(u16::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::I16 => Value::I16(i16::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::U32 => Value::U32(u32::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::I32 => Value::I32(i32::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::U64 => Value::U64(u64::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::I64 => Value::I64(i64::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::F32 => Value::F32(f32::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::F64 => Value::F64(f64::from_le_bytes(cursor.bytes(what)?)),
            ValueKind::Bool => {
                let place = cursor.place(what);
                match cursor.bytes::<1>(what)?[0] {
                    0 => Value::Bool(false),
                    1 => Value::Bool(true),
                    found => return Err(GgufError::NotBool { place, found }),
                }
            }
            ValueKind::String | ValueKind::Array => {
                return Err(GgufError::NestedArray { place: cursor.place(what) });
            }
        })
    }

    fn array(&mut self, key: &str, what: &str) -> Result<Array, GgufError> {
        let place = self.cursor.place(what);
        let kind = self.kind(what)?;
        let counted = self.cursor.place(format!("the length of {}", shown(key)));
        let length = self.cursor.u64(what)?;
        match kind.size_bytes() {
            None if kind == ValueKind::Array => Err(GgufError::NestedArray { place }),
            None => self.strings(key, counted, length),
            Some(size_bytes) => self.numbers(kind, size_bytes, what, length),
        }
    }

    fn numbers(
        &mut self,
        kind: ValueKind,
        size_bytes: u64,
        what: &str,
        length: u64,
    ) -> Result<Array, GgufError> {
        let total_bytes = length.saturating_mul(size_bytes);
        self.cursor.need(what, total_bytes)?;
        if length > limits::MAX_KEPT_NUMBERS {
            self.cursor.skip(what, total_bytes)?;
            return Ok(Array { kind, length, elements: None });
        }
        let place = self.cursor.place(what);
        self.charge(&place, length.saturating_mul(VALUE_BYTES))?;
        let elements: Result<Vec<_>, _> = (0..length).map(|_| self.number(kind, what)).collect();
        Ok(Array { kind, length, elements: Some(elements?) })
    }

    fn strings(&mut self, key: &str, counted: Place, length: u64) -> Result<Array, GgufError> {
        let what = format!("a string of {}", shown(key));
        let is_vocabulary = key == TOKENS_KEY;
        let allowed =
            if is_vocabulary { limits::MAX_VOCABULARY_TOKENS } else { limits::MAX_STRINGS };
        if length > allowed {
            return Err(GgufError::TooMany { place: counted, found: length, allowed });
        }
        // Each string has at least its length.
        self.cursor.need(&what, length.saturating_mul(8))?;
        // llama.cpp aborts when two tokens are the same.
        let mut tokens = is_vocabulary.then(Seen::default);
        let mut elements = self.keep.wants(key).then(Vec::new);
        let mut buffer = Vec::new();
        for _ in 0..length {
            let at_byte = self.cursor.at_byte();
            let place = || Place { what: what.clone(), at_byte };
            self.cursor.string(&what, limits::MAX_ELEMENT_BYTES, &mut buffer)?;
            if let Some(tokens) = &mut tokens
                && !tokens.is_new(&buffer)
            {
                let name = shown(&String::from_utf8_lossy(&buffer));
                return Err(GgufError::Duplicate { place: place(), name });
            }
            if let Some(elements) = &mut elements {
                let text = std::str::from_utf8(&buffer)
                    .map_err(|_| GgufError::NotUtf8 { place: place() })?;
                elements.push(Value::String(text.to_owned()));
                self.kept_bytes += VALUE_BYTES + buffer.len() as u64;
                if self.kept_bytes > limits::MAX_KEPT_BYTES {
                    return Err(GgufError::TooMuchMetadata { place: place() });
                }
            }
        }
        Ok(Array { kind: ValueKind::String, length, elements })
    }

    fn charge(&mut self, place: &Place, more_bytes: u64) -> Result<(), GgufError> {
        self.kept_bytes = self.kept_bytes.saturating_add(more_bytes);
        if self.kept_bytes <= limits::MAX_KEPT_BYTES {
            return Ok(());
        }
        Err(GgufError::TooMuchMetadata { place: place.clone() })
    }
}

/// Texts that were there, by two keyed hashes of 64 bits: 16 bytes a text, however long it is. Nobody
/// can make two texts meet who does not know this process's keys.
#[derive(Default)]
struct Seen {
    hashes: HashSet<u128>,
    keys: [RandomState; 2],
}

impl Seen {
    fn is_new(&mut self, text: &[u8]) -> bool {
        let [high, low] = self.keys.each_ref().map(|key| u128::from(key.hash_one(text)));
        self.hashes.insert(high << 64 | low)
    }
}
