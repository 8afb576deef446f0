//! Values made from others: `${input.question}`, `${steps.find.items[0].title}`.
//!
//! A text that is one reference and nothing else becomes the value itself; references in a longer text
//! become parts of it. `$${` is a plain `${`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Longest text that comes out of one template, in bytes.
const TEXT_MAX_BYTES: usize = 256 * 1024;

/// Why a value can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reference}: {reason}")]
pub(super) struct ValueError {
    /// The reference as it is written.
    pub(super) reference: String,
    /// What is wrong with it.
    pub(super) reason: &'static str,
}

/// Where references are looked up.
pub(super) trait Lookup {
    /// The value of a root (`input`, `steps`, `each`, `loop`) and, for `steps`, the id behind it.
    fn root(&self, root: &str, id: Option<&str>) -> Option<Value>;
}

/// The references in a value, each split at its dots and brackets.
pub(super) fn references(template: &Value) -> Result<Vec<Vec<String>>, ValueError> {
    let mut found = Vec::new();
    collect(template, &mut found)?;
    Ok(found)
}

fn collect(template: &Value, into: &mut Vec<Vec<String>>) -> Result<(), ValueError> {
    match template {
        Value::String(text) => {
            for piece in pieces(text)? {
                if let Piece::Reference(reference) = piece {
                    into.push(path(reference)?);
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, into)),
        Value::Object(fields) => fields.values().try_for_each(|value| collect(value, into)),
        _ => Ok(()),
    }
}

/// Makes a value from its template.
pub(super) fn resolve(template: &Value, from: &dyn Lookup) -> Result<Value, ValueError> {
    match template {
        Value::String(text) => resolve_text(text, from),
        Value::Array(items) => {
            items.iter().map(|item| resolve(item, from)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(fields) => resolve_map(fields, from).map(Value::Object),
        other => Ok(other.clone()),
    }
}

/// The same for the fields of an object.
pub(super) fn resolve_map(
    fields: &Map<String, Value>,
    from: &dyn Lookup,
) -> Result<Map<String, Value>, ValueError> {
    fields.iter().map(|(name, value)| Ok((name.clone(), resolve(value, from)?))).collect()
}

/// A value as text: texts as they are, anything else as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn resolve_text(text: &str, from: &dyn Lookup) -> Result<Value, ValueError> {
    let pieces = pieces(text)?;
    if let [Piece::Reference(reference)] = pieces[..] {
        return look_up(reference, from);
    }
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Dollar => out.push_str("${"),
            Piece::Reference(reference) => {
                out.push_str(&as_text(&look_up(reference, from)?));
                if out.len() > TEXT_MAX_BYTES {
                    return Err(wrong(reference, "makes the text too long"));
                }
            }
        }
    }
    Ok(Value::String(out))
}

enum Piece<'t> {
    Text(&'t str),
    Reference(&'t str),
    /// `$${`
    Dollar,
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ValueError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let escaped = rest[..at].ends_with('$');
        let before = if escaped { &rest[..at - 1] } else { &rest[..at] };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let after = &rest[at + 2..];
        if escaped {
            pieces.push(Piece::Dollar);
            rest = after;
            continue;
        }
        let end = after.find('}').ok_or_else(|| wrong(&rest[at..], "has no closing `}`"))?;
        pieces.push(Piece::Reference(&after[..end]));
        rest = &after[end + 1..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// `steps.find.items[0]` in its parts.
fn path(reference: &str) -> Result<Vec<String>, ValueError> {
    let mut parts = Vec::new();
    for dotted in reference.trim().split('.') {
        let (name, brackets) = dotted.split_once('[').unwrap_or((dotted, ""));
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(wrong(reference, "is no reference such as input.question"));
        }
        parts.push(name.to_owned());
        if !brackets.is_empty() || dotted.contains('[') {
            for index in brackets.split('[') {
                let digits = index.strip_suffix(']').filter(|d| d.parse::<usize>().is_ok());
                let digits =
                    digits.ok_or_else(|| wrong(reference, "has no number in its brackets"))?;
                parts.push(digits.to_owned());
            }
        }
    }
    Ok(parts)
}

fn look_up(reference: &str, from: &dyn Lookup) -> Result<Value, ValueError> {
    let parts = path(reference)?;
    let (root, mut rest) = (parts[0].as_str(), &parts[1..]);
    let id = if root == "steps" { rest.first().map(String::as_str) } else { None };
    if root == "steps" {
        rest = rest.get(1..).unwrap_or_default();
    }
    let not_there = || wrong(reference, "is not there");
    let mut value = from.root(root, id).ok_or_else(not_there)?;
    for part in rest {
        let next = match &mut value {
            Value::Object(fields) => fields.remove(part),
            Value::Array(items) => match part.parse::<usize>() {
                Ok(index) if index < items.len() => Some(items.swap_remove(index)),
                _ => None,
            },
            _ => None,
        };
        value = next.ok_or_else(not_there)?;
    }
    Ok(value)
}

fn wrong(reference: &str, reason: &'static str) -> ValueError {
    ValueError { reference: reference.chars().take(200).collect(), reason }
}

/// Something that holds of a value, or does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The value, with references.
    pub value: Value,
    /// What is asked about it.
    pub is: Test,
    /// What it is compared with, with references.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub than: Value,
}

/// What is asked about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Is the same.
    Equal,
    /// Is not the same.
    NotEqual,
    /// Is a smaller number.
    Less,
    /// Is a number that is not larger.
    AtMost,
    /// Is a larger number.
    More,
    /// Is a number that is not smaller.
    AtLeast,
    /// Holds it: a text a text, a list an item, an object a field.
    Contains,
    /// Has nothing: no text, no items, null.
    Empty,
    /// Has something.
    NotEmpty,
    /// Is true.
    True,
    /// Fits the JSON schema.
    Fits,
}

