//! PDF (ISO 32000) to pages and blocks. lopdf reads the file's objects; what the pages draw, and
//! what that means to a reader, is worked out here: letters to lines, ruled and aligned tables,
//! columns, headings, repeated headers and footers.

mod aligned;
mod blocks;
mod cmap;
mod content;
mod font;
mod frame;
mod furniture;
mod grid;
mod interpreter;
mod lines;
mod matrix;
mod metrics;
mod order;
mod paths;
mod ruled_rows;
mod source;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::content::Content;
use self::frame::Frame;
use self::furniture::{NEIGHBOURS, Trace, is_furniture};
use self::order::Item;
use self::source::{DrawnPage, Source};
use crate::error::ParseFailure;
use crate::model::{Block, BlockKind, Format};
use crate::sink::{Draft, Sink};

/// A page more than this part of whose letters have no known meaning cannot be read as text.
const UNKNOWN_PART_MAX: f32 = 0.3;

/// Reads a PDF.
///
/// # Errors
/// [`crate::FailureCode::Encrypted`], [`crate::FailureCode::Damaged`],
/// [`crate::FailureCode::TooLarge`], and what the sink refuses. A single page that cannot be read
/// is handed on as failed.
pub(crate) fn parse(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<(), ParseFailure> {
    let mut source = Source::open(&bytes)?;
    drop(bytes);
    sink.begin(Format::Pdf, source.title());
    let count = source.page_count();
    sink.expect_pages(count)?;
    let mut sizes = Sizes::default();
    let mut window: VecDeque<Prepared> = VecDeque::new();
    let mut next = 0;
    for index in 0..count {
        // While page `index` is finished, the pages around it are at hand.
        while next < count && next <= index + NEIGHBOURS {
            let page = prepare(&mut source, next, sink);
            sizes.add(&page);
            window.push_back(page);
            next += 1;
        }
        let at = index.min(NEIGHBOURS);
        let draft = finish(&window, at, sizes.body_pt());
        sink.page(draft)?;
        if at == NEIGHBOURS {
            window.pop_front();
        }
    }
    Ok(())
}

/// A page in reading order, before it is known what repeats on others.
#[derive(Default)]
struct Prepared {
    width_pt: f32,
    height_pt: f32,
    /// One part for each direction of text, the main one first.
    parts: Vec<Part>,
    failure: Option<String>,
}

struct Part {
    frame: Frame,
    height_pt: f32,
    items: Vec<Item>,
    trace: Trace,
}

/// A page that makes the code fail costs that page, not the document.
fn prepare(source: &mut Source, index: usize, sink: &mut Sink<'_>) -> Prepared {
    let run = AssertUnwindSafe(|| source.page(index).map(|page| (arrange(&page), page)));
    let (parts, page) = match catch_unwind(run) {
        Ok(Ok(done)) => done,
        Ok(Err(reason)) => return Prepared { failure: Some(reason), ..Prepared::default() },
        Err(_) => {
            let failure = Some("The page made its reader fail.".to_owned());
            return Prepared { failure, ..Prepared::default() };
        }
    };
    let DrawnPage { width_pt, height_pt, drawn } = page;
    let mut out = Prepared { width_pt, height_pt, parts, failure: None };
    let number = index + 1;
    if drawn.unknown_letters as f32 > UNKNOWN_PART_MAX * drawn.letters as f32 {
        sink.warn(format!("Page {number}: the letters of its fonts have no known meaning."));
        out.parts.clear();
    }
    if drawn.is_cut {
        sink.warn(format!("Page {number} has more text than can be read; the rest was left out."));
    }
    if drawn.is_damaged {
        sink.warn(format!("Page {number} is damaged; a part of it may be missing or wrong."));
        let has_text = out.parts.iter().any(|p| !p.items.is_empty());
        out.failure = (!has_text).then(|| "The page is damaged.".to_owned());
    }
    out
}

/// Sorts a page's text by direction and puts each part in reading order.
fn arrange(page: &DrawnPage) -> Vec<Part> {
    let mut letters: BTreeMap<_, usize> = BTreeMap::new();
    for (heading, span) in &page.drawn.spans {
        *letters.entry(*heading).or_default() += span.text.len();
    }
    let mut headings: Vec<_> = letters.into_iter().collect();
    headings.sort_by_key(|&(heading, count)| (std::cmp::Reverse(count), heading));
    let mut parts = Vec::new();
    for (heading, _) in headings {
        let frame = Frame::new(heading, page.width_pt, page.height_pt);
        let mut content = frame.content();
        let own = page.drawn.spans.iter().filter(|(h, _)| *h == heading);
        content.spans = own.map(|(_, s)| frame.enter_span(s.clone())).collect();
        if parts.is_empty() {
            content.rules = page.drawn.rules.iter().map(|r| frame.enter_rule(*r)).collect();
        }
        let height_pt = content.height_pt;
        let items = layout(content);
        let trace = Trace::of(&items, height_pt);
        parts.push(Part { frame, height_pt, items, trace });
    }
    parts
}

/// The items of one upright page in reading order.
fn layout(mut content: Content) -> Vec<Item> {
    // What lies outside the page was cut away by whoever made the file.
    content.spans.retain(|s| {
        (0.0..=content.width_pt).contains(&s.bbox.center_x())
            && (0.0..=content.height_pt).contains(&s.bbox.center_y())
    });
    let ruled = grid::extract(content.spans, &content.rules);
    let row_ruled = ruled_rows::extract(lines::segments(ruled.rest), &content.rules);
    let aligned = aligned::extract(row_ruled.rest);
    let tables = ruled.tables.into_iter().chain(row_ruled.tables).chain(aligned.tables);
    let mut items: Vec<Item> = tables.map(|(table, bbox)| Item::Table(table, bbox)).collect();
    items.extend(aligned.rest.into_iter().map(Item::Line));
    order::order(items)
}

/// Makes the page at `at` of the window ready to be handed on.
fn finish(window: &VecDeque<Prepared>, at: usize, body_pt: f32) -> Draft {
    let page = &window[at];
    let mut out = Draft {
        width_pt: page.width_pt,
        height_pt: page.height_pt,
        blocks: Vec::new(),
        failure: page.failure.clone(),
    };
    for part in &page.parts {
        let around = || {
            let others = window.iter().enumerate().filter(|(i, _)| *i != at);
            others
                .filter_map(|(_, p)| p.parts.iter().find(|q| q.frame == part.frame))
                .map(|p| &p.trace)
        };
        let (mut flow, mut above, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for item in &part.items {
            if !is_furniture(item, part.height_pt, around()) {
                flow.push(item.clone());
            } else if item.bbox().center_y() < part.height_pt / 2.0 {
                above.push(furniture_block(item.clone()));
            } else {
                below.push(furniture_block(item.clone()));
            }
        }
        let mut built = above;
        built.extend(blocks::build(flow, body_pt));
        built.extend(below);
        for block in &mut built {
            leave_frame(block, &part.frame);
        }
        out.blocks.extend(built);
    }
    out
}

fn furniture_block(item: Item) -> Block {
    match item {
        Item::Line(line) => Block::new(BlockKind::PageFurniture, vec![blocks::line(line)]),
        Item::Table(table, _) => {
            Block { kind: BlockKind::PageFurniture, ..Block::from_table(table) }
        }
    }
}

fn leave_frame(block: &mut Block, frame: &Frame) {
    for line in &mut block.lines {
        line.bbox = line.bbox.map(|b| frame.leave(&b));
    }
    if let BlockKind::Table(table) = &mut block.kind {
        for row in &mut table.rows {
            row.bbox = row.bbox.map(|b| frame.leave(&b));
        }
    }
}

/// How much text there is of each size, in half points, over the pages read so far.
#[derive(Default)]
struct Sizes(BTreeMap<u32, usize>);

impl Sizes {
    fn add(&mut self, page: &Prepared) {
        for item in page.parts.iter().flat_map(|p| &p.items) {
            if let Item::Line(line) = item {
                let half_points = (line.size_pt * 2.0).round().max(0.0) as u32;
                *self.0.entry(half_points).or_default() += line.text.len();
            }
        }
    }

    /// The size of running text, in points.
    fn body_pt(&self) -> f32 {
        let most = self.0.iter().max_by_key(|&(size, chars)| (chars, size));
        most.map_or(10.0, |(&half_points, _)| half_points as f32 / 2.0)
    }
}
