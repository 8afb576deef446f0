//! Walks the body of a DOCX (or a header, or a footer) once, from its first tag to its last.

use std::collections::{BTreeMap, BTreeSet};

use super::frames::{OpenTable, Paragraph, Weight};
use super::numbering::Numbering;
use super::styles::{Styles, role_of_outline};
use super::xml::{Element, Node, Nodes};
use crate::error::ParseFailure;
use crate::model::{Block, BlockKind, Line};
use crate::sink::Draft;

/// Footnotes (`f`) and endnotes (`e`) by id.
pub(super) type Notes = BTreeMap<(char, i64), String>;

/// Elements whose content is not part of the document as it stands: deleted or moved text, field
/// instructions, the second version of drawings for old programs, comments.
const SKIPPED: &[&str] = &[
    "del",
    "moveFrom",
    "delText",
    "instrText",
    "delInstrText",
    "Fallback",
    "annotation",
    "binData",
];

const HIDDEN_WARNING: &str = "Hidden text was left out.";

/// Walks one part.
pub(super) struct Walker<'d> {
    styles: &'d Styles,
    numbering: Numbering,
    notes: &'d Notes,
    pages: Vec<Draft>,
    frames: Vec<Frame>,
    /// Names of the open elements.
    stack: Vec<String>,
    /// Depth of the element whose content is skipped.
    skipped_from: Option<usize>,
    run_is_hidden: bool,
    run_is_bold: bool,
    /// Notes referred to on the open page.
    page_notes: Vec<(char, i64)>,
    /// Each note is written out once, however often it is referred to.
    notes_seen: BTreeSet<(char, i64)>,
    page_has_content: bool,
    warnings: Vec<&'static str>,
}

enum Frame {
    Paragraph(Paragraph),
    Table(OpenTable),
}

impl<'d> Walker<'d> {
    /// A walker for a document with these styles, lists and notes.
    pub(super) fn new(styles: &'d Styles, numbering: Numbering, notes: &'d Notes) -> Self {
        Self {
            styles,
            numbering,
            notes,
            pages: vec![Draft::default()],
            frames: Vec::new(),
            stack: Vec::new(),
            skipped_from: None,
            run_is_hidden: false,
            run_is_bold: false,
            page_notes: Vec::new(),
            notes_seen: BTreeSet::new(),
            page_has_content: false,
            warnings: Vec::new(),
        }
    }

    /// Walks `xml`.
    pub(super) fn walk(&mut self, xml: &str) -> Result<(), ParseFailure> {
        let mut nodes = Nodes::new(xml);
        while let Some(node) = nodes.next()? {
            match node {
                Node::Open(e) => {
                    self.stack.push(e.name().to_owned());
                    if self.skipped_from.is_some() {
                        continue;
                    }
                    if SKIPPED.contains(&e.name()) {
                        self.skipped_from = Some(self.stack.len());
                    } else {
                        self.open(&e);
                    }
                }
                Node::Close => {
                    let depth = self.stack.len();
                    let name = self.stack.pop().unwrap_or_default();
                    if self.skipped_from == Some(depth) {
                        self.skipped_from = None;
                    } else if self.skipped_from.is_none() {
                        self.close(&name);
                    }
                }
                Node::Text(text) => self.text(&text),
            }
        }
        Ok(())
    }

    /// The pages and what was left out.
    pub(super) fn finish(mut self) -> (Vec<Draft>, Vec<&'static str>) {
        self.end_page_notes();
        if !self.page_has_content && self.pages.len() > 1 {
            self.pages.pop();
        }
        (self.pages, self.warnings)
    }

    fn parent(&self) -> &str {
        self.stack.len().checked_sub(2).map_or("", |i| self.stack[i].as_str())
    }

    fn paragraph(&mut self) -> Option<&mut Paragraph> {
        match self.frames.last_mut()? {
            Frame::Paragraph(paragraph) => Some(paragraph),
            Frame::Table(_) => None,
        }
    }

