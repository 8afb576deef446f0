//! DOCX (ECMA-376 WordprocessingML) to pages and blocks. Pages are where Word last broke them, as
//! far as the file says; a DOCX has no fixed pages and no boxes.

mod archive;
mod body;
mod frames;
mod numbering;
mod styles;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;

use self::archive::Archive;
use self::body::{Notes, Walker};
use self::numbering::Numbering;
use self::styles::Styles;
use self::xml::{Node, Nodes};
use crate::error::{FailureCode, ParseFailure};
use crate::model::{Block, BlockKind, Format};
use crate::sink::{Draft, Sink};

/// Most header and footer parts that are read.
const FURNITURE_PARTS_MAX: usize = 24;

/// Whether the archive `bytes` is a DOCX.
///
/// # Errors
/// A refusal that says what it is instead.
pub(crate) fn recognise(bytes: &[u8]) -> Result<(), ParseFailure> {
    let names = Archive::open(bytes)?.names();
    if main_part(&names).is_some() {
        return Ok(());
    }
    let has = |prefix: &str| names.iter().any(|n| n.starts_with(prefix));
    let what = if has("xl/") {
        "a spreadsheet (XLSX)"
    } else if has("ppt/") {
        "a presentation (PPTX)"
    } else if has("content.xml") {
        "an OpenDocument file"
    } else {
        "a ZIP archive"
    };
    Err(ParseFailure::new(
        FailureCode::UnsupportedFormat,
        format_args!("This is {what}. PDF, DOCX, Markdown and text files can be read."),
    ))
}

/// Reads a DOCX.
///
/// # Errors
/// [`FailureCode::ZipBomb`], [`FailureCode::XmlForbidden`], [`FailureCode::Damaged`],
/// [`FailureCode::Encrypted`], and what the sink refuses.
pub(crate) fn parse(bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), ParseFailure> {
    let mut archive = Archive::open(bytes)?;
    let names = archive.names();
    let missing = || ParseFailure::damaged("The DOCX has no document part.");
    let main = main_part(&names).ok_or_else(missing)?;
    let body = archive.xml(main)?.ok_or_else(missing)?;
    let title = optional(&mut archive, "docProps/core.xml", sink, core_title)?.flatten();
    sink.begin(Format::Docx, title);
    let styles = optional(&mut archive, "word/styles.xml", sink, Styles::read)?.unwrap_or_default();
    let numbering =
        optional(&mut archive, "word/numbering.xml", sink, Numbering::read)?.unwrap_or_default();
    let mut notes = Notes::new();
    for (part, kind) in [("word/footnotes.xml", 'f'), ("word/endnotes.xml", 'e')] {
        let found = optional(&mut archive, part, sink, read_notes)?.unwrap_or_default();
        notes.extend(found.into_iter().map(|(id, text)| ((kind, id), text)));
    }
    let mut walker = Walker::new(&styles, numbering, &notes);
    walker.walk(&body)?;
    let (mut pages, warnings) = walker.finish();
    for warning in warnings {
        sink.warn(warning.to_owned());
    }
    add_furniture(&mut archive, &names, &styles, &mut pages, sink)?;
    for page in pages {
        sink.page(page)?;
    }
    Ok(())
}

/// Reads `xml` as each of the parts, without an archive around it, for `crate::fuzzing`.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_parts(xml: &[u8], max_pages: u32) {
    let xml = String::from_utf8_lossy(xml);
    let mut on_page = |_| Ok(());
    let mut sink = Sink::new(max_pages, &mut on_page);
    let styles = Styles::read(&xml).unwrap_or_default();
    let numbering = Numbering::read(&xml).unwrap_or_default();
    let _ = core_title(&xml);
    let notes = read_notes(&xml).unwrap_or_default();
    let notes: Notes = notes.into_iter().map(|(id, text)| (('f', id), text)).collect();
    let mut walker = Walker::new(&styles, numbering, &notes);
    if walker.walk(&xml).is_ok() {
        for page in walker.finish().0 {
            if sink.page(page).is_err() {
                break;
            }
        }
    }
}

