//! Reading schemas.

use serde_json::{Map, Value};

use super::{Additional, Node, Range, SCHEMA_MAX_DEPTH, SchemaError, Type};

/// Keywords that only describe.
const NOTES: [&str; 7] =
    ["$schema", "$id", "title", "description", "default", "examples", "format"];

/// Most alternatives of one `anyOf`.
const ALTERNATIVES_MAX: usize = 16;

/// Reads one schema; `path` is where it stands.
pub(super) fn node(value: &Value, path: &mut Vec<String>) -> Result<Node, SchemaError> {
    if path.len() > SCHEMA_MAX_DEPTH * 2 {
        return Err(wrong(path, format!("more than {SCHEMA_MAX_DEPTH} levels are nested")));
    }
    let Value::Object(fields) = value else {
        return match value {
            Value::Bool(true) => Ok(Node::default()),
            _ => Err(wrong(path, "must be an object")),
        };
    };
    let mut node = Node::default();
    for (keyword, value) in fields {
        path.push(keyword.clone());
        read_keyword(&mut node, keyword, value, path)?;
        path.pop();
    }
    let names: Vec<&str> = node.properties.iter().map(|(name, _)| name.as_str()).collect();
    let closed = node.additional == Additional::None;
    if let Some(name) = node.required.iter().find(|n| closed && !names.contains(&n.as_str())) {
        return Err(wrong(path, format!("requires {name:?}, which is no property")));
    }
    Ok(node)
}

fn read_keyword(
    node: &mut Node,
    keyword: &str,
    value: &Value,
    path: &mut Vec<String>,
) -> Result<(), SchemaError> {
    match keyword {
        "type" => node.types = types(value, path)?,
        "const" => node.constant = Some(value.clone()),
        "enum" => node.one_of_values = list(value, path)?.clone(),
        "anyOf" | "oneOf" => {
            let alternatives = list(value, path)?;
            if alternatives.len() > ALTERNATIVES_MAX {
                return Err(wrong(path, format!("at most {ALTERNATIVES_MAX} alternatives")));
            }
            node.any_of = nodes(alternatives, path)?;
        }
        "properties" => node.properties = properties(value, path)?,
        "required" => {
            let names = list(value, path)?.iter().map(|v| v.as_str().map(str::to_owned));
            let names: Option<Vec<_>> = names.collect();
            node.required = names.ok_or_else(|| wrong(path, "must be a list of names"))?;
        }
        "additionalProperties" => {
            node.additional = match value {
                Value::Bool(true) => Additional::Any,
                Value::Bool(false) => Additional::None,
                _ => Additional::Each(Box::new(self::node(value, path)?)),
            };
        }
        "items" => node.items = Some(Box::new(self::node(value, path)?)),
        "uniqueItems" => {
            node.unique = value.as_bool().ok_or_else(|| wrong(path, "must be true or false"))?;
        }
        "minItems" => node.item_count.least = Some(count(value, path)?),
        "maxItems" => node.item_count.most = Some(count(value, path)?),
        "minLength" => node.length.least = Some(count(value, path)?),
        "maxLength" => node.length.most = Some(count(value, path)?),
        "minimum" => node.minimum = Some(number(value, path)?),
        "maximum" => node.maximum = Some(number(value, path)?),
        "exclusiveMinimum" => node.above = Some(number(value, path)?),
        "exclusiveMaximum" => node.below = Some(number(value, path)?),
        note if NOTES.contains(&note) => {}
        _ => return Err(wrong(path, "this keyword is not supported here")),
    }
    check_ranges(node, path)
}

fn check_ranges(node: &Node, path: &[String]) -> Result<(), SchemaError> {
    let crossed =
        |range: Range<usize>| matches!((range.least, range.most), (Some(a), Some(b)) if a > b);
    let numbers = matches!((node.minimum, node.maximum), (Some(a), Some(b)) if a > b);
    if crossed(node.item_count) || crossed(node.length) || numbers {
        return Err(wrong(path, "nothing can fit: the least is more than the most"));
    }
    Ok(())
}

fn types(value: &Value, path: &[String]) -> Result<Vec<Type>, SchemaError> {
    let named = |value: &Value| {
        let name = value.as_str()?;
        Type::ALL.into_iter().find(|kind| kind.as_str() == name)
    };
    let found: Option<Vec<Type>> = match value {
        Value::Array(names) if !names.is_empty() => names.iter().map(named).collect(),
        other => named(other).map(|one| vec![one]),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = Type::ALL.iter().map(|kind| kind.as_str()).collect();
        wrong(path, format!("must be one of {}, or a list of them", names.join(", ")))
    })
}

fn properties(value: &Value, path: &mut Vec<String>) -> Result<Vec<(String, Node)>, SchemaError> {
    let fields: &Map<String, Value> =
        value.as_object().ok_or_else(|| wrong(path, "must be an object"))?;
    let mut properties = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        path.push(name.clone());
        properties.push((name.clone(), node(value, path)?));
        path.pop();
    }
    Ok(properties)
}

fn nodes(values: &[Value], path: &mut Vec<String>) -> Result<Vec<Node>, SchemaError> {
    let mut nodes = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        path.push(i.to_string());
        nodes.push(node(value, path)?);
        path.pop();
    }
    Ok(nodes)
}

fn list<'v>(value: &'v Value, path: &[String]) -> Result<&'v Vec<Value>, SchemaError> {
    value
        .as_array()
        .filter(|list| !list.is_empty() || path.last().is_some_and(|p| p == "required"))
        .ok_or_else(|| wrong(path, "must be a list that is not empty"))
}

fn count(value: &Value, path: &[String]) -> Result<usize, SchemaError> {
    let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
    count.ok_or_else(|| wrong(path, "must be a whole number that is not negative"))
}

fn number(value: &Value, path: &[String]) -> Result<f64, SchemaError> {
    value.as_f64().ok_or_else(|| wrong(path, "must be a number"))
}

fn wrong(path: &[String], reason: impl Into<String>) -> SchemaError {
    let pointer =
        path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")));
    SchemaError { pointer: pointer.collect(), reason: reason.into() }
}
