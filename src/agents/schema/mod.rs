//! JSON Schema as far as this house uses it: shapes of tools' arguments, of what steps of workflows
//! take and give, and of what models are held to.
//!
//! A subset of draft 2020-12 without references, patterns and negation, so that checking takes linear
//! time, loads nothing, and says the same as the grammar that a model writes under. A keyword beyond it
//! is refused when the schema is read, and never passed over.

mod check;
mod read;
#[cfg(test)]
mod tests;

use base::Violation;
use serde_json::Value;

/// Largest schema, in bytes of JSON.
pub const SCHEMA_MAX_BYTES: usize = 64 * 1024;
/// How deep schemas and values may be nested.
pub const SCHEMA_MAX_DEPTH: usize = 32;
/// Most mismatches that are told of one value.
pub const MISMATCHES_MAX: usize = 8;

/// A schema that was read and can be checked against.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    text: String,
    root: Node,
}

/// What is wrong with a schema, and where (a JSON pointer, RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}", pointer = if .pointer.is_empty() { "the schema" } else { .pointer })]
pub struct SchemaError {
    /// Where.
    pub pointer: String,
    /// In words.
    pub reason: String,
}

/// What one value, or a part of it, must be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    /// Empty: any type.
    types: Vec<Type>,
    constant: Option<Value>,
    one_of_values: Vec<Value>,
    any_of: Vec<Node>,
    properties: Vec<(String, Node)>,
    required: Vec<String>,
    additional: Additional,
    items: Option<Box<Node>>,
    item_count: Range<usize>,
    unique: bool,
    length: Range<usize>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
}

/// What fields beyond the named ones are.
#[derive(Clone, Debug, Default, PartialEq)]
enum Additional {
    #[default]
    Any,
    None,
    Each(Box<Node>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range<T> {
    least: Option<T>,
    most: Option<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    const ALL: [Self; 7] = [
        Self::Null,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::String,
        Self::Array,
        Self::Object,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn admits(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.as_f64().is_some_and(|n| n.fract() == 0.0),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

impl Schema {
    /// Reads a schema from its JSON text.
    ///
    /// # Errors
    /// [`SchemaError`] with the place.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > SCHEMA_MAX_BYTES {
            let reason = format!("has {} bytes, at most {SCHEMA_MAX_BYTES}", text.len());
            return Err(SchemaError { pointer: String::new(), reason });
        }
        let value: Value = serde_json::from_str(text).map_err(|error| SchemaError {
            pointer: String::new(),
            reason: format!("is not JSON: {error}"),
        })?;
        Ok(Self { root: read::node(&value, &mut Vec::new())?, text: value.to_string() })
    }

    /// Reads a schema that is JSON already.
    ///
    /// # Errors
    /// [`SchemaError`] with the place.
    pub fn of(value: &Value) -> Result<Self, SchemaError> {
        Self::parse(&value.to_string())
    }

    /// Its JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `value` fits; `name` is what the value is called where that is told.
    ///
    /// # Errors
    /// What does not fit, field by field, at most [`MISMATCHES_MAX`].
    pub fn check(&self, name: &str, value: &Value) -> Result<(), Vec<Violation>> {
        let mut found = check::Found::new(name);
        found.node(&self.root, value);
        found.into_result()
    }
}
