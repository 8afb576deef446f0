//! Small pieces of text that several commands print.

use serde_json::Value;

/// The text of a field; empty when it is missing.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// One row of the named fields.
pub(crate) fn row(value: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| field(value, name)).collect()
}

/// `text` in lines of at most `width` characters, broken at blanks, each after `indent`.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(format!("{indent}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            lines.push(format!("{indent}{line}"));
        }
    }
    lines.join("\n")
}