    fn table(&mut self) -> Option<&mut OpenTable> {
        match self.frames.last_mut()? {
            Frame::Table(table) => Some(table),
            Frame::Paragraph(_) => None,
        }
    }

    fn open(&mut self, e: &Element<'_>) {
        match e.name() {
            "p" => self.frames.push(Frame::Paragraph(Paragraph::default())),
            "tbl" => self.frames.push(Frame::Table(OpenTable::default())),
            "tr" => self.with_table(OpenTable::begin_row),
            "tc" => self.with_table(OpenTable::begin_cell),
            "tblHeader" if e.is_on() => self.with_table(OpenTable::mark_header),
            "gridSpan" => {
                let columns = e.number("val").unwrap_or(1);
                self.with_table(|t| t.span_columns(columns));
            }
            "vMerge" if e.attribute("val").as_deref() != Some("restart") => {
                self.with_table(OpenTable::continue_above);
            }
            "r" => {
                self.run_is_hidden = false;
                self.run_is_bold = false;
            }
            "b" if self.in_run_properties() => self.run_is_bold = e.is_on(),
            "vanish" | "webHidden" if e.is_on() && self.in_run_properties() => {
                self.run_is_hidden = e.name() == "vanish";
            }
            "tab" if self.parent() == "r" => self.push("\t"),
            "br" if e.attribute("type").as_deref() == Some("page") => self.page_break(true),
            "br" | "cr" if self.parent() == "r" => self.push("\n"),
            "lastRenderedPageBreak" => self.page_break(false),
            "noBreakHyphen" => self.push("-"),
            "sym" => self.symbol(e),
            "drawing" | "pict" | "object" => self.page_has_content = true,
            "footnoteReference" => self.note('f', e),
            "endnoteReference" => self.note('e', e),
            _ => self.property(e),
        }
    }

    /// Properties of the open paragraph.
    fn property(&mut self, e: &Element<'_>) {
        let styles = self.styles;
        let Some(paragraph) = self.paragraph() else { return };
        match e.name() {
            "pStyle" => {
                if let Some(id) = e.attribute("val") {
                    paragraph.style = styles.get(&id);
                }
            }
            "numId" => paragraph.list.0 = e.number("val"),
            "ilvl" => paragraph.list.1 = e.number("val"),
            "outlineLvl" => {
                if let Some(role) = e.number("val").and_then(role_of_outline) {
                    paragraph.style.role = Some(role);
                }
            }
            "pageBreakBefore" => paragraph.breaks_before = e.is_on(),
            "sectPr" => paragraph.ends_section = true,
            "type" if e.attribute("val").as_deref() == Some("continuous") => {
                paragraph.ends_section = false;
            }
            _ => {}
        }
    }

    fn in_run_properties(&self) -> bool {
        let n = self.stack.len();
        n >= 3 && self.stack[n - 2] == "rPr" && self.stack[n - 3] == "r"
    }

