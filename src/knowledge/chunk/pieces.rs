//! The smallest parts that chunks are made of: sentences, list items, rows, headings.

use std::ops::Range;

use parse::{Block, BlockKind, Page, Table};
use unicode_segmentation::UnicodeSegmentation as _;

use super::flow::{Cut, Flow, Joining, cut_word};

/// Longest piece, in characters. A character is at most one token of WordPiece, so a piece always
/// fits into a window; longer sentences become several pieces that stay together if they can.
const PIECE_MAX_CHARS: usize = 160;

/// Longest line that names the table below it without being marked as a caption, in characters.
const TABLE_TITLE_MAX_CHARS: usize = 120;

/// This many entries on a page make a table of contents.
const CONTENTS_MIN_ENTRIES: usize = 3;

/// A part of the text that is counted as one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) flow: Flow,
    /// What stands between it and the piece before it in the same chunk.
    pub(super) joiner: &'static str,
}

/// Pieces that should not be torn apart: a sentence, an item, a row. Indices of pieces.
pub(super) type Group = Range<usize>;

/// A document as a sequence of things to be put into chunks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Element {
    Heading { level: u8, group: Group },
    Text { groups: Vec<Group> },
    Caption { groups: Vec<Group> },
    Table { header: Vec<Group>, rows: Vec<Group> },
}

/// The pieces of a document, in reading order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    pub(super) elements: Vec<Element>,
    /// Language of each page, by page number.
    pub(super) page_languages: Vec<(u32, String)>,
}

impl Pieces {
    /// Cuts pages into pieces. Pages must come in order.
    pub(crate) fn of_pages(pages: &[Page]) -> Self {
        let mut pieces = Self::default();
        for page in pages {
            if let Some(language) = &page.language {
                pieces.page_languages.push((page.number, language.clone()));
            }
        }
        let blocks: Vec<(u32, &Block)> = pages.iter().flat_map(flowing).collect();
        for (at, &(page, block)) in blocks.iter().enumerate() {
            let next = blocks.get(at + 1).map(|&(_, next)| &next.kind);
            if matches!(next, Some(BlockKind::Table(_))) && is_table_title(block) {
                pieces.push_caption(block, page);
            } else {
                pieces.push_block(block, page);
            }
        }
        pieces
    }

    /// The text of each piece, in order: count their tokens.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.pieces.iter().map(|piece| piece.flow.text.clone()).collect()
    }

    fn push_block(&mut self, block: &Block, page: u32) {
        match &block.kind {
            BlockKind::PageFurniture => {}
            BlockKind::Heading { level } => {
                let flow = Flow::of_lines(&block.lines, page, Joining::Reflow);
                if !flow.text.is_empty() {
                    let group = self.push_group(&flow, 0..flow.text.len(), "\n");
                    self.elements.push(Element::Heading { level: *level, group });
                }
            }
            BlockKind::Paragraph => {
                let flow = Flow::of_lines(&block.lines, page, Joining::Reflow);
                let joiner = self.paragraph_joiner(&flow);
                let groups = self.push_sentences(&flow, joiner);
                self.push_text(groups);
            }
            BlockKind::ListItem { .. } => {
                let flow = Flow::of_lines(&block.lines, page, Joining::Reflow);
                let groups = self.push_sentences(&flow, "\n");
                self.push_text(groups);
            }
            BlockKind::Caption => self.push_caption(block, page),
            BlockKind::Code => {
                let flow = Flow::of_lines(&block.lines, page, Joining::Keep);
                let groups = self.push_lines(&flow);
                self.push_text(groups);
            }
            BlockKind::Table(table) => self.push_table(table, block, page),
        }
    }

    fn push_caption(&mut self, block: &Block, page: u32) {
        let flow = Flow::of_lines(&block.lines, page, Joining::Reflow);
        let groups = self.push_sentences(&flow, "\n");
        if !groups.is_empty() {
            self.elements.push(Element::Caption { groups });
        }
    }

    fn push_text(&mut self, groups: Vec<Group>) {
        if !groups.is_empty() {
            self.elements.push(Element::Text { groups });
        }
    }

    fn push_table(&mut self, table: &Table, block: &Block, page: u32) {
        let mut header = Vec::new();
        let mut rows = Vec::new();
        for (number, line) in (0_u32..).zip(&block.lines) {
            let flow = Flow::of_lines(std::slice::from_ref(line), page, Joining::Keep);
            if flow.text.trim().is_empty() {
                continue;
            }
            let group = self.push_group(&flow, 0..flow.text.len(), "\n");
            if number < table.header_rows { header.push(group) } else { rows.push(group) }
        }
        if rows.is_empty() {
            // A header without rows is a table of one row.
            rows = std::mem::take(&mut header);
        }
        if !rows.is_empty() {
            self.elements.push(Element::Table { header, rows });
        }
    }

    /// A paragraph that goes on where the page before it ended is one paragraph.
    fn paragraph_joiner(&mut self, flow: &Flow) -> &'static str {
        let goes_on = matches!(self.elements.last(), Some(Element::Text { .. }))
            && flow.text.chars().next().is_some_and(char::is_lowercase);
        let Some(before) = self.pieces.last_mut().filter(|_| goes_on) else { return "\n\n" };
        let is_other_page =
            before.flow.lines.last().map(|l| l.page) != flow.lines.first().map(|l| l.page);
        let ends = before.flow.text.ends_with(['.', '!', '?', ':', ';']);
        if !is_other_page || ends {
            return "\n\n";
        }
        match cut_word(&before.flow.text, &flow.text) {
            Cut::No => " ",
            Cut::KeepHyphen => "",
            Cut::DropHyphen => {
                before.flow.drop_hyphen();
                ""
            }
        }
    }

    /// One group for each sentence (Unicode Standard Annex 29).
    fn push_sentences(&mut self, flow: &Flow, joiner: &'static str) -> Vec<Group> {
        let mut groups = Vec::new();
        for (start, sentence) in flow.text.split_sentence_bound_indices() {
            let Some(range) = trimmed(start, sentence) else { continue };
            let joiner = if groups.is_empty() { joiner } else { " " };
            groups.push(self.push_group(flow, range, joiner));
        }
        groups
    }

    fn push_lines(&mut self, flow: &Flow) -> Vec<Group> {
        let mut groups = Vec::new();
        for line in &flow.lines {
            let joiner = if groups.is_empty() { "\n\n" } else { "\n" };
            groups.push(self.push_group(flow, line.start as usize..line.end as usize, joiner));
        }
        groups
    }

    /// One group: one piece, or several where it is too long for one.
    fn push_group(&mut self, flow: &Flow, range: Range<usize>, joiner: &'static str) -> Group {
        let first = self.pieces.len();
        let mut joiner = joiner;
        let mut start = range.start;
        while start < range.end {
            let rest = &flow.text[start..range.end];
            let (length, next, glue) = match rest.char_indices().nth(PIECE_MAX_CHARS) {
                None => (rest.len(), rest.len(), ""),
                Some((limit, _)) => cut_at_blank(rest, limit),
            };
            self.pieces.push(Piece { flow: flow.part(start..start + length), joiner });
            joiner = glue;
            start += next;
        }
        first..self.pieces.len()
    }
}

