//! `millwright reason`

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args_reason::Reason;
use super::error::{CliError, Exit};
use super::output::{Out, progress};
use super::text::{field, wrap};
use super::{Api, think, told};

/// Characters of a line for people.
const WIDTH: usize = 92;

pub(crate) async fn run(api: &Api, args: &Reason, out: Out) -> Result<(), CliError> {
    if let Some(tool) = args.tool {
        return think::run(api, tool, args, out).await;
    }
    let body = json!({
        "question": args.question,
        "stream": true,
        "settings": {
            "agent": args.agent,
            "tier": args.tier,
            "strategy": args.strategy.as_ref().map(|strategy| strategy.replace('-', "_")),
            "temperature": args.temperature,
            "seed": args.seed,
            "budget_tokens": args.budget_tokens,
        },
    });
    let ran = api.run("/api/v1/playground/run", &body, |name, data| {
        if name == "step.started" {
            progress(&field(data, "step"));
        }
    });
    let ran = ran.await;
    progress("");
    let trace = ran?;
    out.line(&trace_text(&trace));
    out.value(&trace);
    if trace["outcome"] == json!("answered") { Ok(()) } else { told(Exit::NotInDocuments) }
}

fn trace_text(trace: &Value) -> String {
    let mut text = String::new();
    for step in trace["steps"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{:>2}. {} ({}, {} ms)",
            field(step, "sequence"),
            field(step, "name"),
            field(step, "kind"),
            field(step, "elapsed_ms")
        );
        let output = wrap(&field(step, "output"), WIDTH - 4, "    ");
        if !output.is_empty() {
            let _ = writeln!(text, "{output}");
        }
    }
    let answer = wrap(&field(trace, "answer"), WIDTH, "");
    if !answer.is_empty() {
        let _ = writeln!(text, "\n{answer}");
    }
    let tokens = &trace["tokens"];
    let _ = write!(
        text,
        "\n{}  {}  {} prompt and {} output tokens, seed {}\ntrace {}",
        field(trace, "outcome"),
        field(trace, "strategy"),
        field(tokens, "prompt_tokens"),
        field(tokens, "completion_tokens"),
        field(trace, "seed"),
        field(trace, "id")
    );
    text
}
