//! What a witness keeps, read from its folder or from the messages that a log daemon wrote.

use std::path::Path;

use serde_json::Value;
use store::SYSLOG_MARK;

use super::error::CliError;

/// Longest file that is read, in bytes.
const FILE_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The signed notes of a folder's `*.checkpoints` files, or of any file with a checkpoint per line.
pub(crate) fn read_notes(path: &Path) -> Result<Vec<String>, CliError> {
    let failed = |source| CliError::File { what: path.display().to_string(), source };
    let mut notes = Vec::new();
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|ending| ending == "checkpoints") {
                notes.extend(read_file(&file)?);
            }
        }
    } else {
        notes = read_file(path)?;
    }
    if notes.is_empty() {
        return Err(CliError::Usage(format!(
            "{} holds no checkpoints: name the folder of audit.witness_path, or a file of the log \
             daemon with lines that contain {SYSLOG_MARK}",
            path.display()
        )));
    }
    Ok(notes)
}

fn read_file(path: &Path) -> Result<Vec<String>, CliError> {
    let failed = |source| CliError::File { what: path.display().to_string(), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_MAX_BYTES {
        return Err(CliError::Usage(format!(
            "{} is larger than {FILE_MAX_BYTES} bytes: give only its lines with {SYSLOG_MARK}",
            path.display()
        )));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(note_in).collect())
}

/// The signed note in a line of either kind.
fn note_in(line: &str) -> Option<String> {
    if let Ok(line) = serde_json::from_str::<Value>(line) {
        return line.get("note")?.as_str().map(str::to_owned);
    }
    let (_, fields) = line.split_once(SYSLOG_MARK)?;
    let mut fields = fields.split_whitespace();
    let (origin, size) = (fields.next()?, fields.next()?);
    let (root, signature) = (fields.next()?, fields.next()?);
    let extension = fields.collect::<Vec<_>>().join(" ");
    let end = if extension.is_empty() { "" } else { "\n" };
    Some(format!("{origin}\n{size}\n{root}\n{extension}{end}\n— {origin} {signature}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_in_both_kinds_of_line_and_in_no_other() {
        let note = "millwright/appliance\n7\nCsUY=\n\n— millwright/appliance Az3g\n";
        let line = serde_json::json!({ "witnessed_at": "2026-11-18T11:06:40.123Z", "note": note });
        assert_eq!(note_in(&line.to_string()).as_deref(), Some(note));
        let message = "Nov 18 11:06:40 plant millwright[7]: millwright-checkpoint \
                       millwright/appliance 7 CsUY= Az3g";
        assert_eq!(note_in(message).as_deref(), Some(note));
        let note = "millwright/appliance\n7\nCsUY=\nat-rest 0a\n\n— millwright/appliance Az3g\n";
        assert_eq!(note_in(&format!("{message} at-rest 0a")).as_deref(), Some(note));
        for other in ["", "{\"note\": 7}", "{\"witnessed_at\":\"2026", "millwright-checkpoint a 7"]
        {
            assert_eq!(note_in(other), None, "{other}");
        }
    }
}
