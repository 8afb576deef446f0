//! What a file is, by what is in it. A file name only breaks ties between Markdown and text.

use serde::{Deserialize, Serialize};

use crate::decode;
use crate::docx;
use crate::error::{FailureCode, ParseFailure};
use crate::model::Format;

/// A PDF's header may stand this deep in the file (ISO 32000-1 annex H, implementation note 13).
const PDF_HEADER_WINDOW_BYTES: usize = 1024;

/// How much text is looked at to tell Markdown from text, in bytes.
const MARKDOWN_SAMPLE_BYTES: usize = 64 * 1024;

/// Longest file name extension or charset label that is taken as a hint, in bytes.
const HINT_MAX_BYTES: usize = 40;

/// What the sender says about a file. Never trusted, only used to break ties. It does not hold the
/// file's name, which may be personal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatHint {
    /// Lower-case file name extension without the dot.
    pub extension: Option<String>,
    /// `charset` of the declared media type.
    pub charset: Option<String>,
}

impl FormatHint {
    /// The hints in a file name and a declared media type (`text/plain; charset=windows-1250`).
    #[must_use]
    pub fn new(file_name: Option<&str>, media_type: Option<&str>) -> Self {
        let extension = file_name.and_then(|n| n.rsplit_once('.')).and_then(|(_, e)| plain(e));
        let charset = media_type.into_iter().flat_map(|m| m.split(';').skip(1)).find_map(|p| {
            let (name, value) = p.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| plain(value.trim().trim_matches('"'))).flatten()
        });
        Self { extension, charset }
    }
}

fn plain(text: &str) -> Option<String> {
    let fits = (1..=HINT_MAX_BYTES).contains(&text.len());
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    (fits && is_plain).then(|| text.to_ascii_lowercase())
}

/// A recognised file; texts come decoded, since recognising them takes decoding.
#[derive(Debug)]
pub(crate) enum Detected {
    Pdf,
    Docx,
    Text { format: Format, decoded: decode::Decoded },
}

/// Recognises `bytes`.
///
/// # Errors
/// [`FailureCode::UnsupportedFormat`], [`FailureCode::Encrypted`], [`FailureCode::Damaged`] or
/// [`FailureCode::XmlForbidden`], with a sentence that says what the file is instead.
pub(crate) fn detect(bytes: &[u8], hint: &FormatHint) -> Result<Detected, ParseFailure> {
    if bytes.is_empty() {
        return Err(unsupported("The file is empty."));
    }
    if is_pdf(bytes) {
        return Ok(Detected::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return docx::recognise(bytes).map(|()| Detected::Docx);
    }
    if let Some(failure) = known_stranger(bytes) {
        return Err(failure);
    }
    let decoded = decode::decode(bytes, hint.charset.as_deref())?;
    if let Some(failure) = markup_stranger(&decoded.text) {
        return Err(failure);
    }
    let is_markdown = is_markdown(&decoded.text, hint.extension.as_deref());
    let format = if is_markdown { Format::Markdown } else { Format::Text };
    Ok(Detected::Text { format, decoded })
}

fn unsupported(reason: impl std::fmt::Display) -> ParseFailure {
    ParseFailure::new(FailureCode::UnsupportedFormat, reason)
}

fn is_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(PDF_HEADER_WINDOW_BYTES)];
    match find(head, b"%PDF-") {
        None => false,
        Some(at) => {
            let before = head[..at].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head[..at]);
            // Deeper in the file the header may be a word in a text; then no PDF structure follows.
            before.iter().all(u8::is_ascii_whitespace)
                || (find(bytes, b" obj").is_some() && find(bytes, b"endobj").is_some())
        }
    }
}

/// Position of `needle` in `bytes`.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|w| w == needle)
}

/// Files that are common at a plant and are not read, by their first bytes.
fn known_stranger(bytes: &[u8]) -> Option<ParseFailure> {
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    if bytes.starts_with(OLE) {
        let encrypted: Vec<u8> =
            "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        return Some(if find(bytes, &encrypted).is_some() {
            ParseFailure::new(
                FailureCode::Encrypted,
                "This Office document is protected with a password. Save it without the password.",
            )
        } else {
            unsupported(
                "This is an old binary Office file (.doc, .xls, .ppt). Save it as DOCX or PDF.",
            )
        });
    }
    const STRANGERS: &[(&[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"II*\0", "a TIFF picture"),
        (b"MM\0*", "a TIFF picture"),
        (b"BM", "a BMP picture"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a program"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ\0", "an XZ archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"SQLite format 3\0", "a database"),
        (b"{\\rtf", "a rich text file (RTF)"),
        (b"%!PS", "a PostScript file"),
        (b"AC10", "a DWG drawing"),
    ];
    let (magic, name) = STRANGERS.iter().find(|(magic, _)| bytes.starts_with(magic))?;
    // Two letters are also how a text may begin; a binary file has a zero byte soon.
    if magic.len() <= 4 && magic.is_ascii() && !bytes[..bytes.len().min(512)].contains(&0) {
        let is_text_format = magic.starts_with(b"%!") || magic.starts_with(b"{");
        if !is_text_format {
            return None;
        }
    }
    Some(unsupported(format_args!(
        "This is {name}. PDF, DOCX, Markdown and text files can be read."
    )))
}

fn markup_stranger(text: &str) -> Option<ParseFailure> {
    let head: String = text.trim_start().chars().take(64).collect::<String>().to_ascii_lowercase();
    if head.starts_with("<?xml") || (head.starts_with("<!doctype") && !head.contains("html")) {
        if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
            return Some(ParseFailure::new(
                FailureCode::XmlForbidden,
                "This is an XML file with a document type definition, which is never read.",
            ));
        }
        return Some(unsupported("This is an XML file. PDF, DOCX, Markdown and text can be read."));
    }
    (head.starts_with("<!doctype html") || head.starts_with("<html"))
        .then(|| unsupported("This is an HTML page. Save it as PDF or text."))
}

