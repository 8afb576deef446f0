//! `millwright plan`

use serde_json::{Value, json};

use super::api::read_file;
use super::args::Who;
use super::args_agents::Plan;
use super::error::CliError;
use super::output::Out;
use super::text::{field, row, wrap};
use super::{Api, encode, workflow};

const ROOT: &str = "/api/v1/plans";

/// Characters of a line for people.
const WIDTH: usize = 92;

pub(crate) const fn who(command: &Plan) -> &Who {
    match command {
        Plan::Create { who, .. }
        | Plan::List { who }
        | Plan::Show { who, .. }
        | Plan::Approve { who, .. }
        | Plan::Reject { who, .. } => who,
    }
}

pub(crate) async fn run(api: &Api, command: &Plan, out: Out) -> Result<(), CliError> {
    match command {
        Plan::Create { goal, budget, replans, tasks, .. } => {
            let tasks = match tasks {
                Some(path) => {
                    let read = serde_json::from_slice::<Value>(&read_file(path)?);
                    Some(read.map_err(|error| {
                        CliError::Usage(format!("{} is no JSON: {error}", path.display()))
                    })?)
                }
                None => None,
            };
            let body = json!({
                "goal": goal, "budget_tokens": budget, "replans_max": replans, "tasks": tasks,
            });
            show(&api.post(ROOT, &body).await?, out);
        }
        Plan::List { .. } => {
            let plans = api.items(ROOT).await?;
            let names = ["id", "state", "version", "created_at"];
            out.table(&names, &plans.iter().map(|plan| row(plan, &names)).collect::<Vec<_>>());
            out.value(&json!({ "items": plans }));
        }
        Plan::Show { id, .. } => show(&api.get(&format!("{ROOT}/{}", encode(id))).await?, out),
        Plan::Approve { id, digest, .. } => {
            let path = format!("{ROOT}/{}/approve", encode(id));
            let plan = api.post(&path, &json!({ "digest": digest })).await?;
            return workflow::wait(api, &field(&plan, "run_id"), out).await;
        }
        Plan::Reject { id, reason, .. } => {
            let path = format!("{ROOT}/{}/reject", encode(id));
            let plan = api.post(&path, &json!({ "reason": reason })).await?;
            out.line(&format!("plan {id} is rejected"));
            out.value(&plan);
        }
    }
    Ok(())
}

fn show(plan: &Value, out: Out) {
    out.line(&format!("{}\n", wrap(&field(plan, "summary"), WIDTH, "")));
    for task in plan["tasks"].as_array().into_iter().flatten() {
        let after: Vec<&str> =
            task["after"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let waits =
            if after.is_empty() { String::new() } else { format!(" after {}", after.join(", ")) };
        out.line(&format!(
            "{}: {} ({} {}){waits}",
            field(task, "id"),
            field(task, "title"),
            field(task, "kind"),
            field(task, "with")
        ));
        let words = wrap(&field(task, "task"), WIDTH - 4, "    ");
        if !words.is_empty() {
            out.line(&words);
        }
    }
    out.line(&format!(
        "\nplan {}  version {}  {}  at most {} tokens, {} questions",
        field(plan, "id"),
        field(plan, "version"),
        field(plan, "state"),
        field(plan, "tokens_max"),
        field(plan, "questions")
    ));
    if plan["state"] == json!("proposed") {
        out.line(&format!(
            "approve with: millwright plan approve {} --digest {}",
            field(plan, "id"),
            field(plan, "digest")
        ));
    }
    out.value(plan);
}
