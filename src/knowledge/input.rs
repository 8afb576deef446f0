//! What may be said about an uploaded file: checked and brought into one form.

use base::{Classification, ExportControl, Timestamp};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::KnowledgeError;

/// Longest document key, in characters.
pub const DOCUMENT_KEY_MAX_CHARS: usize = 120;
/// Longest title, in characters.
pub const DOCUMENT_TITLE_MAX_CHARS: usize = 300;
/// Longest file name, in characters.
pub const FILE_NAME_MAX_CHARS: usize = 255;
/// Most tags of one revision.
pub const TAGS_MAX: usize = 32;
/// Longest tag, in characters.
pub const TAG_MAX_CHARS: usize = 64;
/// Largest metadata object, in bytes of JSON.
pub const METADATA_MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting of a metadata object, the object itself included.
pub const METADATA_MAX_DEPTH: usize = 5;

/// What the uploader says about a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRevision {
    /// What the plant calls the document; the file name without its ending when `None`.
    pub key: Option<String>,
    /// Title of the document; that of the document's first heading or properties when `None`.
    pub title: Option<String>,
    /// As the uploader calls the file.
    pub file_name: String,
    /// How secret it is.
    pub classification: Classification,
    /// Whether it falls under export control.
    pub export_control: ExportControl,
    /// BCP 47; detected when `None`.
    pub language: Option<String>,
    /// Free words to filter by.
    pub tags: Vec<String>,
    /// Anything else.
    pub metadata: Map<String, Value>,
    /// First moment at which it counts.
    pub effective_from: Option<Timestamp>,
    /// First moment at which it no longer counts.
    pub effective_to: Option<Timestamp>,
}

impl NewRevision {
    /// A file about which nothing is said but its name: internal, no export control.
    #[must_use]
    pub fn named(file_name: impl Into<String>) -> Self {
        Self {
            key: None,
            title: None,
            file_name: file_name.into(),
            classification: Classification::default(),
            export_control: ExportControl::default(),
            language: None,
            tags: Vec::new(),
            metadata: Map::new(),
            effective_from: None,
            effective_to: None,
        }
    }

    /// Checks every field and brings it into the stored form; `key` is given afterwards.
    pub(crate) fn checked(mut self) -> Result<Checked, KnowledgeError> {
        self.file_name = file_name(&self.file_name)?;
        let key = match self.key.take() {
            Some(key) => document_key(&key)?,
            None => key_of_file(&self.file_name)?,
        };
        self.title = self.title.map(|title| document_title(&title)).transpose()?.flatten();
        self.language = self.language.map(|text| language(&text)).transpose()?.flatten();
        self.tags = tags(&self.tags)?;
        metadata(&self.metadata)?;
        if let (Some(from), Some(to)) = (self.effective_from, self.effective_to)
            && to <= from
        {
            return Err(KnowledgeError::invalid("effective_to", "must be after effective_from"));
        }
        Ok(Checked { key, new: self })
    }
}

/// A [`NewRevision`] that was checked, with its key.
pub(crate) struct Checked {
    pub(crate) key: String,
    pub(crate) new: NewRevision,
}

/// One line of text in NFC, without control characters, trimmed, single blanks.
fn one_line(text: &str) -> String {
    let composed: String = text.nfc().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `raw` as one line. Its length counts as it was sent, which is what the API's description bounds, and as
/// it is stored.
fn bounded(field: &str, raw: &str, max_chars: usize) -> Result<String, KnowledgeError> {
    let text = one_line(raw);
    if text.is_empty() {
        return Err(KnowledgeError::invalid(field, "must not be empty"));
    }
    let chars = raw.chars().count().max(text.chars().count());
    if chars > max_chars {
        let reason = format!("must be at most {max_chars} characters, not {chars}");
        return Err(KnowledgeError::invalid(field, reason));
    }
    Ok(text)
}

/// A document key as stored.
pub(crate) fn document_key(text: &str) -> Result<String, KnowledgeError> {
    bounded("key", text, DOCUMENT_KEY_MAX_CHARS)
}

/// A title as stored; an empty one counts as none.
pub(crate) fn document_title(text: &str) -> Result<Option<String>, KnowledgeError> {
    if one_line(text).is_empty() {
        return Ok(None);
    }
    bounded("title", text, DOCUMENT_TITLE_MAX_CHARS).map(Some)
}

/// Only the last part of what may be a path: clients send `C:\manuals\pump.pdf`.
fn file_name(text: &str) -> Result<String, KnowledgeError> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    bounded("file", last, FILE_NAME_MAX_CHARS)
}

/// The key of a file that was uploaded without one: its name without the ending, lower case,
/// everything but letters and digits as single hyphens.
fn key_of_file(file_name: &str) -> Result<String, KnowledgeError> {
    let stem = match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    };
    let mut key = String::with_capacity(stem.len());
    for c in stem.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
    }
    let key: String = key.trim_end_matches('-').chars().take(DOCUMENT_KEY_MAX_CHARS).collect();
    if key.is_empty() {
        let reason = "must be given: the file name has no letters or digits to make one from";
        return Err(KnowledgeError::invalid("key", reason));
    }
    Ok(key)
}

/// Why something is done, as the audit log keeps it: one line, not empty.
pub(crate) fn reason(text: &str, max_chars: usize) -> Result<String, KnowledgeError> {
    bounded("reason", text, max_chars)
}

