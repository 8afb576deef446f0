//! Checking values.

use base::Violation;
use serde_json::Value;

use super::{Additional, MISMATCHES_MAX, Node, SCHEMA_MAX_DEPTH, Type};

/// What does not fit so far.
pub(super) struct Found {
    /// From the value's name to the part in hand: `input.steps[2].tool`.
    place: Vec<String>,
    mismatches: Vec<Violation>,
}

impl Found {
    pub(super) fn new(name: &str) -> Self {
        Self { place: vec![name.to_owned()], mismatches: Vec::new() }
    }

    pub(super) fn into_result(self) -> Result<(), Vec<Violation>> {
        if self.mismatches.is_empty() { Ok(()) } else { Err(self.mismatches) }
    }

    pub(super) fn node(&mut self, node: &Node, value: &Value) {
        if self.mismatches.len() >= MISMATCHES_MAX {
            return;
        }
        if self.place.len() > SCHEMA_MAX_DEPTH {
            return self.wrong(format!("is nested more than {SCHEMA_MAX_DEPTH} levels deep"));
        }
        if !node.types.is_empty() && !node.types.iter().any(|kind| kind.admits(value)) {
            let names: Vec<&str> = node.types.iter().map(|kind| kind.as_str()).collect();
            return self.wrong(format!("must be {}, not {}", names.join(" or "), kind_of(value)));
        }
        if node.constant.as_ref().is_some_and(|constant| constant != value) {
            return self.wrong(format!("must be {}", node.constant.as_ref().unwrap_or(value)));
        }
        if !node.one_of_values.is_empty() && !node.one_of_values.contains(value) {
            let values: Vec<String> = node.one_of_values.iter().map(Value::to_string).collect();
            return self.wrong(format!("must be one of {}", values.join(", ")));
        }
        if !node.any_of.is_empty() && !self.fits_any(&node.any_of, value) {
            self.wrong("fits none of the alternatives".to_owned());
        }
        match value {
            Value::String(text) => self.text(node, text),
            Value::Number(_) => self.number(node, value.as_f64().unwrap_or(f64::NAN)),
            Value::Array(items) => self.items(node, items),
            Value::Object(fields) => {
                for name in node.required.iter().filter(|name| !fields.contains_key(*name)) {
                    self.within(name.clone(), |found| found.wrong("is missing".to_owned()));
                }
                for (name, value) in fields {
                    let known = node.properties.iter().find(|(known, _)| known == name);
                    self.within(name.clone(), |found| match (known, &node.additional) {
                        (Some((_, node)), _) => found.node(node, value),
                        (None, Additional::Any) => {}
                        (None, Additional::None) => found.wrong("is no known field".to_owned()),
                        (None, Additional::Each(node)) => found.node(node, value),
                    });
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn fits_any(&self, alternatives: &[Node], value: &Value) -> bool {
        alternatives.iter().any(|node| {
            let mut found = Self { place: self.place.clone(), mismatches: Vec::new() };
            found.node(node, value);
            found.mismatches.is_empty()
        })
    }

    fn text(&mut self, node: &Node, text: &str) {
        let chars = text.chars().count();
        if let Some(least) = node.length.least.filter(|least| chars < *least) {
            self.wrong(format!("must have at least {least} characters, not {chars}"));
        }
        if let Some(most) = node.length.most.filter(|most| chars > *most) {
            self.wrong(format!("must have at most {most} characters, not {chars}"));
        }
    }

    fn number(&mut self, node: &Node, value: f64) {
        if let Some(least) = node.minimum.filter(|least| value < *least) {
            self.wrong(format!("must be at least {least}"));
        }
        if let Some(most) = node.maximum.filter(|most| value > *most) {
            self.wrong(format!("must be at most {most}"));
        }
        if let Some(above) = node.above.filter(|above| value <= *above) {
            self.wrong(format!("must be more than {above}"));
        }
        if let Some(below) = node.below.filter(|below| value >= *below) {
            self.wrong(format!("must be less than {below}"));
        }
    }

    fn items(&mut self, node: &Node, items: &[Value]) {
        let count = items.len();
        if let Some(least) = node.item_count.least.filter(|least| count < *least) {
            self.wrong(format!("must have at least {least} items, not {count}"));
        }
        if let Some(most) = node.item_count.most.filter(|most| count > *most) {
            return self.wrong(format!("must have at most {most} items, not {count}"));
        }
        if node.unique && (1..count).any(|i| items[..i].contains(&items[i])) {
            self.wrong("must not have the same item twice".to_owned());
        }
        if let Some(item) = &node.items {
            for (i, value) in items.iter().enumerate() {
                self.within(format!("[{i}]"), |found| found.node(item, value));
            }
        }
    }

    fn within(&mut self, part: String, check: impl FnOnce(&mut Self)) {
        self.place.push(part);
        check(self);
        self.place.pop();
    }

    fn wrong(&mut self, reason: String) {
        if self.mismatches.len() >= MISMATCHES_MAX {
            return;
        }
        let mut field = String::new();
        for part in &self.place {
            if !field.is_empty() && !part.starts_with('[') {
                field.push('.');
            }
            field.push_str(part);
        }
        self.mismatches.push(Violation::new(field, reason));
    }
}

fn kind_of(value: &Value) -> &'static str {
    // An integer is a number as well, and is called one.
    let kinds = Type::ALL.into_iter().filter(|kind| *kind != Type::Integer);
    let mut fitting = kinds.filter(|kind| kind.admits(value));
    fitting.next().map_or("something else", Type::as_str)
}
