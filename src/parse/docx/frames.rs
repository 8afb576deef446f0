//! What is open while the body of a DOCX is walked: paragraphs inside cells inside tables.

use super::styles::{Role, Style};
use crate::limits::{TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use crate::marks;
use crate::model::{Block, BlockKind, Cell, Line, Table, TableRow};
use crate::table_header::header_rows;

/// An open paragraph.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    pub(super) text: String,
    pub(super) style: Style,
    /// Numbering given on the paragraph itself; list 0 switches the style's off.
    pub(super) list: (Option<i64>, Option<i64>),
    pub(super) breaks_before: bool,
    /// The section ends with this paragraph and the next begins on a new page.
    pub(super) ends_section: bool,
    /// The mark was computed; text behind a page break is a continuation.
    pub(super) is_marked: bool,
    /// Some of its text is not bold.
    pub(super) has_regular: bool,
}

/// Whether all of a paragraph's text is bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

impl Paragraph {
    /// List id and level, the paragraph's own before its style's.
    pub(super) fn numbering(&self) -> Option<(i64, i64)> {
        let list = self.list.0.or(self.style.list.0).filter(|&l| l != 0)?;
        Some((list, self.list.1.or(self.style.list.1).unwrap_or(0)))
    }

    /// The block of what has been read so far, if there is any text; `mark` is its number.
    pub(super) fn take_block(&mut self, mark: Option<&str>) -> Option<Block> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return None;
        }
        let mut lines: Vec<Line> =
            text.lines().map(str::trim_end).filter(|l| !l.is_empty()).map(Line::unplaced).collect();
        if let (Some(mark), Some(first)) = (mark, lines.first_mut()) {
            first.text = format!("{mark} {}", first.text.trim_start());
        }
        let is_caption = marks::is_caption(lines.first().map_or("", |l| l.text.trim()));
        let kind = match self.style.role {
            Some(Role::Title) => BlockKind::Heading { level: 1 },
            Some(Role::Heading(level)) => BlockKind::Heading { level },
            Some(Role::Caption) => BlockKind::Caption,
            Some(Role::Code) => BlockKind::Code,
            None if mark.is_some() => {
                let level = self.numbering().map_or(0, |(_, l)| l).clamp(0, 5) as u8 + 1;
                BlockKind::ListItem { level }
            }
            None if is_caption => BlockKind::Caption,
            None => BlockKind::Paragraph,
        };
        Some(Block::new(kind, lines))
    }
}

/// An open table.
#[derive(Debug, Default)]
pub(super) struct OpenTable {
    rows: Vec<TableRow>,
    /// For each row whether all of its text is bold.
    bold: Vec<bool>,
    row_has_regular: bool,
    header_rows: u32,
    row: Vec<Cell>,
    row_is_header: bool,
    cell: Option<OpenCell>,
    /// Word broke the page inside the row that is open.
    pub(super) breaks_at_row: bool,
}

#[derive(Debug)]
struct OpenCell {
    text: String,
    column_span: u32,
    continues_above: bool,
}

impl OpenTable {
    pub(super) fn begin_row(&mut self) {
        self.row.clear();
        self.row_is_header = false;
        self.row_has_regular = false;
    }

    pub(super) fn begin_cell(&mut self) {
        self.cell = Some(OpenCell { text: String::new(), column_span: 1, continues_above: false });
    }

    /// Marks the open row as header: only rows at the top count.
    pub(super) fn mark_header(&mut self) {
        self.row_is_header = true;
    }

    pub(super) fn span_columns(&mut self, columns: i64) {
        if let Some(cell) = &mut self.cell {
            cell.column_span = columns.clamp(1, TABLE_COLUMNS_MAX as i64) as u32;
        }
    }

    pub(super) fn continue_above(&mut self) {
        if let Some(cell) = &mut self.cell {
            cell.continues_above = true;
        }
    }

    /// Adds a paragraph or an inner table to the open cell.
    pub(super) fn add(&mut self, block: &Block, weight: Weight) {
        self.row_has_regular |= weight == Weight::Regular;
        if let Some(cell) = &mut self.cell {
            if !cell.text.is_empty() {
                cell.text.push('\n');
            }
            cell.text.push_str(&block.text());
        }
    }

    pub(super) fn end_cell(&mut self) {
        if let Some(cell) = self.cell.take()
            && self.row.len() < TABLE_COLUMNS_MAX
        {
            // A cell merged with the one above shows nothing of its own.
            let text = if cell.continues_above { String::new() } else { cell.text };
            self.row.push(Cell { text, column_span: cell.column_span });
        }
    }

    /// Ends the row; gives the table so far when the page breaks here or the table is too long.
    pub(super) fn end_row(&mut self) -> Option<Table> {
        let row = TableRow { cells: std::mem::take(&mut self.row), bbox: None };
        if row.cells.is_empty() {
            return None;
        }
        let full = self.rows.len() >= TABLE_ROWS_MAX;
        let cut = full || (std::mem::take(&mut self.breaks_at_row) && !self.rows.is_empty());
        let done = cut.then(|| {
            let table = self.table_so_far();
            self.rows.truncate(self.header_rows as usize);
            self.bold.truncate(self.header_rows as usize);
            table
        });
        if self.row_is_header && self.rows.len() == self.header_rows as usize {
            self.header_rows += 1;
        }
        self.rows.push(row);
        self.bold.push(!self.row_has_regular);
        done
    }

    fn table_so_far(&mut self) -> Table {
        // Word marks repeated headers only when the author asks for it.
        if self.header_rows == 0 {
            self.header_rows = header_rows(&self.rows, &self.bold);
        }
        // A table all of whose rows are header has none.
        if self.header_rows as usize >= self.rows.len() {
            self.header_rows = 0;
        }
        Table { header_rows: self.header_rows, rows: self.rows.clone() }
    }

    /// The whole table, if it has a cell with text.
    pub(super) fn finish(mut self) -> Option<Table> {
        let has_text = self.rows.iter().any(|r| r.cells.iter().any(|c| !c.text.trim().is_empty()));
        has_text.then(|| self.table_so_far())
    }
}
