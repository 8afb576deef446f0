//! Schemas that are read, values that fit, and what is told of those that don't.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use serde_json::{Value, json};

use super::Schema;

fn told(schema: &Value, value: &Value) -> Vec<String> {
    let schema = Schema::of(schema).unwrap();
    match schema.check("input", value) {
        Ok(()) => Vec::new(),
        Err(found) => found.iter().map(|v| format!("{}: {}", v.field, v.reason)).collect(),
    }
}

#[test]
fn what_does_not_fit_is_told_by_field() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 4 },
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "kind": { "enum": ["a", "b"] },
            "list": { "type": "array", "items": { "type": "number" }, "maxItems": 2,
                      "uniqueItems": true },
        },
        "required": ["name"],
        "additionalProperties": false,
    });
    assert!(told(&schema, &json!({ "name": "P-1", "count": 3.0, "list": [1, 2.5] })).is_empty());
    assert_eq!(
        told(&schema, &json!({ "count": 0, "kind": "c", "list": [1, "x"], "more": 1 })),
        [
            "input.name: is missing",
            "input.count: must be at least 1",
            "input.kind: must be one of \"a\", \"b\"",
            "input.list[1]: must be number, not string",
            "input.more: is no known field",
        ]
    );
    assert_eq!(told(&schema, &json!([])), ["input: must be object, not array"]);
    let mut both = told(&schema, &json!({ "name": "Pumpe", "list": [1, 1, 1] }));
    both.sort_unstable();
    assert_eq!(
        both,
        [
            "input.list: must have at most 2 items, not 3",
            "input.name: must have at most 4 characters, not 5",
        ]
    );
}

#[test]
fn alternatives_and_constants() {
    let schema = json!({ "anyOf": [{ "const": 1 }, { "type": "string" }] });
    assert!(told(&schema, &json!("x")).is_empty() && told(&schema, &json!(1)).is_empty());
    assert_eq!(told(&schema, &json!(2)), ["input: fits none of the alternatives"]);
}

#[test]
fn what_is_not_supported_is_refused_when_the_schema_is_read() {
    let cases = [
        (json!({ "$ref": "http://elsewhere" }), "/$ref"),
        (json!({ "properties": { "a/b": { "pattern": "(a+)+" } } }), "/properties/a~1b/pattern"),
        (json!({ "type": "text" }), "/type"),
        (json!({ "minItems": -1 }), "/minItems"),
        (json!({ "enum": [] }), "/enum"),
        (json!({ "required": ["a"], "additionalProperties": false }), ""),
        (json!(1), ""),
    ];
    for (schema, pointer) in cases {
        assert_eq!(Schema::of(&schema).unwrap_err().pointer, pointer, "{schema}");
    }
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "items": deep });
    }
    assert!(Schema::of(&deep).unwrap_err().reason.contains("nested"));
}

#[test]
fn many_mismatches_are_told_up_to_a_limit() {
    let schema = json!({ "items": { "type": "string" } });
    let value = json!(vec![1; 1000]);
    assert_eq!(told(&schema, &value).len(), super::MISMATCHES_MAX);
}
