//! `millwright audit`

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ::audit::{ExportError, ExportVerifier, VerifiedExport};
use serde_json::{Value, json};

use super::args::{Audit, Who};
use super::error::{CliError, Exit};
use super::output::Out;
use super::text::field;
use super::witness::read_notes;
use super::{Api, encode, told};

/// Longest line of an export that is read, in bytes: far more than any entry has.
const LINE_MAX_BYTES: u64 = 1024 * 1024;

pub(crate) fn who(command: &Audit) -> Who {
    match command {
        Audit::Verify { .. } => Who::default(),
        Audit::Show { who, .. }
        | Audit::Export { who, .. }
        | Audit::Retention { who, .. }
        | Audit::Hold { who, .. }
        | Audit::Release { who, .. }
        | Audit::Checkpoint { who } => who.clone(),
    }
}

pub(crate) async fn run(api: &Api, command: &Audit, out: Out) -> Result<(), CliError> {
    match command {
        Audit::Verify { tenant, witness, .. } => {
            verify(api, tenant.as_deref(), witness.as_deref(), out).await
        }
        Audit::Retention { set_days, .. } => {
            if let Some(days) = set_days {
                let patch = json!({ "audit_retention_days": days });
                api.patch("/api/v1/admin/settings", &patch).await?;
            }
            tell_retention(&api.get("/api/v1/admin/audit/retention").await?, out);
            Ok(())
        }
        Audit::Hold { reason, .. } => {
            let body = json!({ "reason": reason });
            tell_retention(&api.post("/api/v1/admin/audit/legal-hold", &body).await?, out);
            Ok(())
        }
        Audit::Release { reason, .. } => {
            let body = json!({ "reason": reason });
            tell_retention(&api.post("/api/v1/admin/audit/legal-hold/lift", &body).await?, out);
            Ok(())
        }
        Audit::Export { from, until, format, out: file, .. } => {
            let mut target = format!("/api/v1/admin/audit/export?format={}", encode(format));
            for (name, value) in [("from", from), ("until", until)] {
                if let Some(value) = value {
                    target.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            export(api, &target, file, out).await
        }
        Audit::Checkpoint { .. } => {
            let head = api.get("/api/v1/admin/audit/checkpoint").await?;
            out.line(&format!(
                "{}\npublic key: {}",
                field(&head, "note"),
                field(&head, "public_key")
            ));
            out.value(&head);
            Ok(())
        }
        Audit::Show { from, until, actor, action, object, outcome, limit, appliance, .. } => {
            let filters = [
                ("from", from),
                ("until", until),
                ("actor", actor),
                ("action", action),
                ("object", object),
                ("outcome", outcome),
            ];
            let log = if *appliance { "appliance" } else { "admin" };
            let mut target = format!("/api/v1/{log}/audit?limit={limit}");
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

async fn export(api: &Api, target: &str, path: &Path, out: Out) -> Result<(), CliError> {
    let failed = |source| CliError::File { what: path.display().to_string(), source };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut writer = BufWriter::new(file);
    let written = match api.download(target, &mut writer).await {
        Ok(written) => written,
        Err(error) => {
            // Half an export is worse than none.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
    };
    writer.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)?;
    out.line(&format!(
        "{} is written ({written} bytes). Verify it anywhere:\n  millwright audit verify --export {0}",
        path.display()
    ));
    out.value(&json!({ "file": path, "size_bytes": written }));
    Ok(())
}

/// `millwright audit verify --export`: needs the file and nothing else.
pub(crate) fn verify_export(path: &Path, key: Option<&str>, out: Out) -> Result<(), CliError> {
    let failed = |source| CliError::File { what: path.display().to_string(), source };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    match read_export(file).map_err(failed)? {
        Ok(sound) if key.is_some_and(|key| key != sound.head.public_key) => {
            unsound("the log's key is not the one that was given", out)
        }
        Ok(sound) => {
            let head = &sound.head;
            let pruned = head.pruned.map(|pruned| {
                let place = if sound.has_pruning_record { "in" } else { "not in" };
                format!(
                    "\npruned: all before {}; entry {} records it, {place} here",
                    pruned.end, pruned.by
                )
            });
            out.line(&format!(
                "sound: {} entries from {} of {} of the log {}{}\nkey: {}{}",
                sound.entries,
                head.first,
                sound.checkpoint.size,
                head.origin,
                pruned.unwrap_or_default(),
                head.public_key,
                if key.is_some() { " (as given)" } else { "" }
            ));
            out.value(&json!({
                "sound": true, "entries": sound.entries, "first": head.first,
                "size": sound.checkpoint.size, "origin": head.origin,
                "public_key": head.public_key,
                "pruned_below": head.pruned.map(|pruned| pruned.end),
                "has_pruning_record": sound.has_pruning_record,
            }));
            Ok(())
        }
        Err(error) => unsound(&error.to_string(), out),
    }
}

fn unsound(what: &str, out: Out) -> Result<(), CliError> {
    out.line(&format!("NOT SOUND: {what}"));
    out.value(&json!({ "sound": false, "what": what }));
    told(Exit::AuditDamaged)
}

/// Reads an export of either form to its end.
fn read_export(mut file: impl BufRead) -> io::Result<Result<VerifiedExport, ExportError>> {
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        let read = io::Read::take(&mut file, LINE_MAX_BYTES).read_line(line)?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
        Ok::<_, io::Error>(read > 0)
    };
    next(&mut line)?;
    let is_csv = line.starts_with("# ");
    let mut verifier = match ExportVerifier::begin(&line) {
        Ok(verifier) => verifier,
        Err(error) => return Ok(Err(error)),
    };
    if is_csv {
        // The names of the columns.
        next(&mut line)?;
    }
    while next(&mut line)? {
        let taken = if is_csv && !line.starts_with("# ") {
            verifier.line(&last_column(&line))
        } else {
            verifier.line(&line)
        };
        if let Err(error) = taken {
            return Ok(Err(error));
        }
    }
    Ok(verifier.finish())
}

/// The last column of a row that this program wrote: a quoted one (RFC 4180). What is not one comes
/// out as something that no entry is.
fn last_column(row: &str) -> String {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(row.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record.iter().next_back().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

async fn verify(
    api: &Api,
    tenant: Option<&str>,
    witness: Option<&Path>,
    out: Out,
) -> Result<(), CliError> {
    let report = match witness {
        Some(path) => {
            let notes = read_notes(path)?;
            let body = json!({ "tenant": tenant, "notes": notes });
            api.post("/api/v1/appliance/audit/compare", &body).await?
        }
        None => {
            let query = tenant.map(|slug| format!("?tenant={}", encode(slug))).unwrap_or_default();
            api.get(&format!("/api/v1/appliance/audit/verify{query}")).await?
        }
    };
    out.value(&report);
    let mut sound = true;
    for log in report["logs"].as_array().into_iter().flatten() {
        sound &= log["sound"].as_bool() == Some(true);
        out.line(&verdict(log));
    }
    for log in report["unknown_logs"].as_array().into_iter().flatten() {
        sound = false;
        out.line(&format!(
            "{}: MISSING: the witness keeps checkpoints of it and this appliance has no such log",
            log.as_str().unwrap_or_default()
        ));
    }
    if sound { Ok(()) } else { told(Exit::AuditDamaged) }
}

/// One log's line.
fn verdict(log: &Value) -> String {
    let name = field(log, "name");
    if log["sound"].as_bool() == Some(true) {
        let witnessed = match log["witnessed"].as_u64() {
            None => String::new(),
            Some(0) => ", not witnessed yet".to_owned(),
            Some(count) => format!(", as its witness saw it ({count} checkpoints)"),
        };
        let (size, root) = (field(log, "size"), field(log, "root"));
        return format!("{name}: sound, {size} entries, root {root}{witnessed}");
    }
    let finding = &log["finding"];
    let index = field(finding, "index");
    let at = if index.is_empty() { String::new() } else { format!(" at entry {index}") };
    format!("{name}: DAMAGED{at}: {}: {}", field(finding, "kind"), field(finding, "what"))
}

fn tell_retention(retention: &Value, out: Out) {
    out.line(&format!(
        "The log keeps its content for {} days.",
        field(retention, "audit_retention_days")
    ));
    if retention["pruned_below"].is_u64() {
        out.line(&format!(
            "Entries below {} have lost theirs (entry {} of {}); their hashes stay.",
            field(retention, "pruned_below"),
            field(retention, "pruned_by"),
            field(retention, "pruned_at")
        ));
    }
    match &retention["legal_hold"] {
        Value::Object(_) => {
            let hold = &retention["legal_hold"];
            out.line(&format!(
                "A legal hold is in force since {} (by {}): {}. Nothing is pruned.",
                field(hold, "set_at"),
                field(hold, "set_by"),
                field(hold, "reason")
            ));
        }
        _ => out.line("No legal hold is in force."),
    }
    out.value(retention);
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