impl Predicate {
    /// Whether it holds.
    ///
    /// # Errors
    /// [`ValueError`] when a reference is not there.
    pub(super) fn holds(&self, from: &dyn Lookup) -> Result<bool, ValueError> {
        let value = resolve(&self.value, from)?;
        // A schema is taken as it is: `${` has no meaning there.
        let than =
            if self.is == Test::Fits { self.than.clone() } else { resolve(&self.than, from)? };
        let numbers = || Some((number(&value)?, number(&than)?));
        Ok(match self.is {
            Test::Equal => same(&value, &than),
            Test::NotEqual => !same(&value, &than),
            Test::Less => numbers().is_some_and(|(a, b)| a < b),
            Test::AtMost => numbers().is_some_and(|(a, b)| a <= b),
            Test::More => numbers().is_some_and(|(a, b)| a > b),
            Test::AtLeast => numbers().is_some_and(|(a, b)| a >= b),
            Test::Contains => contains(&value, &than),
            Test::Empty => is_empty(&value),
            Test::NotEmpty => !is_empty(&value),
            Test::True => value == json!(true),
            Test::Fits => crate::schema::Schema::of(&than)
                .is_ok_and(|schema| schema.check("value", &value).is_ok()),
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(_) => value.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * a.abs().max(b.abs()),
        _ => a == b,
    }
}

fn contains(value: &Value, what: &Value) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(&as_text(what).to_lowercase()),
        Value::Array(items) => items.iter().any(|item| same(item, what)),
        Value::Object(fields) => what.as_str().is_some_and(|name| fields.contains_key(name)),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    struct Fixed;

    impl Lookup for Fixed {
        fn root(&self, root: &str, id: Option<&str>) -> Option<Value> {
            match (root, id) {
                ("input", None) => Some(json!({ "question": "Why?", "n": 3, "empty": null })),
                ("steps", Some("find")) => Some(json!({ "items": [{ "t": "a" }, { "t": "b" }] })),
                _ => None,
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "they are written where it is called")]
    fn made(template: Value) -> Value {
        resolve(&template, &Fixed).unwrap()
    }

    #[test]
    fn values_keep_their_type_and_texts_are_filled_in() {
        assert_eq!(made(json!("${input.n}")), json!(3));
        assert_eq!(made(json!("n = ${input.n}, ${steps.find.items[1].t}!")), json!("n = 3, b!"));
        assert_eq!(made(json!({ "a": ["${input.question}", 1] })), json!({ "a": ["Why?", 1] }));
        assert_eq!(made(json!("$${input.n} ${input.empty}")), json!("${input.n} "));
        assert_eq!(made(json!("")), json!(""));
        assert_eq!(made(json!("${steps.find}")), json!({ "items": [{ "t": "a" }, { "t": "b" }] }));
    }

    #[test]
    fn what_is_not_there_is_named() {
        for reference in ["${input.x}", "${steps.find.items[2]}", "${steps.none}", "${other.x}"] {
            let error = resolve(&json!(reference), &Fixed).unwrap_err();
            assert_eq!(error.reason, "is not there", "{reference}");
        }
        for reference in ["${input", "${}", "${input.items[x]}", "${input..a}", "${a b}"] {
            assert!(references(&json!(reference)).is_err(), "{reference}");
        }
        let found = references(&json!(["${input.a}", { "b": "${steps.x.y[0]} ${each.item}" }]));
        assert_eq!(found.unwrap().len(), 3);
    }

    #[test]
    fn predicates_compare_by_type() {
        let holds = |value: Value, is: Test, than: Value| {
            Predicate { value, is, than }.holds(&Fixed).unwrap()
        };
        assert!(holds(json!("${input.n}"), Test::Equal, json!(3.0)));
        assert!(holds(json!("${input.n}"), Test::Less, json!("4")));
        assert!(!holds(json!("${input.question}"), Test::Less, json!(4)));
        assert!(holds(json!("${steps.find.items}"), Test::Contains, json!({ "t": "b" })));
        assert!(holds(json!("${input.question}"), Test::Contains, json!("WHY")));
        assert!(holds(json!("${input.empty}"), Test::Empty, Value::Null));
        assert!(holds(json!("${input}"), Test::Fits, json!({ "required": ["n"] })));
        assert!(!holds(json!("${input}"), Test::Fits, json!({ "required": ["z"] })));
    }
}
