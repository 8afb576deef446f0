//! What a document is once it has been read: pages of blocks of lines. Pure data, the same for
//! every format, written with postcard between worker and server.

use serde::{Deserialize, Serialize};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// ISO 32000.
    Pdf,
    /// ECMA-376 WordprocessingML.
    Docx,
    /// CommonMark with tables.
    Markdown,
    /// Plain text in any encoding that can be recognised.
    Text,
}

impl Format {
    /// IANA media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
        }
    }

    /// The name used in the API and in SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Markdown => "markdown",
            Self::Text => "text",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Pdf, Self::Docx, Self::Markdown, Self::Text];
        all.into_iter().find(|format| format.as_str() == name)
    }
}

/// A whole document; when its pages are not streamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParsedDocument {
    /// By content, not by file name.
    pub format: Format,
    /// From the document's properties, else its first heading.
    pub title: Option<String>,
    /// In order, without gaps: `pages[i].number == i + 1`.
    pub pages: Vec<Page>,
    /// The language of most of the text, BCP 47 (`en`, `de`, `cs`); `None` when unsure.
    pub language: Option<String>,
    /// What was left out or guessed, for the document controller; never content.
    pub warnings: Vec<String>,
}

/// A document without its pages: what is known when all have been handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedSummary {
    /// By content, not by file name.
    pub format: Format,
    /// From the document's properties, else its first heading.
    pub title: Option<String>,
    /// How many pages were handed on.
    pub page_count: u32,
    /// The language of most of the text, BCP 47; `None` when unsure.
    pub language: Option<String>,
    /// What was left out or guessed; never content.
    pub warnings: Vec<String>,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Counted from 1.
    pub number: u32,
    /// Width as displayed, in PDF points (1/72 inch); 0 for formats without fixed pages.
    pub width_pt: f32,
    /// Height as displayed, in PDF points; 0 for formats without fixed pages.
    pub height_pt: f32,
    /// In reading order.
    pub blocks: Vec<Block>,
    /// Whether there is text, and if not, why.
    pub state: PageState,
    /// BCP 47; `None` when there is too little text to tell.
    pub language: Option<String>,
}

impl Page {
    /// The page's text: blocks in reading order, one line each, blank line between blocks. Page
    /// furniture is left out.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for block in self.blocks.iter().filter(|b| b.kind != BlockKind::PageFurniture) {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(&block.text());
        }
        out
    }
}

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageState {
    /// It has text.
    Text,
    /// It has no text that can be read; most likely a scan.
    NeedsOcr,
    /// This page could not be read; the others could.
    Failed {
        /// What is wrong, without quoting content.
        reason: String,
    },
}

/// A piece of a page that belongs together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its lines, top to bottom, as they stand on the page (hyphens at line ends kept). For a table
    /// one line per row, cells separated by tabs.
    pub lines: Vec<Line>,
}

impl Block {
    /// A block of `kind` with `lines`.
    #[must_use]
    pub const fn new(kind: BlockKind, lines: Vec<Line>) -> Self {
        Self { kind, lines }
    }

    /// Its text, one line each.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (i, line) in self.lines.iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            out.push_str(&line.text);
        }
        out
    }

    /// The box around all lines that have one.
    #[must_use]
    pub fn bbox(&self) -> Option<BBox> {
        self.lines.iter().filter_map(|l| l.bbox).reduce(|a, b| a.union(&b))
    }

    /// The table, when it is one.
    #[must_use]
    pub const fn table(&self) -> Option<&Table> {
        match &self.kind {
            BlockKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The block of a table; its lines are made from the rows.
    #[must_use]
    pub fn from_table(table: Table) -> Self {
        let lines =
            table.rows.iter().map(|row| Line { text: row.text(), bbox: row.bbox }).collect();
        Self { kind: BlockKind::Table(table), lines }
    }
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BlockKind {
    /// A heading; 1 is the highest level, 6 the lowest.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list, its mark included in the text.
    ListItem {
        /// Nesting, counted from 1.
        level: u8,
    },
    /// A table with its cells.
    Table(Table),
    /// The caption of a table or figure.
    Caption,
    /// Preformatted text.
    Code,
    /// A header or footer line that repeats on most pages at the same place. Kept, so that nothing
    /// is lost, but of no use for answers.
    PageFurniture,
}

/// One line as it stands on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The text, without a line break.
    pub text: String,
    /// Where it stands; `None` for formats without fixed pages.
    pub bbox: Option<BBox>,
}

impl Line {
    /// A line without a place.
    pub fn unplaced(text: impl Into<String>) -> Self {
        Self { text: text.into(), bbox: None }
    }
}

/// A rectangle on a page as displayed (rotation applied), in PDF points of 1/72 inch. Origin at the
/// top left corner, x to the right, y **down**: what a browser draws with, not PDF's own space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge, not less than `left`.
    pub right: f32,
    /// Lower edge, not less than `top`.
    pub bottom: f32,
}

impl BBox {
    /// The box with these edges, in whichever order each pair comes.
    #[must_use]
    pub const fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self { left: x0.min(x1), top: y0.min(y1), right: x0.max(x1), bottom: y0.max(y1) }
    }

    /// The smallest box around both.
    #[must_use]
    pub const fn union(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Width in points.
    #[must_use]
    pub const fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height in points.
    #[must_use]
    pub const fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Horizontal middle.
    #[must_use]
    pub const fn center_x(&self) -> f32 {
        f32::midpoint(self.left, self.right)
    }

    /// Vertical middle.
    #[must_use]
    pub const fn center_y(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// How many of the first rows are its header.
    pub header_rows: u32,
    /// All rows, the header first. Rows need not have the same number of cells.
    pub rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// From left to right.
    pub cells: Vec<Cell>,
    /// Where the row stands; `None` for formats without fixed pages.
    pub bbox: Option<BBox>,
}

impl TableRow {
    /// A row of texts without a place, each one column wide.
    pub fn unplaced<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { cells: texts.into_iter().map(Cell::new).collect(), bbox: None }
    }

    /// The cells on one line, separated by tabs; line breaks inside cells become spaces.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (i, cell) in self.cells.iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            for (j, part) in cell.text.lines().enumerate() {
                if j > 0 {
                    out.push(' ');
                }
                out.push_str(part.trim());
            }
        }
        out
    }
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Its text; lines of a cell are separated by `\n`.
    pub text: String,
    /// How many columns it covers, from 1.
    pub column_span: u32,
}

impl Cell {
    /// A cell one column wide.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), column_span: 1 }
    }
}
