//! Reading and checking definitions. What is wrong is told by field, and in TOML by line as well.

use base::Violation;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::check::check;
use super::definition::{Definition, Node};

/// Largest definition, in bytes.
const DEFINITION_MAX_BYTES: usize = 256 * 1024;

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{field}: {reason}", line.map_or_else(String::new, |line| format!("line {line}, ")))]
pub struct DefinitionError {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The field (`step.steps[1].tool`).
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl DefinitionError {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { line: None, field: field.into(), reason: reason.into() }
    }

    /// The field at fault, for a problem document.
    #[must_use]
    pub fn violation(&self) -> Violation {
        let line = self.line.map_or_else(String::new, |line| format!(" (line {line})"));
        Violation::new(format!("definition.{}", self.field), format!("{}{line}", self.reason))
    }
}

pub(super) fn from_toml(text: &str) -> Result<Definition, DefinitionError> {
    if text.len() > DEFINITION_MAX_BYTES {
        let reason = format!("has more than {DEFINITION_MAX_BYTES} bytes");
        return Err(DefinitionError::new("definition", reason));
    }
    let value: Value = toml::from_str(text).map_err(|error| DefinitionError {
        line: error.span().map(|span| line_of(text, span.start)),
        field: "definition".to_owned(),
        reason: error.message().to_owned(),
    })?;
    from_json(value).map_err(|error| {
        let line = place_of(text, &error.field).map(|at| line_of(text, at));
        DefinitionError { line, ..error }
    })
}

pub(super) fn from_json(value: Value) -> Result<Definition, DefinitionError> {
    let definition: Definition = located(value).map_err(|(field, reason)| {
        let field = if field.is_empty() { "definition".to_owned() } else { field };
        DefinitionError::new(field, reason)
    })?;
    check(&definition)?;
    Ok(definition)
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// Where a field begins in TOML: as far as its path can be followed.
fn place_of(text: &str, field: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut fields = Some(table.get_ref());
    let mut value: Option<&DeValue<'_>> = None;
    for part in field.split(['.', '[']) {
        let next = match part.strip_suffix(']') {
            Some(index) => {
                let items = value.and_then(DeValue::as_array)?;
                let index: usize = index.parse().ok()?;
                items.get(index)
            }
            None => {
                let found = fields?.iter().find(|(name, _)| name.get_ref().as_ref() == part);
                match found {
                    Some((name, value)) => {
                        at = Some(name.span().start);
                        Some(value)
                    }
                    None => None,
                }
            }
        };
        let Some(next) = next else { return at };
        if part.ends_with(']') {
            at = Some(next.span().start);
        }
        value = Some(next.get_ref());
        fields = value.and_then(DeValue::as_table);
    }
    at
}

/// Separates the path inside a node from the reason, in errors that come from within.
const MARK: char = '\u{1f}';

/// Reads a value; on failure the path of the field and the reason.
fn located<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = error.path().to_string();
        if path == "." {
            path.clear();
        }
        let reason = error.inner().to_string();
        match reason.split_once(MARK) {
            Some((inner, reason)) => (joined(&path, inner), reason.to_owned()),
            None => {
                let named =
                    reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
                let path = named.map_or(path.clone(), |name| joined(&path, name));
                (path, reason)
            }
        }
    })
}

fn joined(outer: &str, inner: &str) -> String {
    if outer.is_empty() || inner.is_empty() || inner.starts_with('[') {
        format!("{outer}{inner}")
    } else {
        format!("{outer}.{inner}")
    }
}

/// By hand: serde's own way with tags loses the place of what is wrong inside.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told =
            |(path, reason): (String, String)| D::Error::custom(format!("{path}{MARK}{reason}"));
        let mut value = Value::deserialize(deserializer)?;
        let Value::Object(fields) = &mut value else {
            return Err(told((String::new(), "must be a table with a kind".to_owned())));
        };
        let kind = match fields.remove("kind") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(told(("kind".to_owned(), "must be a text".to_owned()))),
            None => return Err(told(("kind".to_owned(), "is missing".to_owned()))),
        };
        match kind.as_str() {
            "pipeline" => located(value).map(Self::Pipeline),
            "fan_out" => located(value).map(Self::FanOut),
            "graph" => located(value).map(Self::Graph),
            "gate" => located(value).map(Self::Gate),
            "tdd_loop" => located(value).map(Self::TddLoop),
            "prompt" => located(value).map(Self::Prompt),
            "tool" => located(value).map(Self::Tool),
            "thinking" => located(value).map(Self::Thinking),
            "agent" => located(value).map(Self::Agent),
            "value" => located(value).map(Self::Value),
            other => Err((
                "kind".to_owned(),
                format!(
                    "{other:?} is none of pipeline, fan_out, graph, gate, tdd_loop, prompt, tool, \
                     thinking, agent, value"
                ),
            )),
        }
        .map_err(told)
    }
}

#[cfg(test)]
mod tests;