/// `word/document.xml`, or what some programs call it (`word/document2.xml`).
fn main_part(names: &[String]) -> Option<&str> {
    let is_main = |n: &&String| {
        let middle = n.strip_prefix("word/document").and_then(|n| n.strip_suffix(".xml"));
        middle.is_some_and(|m| m.bytes().all(|b| b.is_ascii_digit()))
    };
    names.iter().find(is_main).map(String::as_str)
}

/// Reads a part whose damage costs something but not the document; attacks stay refusals.
fn optional<T>(
    archive: &mut Archive<'_>,
    part: &str,
    sink: &mut Sink<'_>,
    read: impl FnOnce(&str) -> Result<T, ParseFailure>,
) -> Result<Option<T>, ParseFailure> {
    let result = archive.xml(part).and_then(|xml| xml.as_deref().map(read).transpose());
    match result {
        Err(failure) if failure.code == FailureCode::Damaged => {
            sink.warn(format!("The part {part} is damaged and was left out."));
            Ok(None)
        }
        other => other,
    }
}

fn core_title(xml: &str) -> Result<Option<String>, ParseFailure> {
    let mut nodes = Nodes::new(xml);
    let mut title: Option<String> = None;
    let mut in_title = false;
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open(e) => in_title = e.name() == "title",
            Node::Text(text) if in_title => title.get_or_insert_default().push_str(&text),
            Node::Text(_) => {}
            Node::Close => in_title = false,
        }
    }
    Ok(title)
}

/// Footnotes or endnotes by id, their paragraphs joined by line breaks.
fn read_notes(xml: &str) -> Result<BTreeMap<i64, String>, ParseFailure> {
    let mut nodes = Nodes::new(xml);
    let mut notes: BTreeMap<i64, String> = BTreeMap::new();
    let mut id = None;
    let mut stack: Vec<String> = Vec::new();
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open(e) => {
                let name = e.name();
                if name == "footnote" || name == "endnote" {
                    // Separators have a type; they are lines, not notes.
                    let is_note = e.attribute("type").is_none_or(|t| t == "normal");
                    id = is_note.then(|| e.number("id")).flatten();
                }
                stack.push(name.to_owned());
            }
            Node::Text(text) => {
                if let Some(id) = id
                    && stack.last().is_some_and(|n| n == "t")
                {
                    notes.entry(id).or_default().push_str(&text);
                }
            }
            Node::Close => {
                if let Some(id) = id
                    && stack.pop().is_some_and(|n| n == "p")
                    && let Some(note) = notes.get_mut(&id)
                {
                    note.push('\n');
                }
            }
        }
    }
    Ok(notes)
}

/// Headers in front of the first page, footers behind it: they carry document numbers and
/// revisions, but repeat on every page.
fn add_furniture(
    archive: &mut Archive<'_>,
    names: &[String],
    styles: &Styles,
    pages: &mut [Draft],
    sink: &mut Sink<'_>,
) -> Result<(), ParseFailure> {
    let Some(first) = pages.first_mut() else { return Ok(()) };
    let notes = Notes::new();
    let mut seen = Vec::new();
    let is_part = |n: &&String, prefix: &str| {
        n.strip_prefix(prefix).is_some_and(|rest| rest.ends_with(".xml"))
    };
    for prefix in ["word/header", "word/footer"] {
        for name in names.iter().filter(|n| is_part(n, prefix)).take(FURNITURE_PARTS_MAX) {
            let read = |xml: &str| {
                let mut walker = Walker::new(styles, Numbering::default(), &notes);
                walker.walk(xml)?;
                Ok(walker.finish().0)
            };
            let blocks = optional(archive, name, sink, read)?.unwrap_or_default();
            let lines: Vec<_> =
                blocks.into_iter().flat_map(|p| p.blocks).flat_map(|b| b.lines).collect();
            let block = Block::new(BlockKind::PageFurniture, lines);
            if block.text().trim().is_empty() || seen.contains(&block.text()) {
                continue;
            }
            seen.push(block.text());
            let at = if prefix.ends_with("header") { 0 } else { first.blocks.len() };
            first.blocks.insert(at, block);
        }
    }
    Ok(())
}
