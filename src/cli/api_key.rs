//! `millwright api-key`

use serde_json::{Value, json};

use super::Api;
use super::api::encode;
use super::args::{ApiKey, KeyOwner, Who};
use super::error::CliError;
use super::output::Out;
use super::text::field;

const ROOT: &str = "/api/v1/keys";

/// Every command acts for the person whose keys they are.
pub(crate) fn who(command: &ApiKey) -> Who {
    let (ApiKey::List { who }
    | ApiKey::Create { who, .. }
    | ApiKey::Rotate { who, .. }
    | ApiKey::Revoke { who, .. }) = command;
    let KeyOwner { tenant, person } = who.clone();
    Who { tenant, acting_as: Some(person) }
}

pub(crate) async fn run(api: &Api, command: &ApiKey, out: Out) -> Result<(), CliError> {
    match command {
        ApiKey::List { .. } => {
            let keys = api.items(ROOT).await?;
            let rows: Vec<_> = keys.iter().flat_map(rows_of).collect();
            out.table(&["name", "prefix", "last used", "until", "scopes", "id"], &rows);
            out.value(&json!({ "items": keys }));
        }
        ApiKey::Create { name, scopes, days, per_minute, .. } => {
            let key = json!({
                "name": name,
                "scopes": scopes,
                "lifetime_s": days.map(|days| i64::from(days) * 86_400),
                "requests_per_minute": per_minute,
            });
            let made = api.post(ROOT, &key).await?;
            out.line(&format!(
                "The key is shown this once:\n\n{}\n\nIt ends at {}.",
                field(&made, "secret"),
                field(&made, "expires_at")
            ));
            out.value(&made);
        }
        ApiKey::Rotate { id, overlap_hours, .. } => {
            let target = format!("{ROOT}/{}/rotate", encode(id));
            let overlap_s = overlap_hours.map(|hours| i64::from(hours) * 3_600);
            let made = api.post(&target, &json!({ "overlap_s": overlap_s })).await?;
            let former = made["secrets"].get(1).map(|secret| field(secret, "ends_at"));
            out.line(&format!(
                "The new secret is shown this once:\n\n{}\n\nThe former one {}.",
                field(&made, "secret"),
                former.map_or_else(|| "has ended".to_owned(), |at| format!("ends at {at}"))
            ));
            out.value(&made);
        }
        ApiKey::Revoke { id, .. } => {
            api.delete(&format!("{ROOT}/{}", encode(id))).await?;
            out.line("The key is revoked.");
            out.value(&json!({ "revoked": id }));
        }
    }
    Ok(())
}

/// A line for every secret of a key.
fn rows_of(key: &Value) -> Vec<Vec<String>> {
    let scopes = key["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
    let secrets = key["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |secret: &Value| {
        let until = match secret["ends_at"].as_str() {
            Some(at) => at.to_owned(),
            None => field(key, "expires_at"),
        };
        vec![
            field(key, "name"),
            field(secret, "prefix"),
            field(secret, "last_used_at"),
            until,
            scopes.join(" "),
            field(key, "id"),
        ]
    };
    secrets.iter().map(line).collect()
}
