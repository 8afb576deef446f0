//! Plain text to pages and blocks: form feeds divide pages, blank lines divide blocks.

use crate::decode::Decoded;
use crate::error::ParseFailure;
use crate::marks;
use crate::model::{Block, BlockKind, Format, Line, Table, TableRow};
use crate::sink::Sink;

/// Fewest rows of text columns that make a table.
const TABLE_ROWS_MIN: usize = 3;

/// Longest line of capitals that is a heading, in characters.
const CAPITALS_MAX_CHARS: usize = 70;

/// Longest line that may be a heading because a rule stands below it, in characters.
const RULED_MAX_CHARS: usize = 120;

/// Reads a decoded text.
///
/// # Errors
/// What the sink refuses (too many pages, too large a page).
pub(crate) fn parse(decoded: &Decoded, sink: &mut Sink<'_>) -> Result<(), ParseFailure> {
    sink.begin(Format::Text, None);
    note_undecodable(decoded, sink);
    for page in decoded.text.trim_end_matches('\x0c').split('\x0c') {
        sink.unplaced_page(blocks(page))?;
    }
    Ok(())
}

/// Warns when places of the text could not be decoded.
pub(crate) fn note_undecodable(decoded: &Decoded, sink: &mut Sink<'_>) {
    if decoded.undecodable > 0 {
        sink.warn(format!(
            "{} places could not be decoded as {}.",
            decoded.undecodable, decoded.encoding
        ));
    }
}

/// The blocks of one page of plain text.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let lines: Vec<&str> = page.lines().map(str::trim_end).collect();
    let groups: Vec<&[&str]> =
        lines.split(|l| l.trim().is_empty()).filter(|g| !g.is_empty()).collect();
    let mut out = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        group_blocks(group, groups.get(i + 1).copied(), &mut out);
    }
    out
}

/// One group of lines between blank lines; `next` is the group behind it.
fn group_blocks(group: &[&str], next: Option<&[&str]>, out: &mut Vec<Block>) {
    if let Some(table) = separated_table(group).or_else(|| aligned_table(group)) {
        out.push(Block::from_table(table));
        return;
    }
    let mut rest = group;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(level) = tail.first().and_then(|rule| rule_level(first, rule)) {
            out.push(Block::new(BlockKind::Heading { level }, vec![Line::unplaced(first.trim())]));
            rest = &tail[1..];
        } else if is_rule(first) {
            rest = tail;
        } else {
            break;
        }
    }
    if rest.len() == 1
        && let Some(level) = lone_heading(rest[0].trim(), next)
    {
        out.push(Block::new(BlockKind::Heading { level }, vec![Line::unplaced(rest[0].trim())]));
        return;
    }
    flow_blocks(rest, out);
}

/// Paragraphs and list items: an item goes on until the next mark.
fn flow_blocks(lines: &[&str], out: &mut Vec<Block>) {
    let mut current: Option<Block> = None;
    for line in lines {
        let text = line.trim_start();
        let line_out = Line::unplaced(text);
        if marks::list_mark(text).is_some() {
            out.extend(current.take());
            let level = (indent(line) / 2 + 1).clamp(1, 6) as u8;
            current = Some(Block::new(BlockKind::ListItem { level }, vec![line_out]));
        } else if let Some(block) = &mut current {
            block.lines.push(line_out);
        } else {
            let kind =
                if marks::is_caption(text) { BlockKind::Caption } else { BlockKind::Paragraph };
            current = Some(Block::new(kind, vec![line_out]));
        }
    }
    out.extend(current);
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 3
        && line.starts_with(['=', '-', '~', '*', '_', '#'])
        && line.chars().all(|c| line.starts_with(c))
}

/// The level of a heading with a rule of `=` or `-` under it.
fn rule_level(line: &str, rule: &str) -> Option<u8> {
    let text = line.trim();
    if is_rule(text) || !is_rule(rule) || text.chars().count() > RULED_MAX_CHARS {
        return None;
    }
    match rule.trim().chars().next()? {
        '=' => Some(1),
        '-' | '~' => Some(2),
        _ => None,
    }
}

