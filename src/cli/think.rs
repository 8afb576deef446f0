//! `millwright reason --tool`: a red team, first principles or a council

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Api;
use super::api::read_file;
use super::args_agents::Tool;
use super::args_reason::Reason;
use super::error::CliError;
use super::output::{Out, note, progress};
use super::text::{field, wrap};

/// Characters of a line for people.
const WIDTH: usize = 92;

pub(crate) async fn run(api: &Api, tool: Tool, args: &Reason, out: Out) -> Result<(), CliError> {
    let draft = match &args.draft {
        Some(path) => Some(String::from_utf8_lossy(&read_file(path)?).into_owned()),
        None => None,
    };
    let mut body = json!({
        "tool": tool.as_str(), "question": args.question, "draft": draft,
        "with_documents": args.documents, "members": args.members, "rounds": args.rounds,
        "tier": args.tier, "budget_tokens": args.budget_tokens, "seed": args.seed,
    });
    let estimate = api.post("/api/v1/thinking/estimate", &body).await?;
    let told = format!(
        "at most {} prompts and {} tokens",
        field(&estimate, "calls"),
        field(&estimate, "tokens")
    );
    if args.estimate {
        out.line(&told);
        out.value(&estimate);
        return Ok(());
    }
    note(&told);
    body["stream"] = json!(true);
    let ran = api.run("/api/v1/thinking", &body, |name, data| {
        if name == "step.started" {
            progress(&field(data, "step"));
        }
    });
    let ran = ran.await;
    progress("");
    let result = ran?;
    out.line(&told_result(tool, &result));
    out.value(&result);
    Ok(())
}

fn told_result(tool: Tool, result: &Value) -> String {
    let report = &result["report"];
    let mut text = match tool {
        Tool::RedTeam => red_team(report),
        Tool::Council => council(report),
        Tool::FirstPrinciples => first_principles(report),
    };
    if report["completeness"]["complete"] != json!(true) {
        let completeness = &report["completeness"];
        let _ = writeln!(
            text,
            "\nNot everything was done: {} at {}.",
            field(completeness, "stopped_by"),
            field(completeness, "stopped_at")
        );
    }
    let _ = write!(
        text,
        "\n{} prompt and {} output tokens, seed {}",
        field(result, "prompt_tokens"),
        field(result, "completion_tokens"),
        field(result, "seed")
    );
    text
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

fn red_team(report: &Value) -> String {
    let mut text = format!("Verdict: {}\n", field(report, "verdict"));
    for finding in list(report, "findings") {
        let _ = writeln!(
            text,
            "\nrisk {:>2}  {}  ({})",
            field(finding, "risk"),
            field(finding, "title"),
            field(finding, "response")
        );
        let _ = writeln!(text, "{}", wrap(&field(finding, "detail"), WIDTH - 4, "    "));
        for (name, mark) in [("answer", "→ "), ("change", "change: ")] {
            if !finding[name].is_null() {
                let line = format!("{mark}{}", field(finding, name));
                let _ = writeln!(text, "{}", wrap(&line, WIDTH - 4, "    "));
            }
        }
    }
    text
}

fn council(report: &Value) -> String {
    let mut text = String::new();
    for member in list(report, "members") {
        let last = list(member, "rebuttals").last();
        let position = last.map_or_else(
            || field(&member["opinion"], "position"),
            |rebuttal| field(rebuttal, "position"),
        );
        let _ = writeln!(
            text,
            "{}",
            wrap(&format!("{}: {position}", field(member, "role")), WIDTH, "")
        );
    }
    let _ = writeln!(text);
    for option in list(report, "options") {
        let chosen = if report["decision"] == option["number"] { "*" } else { " " };
        let _ = writeln!(
            text,
            "{chosen} {}. {} ({} votes)",
            field(option, "number"),
            field(option, "text"),
            field(option, "votes")
        );
    }
    for dissent in list(report, "dissent") {
        let line = format!("against: {}: {}", field(dissent, "role"), field(dissent, "reason"));
        let _ = writeln!(text, "{}", wrap(&line, WIDTH, ""));
    }
    let _ = writeln!(text, "\n{}", wrap(&field(report, "conclusion"), WIDTH, ""));
    text
}

fn first_principles(report: &Value) -> String {
    let mut text = String::from("Taken for granted\n");
    for assumption in list(report, "assumptions") {
        let line = format!("{} ({})", field(assumption, "text"), field(assumption, "judged"));
        let _ = writeln!(text, "{}", wrap(&line, WIDTH - 2, "  "));
    }
    text.push_str("\nWhat holds\n");
    for fundamental in list(report, "fundamentals") {
        let line = format!("{}. {}", field(fundamental, "number"), field(fundamental, "text"));
        let _ = writeln!(text, "{}", wrap(&line, WIDTH - 2, "  "));
    }
    text.push_str("\nFrom there\n");
    for step in list(report, "derivation") {
        let line = format!("{} {}", field(step, "text"), step["from"]);
        let _ = writeln!(text, "{}", wrap(&line, WIDTH - 2, "  "));
    }
    let _ = writeln!(text, "\n{}", wrap(&field(report, "conclusion"), WIDTH, ""));
    for question in list(report, "open_questions") {
        let line = format!("open: {}", question.as_str().unwrap_or_default());
        let _ = writeln!(text, "{}", wrap(&line, WIDTH, ""));
    }
    text
}
