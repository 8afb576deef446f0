//! Shapes that steps are held to. Every list and text has a limit, so that a step's length has one.

use serde_json::{Value, json};

/// A text of at most so many characters.
pub(super) fn text(max_chars: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": max_chars })
}

/// A list of at most so many items.
pub(super) fn list(items: &Value, max_items: usize) -> Value {
    json!({ "type": "array", "items": items, "maxItems": max_items })
}

/// A whole number from `least` to `most`.
pub(super) fn whole(least: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// One of these words.
pub(super) fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// An object of exactly these fields.
pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let mut properties = serde_json::Map::new();
    for (name, schema) in fields {
        properties.insert((*name).to_owned(), schema.clone());
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}
