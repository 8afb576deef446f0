//! `millwright ask` and `millwright search`

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::{Ask, Search};
use super::error::{CliError, Exit};
use super::output::{Out, note, progress};
use super::text::{Flow, field, wrap};
use super::{Api, told};

/// Characters of a line for people.
const WIDTH: usize = 92;

/// Nearest passages shown when there is no answer.
const NEAREST_SHOWN: usize = 3;

pub(crate) async fn ask(api: &Api, args: &Ask, out: Out) -> Result<(), CliError> {
    let body = json!({
        "message": args.question,
        "conversation_id": args.conversation,
        "agent": args.agent,
        "stream": true,
    });
    let (mut flow, mut is_shown) = (Flow::new(WIDTH), false);
    let asked = api.run("/api/v1/chat", &body, |name, data| match name {
        // From the first word on the line belongs to the answer.
        "status" | "step.started" if is_shown => {}
        "status" => progress(&format!("{} …", field(data, "stage"))),
        "step.started" => progress(&format!("{} …", field(data, "step"))),
        "token" => {
            if !is_shown {
                progress("");
            }
            is_shown = true;
            out.piece(&flow.push(&field(data, "text")));
        }
        _ => {}
    });
    let asked = asked.await;
    if !is_shown {
        progress("");
    }
    let answer = asked?;
    out.value(&answer);
    out.line(&flow.finish());
    out.line(&sources_text(&answer));
    if args.receipt {
        out.line(&format!("\nReceipt\n{:#}", answer["receipt"]));
    }
    if answer["refusal"].is_null() { Ok(()) } else { told(Exit::NotInDocuments) }
}

/// What stands below the text of an answer.
fn sources_text(answer: &Value) -> String {
    let mut text = String::new();
    if answer["refusal"].is_null() {
        text.push('\n');
        for citation in answer["citations"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "{}", citation_text(citation));
        }
    } else {
        let nearest = answer["nearest"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !nearest.is_empty() {
            let _ = writeln!(text, "\nNearest passages:");
        }
        for passage in nearest.iter().take(NEAREST_SHOWN) {
            let _ = writeln!(text, "  {}", place(passage));
            let _ = writeln!(text, "{}", wrap(&field(passage, "excerpt"), WIDTH - 4, "    "));
        }
    }
    let by = &answer["receipt"]["generated"]["agent"];
    if !by.is_null() {
        let (agent, reason) = (field(by, "agent"), field(by, "reason"));
        let _ = writeln!(text, "\nagent {agent}: {reason}");
    }
    let _ = write!(text, "\nconversation {}", field(answer, "conversation_id"));
    text
}

fn citation_text(citation: &Value) -> String {
    format!(
        "[{}] {}\n{}",
        field(citation, "number"),
        place(citation),
        wrap(&format!("“{}”", field(citation, "quote")), WIDTH - 4, "    ")
    )
}

/// Document, revision and page.
fn place(passage: &Value) -> String {
    let page = if passage["page"].is_null() { "page_first" } else { "page" };
    format!(
        "{} ({}), revision {}, page {}",
        field(passage, "document_title"),
        field(passage, "document_key"),
        field(passage, "revision_number"),
        field(passage, page)
    )
}

pub(crate) async fn search(api: &Api, args: &Search, out: Out) -> Result<(), CliError> {
    let body = json!({
        "query": args.query,
        "limit": args.limit,
        "filters": { "tags": args.tag, "languages": args.language },
    });
    let results = api.post("/api/v1/search", &body).await?;
    out.value(&results);
    match results["degraded"].as_str() {
        None => {}
        Some("model_slow") => {
            note(
                "The model worker is busy: only words were compared, not meaning. Try again later.",
            );
        }
        Some(_) => {
            note("The model worker is not available: only words were compared, not meaning.");
        }
    }
    let passages = results["passages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if passages.is_empty() {
        out.line("Nothing found.");
        return told(Exit::NotInDocuments);
    }
    for passage in passages {
        let heading: Vec<String> = passage["heading_path"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|h| h.as_str().map(str::to_owned))
            .collect();
        let score = passage["scores"]["fused"].as_f64().unwrap_or_default();
        out.line(&format!("{score:.3}  {}", place(passage)));
        if !heading.is_empty() {
            out.line(&format!("       {}", heading.join(" › ")));
        }
        out.line(&format!("{}\n", wrap(&field(passage, "text"), WIDTH - 7, "       ")));
    }
    Ok(())
}
