//! Lines in reading order to blocks: headings by size, weight and number, list items by their
//! marks, paragraphs by the space between lines.

use super::content::{Pitch, TextLine, Weight};
use super::order::Item;
use crate::marks;
use crate::model::{Block, BlockKind, Line};

/// Lines this much larger than running text are headings.
const HEADING_RATIO: f32 = 1.12;

/// Longest heading, in characters.
const HEADING_MAX_CHARS: usize = 160;

/// Most lines of one heading.
const HEADING_MAX_LINES: usize = 3;

/// What ends with a full stop and is longer than this is a sentence, in characters.
const SENTENCE_MIN_CHARS: usize = 50;

/// Space between lines beyond which a new paragraph begins, in multiples of the line height.
const PARAGRAPH_GAP: f32 = 0.65;

/// Space above a heading that has the size of running text, in multiples of the line height.
const HEADING_GAP: f32 = 0.35;

/// Sizes closer than this are the same size.
const SAME_SIZE: f32 = 0.06;

/// A line this much farther left than its item's text, in multiples of the font size, is no part
/// of the item.
const ITEM_OUTDENT_EM: f32 = 0.5;

/// A first line set in by more than this begins a paragraph, in multiples of the font size.
const INDENT_EM: f32 = 0.9;

/// Lines that are not page furniture, and tables, in reading order.
pub(super) fn build(items: Vec<Item>, body_size_pt: f32) -> Vec<Block> {
    let mut out = Vec::new();
    let mut open: Option<Open> = None;
    let mut items = items.into_iter().peekable();
    let mut above: Option<TextLine> = None;
    while let Some(item) = items.next() {
        match item {
            Item::Table(table, _) => {
                out.extend(open.take().map(Open::close));
                above = None;
                out.push(Block::from_table(table));
            }
            Item::Line(line) => {
                let below = match items.peek() {
                    Some(Item::Line(next)) => Some(next),
                    _ => None,
                };
                let kind = kind_of(&line, above.as_ref(), below, body_size_pt);
                match &mut open {
                    Some(block) if block.takes(&line, &kind) => block.lines.push(line.clone()),
                    _ => {
                        out.extend(open.take().map(Open::close));
                        open = Some(Open { kind, lines: vec![line.clone()] });
                    }
                }
                above = Some(line);
            }
        }
    }
    out.extend(open.map(Open::close));
    out
}

/// A line of the finished page.
pub(super) fn line(line: TextLine) -> Line {
    Line { text: line.text, bbox: Some(line.bbox) }
}

/// A block that may take more lines.
struct Open {
    kind: BlockKind,
    lines: Vec<TextLine>,
}

impl Open {
    fn close(self) -> Block {
        let kind = if self.is_large_text() { BlockKind::Paragraph } else { self.kind };
        Block::new(kind, self.lines.into_iter().map(line).collect())
    }

    /// Running text in larger type than the rest of the document is no heading.
    fn is_large_text(&self) -> bool {
        let is_heading = matches!(self.kind, BlockKind::Heading { .. });
        let chars: usize = self.lines.iter().map(|l| l.text.chars().count()).sum();
        let ends = self.lines.last().is_some_and(|l| l.text.ends_with(['.', ':', ';', ',']));
        let is_sentence = ends && chars > SENTENCE_MIN_CHARS;
        is_heading && (self.lines.len() > HEADING_MAX_LINES || is_sentence)
    }

    /// Whether `next`, which by itself would begin a block of `kind`, goes on with this one.
    fn takes(&self, next: &TextLine, kind: &BlockKind) -> bool {
        let Some(last) = self.lines.last() else { return true };
        let same_size = (next.size_pt / last.size_pt.max(0.1) - 1.0).abs() < SAME_SIZE;
        let follows = next.bbox.top >= last.bbox.center_y();
        let gap = (next.bbox.top - last.bbox.bottom) / last.bbox.height().max(1.0);
        if !same_size || !follows || gap > PARAGRAPH_GAP {
            return false;
        }
        match (&self.kind, kind) {
            (BlockKind::Heading { level: a }, BlockKind::Heading { level: b }) => {
                a == b && marks::numbered_heading(&next.text).is_none()
            }
            (BlockKind::Code, BlockKind::Code) => true,
            (BlockKind::Paragraph, BlockKind::Paragraph) => !self.begins_paragraph(last, next),
            (BlockKind::Caption, BlockKind::Paragraph) => next.bold == last.bold,
            (BlockKind::ListItem { .. }, BlockKind::Paragraph) => {
                let first = &self.lines[0];
                next.bbox.left >= first.bbox.left + ITEM_OUTDENT_EM * first.size_pt
            }
            _ => false,
        }
    }

    /// A first line set in, where the lines before it were not.
    fn begins_paragraph(&self, last: &TextLine, next: &TextLine) -> bool {
        let indent = (next.bbox.left - last.bbox.left) / last.size_pt.max(1.0);
        let full_width = self.lines.iter().map(|l| l.bbox.right).fold(f32::MIN, f32::max);
        let last_is_short = last.bbox.right < full_width - 4.0 * last.size_pt;
        self.lines.len() > 1
            && indent > INDENT_EM
            && (last_is_short || last.text.ends_with(['.', ':']))
    }
}

