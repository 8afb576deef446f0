//! `millwright audit`

use serde_json::Value;

use super::args::{Audit, Who};
use super::error::{CliError, Exit};
use super::output::Out;
use super::text::field;
use super::{Api, encode, told};

pub(crate) fn who(command: &Audit) -> Who {
    match command {
        Audit::Verify { .. } => Who::default(),
        Audit::Show { who, .. } => who.clone(),
    }
}

pub(crate) async fn run(api: &Api, command: &Audit, out: Out) -> Result<(), CliError> {
    match command {
        Audit::Verify { tenant } => verify(api, tenant.as_deref(), out).await,
        Audit::Show { from, until, actor, action, object, outcome, limit, .. } => {
            let filters = [
                ("from", from),
                ("until", until),
                ("actor", actor),
                ("action", action),
                ("object", object),
                ("outcome", outcome),
            ];
            let mut target = format!("/api/v1/admin/audit?limit={limit}");
            for (name, value) in filters {
                if let Some(value) = value {
                    target.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show(&api.get(&target).await?, out);
            Ok(())
        }
    }
}

async fn verify(api: &Api, tenant: Option<&str>, out: Out) -> Result<(), CliError> {
    let query = tenant.map(|slug| format!("?tenant={}", encode(slug))).unwrap_or_default();
    let report = api.get(&format!("/api/v1/appliance/audit/verify{query}")).await?;
    out.value(&report);
    let mut sound = true;
    for log in report["logs"].as_array().into_iter().flatten() {
        let name = field(log, "name");
        if log["sound"].as_bool() == Some(true) {
            out.line(&format!(
                "{name}: sound, {} entries, root {}",
                field(log, "size"),
                field(log, "root")
            ));
        } else {
            sound = false;
            let finding = &log["finding"];
            let index = field(finding, "index");
            let at = if index.is_empty() { String::new() } else { format!(" at entry {index}") };
            out.line(&format!(
                "{name}: DAMAGED{at}: {}: {}",
                field(finding, "kind"),
                field(finding, "what")
            ));
        }
    }
    if sound { Ok(()) } else { told(Exit::AuditDamaged) }
}

fn show(page: &Value, out: Out) {
    out.value(page);
    let rows: Vec<Vec<String>> = page["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            vec![
                field(entry, "index"),
                field(entry, "time"),
                field(entry, "actor"),
                field(entry, "action"),
                match &entry["object"] {
                    Value::Object(_) => {
                        let object = &entry["object"];
                        format!("{}:{}", field(object, "kind"), field(object, "id"))
                    }
                    _ => field(entry, "object"),
                },
                field(entry, "outcome"),
            ]
        })
        .collect();
    out.table(&["index", "time", "actor", "action", "object", "outcome"], &rows);
}