/// Whether `text` is Markdown: by marks that plain text rarely has. The extension moves the bar.
fn is_markdown(text: &str, extension: Option<&str>) -> bool {
    let threshold = match extension {
        Some("md" | "markdown" | "mdown" | "mkd") => return true,
        Some("txt" | "text" | "log" | "csv" | "tsv" | "asc") => 6,
        _ => 3,
    };
    markdown_score(text) >= threshold
}

fn markdown_score(text: &str) -> u32 {
    let end = (0..=text.len().min(MARKDOWN_SAMPLE_BYTES)).rev().find(|&i| text.is_char_boundary(i));
    let sample = &text[..end.unwrap_or(0)];
    let lines: Vec<&str> = sample.lines().collect();
    let blank = |i: Option<usize>| i.and_then(|i| lines.get(i)).is_none_or(|l| l.trim().is_empty());
    let mut score = 0;
    let mut fences = 0;
    for (i, line) in lines.iter().enumerate() {
        let hashes = line.bytes().take_while(|&b| b == b'#').count();
        if (1..=6).contains(&hashes)
            && line[hashes..].starts_with(' ')
            && (blank(i.checked_sub(1)) || blank(Some(i + 1)))
            && (blank(i.checked_sub(1)) || i == 0)
        {
            score += 2;
        }
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fences += 1;
        }
        if is_table_rule(line) && i > 0 && lines[i - 1].contains('|') {
            score += 3;
        }
        if line.contains("](") && line.contains('[') {
            score += 1;
        }
        if line.matches("**").count() >= 2 {
            score += 1;
        }
    }
    score + fences / 2 * 3
}

/// The delimiter row of a pipe table: `|---|:--:|`.
fn is_table_rule(line: &str) -> bool {
    let line = line.trim();
    line.contains('|')
        && line.contains("--")
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;

    fn format_of(bytes: &[u8], name: &str) -> Format {
        match detect(bytes, &FormatHint::new(Some(name), None)).unwrap() {
            Detected::Pdf => Format::Pdf,
            Detected::Docx => Format::Docx,
            Detected::Text { format, .. } => format,
        }
    }

    fn refusal(bytes: &[u8]) -> FailureCode {
        detect(bytes, &FormatHint::default()).unwrap_err().code
    }

    #[test]
    fn the_name_does_not_decide() {
        assert_eq!(format_of(b"%PDF-1.7\n1 0 obj", "report.txt"), Format::Pdf);
        assert_eq!(format_of(b"\n %PDF-1.4", "report.docx"), Format::Pdf);
        assert_eq!(format_of(b"plain words", "report.pdf"), Format::Text);
        assert_eq!(format_of(b"junk header\n%PDF-1.4\n1 0 obj\nendobj", "x"), Format::Pdf);
    }

    #[test]
    fn a_text_about_pdf_is_a_text() {
        assert_eq!(format_of(b"A file that begins with %PDF- is a PDF.", "note"), Format::Text);
    }

    #[test]
    fn markdown_is_told_by_its_marks() {
        let markdown = b"# Pump P-101\n\nText.\n\n| part | torque |\n|---|---|\n| bolt | 45 Nm |\n";
        assert_eq!(format_of(markdown, "x"), Format::Markdown);
        assert_eq!(format_of(markdown, "x.txt"), Format::Text);
        let more = [&markdown[..], b"\n## Steps\n\n```\ncode\n```\n"].concat();
        assert_eq!(format_of(&more, "x.txt"), Format::Markdown);
        assert_eq!(format_of(b"Shift log\n# of alarms: 4\n- all quiet\n", "x"), Format::Text);
        assert_eq!(format_of(b"All quiet.\n", "x.md"), Format::Markdown);
    }

    #[test]
    fn strangers_are_named() {
        for bytes in [
            &b"\x89PNG\r\n\x1a\n\0\0"[..],
            b"\xff\xd8\xff\xe0",
            b"\x7fELF\x02\0\0",
            b"MZ\x90\0\x03",
            b"{\\rtf1 hello}",
            b"%!PS-Adobe",
            b"",
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"<?xml version=\"1.0\"?><a/>",
            b"<!DOCTYPE html><p>",
            b"\x00\x01\x02\x03\xff\xfe\xfd\x00\x99\x12",
        ] {
            assert_eq!(refusal(bytes), FailureCode::UnsupportedFormat, "{bytes:?}");
        }
        assert_eq!(format_of(b"MZ is how the station is called.", "x"), Format::Text);
    }

    #[test]
    fn xml_with_entities_of_its_own_is_refused_as_such() {
        let bomb = b"<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aa\">]><l>&a;</l>";
        assert_eq!(refusal(bomb), FailureCode::XmlForbidden);
    }

    #[test]
    fn a_protected_office_file_needs_its_password() {
        let mut ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        assert_eq!(refusal(&ole), FailureCode::UnsupportedFormat);
        ole.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(refusal(&ole), FailureCode::Encrypted);
    }

    #[test]
    fn hints_are_cleaned() {
        let hint =
            FormatHint::new(Some("Pumpe.v2.MD"), Some("text/plain; Charset=\"Windows-1250\""));
        assert_eq!(hint.extension.as_deref(), Some("md"));
        assert_eq!(hint.charset.as_deref(), Some("windows-1250"));
        assert_eq!(FormatHint::new(Some("a.x y"), Some("text/plain")), FormatHint::default());
    }
}