/// The level of a heading that stands alone between blank lines.
fn lone_heading(line: &str, next: Option<&[&str]>) -> Option<u8> {
    if let Some(depth) = marks::numbered_heading(line) {
        // A list whose items are divided by blank lines: the next one has the same kind of mark.
        let next_is_item = next.is_some_and(|g| {
            marks::numbered_heading(g[0].trim()) == Some(depth) && marks::list_mark(line).is_some()
        });
        return (!next_is_item).then_some(depth);
    }
    let letters: Vec<char> = line.chars().filter(|c| c.is_alphabetic()).collect();
    let is_capitals = letters.len() >= 4
        && letters.iter().all(|c| !c.is_lowercase())
        && letters.len() * 2 > line.chars().filter(|c| !c.is_whitespace()).count();
    (is_capitals && line.chars().count() <= CAPITALS_MAX_CHARS && next.is_some()).then_some(2)
}

/// Rows whose cells are separated by tabs or pipes, the same number in each.
fn separated_table(group: &[&str]) -> Option<Table> {
    ['\t', '|'].into_iter().find_map(|separator| {
        let split = |line: &&str| -> Vec<String> {
            let line = line.trim_matches([' ', separator]);
            line.split(separator).map(|c| c.trim().to_owned()).collect()
        };
        let is_border =
            |l: &&&str| l.trim().chars().all(|c| matches!(c, '-' | '+' | '|' | '=' | ':' | ' '));
        let border = group.iter().position(|l| is_border(&l));
        let rows: Vec<Vec<String>> = group.iter().filter(|l| !is_border(l)).map(split).collect();
        let columns = rows.first()?.len();
        let even = rows.iter().all(|r| r.len() == columns);
        if rows.len() < 2 || columns < 2 || !even {
            return None;
        }
        let header_rows =
            border.map_or_else(|| u32::from(looks_like_header(&rows)), |b| b.max(1) as u32);
        Some(table(rows, header_rows.min(2)))
    })
}

/// Rows whose cells stand below each other with at least two blank columns between them.
fn aligned_table(group: &[&str]) -> Option<Table> {
    let lines: Vec<Vec<char>> = group.iter().map(|l| expand_tabs(l)).collect();
    let border = group.iter().position(|l| {
        l.contains("--") && l.trim().chars().all(|c| matches!(c, '-' | '=' | ' ' | '+'))
    });
    let rows: Vec<&Vec<char>> =
        lines.iter().enumerate().filter(|(i, _)| Some(*i) != border).map(|(_, l)| l).collect();
    if rows.len() < TABLE_ROWS_MIN {
        return None;
    }
    let starts = column_starts(&rows)?;
    let cut = |line: &[char]| -> Vec<String> {
        let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
        let cell = |(s, e): (&usize, usize)| -> String {
            let cell: String = line.iter().take(e).skip(*s).collect();
            cell.trim().to_owned()
        };
        starts.iter().zip(ends).map(cell).collect()
    };
    let cells: Vec<Vec<String>> = rows.iter().map(|l| cut(l)).collect();
    let full = cells.iter().filter(|r| r.iter().filter(|c| !c.is_empty()).count() >= 2).count();
    let is_list =
        cells.iter().filter(|r| matches!(r[0].as_str(), "-" | "*" | "•")).count() * 2 > rows.len();
    if full * 10 < rows.len() * 7 || is_list {
        return None;
    }
    let header_rows = match border {
        Some(at) => at.clamp(1, 2) as u32,
        None => u32::from(looks_like_header(&cells)),
    };
    Some(table(cells, header_rows))
}

fn expand_tabs(line: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(line.len());
    for c in line.chars() {
        if c == '\t' {
            let next = (out.len() / 8 + 1) * 8;
            out.resize(next, ' ');
        } else {
            out.push(c);
        }
    }
    out
}