    fn with_table(&mut self, change: impl FnOnce(&mut OpenTable)) {
        if let Some(table) = self.table() {
            change(table);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.end_paragraph(),
            "tc" => self.with_table(OpenTable::end_cell),
            "tr" => {
                if let Some(done) = self.table().and_then(OpenTable::end_row) {
                    // The table itself is still open; what is done of it goes around it.
                    let open = self.frames.pop();
                    self.emit(Block::from_table(done), Weight::Regular);
                    if self.frames.is_empty() {
                        self.new_page();
                    }
                    self.frames.extend(open);
                }
            }
            "tbl" => {
                if matches!(self.frames.last(), Some(Frame::Table(_)))
                    && let Some(Frame::Table(table)) = self.frames.pop()
                    && let Some(table) = table.finish()
                {
                    self.emit(Block::from_table(table), Weight::Regular);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let is_text = self.stack.last().is_some_and(|n| n == "t");
        if self.skipped_from.is_some() || !is_text {
            return;
        }
        if self.run_is_hidden {
            if !self.warnings.contains(&HIDDEN_WARNING) && !text.trim().is_empty() {
                self.warnings.push(HIDDEN_WARNING);
            }
            return;
        }
        self.push(text);
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraph() {
            if paragraph.breaks_before {
                paragraph.breaks_before = false;
                self.page_break(true);
            }
            let is_regular = !self.run_is_bold && !text.trim().is_empty();
            if let Some(paragraph) = self.paragraph() {
                paragraph.text.push_str(text);
                paragraph.has_regular |= is_regular;
            }
        }
    }

    /// A character given by its number in a symbol font; the private ones have no meaning outside.
    fn symbol(&mut self, e: &Element<'_>) {
        let code = e.attribute("char").and_then(|c| u32::from_str_radix(&c, 16).ok());
        let c = code.and_then(char::from_u32).filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c));
        if let Some(c) = c.filter(|c| !c.is_control()) {
            self.push(c.encode_utf8(&mut [0; 4]));
        }
    }

    fn note(&mut self, kind: char, e: &Element<'_>) {
        if let Some(id) = e.number("id")
            && self.notes.contains_key(&(kind, id))
        {
            self.push(&format!("[{id}]"));
            if self.notes_seen.insert((kind, id)) {
                self.page_notes.push((kind, id));
            }
        }
    }

    /// A page ends here. Where Word broke the page by itself right behind a break of the author,
    /// both mean the same one.
    fn page_break(&mut self, is_explicit: bool) {
        let in_table = self.frames.iter().any(|f| matches!(f, Frame::Table(_)));
        if in_table {
            // The row goes to the next page as a whole.
            if !is_explicit && let Some(Frame::Table(outer)) = self.frames.first_mut() {
                outer.breaks_at_row = true;
            }
            return;
        }
        self.flush_paragraph();
        self.new_page();
    }

    fn new_page(&mut self) {
        if self.page_has_content {
            self.end_page_notes();
            self.pages.push(Draft::default());
            self.page_has_content = false;
        }
    }

    /// Emits what the open paragraph has so far.
    fn flush_paragraph(&mut self) {
        let Some(Frame::Paragraph(paragraph)) = self.frames.last_mut() else { return };
        if paragraph.text.trim().is_empty() {
            return;
        }
        let numbering = paragraph.numbering().filter(|_| !paragraph.is_marked);
        paragraph.is_marked = true;
        let mark = numbering.and_then(|(list, level)| self.numbering.advance(list, level));
        let Some(Frame::Paragraph(paragraph)) = self.frames.last_mut() else { return };
        if let Some(block) = paragraph.take_block(mark.as_deref()) {
            let Some(Frame::Paragraph(open)) = self.frames.pop() else { return };
            let weight = if open.has_regular { Weight::Regular } else { Weight::Bold };
            self.emit(block, weight);
            self.frames.push(Frame::Paragraph(open));
        }
    }

    fn end_paragraph(&mut self) {
        self.flush_paragraph();
        if matches!(self.frames.last(), Some(Frame::Paragraph(_)))
            && let Some(Frame::Paragraph(paragraph)) = self.frames.pop()
            && paragraph.ends_section
            && self.frames.is_empty()
        {
            self.new_page();
        }
    }

    /// Puts a block where it belongs: into the innermost open cell, else on the page. A text box
    /// inside a paragraph comes before the paragraph.
    fn emit(&mut self, block: Block, weight: Weight) {
        let cell = self.frames.iter_mut().rev().find_map(|f| match f {
            Frame::Table(table) => Some(table),
            Frame::Paragraph(_) => None,
        });
        match cell {
            Some(table) => table.add(&block, weight),
            None => {
                self.page_has_content = true;
                if let Some(page) = self.pages.last_mut() {
                    page.blocks.push(block);
                }
            }
        }
    }

    fn end_page_notes(&mut self) {
        let Some(page) = self.pages.last_mut() else { return };
        for key in std::mem::take(&mut self.page_notes) {
            let Some(note) = self.notes.get(&key) else { continue };
            let text = format!("[{}] {}", key.1, note.trim());
            let lines = text.lines().map(Line::unplaced).collect();
            page.blocks.push(Block::new(BlockKind::Paragraph, lines));
        }
    }
}
