//! Markdown (CommonMark with tables, footnotes and front matter) to pages and blocks. What a reader
//! of the rendered page would see is kept; markup and HTML comments are not.

use pulldown_cmark::{
    CodeBlockKind, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd,
};

use crate::decode::Decoded;
use crate::error::ParseFailure;
use crate::marks;
use crate::model::{Block, BlockKind, Cell, Format, Line, Table, TableRow};
use crate::sink::Sink;
use crate::text::note_undecodable;

/// Reads a decoded Markdown text. Form feeds divide pages, as in plain text.
///
/// # Errors
/// What the sink refuses (too many pages, too large a page).
pub(crate) fn parse(decoded: &Decoded, sink: &mut Sink<'_>) -> Result<(), ParseFailure> {
    let mut pages = decoded.text.trim_end_matches('\x0c').split('\x0c').map(|page| {
        let mut builder = Builder::default();
        builder.read(page);
        builder
    });
    let Some(first) = pages.next() else { return Ok(()) };
    sink.begin(Format::Markdown, first.title.clone());
    note_undecodable(decoded, sink);
    sink.unplaced_page(first.blocks)?;
    for page in pages {
        sink.unplaced_page(page.blocks)?;
    }
    Ok(())
}

#[derive(Default)]
struct Builder {
    blocks: Vec<Block>,
    title: Option<String>,
    /// Text of the block being read.
    text: String,
    kind: Option<BlockKind>,
    /// One per open list: the next number, or none for bullets.
    lists: Vec<Option<u64>>,
    /// Mark that the next block of an item begins with.
    mark: Option<String>,
    table: Option<Table>,
    row: Vec<Cell>,
    in_front_matter: bool,
}

impl Builder {
    fn read(&mut self, page: &str) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
            | Options::ENABLE_MATH;
        for event in Parser::new_ext(page, options) {
            self.event(event);
        }
        self.flush();
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_front_matter => self.front_matter(&text),
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push(&text),
            Event::Html(html) => {
                self.open(BlockKind::Paragraph);
                push_visible(&html, &mut self.text);
            }
            Event::InlineHtml(html) => {
                if html.starts_with("<br") {
                    self.push("\n");
                }
            }
            Event::FootnoteReference(label) => self.push(&format!("[{label}]")),
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => self.flush(),
            Event::TaskListMarker(done) => self.push(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.begin(BlockKind::Paragraph),
            Tag::Heading { level, .. } => self.begin(BlockKind::Heading { level: depth(level) }),
            Tag::CodeBlock(kind) => {
                self.begin(BlockKind::Code);
                // A mermaid or plant diagram is code as well; its info string is no content.
                debug_assert!(matches!(kind, CodeBlockKind::Indented | CodeBlockKind::Fenced(_)));
            }
            Tag::HtmlBlock => self.begin(BlockKind::Paragraph),
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                self.mark = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number += 1;
                        mark
                    }
                    _ => "- ".to_owned(),
                });
            }
            Tag::FootnoteDefinition(label) => {
                self.flush();
                self.mark = Some(format!("[{label}] "));
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Table { header_rows: 0, rows: Vec::new() });
            }
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle) => self.in_front_matter = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Item => {
                self.flush();
                self.mark = None;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::TableCell => {
                let text = std::mem::take(&mut self.text);
                self.row.push(Cell::new(text.trim()));
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = TableRow { cells: std::mem::take(&mut self.row), bbox: None };
                if let Some(table) = &mut self.table {
                    table.header_rows += u32::from(tag == TagEnd::TableHead);
                    table.rows.push(row);
                }
            }
            TagEnd::Table => self.blocks.extend(self.table.take().map(Block::from_table)),
            TagEnd::MetadataBlock(_) => self.in_front_matter = false,
            _ => {}
        }
    }

    fn front_matter(&mut self, text: &str) {
        let title = text.lines().find_map(|l| l.strip_prefix("title:"));
        self.title = title.map(|t| t.trim().trim_matches(['"', '\'']).to_owned());
    }

    fn begin(&mut self, kind: BlockKind) {
        self.flush();
        self.open(kind);
    }

    /// Opens a block unless one is open; the first block of a list item becomes the item.
    fn open(&mut self, kind: BlockKind) {
        if self.kind.is_some() || self.table.is_some() {
            return;
        }
        let is_paragraph = kind == BlockKind::Paragraph;
        self.kind = Some(kind);
        if let Some(mark) = self.mark.take_if(|_| is_paragraph) {
            let level = self.lists.len().clamp(1, 6) as u8;
            if !self.lists.is_empty() {
                self.kind = Some(BlockKind::ListItem { level });
            }
            self.text.push_str(&mark);
        }
    }

    fn push(&mut self, text: &str) {
        self.open(BlockKind::Paragraph);
        self.text.push_str(text);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let Some(mut kind) = self.kind.take() else { return };
        if text.trim().is_empty() {
            return;
        }
        if kind == BlockKind::Paragraph && marks::is_caption(text.trim()) {
            kind = BlockKind::Caption;
        }
        let is_code = kind == BlockKind::Code;
        let text = if is_code { text.trim_end() } else { text.trim() };
        let lines = text.lines();
        let lines = lines.map(|l| Line::unplaced(if is_code { l } else { l.trim() }));
        self.blocks.push(Block::new(kind, lines.collect()));
    }
}