/// What of a page goes into chunks: its blocks without headers and footers, and without a table of
/// contents, which names everything and tells nothing.
fn flowing(page: &Page) -> Vec<(u32, &Block)> {
    let blocks: Vec<&Block> =
        page.blocks.iter().filter(|block| block.kind != BlockKind::PageFurniture).collect();
    let is_entry: Vec<bool> = blocks.iter().map(|block| is_contents_entry(block)).collect();
    let has_contents = is_entry.iter().filter(|&&entry| entry).count() >= CONTENTS_MIN_ENTRIES;
    let is_contents = |at: usize| {
        let titles_entry = matches!(blocks[at].kind, BlockKind::Heading { .. })
            && is_entry.get(at + 1) == Some(&true);
        has_contents && (is_entry[at] || titles_entry)
    };
    let kept = (0..blocks.len()).filter(|&at| !is_contents(at));
    kept.map(|at| (page.number, blocks[at])).collect()
}

/// `5.2 Changing the seal … 11`: leader dots and a page number.
fn is_contents_entry(block: &Block) -> bool {
    let is_text = matches!(
        block.kind,
        BlockKind::Paragraph | BlockKind::ListItem { .. } | BlockKind::Heading { .. }
    );
    is_text
        && !block.lines.is_empty()
        && block.lines.iter().all(|line| {
            let text = line.text.trim_end();
            let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
            let leader = before.trim_end();
            let dots = leader.chars().rev().take_while(|c| matches!(c, '.' | '·' | ' ')).count();
            before.len() < text.len() && (leader.ends_with('…') || dots >= 3)
        })
}

/// A short line over a table that is no sentence ("Card in slot 5") says what the table is about.
fn is_table_title(block: &Block) -> bool {
    let text: usize = block.lines.iter().map(|line| line.text.chars().count()).sum();
    let last = block.lines.last().map_or("", |line| line.text.trim_end());
    matches!(block.kind, BlockKind::Paragraph)
        && (1..=TABLE_TITLE_MAX_CHARS).contains(&text)
        && !last.ends_with(['.', '!', '?', ';'])
}

/// Where to cut `text` at or before byte `limit`: length of the part, where the next one begins,
/// and what stood between them.
fn cut_at_blank(text: &str, limit: usize) -> (usize, usize, &'static str) {
    let blank = text[..limit].rfind([' ', '\t']).filter(|at| *at > 0);
    match blank {
        Some(at) => (at, at + 1, if text.as_bytes()[at] == b'\t' { "\t" } else { " " }),
        None => (limit, limit, ""),
    }
}

/// The range of `text`, which begins at `start`, without white space around it.
fn trimmed(start: usize, text: &str) -> Option<Range<usize>> {
    let inner = text.trim_start();
    let start = start + (text.len() - inner.len());
    let inner = inner.trim_end();
    (!inner.is_empty()).then(|| start..start + inner.len())
}
