//! `millwright workflow`

use std::path::Path;

use serde_json::{Map, Value, json};

use super::api::read_file;
use super::args::Who;
use super::args_agents::Workflow;
use super::error::{CliError, Exit};
use super::output::{Out, progress};
use super::text::{field, row};
use super::{Api, encode, told};

const ROOT: &str = "/api/v1/workflows";
const RUNS: &str = "/api/v1/workflows/runs";

pub(crate) const fn who(command: &Workflow) -> &Who {
    match command {
        Workflow::List { who }
        | Workflow::Run { who, .. }
        | Workflow::Runs { who }
        | Workflow::Show { who, .. }
        | Workflow::Decide { who, .. }
        | Workflow::Cancel { who, .. } => who,
    }
}

pub(crate) async fn run(api: &Api, command: &Workflow, out: Out) -> Result<(), CliError> {
    match command {
        Workflow::List { .. } => {
            let known = api.items(ROOT).await?;
            let names = ["name", "title", "description"];
            out.table(&names, &known.iter().map(|w| row(w, &names)).collect::<Vec<_>>());
            out.value(&json!({ "items": known }));
        }
        Workflow::Run { workflow, set, input, seed, detach, .. } => {
            let input = match input {
                Some(path) => parsed(path)?,
                None => values(set)?,
            };
            let mut body = json!({ "input": input, "seed": seed });
            let path = Path::new(workflow);
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("toml") => {
                    let text = String::from_utf8_lossy(&read_file(path)?).into_owned();
                    body["definition_toml"] = json!(text);
                }
                Some("json") => body["definition"] = parsed(path)?,
                _ => body["workflow"] = json!(workflow),
            }
            let run = api.post(RUNS, &body).await?;
            let id = field(&run, "id");
            if *detach {
                out.line(&format!("run {id} is queued"));
                out.value(&run);
                return Ok(());
            }
            return wait(api, &id, out).await;
        }
        Workflow::Runs { .. } => {
            let runs = api.items(RUNS).await?;
            let names = ["id", "workflow", "state", "steps_ended", "tokens", "created_at"];
            out.table(&names, &runs.iter().map(|run| row(run, &names)).collect::<Vec<_>>());
            out.value(&json!({ "items": runs }));
        }
        Workflow::Show { what, .. } => {
            // An id is longer than any name, and has dashes.
            if what.contains('-') {
                let run = api.get(&format!("{RUNS}/{}", encode(what))).await?;
                show(&run, out);
            } else {
                let workflow = api.get(&format!("{ROOT}/{}", encode(what))).await?;
                out.line(&format!("{:#}", workflow["definition"]));
                out.value(&workflow);
            }
        }
        Workflow::Decide { run, decision, step, reason, .. } => {
            let details = api.get(&format!("{RUNS}/{}", encode(run))).await?;
            let gate = waiting(&details, step.as_deref())?;
            let body = json!({
                "step": gate["step"], "digest": gate["digest"], "decision": decision,
                "reason": reason,
            });
            api.post(&format!("{RUNS}/{}/decide", encode(run)), &body).await?;
            return wait(api, run, out).await;
        }
        Workflow::Cancel { run, .. } => {
            let run = api.post(&format!("{RUNS}/{}/cancel", encode(run)), &json!({})).await?;
            out.line(&format!("run {} is {}", field(&run, "id"), field(&run, "state")));
            out.value(&run);
        }
    }
    Ok(())
}

/// The gate that is meant.
fn waiting<'r>(run: &'r Value, step: Option<&str>) -> Result<&'r Value, CliError> {
    let gates = run["waiting"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = match (step, gates) {
        (Some(step), gates) => gates.iter().find(|gate| gate["step"] == json!(step)),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let steps: Vec<String> = gates.iter().map(|gate| field(gate, "step")).collect();
        CliError::Usage(format!(
            "name the gate with --step; these wait: {}",
            if steps.is_empty() { "none".to_owned() } else { steps.join(", ") }
        ))
    })
}

/// Waits for a run's end, or for a gate.
pub(crate) async fn wait(api: &Api, id: &str, out: Out) -> Result<(), CliError> {
    let path = format!("{RUNS}/{}", encode(id));
    let mut passed = 0;
    let run = loop {
        let (mut gates, mut waits) = (0, false);
        api.events_until(&format!("{path}/events"), |name, data| {
            match name {
                "step.started" | "step.finished" => progress(&field(data, "step")),
                "run.waiting" => {
                    gates += 1;
                    waits = gates > passed;
                }
                _ => {}
            }
            waits
        })
        .await?;
        let run = api.get(&path).await?;
        // The events tell of all gates that there were; at one that is decided it waits no more.
        if waits && matches!(run["state"].as_str(), Some("queued" | "running")) {
            passed = gates;
            continue;
        }
        break run;
    };
    progress("");
    show(&run, out);
    match run["state"].as_str() {
        Some("done" | "waiting" | "queued" | "running") => Ok(()),
        _ => told(Exit::Failed),
    }
}

fn show(run: &Value, out: Out) {
    out.line(&format!(
        "run {}  {}  {}  {} tokens",
        field(run, "id"),
        field(run, "workflow"),
        field(run, "state"),
        field(run, "tokens")
    ));
    let names = ["step", "kind", "state"];
    let steps = run["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    out.table(&names, &steps.iter().map(|step| row(step, &names)).collect::<Vec<_>>());
    if !run["error"].is_null() {
        let error = &run["error"];
        out.line(&format!("\n{}: {}", field(error, "code"), field(error, "detail")));
    }
    for gate in run["waiting"].as_array().into_iter().flatten() {
        out.line(&format!("\n{} asks: {}", field(gate, "step"), field(gate, "question")));
        out.line(&shown(&gate["shown"]));
        out.line(&format!(
            "decide with: millwright workflow decide {} approved --step {}",
            field(run, "id"),
            field(gate, "step")
        ));
    }
    if !run["output"].is_null() {
        out.line(&format!("\n{}", shown(&run["output"])));
    }
    out.value(run);
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("{value:#}"), str::to_owned)
}

fn parsed(path: &Path) -> Result<Value, CliError> {
    serde_json::from_slice(&read_file(path)?)
        .map_err(|error| CliError::Usage(format!("{} is no JSON: {error}", path.display())))
}

/// `name=value`; a value that is JSON is taken as such, anything else as a text.
fn values(set: &[String]) -> Result<Value, CliError> {
    let mut values = Map::new();
    for pair in set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| CliError::Usage(format!("{pair:?} is not NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        values.insert(name.to_owned(), value);
    }
    Ok(Value::Object(values))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn values_are_json_where_they_can_be() {
        let set = ["a=1", "b=two words", "c=[\"x\"]"].map(str::to_owned);
        assert_eq!(values(&set).unwrap(), json!({ "a": 1, "b": "two words", "c": ["x"] }));
        assert!(values(&["a".to_owned()]).is_err());
    }
}
