//! Pieces into chunks: neighbours until the window is full.

use base::PageNumber;

use super::flow::offset;
use super::pieces::{Element, Group, Pieces};
use crate::passages::ChunkLine;
use crate::text::detect_passage;

/// How large chunks are, in tokens of the embedder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkOptions {
    /// Most tokens of a chunk, with the headings above it: what the embedder sees of a text.
    pub window_tokens: u32,
    /// Tokens that a chunk repeats of the one before it in the same section.
    pub overlap_tokens: u32,
}

impl Default for ChunkOptions {
    /// The embedder reads 256 tokens, two of which frame the text; what is beyond would be found
    /// by its words alone.
    fn default() -> Self {
        Self { window_tokens: 254, overlap_tokens: 50 }
    }
}

/// A chunk that is not stored yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkDraft {
    /// The text, blocks and rows on lines of their own, cells separated by tabs.
    pub text: String,
    /// Headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Page on which it begins.
    pub page_first: PageNumber,
    /// Page on which it ends.
    pub page_last: PageNumber,
    /// Where its lines stand, in the order of the text.
    pub lines: Vec<ChunkLine>,
    /// Tokens of the text.
    pub token_count: u32,
    /// BCP 47.
    pub language: Option<String>,
    /// `table` when it holds rows of one, else `prose`.
    pub kind: &'static str,
}

impl Pieces {
    /// Puts pieces together. `counts` are the tokens of [`Pieces::texts`]; `language` is the
    /// document's, for chunks that don't tell theirs.
    pub(crate) fn assemble(
        &self,
        counts: &[u32],
        language: Option<&str>,
        options: ChunkOptions,
    ) -> Vec<ChunkDraft> {
        let mut assembly = Assembly {
            pieces: self,
            counts,
            language,
            options,
            path: Vec::new(),
            open: Open::default(),
            headings: Vec::new(),
            caption: Vec::new(),
            drafts: Vec::new(),
        };
        for element in &self.elements {
            assembly.element(element);
        }
        assembly.end();
        assembly.drafts
    }
}

/// The chunk that is being filled.
#[derive(Default)]
struct Open {
    /// Headings first, then body.
    groups: Vec<Group>,
    /// How many of them are headings, a repeated header or overlap: alone they are no chunk.
    preamble: usize,
    tokens: u32,
    has_table: bool,
}

impl Open {
    fn has_body(&self) -> bool {
        self.groups.len() > self.preamble
    }
}

struct Assembly<'p> {
    pieces: &'p Pieces,
    counts: &'p [u32],
    language: Option<&'p str>,
    options: ChunkOptions,
    /// Headings in force.
    path: Vec<(u8, Group)>,
    open: Open,
    /// Headings that no text has followed yet.
    headings: Vec<Group>,
    /// A caption that waits for its table.
    caption: Vec<Group>,
    drafts: Vec<ChunkDraft>,
}