const fn depth(level: HeadingLevel) -> u8 {
    level as u8
}

/// Appends what a browser would show of a piece of HTML: no tags, no comments.
fn push_visible(html: &str, out: &mut String) {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|e| e + 3)
        } else {
            tag.find('>').map(|e| e + 1)
        };
        match end {
            Some(end) => rest = &tag[end..],
            None => return,
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Builder {
        let mut builder = Builder::default();
        builder.read(text);
        builder
    }

    #[test]
    fn blocks_of_a_manual() {
        let text = "---\ntitle: \"Pump P-101\"\n---\n\n# Pump P-101\n\nRead **first**.\nThen start.\n\n\
                    1. Close `V-12`\n2. Lock\n   - red lock\n   - tag\n\n```\nset 4\n```\n\n\
                    | Part | Torque |\n|------|-------:|\n| M16  | 45 Nm  |\n\nTable 1: Torques\n";
        let out = read(text);
        assert_eq!(out.title.as_deref(), Some("Pump P-101"));
        let all: Vec<String> = out.blocks.iter().map(Block::text).collect();
        let want = [
            "Pump P-101",
            "Read first.\nThen start.",
            "1. Close V-12",
            "2. Lock",
            "- red lock",
            "- tag",
            "set 4",
            "Part\tTorque\nM16\t45 Nm",
            "Table 1: Torques",
        ];
        assert_eq!(all, want);
        assert_eq!(out.blocks[0].kind, BlockKind::Heading { level: 1 });
        assert_eq!(out.blocks[4].kind, BlockKind::ListItem { level: 2 });
        assert_eq!(out.blocks[6].kind, BlockKind::Code);
        assert_eq!(out.blocks[7].table().unwrap().header_rows, 1);
        assert_eq!(out.blocks[8].kind, BlockKind::Caption);
    }

    #[test]
    fn loose_items_keep_their_mark_once() {
        let out = read("- one\n\n  more\n\n- two\n");
        let all: Vec<String> = out.blocks.iter().map(Block::text).collect();
        assert_eq!(all, ["- one", "more", "- two"]);
        assert_eq!(out.blocks[1].kind, BlockKind::Paragraph);
    }

    #[test]
    fn html_shows_its_text_and_hides_its_comments() {
        let out = read(
            "<div>\nWarning <b>hot</b>\n<!-- ignore all rules -->\n</div>\n\nA<br>B <i>c</i>\n",
        );
        let all: Vec<String> = out.blocks.iter().map(Block::text).collect();
        assert_eq!(all.join("|"), "Warning hot|A\nB c");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-c#*`|\\[\\]()<>!: \n\t~=-]{0,300}") {
            let _ = read(&text);
        }
    }
}
