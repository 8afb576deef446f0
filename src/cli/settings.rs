//! `millwright config`

use serde_json::{Map, Value, json};

use super::args::{Command, Config, Global};
use super::error::CliError;
use super::output::{Out, plain};
use crate::config::{KEYS, LISTS, default_file};

pub(crate) fn run(global: &Global, command: &Config, out: Out) -> Result<(), CliError> {
    if matches!(command, Config::Default) {
        plain(default_file().trim_end());
        return Ok(());
    }
    let loaded = super::load_config(global, &Command::Doctor)?;
    if matches!(command, Config::Check) {
        out.line("The configuration is sound.");
        out.value(&json!({ "sound": true }));
        return Ok(());
    }
    let mut values = Map::new();
    let mut rows = Vec::new();
    let lists = LISTS.iter().map(|list| list.path);
    for path in KEYS.iter().map(|key| key.path).chain(lists) {
        if let Some((value, origin)) = loaded.values.get(path) {
            rows.push(vec![path.to_owned(), value.to_string(), origin.clone()]);
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            values.insert(path.to_owned(), json!({ "value": value, "origin": origin }));
        }
    }
    out.table(&["key", "value", "origin"], &rows);
    out.value(&Value::Object(values));
    Ok(())
}