impl Assembly<'_> {
    fn element(&mut self, element: &Element) {
        match element {
            Element::Heading { level, group } => self.heading(*level, group),
            Element::Caption { groups } => {
                self.release_caption();
                self.caption.clone_from(groups);
            }
            Element::Text { groups } => {
                self.release_caption();
                for group in groups {
                    self.body(group);
                }
            }
            Element::Table { header, rows } => self.table(header, rows),
        }
    }

    fn end(&mut self) {
        self.release_caption();
        self.close();
        self.headings_alone();
    }

    fn heading(&mut self, level: u8, group: &Group) {
        self.release_caption();
        self.close();
        let waiting: u32 = self.headings.iter().map(|h| self.tokens(h)).sum();
        if waiting + self.tokens(group) > self.options.window_tokens / 2 {
            self.headings_alone();
        }
        self.path.retain(|(above, _)| *above < level);
        self.path.push((level, group.clone()));
        self.headings.push(group.clone());
    }

    /// Headings without text are a chunk, so that they can be found.
    fn headings_alone(&mut self) {
        self.begin();
        self.close();
    }

    /// A caption without a table is text.
    fn release_caption(&mut self) {
        for group in std::mem::take(&mut self.caption) {
            self.body(&group);
        }
    }

    fn tokens(&self, group: &Group) -> u32 {
        self.counts.get(group.clone()).unwrap_or_default().iter().sum()
    }

    /// Tokens that a chunk may have: the window less the headings that are put before it.
    fn budget(&self) -> u32 {
        let window = self.options.window_tokens;
        let above: u32 = self.path.iter().map(|(_, group)| self.tokens(group)).sum();
        window - above.min(window / 4)
    }

    /// Headings that wait go first into a chunk.
    fn begin(&mut self) {
        if self.open.groups.is_empty() {
            for heading in std::mem::take(&mut self.headings) {
                self.push(&heading);
            }
            self.open.preamble = self.open.groups.len();
        }
    }

    fn push(&mut self, group: &Group) {
        self.open.tokens += self.tokens(group);
        self.open.groups.push(group.clone());
    }

    fn body(&mut self, group: &Group) {
        self.begin();
        let (tokens, budget) = (self.tokens(group), self.budget());
        if self.open.tokens + tokens > budget && self.open.has_body() {
            let overlap = self.overlap(tokens, budget);
            self.close();
            for group in overlap {
                self.push(&group);
            }
            self.open.preamble = self.open.groups.len();
        }
        if self.open.tokens + tokens <= budget {
            self.push(group);
        } else {
            self.push_in_parts(group, budget);
        }
    }

    /// A group that is longer than a window, piece by piece.
    fn push_in_parts(&mut self, group: &Group, budget: u32) {
        for piece in group.clone() {
            let part = piece..piece + 1;
            if self.open.tokens + self.tokens(&part) > budget && !self.open.groups.is_empty() {
                let has_table = self.open.has_table;
                self.close();
                self.open.has_table = has_table;
            }
            self.push(&part);
        }
    }

    /// The last whole groups of the open chunk that are worth repeating before a group of `tokens`.
    fn overlap(&self, tokens: u32, budget: u32) -> Vec<Group> {
        if self.open.has_table {
            return Vec::new();
        }
        let body = &self.open.groups[self.open.preamble..];
        let mut sum = 0;
        let fitting = body.iter().rev().take_while(|group| {
            sum += self.tokens(group);
            sum <= self.options.overlap_tokens && sum + tokens <= budget
        });
        // Repeating all of it would be no progress.
        let count = fitting.count().min(body.len().saturating_sub(1));
        body[body.len() - count..].to_vec()
    }

    fn table(&mut self, header: &[Group], rows: &[Group]) {
        let caption = std::mem::take(&mut self.caption);
        self.begin();
        let all = caption.iter().chain(header).chain(rows);
        let total: u32 = all.clone().map(|group| self.tokens(group)).sum();
        let budget = self.budget();
        if self.open.tokens + total > budget && self.open.has_body() {
            self.close();
        }
        if self.open.tokens + total <= budget {
            for group in all {
                self.push(group);
            }
            self.open.has_table = true;
            return;
        }
        for group in &caption {
            self.push(group);
        }
        let header_tokens: u32 = header.iter().map(|group| self.tokens(group)).sum();
        // A header that fills the window would leave no room for rows.
        let is_repeated = header_tokens <= budget / 3;
        for group in header {
            self.push_row(group, &[], budget);
        }
        self.open.preamble = self.open.groups.len();
        for row in rows {
            self.push_row(row, if is_repeated { header } else { &[] }, budget);
        }
        self.close();
    }

    fn push_row(&mut self, row: &Group, header: &[Group], budget: u32) {
        if self.open.tokens + self.tokens(row) > budget && self.open.has_body() {
            self.close();
            for group in header {
                self.push(group);
            }
            self.open.preamble = self.open.groups.len();
        }
        self.open.has_table = true;
        if self.open.tokens + self.tokens(row) <= budget {
            self.push(row);
        } else {
            self.push_in_parts(row, budget);
        }
    }

    /// Makes a draft of the open chunk.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if open.groups.is_empty() {
            return;
        }
        let mut text = String::new();
        let mut lines: Vec<ChunkLine> = Vec::new();
        for (at, index) in open.groups.iter().cloned().flatten().enumerate() {
            let Some(piece) = self.pieces.pieces.get(index) else { continue };
            if at > 0 {
                text.push_str(piece.joiner);
            }
            let base = offset(text.len());
            text.push_str(&piece.flow.text);
            for line in &piece.flow.lines {
                push_line(
                    &mut lines,
                    ChunkLine { start: line.start + base, end: line.end + base, ..line.clone() },
                );
            }
        }
        let pages = lines.iter().map(|line| line.page);
        let (first, last) = (pages.clone().min().unwrap_or(1), pages.max().unwrap_or(1));
        self.drafts.push(ChunkDraft {
            language: self.language_of(&text, first),
            heading_path: self.path.iter().map(|(_, group)| self.text_of(group)).collect(),
            page_first: PageNumber(first),
            page_last: PageNumber(last),
            token_count: open.tokens,
            kind: if open.has_table { "table" } else { "prose" },
            text,
            lines,
        });
    }

    fn text_of(&self, group: &Group) -> String {
        let pieces = self.pieces.pieces.get(group.clone()).unwrap_or_default();
        let mut text = String::new();
        for piece in pieces {
            if !text.is_empty() {
                text.push_str(piece.joiner);
            }
            text.push_str(&piece.flow.text);
        }
        text
    }

    /// What the text itself tells, else its page, else the document.
    fn language_of(&self, text: &str, page: u32) -> Option<String> {
        let of_page = || {
            let languages = &self.pieces.page_languages;
            languages.iter().find(|(number, _)| *number == page).map(|(_, l)| l.clone())
        };
        detect_passage(text)
            .map(|language| language.tag().to_owned())
            .or_else(of_page)
            .or_else(|| self.language.map(str::to_owned))
    }
}

/// Adds a line; parts of one printed line that follow each other are one.
fn push_line(lines: &mut Vec<ChunkLine>, line: ChunkLine) {
    match lines.last_mut() {
        Some(last)
            if last.bbox.is_some()
                && last.bbox == line.bbox
                && last.page == line.page
                && line.start <= last.end + 1 =>
        {
            last.end = line.end;
        }
        _ => lines.push(line),
    }
}