/// A language tag (RFC 5646): language and subtags, the language in lower case.
pub(crate) fn language(text: &str) -> Result<Option<String>, KnowledgeError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let primary_ok =
        matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    let rest_ok = parts.clone().all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if !primary_ok || !rest_ok || text.len() > 35 {
        return Err(KnowledgeError::invalid("language", "must be a tag such as en, de or cs-CZ"));
    }
    let mut tag = primary.to_ascii_lowercase();
    for part in parts {
        tag.push('-');
        tag.push_str(part);
    }
    Ok(Some(tag))
}

/// A tag as stored and compared.
pub(crate) fn tag(text: &str) -> String {
    one_line(text).to_lowercase()
}

/// Tags as stored: lower case, sorted, each once.
pub(crate) fn tags(tags: &[String]) -> Result<Vec<String>, KnowledgeError> {
    let mut clean: Vec<String> =
        tags.iter().map(|text| tag(text)).filter(|text| !text.is_empty()).collect();
    clean.sort();
    clean.dedup();
    if clean.len() > TAGS_MAX {
        return Err(KnowledgeError::invalid("tags", format!("must be at most {TAGS_MAX}")));
    }
    if clean.iter().any(|text| text.chars().count() > TAG_MAX_CHARS) {
        let reason = format!("must be at most {TAG_MAX_CHARS} characters each");
        return Err(KnowledgeError::invalid("tags", reason));
    }
    Ok(clean)
}

/// Checks depth and size of a metadata object.
pub(crate) fn metadata(object: &Map<String, Value>) -> Result<(), KnowledgeError> {
    let depth = 1 + object.values().map(depth).max().unwrap_or(0);
    if depth > METADATA_MAX_DEPTH {
        let reason = format!("must be nested at most {METADATA_MAX_DEPTH} deep");
        return Err(KnowledgeError::invalid("metadata", reason));
    }
    let size_bytes = serde_json::to_vec(object).map_or(usize::MAX, |bytes| bytes.len());
    if size_bytes > METADATA_MAX_BYTES {
        let reason = format!("must be at most {METADATA_MAX_BYTES} bytes, not {size_bytes}");
        return Err(KnowledgeError::invalid("metadata", reason));
    }
    Ok(())
}

/// Nesting of a value; serde_json's own limit of 128 bounds the recursion.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::Coded as _;

    use super::*;

    fn field_of(result: Result<Checked, KnowledgeError>) -> String {
        result.err().and_then(|e| e.violation()).map(|v| v.field).unwrap_or_default()
    }

    #[test]
    fn the_key_comes_from_the_file_name() {
        let checked = NewRevision::named("C:\\docs\\MM-PS1 001 (Wartung).pdf").checked().unwrap();
        assert_eq!(checked.key, "mm-ps1-001-wartung");
        assert_eq!(checked.new.file_name, "MM-PS1 001 (Wartung).pdf");
        assert_eq!(field_of(NewRevision::named("---.pdf").checked()), "key");
    }

    #[test]
    fn lengths_count_as_they_were_sent() {
        // Control characters are dropped; what is too long with them is too long.
        let text = format!("{}{}", "\u{88}\u{13}", "x".repeat(499));
        assert!(reason(&text, 500).is_err());
        assert_eq!(reason(&text, 501).unwrap().len(), 499);
        assert!(document_title(&" ".repeat(900)).unwrap().is_none());
    }

    #[test]
    fn a_given_key_keeps_its_spelling() {
        let new = NewRevision { key: Some("  SOP  LOTO-004 ".into()), ..NewRevision::named("a") };
        assert_eq!(new.checked().unwrap().key, "SOP LOTO-004");
    }

    #[test]
    fn tags_are_lower_case_sorted_and_unique() {
        let tags = ["Pumps", " ps1 ", "pumps", ""].map(String::from).to_vec();
        let new = NewRevision { tags, ..NewRevision::named("a.txt") };
        assert_eq!(new.checked().unwrap().new.tags, ["ps1", "pumps"]);
    }

    #[test]
    fn wrong_fields_are_named() {
        let base = || NewRevision::named("a.txt");
        let deep: Value = serde_json::from_str("[[[[[[1]]]]]]").unwrap();
        let mut metadata = Map::new();
        metadata.insert("a".into(), deep);
        let large = Map::from_iter([("a".to_owned(), Value::String("x".repeat(20_000)))]);
        let day = Timestamp::from_unix_ms(86_400_000);
        for (new, field) in [
            (NewRevision { key: Some(" ".into()), ..base() }, "key"),
            (NewRevision { key: Some("k".repeat(121)), ..base() }, "key"),
            (NewRevision { title: Some("t".repeat(301)), ..base() }, "title"),
            (NewRevision { language: Some("deutsch!".into()), ..base() }, "language"),
            (NewRevision { tags: vec!["t".repeat(65)], ..base() }, "tags"),
            (NewRevision { metadata, ..base() }, "metadata"),
            (NewRevision { metadata: large, ..base() }, "metadata"),
            (NewRevision { file_name: "dir/".into(), ..base() }, "file"),
            (
                NewRevision { effective_from: Some(day), effective_to: Some(day), ..base() },
                "effective_to",
            ),
        ] {
            assert_eq!(field_of(new.checked()), field);
        }
    }

    #[test]
    fn languages_are_read() {
        assert_eq!(language("DE-at").unwrap().as_deref(), Some("de-at"));
        assert_eq!(language("").unwrap(), None);
    }
}
