//! `millwright document`

use std::collections::HashMap;

use serde_json::{Value, json};

use super::args::{Document, Who};
use super::error::CliError;
use super::output::Out;
use super::text::{field, row, wrap};
use super::{Api, encode};
use crate::demo::wait_for_job;

pub(crate) const fn who(command: &Document) -> &Who {
    match command {
        Document::List { who, .. }
        | Document::Show { who, .. }
        | Document::Seen { who, .. }
        | Document::Remove { who, .. }
        | Document::Reindex { who, .. } => who,
    }
}

pub(crate) async fn run(api: &Api, command: &Document, out: Out) -> Result<(), CliError> {
    match command {
        Document::List { text, .. } => list(api, text.as_deref(), out).await,
        Document::Show { document, .. } => show(api, document, out).await,
        Document::Seen { document, .. } => {
            let id = find(api, document).await?;
            let seen = api.items(&format!("/api/v1/documents/{id}/disclosures")).await?;
            let people = people(api).await?;
            let rows: Vec<Vec<String>> = seen
                .iter()
                .map(|one| {
                    let actor = field(one, "actor");
                    let who = people.get(&actor).cloned().unwrap_or(actor);
                    vec![field(one, "time"), who, field(one, "action"), field(one, "page")]
                })
                .collect();
            out.table(&["time", "who", "by", "page"], &rows);
            out.value(&json!({ "items": seen }));
            Ok(())
        }
        Document::Remove { document, .. } => {
            let id = find(api, document).await?;
            api.delete(&format!("/api/v1/documents/{id}")).await?;
            out.line(&format!("{document} is removed with all its revisions."));
            out.value(&json!({ "removed": id }));
            Ok(())
        }
        Document::Reindex { document, .. } => {
            let id = find(api, document).await?;
            let queued = api.post(&format!("/api/v1/documents/{id}/reindex"), &json!({})).await?;
            wait_for_job(api, &field(&queued, "job_id"), document).await?;
            out.line(&format!("{document} is indexed again."));
            out.value(&queued);
            Ok(())
        }
    }
}

/// Addresses of the tenant's people by what the log calls them.
async fn people(api: &Api) -> Result<HashMap<String, String>, CliError> {
    let users = api.items("/api/v1/admin/users").await?;
    Ok(users
        .iter()
        .map(|user| (format!("user:{}", field(user, "id")), field(user, "email")))
        .collect())
}

async fn list(api: &Api, text: Option<&str>, out: Out) -> Result<(), CliError> {
    let query = text.map(|text| format!("?text={}", encode(text))).unwrap_or_default();
    let documents = api.items(&format!("/api/v1/documents{query}")).await?;
    let rows: Vec<Vec<String>> = documents
        .iter()
        .map(|document| {
            let current = &document["current"];
            let mut cells = row(document, &["key", "title"]);
            cells.extend(row(
                current,
                &["number", "standing", "classification", "language", "page_count"],
            ));
            cells
        })
        .collect();
    out.table(&["key", "title", "rev", "standing", "classification", "lang", "pages"], &rows);
    out.value(&json!({ "items": documents }));
    Ok(())
}

async fn show(api: &Api, document: &str, out: Out) -> Result<(), CliError> {
    let id = find(api, document).await?;
    let details = api.get(&format!("/api/v1/documents/{id}")).await?;
    out.value(&details);
    out.line(&format!("{} – {}\nid {id}\n", field(&details, "key"), field(&details, "title")));
    let rows: Vec<Vec<String>> = details["revisions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|revision| {
            row(
                revision,
                &[
                    "number",
                    "state",
                    "standing",
                    "classification",
                    "language",
                    "page_count",
                    "file_name",
                    "id",
                ],
            )
        })
        .collect();
    out.table(
        &["rev", "state", "standing", "classification", "lang", "pages", "file", "id"],
        &rows,
    );
    for problem in details["page_problems"].as_array().into_iter().flatten() {
        out.line(&format!(
            "page {}: {} {}",
            field(problem, "page"),
            field(problem, "state"),
            field(problem, "reason")
        ));
    }
    for chunk in details["chunks"].as_array().into_iter().flatten() {
        out.line(&format!(
            "\npage {} · {} tokens",
            field(chunk, "page_first"),
            field(chunk, "token_count")
        ));
        out.line(&wrap(&field(chunk, "text"), 88, "    "));
    }
    Ok(())
}

/// The id of a document that was named by id or by key.
async fn find(api: &Api, named: &str) -> Result<String, CliError> {
    if named.parse::<base::DocumentId>().is_ok() {
        return Ok(named.to_owned());
    }
    let documents = api.items(&format!("/api/v1/documents?text={}", encode(named))).await?;
    let exact: Vec<&Value> =
        documents.iter().filter(|document| document["key"].as_str() == Some(named)).collect();
    match exact.as_slice() {
        [one] => Ok(field(one, "id")),
        _ => Err(CliError::Usage(format!(
            "there is no document with the key '{named}'; `millwright document list` shows all"
        ))),
    }
}
