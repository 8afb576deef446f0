//! Tables without ruling lines: rows of short pieces that stand below each other.

use super::content::{TextLine, Weight};
use super::lines::squeeze;
use crate::marks;
use crate::model::{BBox, Cell, Table, TableRow};
use crate::table_header::header_rows;

/// Fewest rows with at least two cells.
const ROWS_MIN: usize = 3;

/// Rows farther apart than this, in multiples of the font size, belong to different tables.
const ROW_DISTANCE_EM: f32 = 2.5;

/// A row nearer than this to the one above, in multiples of the font size, may be its second line.
const WRAP_DISTANCE_EM: f32 = 0.45;

/// Rows of one table are set in sizes that differ by no more than this factor.
const SIZE_RATIO_MAX: f32 = 1.3;

/// A cell of a table is on average not longer than this, in characters; columns of prose are.
const CELL_CHARS_MAX: usize = 24;

/// A table found by alignment, and the segments that do not belong to any.
pub(super) struct AlignedTables {
    pub(super) tables: Vec<(Table, BBox)>,
    pub(super) rest: Vec<TextLine>,
}

/// Takes aligned tables out of `segments`.
pub(super) fn extract(mut segments: Vec<TextLine>) -> AlignedTables {
    segments.sort_by(|a, b| a.row.cmp(&b.row).then(a.bbox.left.total_cmp(&b.bbox.left)));
    let rows: Vec<Vec<TextLine>> =
        segments.chunk_by(|a, b| a.row == b.row).map(<[_]>::to_vec).collect();
    let mut out = AlignedTables { tables: Vec::new(), rest: Vec::new() };
    let mut at = 0;
    while at < rows.len() {
        match run_at(&rows, at) {
            Some(run) => {
                at = run.end;
                out.tables.push(run.table);
            }
            None => {
                out.rest.extend(rows[at].iter().cloned());
                at += 1;
            }
        }
    }
    out
}

struct Run {
    table: (Table, BBox),
    end: usize,
}

/// A column while rows are added to it.
#[derive(Clone, Copy, Debug)]
struct Band {
    left: f32,
    right: f32,
}

impl Band {
    fn touches(&self, b: &BBox) -> bool {
        b.left <= self.right && b.right >= self.left
    }
}

fn run_at(rows: &[Vec<TextLine>], start: usize) -> Option<Run> {
    if rows[start].len() < 2 {
        return None;
    }
    let mut bands: Vec<Band> = Vec::new();
    let mut end = start;
    while end < rows.len() {
        let near = end == start
            || (distance_em(&rows[end - 1], &rows[end]) <= ROW_DISTANCE_EM
                && rows[end][0].size_pt <= SIZE_RATIO_MAX * rows[start][0].size_pt
                && rows[start][0].size_pt <= SIZE_RATIO_MAX * rows[end][0].size_pt);
        let Some(grown) = grow(&bands, &rows[end]).filter(|_| near) else { break };
        bands = grown;
        end += 1;
    }
    // A heading or a line of text at the end belongs to what follows.
    while end > start && rows[end - 1].len() < 2 {
        end -= 1;
    }
    let run = &rows[start..end];
    is_table(run, &bands).then(|| Run { table: build(run, &bands), end })
}

/// White space between two rows, in multiples of the font size.
fn distance_em(above: &[TextLine], below: &[TextLine]) -> f32 {
    let bottom = above.iter().map(|l| l.bbox.bottom).fold(f32::MIN, f32::max);
    let top = below.iter().map(|l| l.bbox.top).fold(f32::MAX, f32::min);
    (top - bottom) / below[0].size_pt.max(1.0)
}

/// The columns with one more row; `None` when the row does not fit: it joins two columns that
/// stood apart, has two pieces in one column, or leaves fewer than two columns.
fn grow(bands: &[Band], row: &[TextLine]) -> Option<Vec<Band>> {
    let in_one = |band: &Band| row.iter().filter(|l| band.touches(&l.bbox)).count() > 1;
    if bands.iter().any(in_one) {
        return None;
    }
    let mut out = bands.to_vec();
    for line in row {
        let touched: Vec<usize> =
            out.iter().enumerate().filter(|(_, b)| b.touches(&line.bbox)).map(|(i, _)| i).collect();
        match touched[..] {
            [] => out.push(Band { left: line.bbox.left, right: line.bbox.right }),
            [i] => {
                out[i].left = out[i].left.min(line.bbox.left);
                out[i].right = out[i].right.max(line.bbox.right);
            }
            _ => return None,
        }
    }
    out.sort_by(|a, b| a.left.total_cmp(&b.left));
    let apart = out.windows(2).all(|pair| pair[0].right < pair[1].left);
    (apart && out.len() >= 2).then_some(out)
}