fn kind_of(
    line: &TextLine,
    above: Option<&TextLine>,
    below: Option<&TextLine>,
    body_size_pt: f32,
) -> BlockKind {
    if marks::is_caption(&line.text) {
        return BlockKind::Caption;
    }
    if line.pitch == Pitch::Fixed {
        return BlockKind::Code;
    }
    if let Some(level) = heading_level(line, above, below, body_size_pt) {
        return BlockKind::Heading { level };
    }
    match marks::list_mark(&line.text) {
        Some(_) => BlockKind::ListItem { level: 1 },
        None => BlockKind::Paragraph,
    }
}

/// The level of a heading: by its number where it has one, else by its size.
fn heading_level(
    line: &TextLine,
    above: Option<&TextLine>,
    below: Option<&TextLine>,
    body_size_pt: f32,
) -> Option<u8> {
    let chars = line.text.chars().count();
    let has_letters = line.text.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    if chars > HEADING_MAX_CHARS || !has_letters {
        return None;
    }
    let ratio = line.size_pt / body_size_pt.max(1.0);
    let numbered = marks::numbered_heading(&line.text);
    if ratio >= HEADING_RATIO {
        return Some(numbered.unwrap_or(match ratio {
            r if r >= 1.75 => 1,
            r if r >= 1.35 => 2,
            _ => 3,
        }));
    }
    if ratio < 1.0 - SAME_SIZE || line.text.ends_with(['.', ',', ';']) {
        return None;
    }
    let height = line.bbox.height().max(1.0);
    let stands_off = above.is_none_or(|a| {
        let gap = (line.bbox.top - a.bbox.bottom) / height;
        !(0.0..HEADING_GAP).contains(&gap) || a.size_pt > line.size_pt * (1.0 + SAME_SIZE)
    });
    let below_is_lighter = below.is_none_or(|b| b.bold == Weight::Regular);
    if line.bold == Weight::Bold && stands_off && below_is_lighter && chars <= HEADING_MAX_CHARS / 2
    {
        return Some(numbered.unwrap_or(4));
    }
    // A number of at least two places in front of a title is a chapter even in plain type.
    numbered.filter(|&depth| depth >= 2 && stands_off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BBox, Table};

    fn text(text: &str, top: f32, size_pt: f32, bold: Weight) -> Item {
        Item::Line(TextLine {
            text: text.to_owned(),
            bbox: BBox::new(50.0, top, 50.0 + size_pt * 0.5 * text.len() as f32, top + size_pt),
            size_pt,
            bold,
            pitch: Pitch::Proportional,
            row: 0,
        })
    }

    fn kinds(blocks: &[Block]) -> Vec<(String, usize)> {
        blocks
            .iter()
            .map(|b| {
                let name = match &b.kind {
                    BlockKind::Heading { level } => format!("h{level}"),
                    BlockKind::ListItem { .. } => "item".to_owned(),
                    BlockKind::Table(_) => "table".to_owned(),
                    other => format!("{other:?}").to_lowercase(),
                };
                (name, b.lines.len())
            })
            .collect()
    }

    #[test]
    fn a_page_of_a_manual() {
        use Weight::{Bold, Regular};
        let items = vec![
            text("Pump station", 20.0, 20.0, Bold),
            text("2.1 Bolt torques", 60.0, 12.0, Bold),
            text("All bolts are tightened crosswise", 80.0, 10.0, Regular),
            text("and checked after one hour.", 92.0, 10.0, Regular),
            text("A second paragraph follows here.", 114.0, 10.0, Regular),
            text("1. Close the valve", 134.0, 10.0, Regular),
            text("2. Open the drain", 146.0, 10.0, Regular),
            text("Lubrication", 170.0, 10.0, Bold),
            text("Use grease NLGI 2.", 182.0, 10.0, Regular),
            text("Table 1: Torques", 204.0, 10.0, Regular),
            Item::Table(Table { header_rows: 0, rows: vec![] }, BBox::new(0.0, 220.0, 1.0, 240.0)),
        ];
        let got = kinds(&build(items, 10.0));
        let want = [
            ("h1", 1),
            ("h2", 1),
            ("paragraph", 2),
            ("paragraph", 1),
            ("item", 1),
            ("item", 1),
            ("h4", 1),
            ("paragraph", 1),
            ("caption", 1),
            ("table", 0),
        ];
        let want: Vec<(String, usize)> = want.iter().map(|&(n, c)| (n.to_owned(), c)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn large_running_text_is_no_heading() {
        let line = "The pilot was attempting to land on his strip";
        let items = (0..5).map(|i| text(line, i as f32 * 15.0, 12.0, Weight::Regular));
        assert_eq!(kinds(&build(items.collect(), 9.0)), [("paragraph".to_owned(), 5)]);
    }

    #[test]
    fn a_heading_of_two_lines_is_one() {
        let items = vec![
            text("Maintenance of the", 0.0, 16.0, Weight::Bold),
            text("packaging line", 19.0, 16.0, Weight::Bold),
        ];
        assert_eq!(kinds(&build(items, 10.0)), [("h2".to_owned(), 2)]);
    }
}