/// Where the columns begin: behind each run of at least two places that are blank in all rows.
fn column_starts(rows: &[&Vec<char>]) -> Option<Vec<usize>> {
    let width = rows.iter().map(|r| r.len()).max()?;
    let blank = |x: usize| rows.iter().all(|r| r.get(x).is_none_or(|c| *c == ' '));
    let mut starts = Vec::new();
    let mut run = 2;
    for x in 0..width {
        if blank(x) {
            run += 1;
        } else {
            if run >= 2 {
                starts.push(x);
            }
            run = 0;
        }
    }
    (starts.len() >= 2).then_some(starts)
}

/// Whether the first row names columns: every cell filled, none with a digit, and digits below.
fn looks_like_header(rows: &[Vec<String>]) -> bool {
    let has_digit = |cell: &String| cell.chars().any(|c| c.is_ascii_digit());
    match rows.split_first() {
        Some((first, rest)) => {
            first.iter().all(|c| !c.is_empty() && !has_digit(c))
                && rest.iter().flatten().any(has_digit)
        }
        None => false,
    }
}

fn table(rows: Vec<Vec<String>>, header_rows: u32) -> Table {
    Table { header_rows, rows: rows.into_iter().map(TableRow::unplaced).collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        blocks(text)
            .iter()
            .map(|b| match b.kind {
                BlockKind::Heading { .. } => "heading",
                BlockKind::Paragraph => "paragraph",
                BlockKind::ListItem { .. } => "item",
                BlockKind::Table(_) => "table",
                BlockKind::Caption => "caption",
                BlockKind::Code => "code",
                BlockKind::PageFurniture => "furniture",
            })
            .collect()
    }

    #[test]
    fn blocks_of_a_procedure() {
        let text = "LOCK-OUT OF P-101\n\nScope\n-----\nAll work on the pump.\nBoth shifts.\n\n\
                    2.1 Steps\n\n1. Close V-12.\n   Wait for zero pressure.\n2. Lock it.\n\n\
                    Table 1: Locks\n";
        let want = ["heading", "heading", "paragraph", "heading", "item", "item", "caption"];
        assert_eq!(kinds(text), want);
        assert_eq!(blocks(text)[4].text(), "1. Close V-12.\nWait for zero pressure.");
    }

    #[test]
    fn a_list_with_blank_lines_is_no_row_of_headings() {
        assert_eq!(
            kinds("1. Close the valve\n\n2. Open the drain\n\nDone."),
            ["item", "heading", "paragraph"]
        );
    }

    #[test]
    fn tables_by_tabs_pipes_and_columns() {
        let tabs = "Part\tNo\nSeal\t4711\nBolt\t4712";
        let pipes = "| Part | No |\n+------+----+\n| Seal | 4711 |\n| Bolt | 4712 |";
        let columns = "Part   No     Note\n-----  -----  ----\nSeal   4711   spare\nBolt   4712\n";
        for text in [tabs, pipes, columns] {
            let page = blocks(text);
            let table = page[0].table().expect(text);
            assert_eq!(table.header_rows, 1, "{text}");
            assert_eq!(table.rows.len(), 3, "{text}");
            assert_eq!(table.rows[1].cells[1].text, "4711", "{text}");
        }
    }

    #[test]
    fn running_text_is_no_table() {
        let text = "The pump was started at six and ran\nwithout a fault until the shift ended\n\
                    and the next crew took over at two.";
        assert_eq!(kinds(text), ["paragraph"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "[a-zA-Z0-9 .|\t\n•-]{0,300}") {
            let squeeze = |s: &str| -> String {
                s.chars().filter(|c| c.is_alphanumeric()).collect()
            };
            let out: String = blocks(&text).iter().map(Block::text).collect();
            prop_assert_eq!(squeeze(&out), squeeze(&text));
        }
    }
}