fn is_table(run: &[Vec<TextLine>], bands: &[Band]) -> bool {
    let full = run.iter().filter(|r| r.len() >= 2).count();
    if full < ROWS_MIN || full * 2 < run.len() {
        return false;
    }
    let mean_chars = |band: &Band| {
        let cells: Vec<usize> = run
            .iter()
            .flatten()
            .filter(|l| band.touches(&l.bbox))
            .map(|l| l.text.chars().count())
            .collect();
        cells.iter().sum::<usize>() / cells.len().max(1)
    };
    let short = bands.iter().filter(|b| mean_chars(b) <= CELL_CHARS_MAX).count();
    // In a list the first column holds nothing but marks.
    let marks = run.iter().filter(|r| is_mark(&r[0].text)).count();
    short * 2 >= bands.len() && marks * 2 < full
}

fn is_mark(text: &str) -> bool {
    marks::list_mark(&format!("{text} x")).is_some_and(|n| n == text.len() + 1)
}

fn build(run: &[Vec<TextLine>], bands: &[Band]) -> (Table, BBox) {
    let mut rows: Vec<TableRow> = Vec::new();
    let mut bold: Vec<bool> = Vec::new();
    let mut bbox: Option<BBox> = None;
    for (i, line) in run.iter().enumerate() {
        let own = line.iter().map(|l| l.bbox).reduce(|a, b| a.union(&b));
        bbox = bbox.into_iter().chain(own).reduce(|a, b| a.union(&b));
        let mut cells = vec![Cell::new(""); bands.len()];
        for piece in line {
            if let Some(column) = bands.iter().position(|b| b.touches(&piece.bbox)) {
                let cell = &mut cells[column].text;
                *cell = squeeze(&format!("{cell} {}", piece.text));
            }
        }
        let wraps =
            i > 0 && cells[0].text.is_empty() && distance_em(&run[i - 1], line) < WRAP_DISTANCE_EM;
        match rows.last_mut() {
            Some(above) if wraps => {
                for (cell, more) in above.cells.iter_mut().zip(cells) {
                    if !cell.text.is_empty() && !more.text.is_empty() {
                        cell.text.push('\n');
                    }
                    cell.text.push_str(&more.text);
                }
                above.bbox = above.bbox.into_iter().chain(own).reduce(|a, b| a.union(&b));
            }
            _ => {
                bold.push(line.iter().all(|l| l.bold == Weight::Bold));
                rows.push(TableRow { cells, bbox: own });
            }
        }
    }
    let header_rows = header_rows(&rows, &bold);
    (Table { header_rows, rows }, bbox.unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::pdf::lines::line_in_row as line;

    #[test]
    fn aligned_rows_are_a_table_and_the_text_around_is_not() {
        let segments = vec![
            line("The torques are as follows and must be kept.", 0.0, 0),
            line("Part", 0.0, 1),
            line("Torque", 100.0, 1),
            line("Bolt", 0.0, 2),
            line("45 Nm", 100.0, 2),
            line("Flange", 0.0, 3),
            line("60 Nm", 102.0, 3),
            line("dry", 100.0, 4),
            line("Then go on with the next step of the work.", 0.0, 5),
        ];
        let found = extract(segments);
        assert_eq!(found.rest.len(), 3);
        let table = &found.tables[0].0;
        let rows: Vec<String> = table.rows.iter().map(TableRow::text).collect();
        assert_eq!(rows, ["Part\tTorque", "Bolt\t45 Nm", "Flange\t60 Nm"]);
        assert_eq!(table.header_rows, 1);
    }

    #[test]
    fn a_second_line_of_a_cell_joins_its_row() {
        let segments = vec![
            line("F1", 0.0, 0),
            line("Low", 50.0, 0),
            line("F2", 0.0, 1),
            line("High", 50.0, 1),
            line("pressure", 50.0, 2),
            line("F3", 0.0, 3),
            line("Trip", 50.0, 3),
        ];
        let found = extract(segments);
        let rows: Vec<String> = found.tables[0].0.rows.iter().map(TableRow::text).collect();
        assert_eq!(rows, ["F1\tLow", "F2\tHigh pressure", "F3\tTrip"]);
    }

    #[test]
    fn a_page_header_and_a_title_do_not_swallow_the_form_below() {
        let segments = vec![
            line("Waterworks Limited", 0.0, 0),
            line("NO-440 Rev 2", 300.0, 0),
            line("A title as wide as half of the page", 0.0, 1),
            line("Document", 0.0, 2),
            line("NO-440", 80.0, 2),
            line("Revision", 0.0, 3),
            line("2", 80.0, 3),
            line("Owner", 0.0, 4),
            line("T. Okafor", 80.0, 4),
        ];
        let found = extract(segments);
        let rows: Vec<String> = found.tables[0].0.rows.iter().map(TableRow::text).collect();
        assert_eq!(rows, ["Document\tNO-440", "Revision\t2", "Owner\tT. Okafor"]);
        assert_eq!(found.rest.len(), 3);
    }

    #[test]
    fn columns_of_prose_and_lists_are_no_tables() {
        let prose = "a line of running text in a column";
        let columns = (0..6).flat_map(|r| [line(prose, 0.0, r), line(prose, 200.0, r)]);
        assert!(extract(columns.collect()).tables.is_empty());
        let list =
            (0..5).flat_map(|r| [line(&format!("{}.", r + 1), 0.0, r), line("Do it", 20.0, r)]);
        assert!(extract(list.collect()).tables.is_empty());
    }
}
