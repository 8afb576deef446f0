//! Tables whose rows are ruled and whose columns are not: the commonest kind in print. The lines
//! tell the rows, the pieces of text below each other tell the columns.

use std::collections::BTreeMap;

use super::aligned::AlignedTables;
use super::content::{Direction, Rule, TextLine, Weight};
use super::lines::join_rows;
use crate::model::{BBox, Cell, Table, TableRow};
use crate::table_header::header_rows;

/// Lines of one table begin and end at the same places, give or take this much, in points.
const SAME_ENDS_PT: f32 = 3.0;

/// Lines nearer than this are one, in points.
const SAME_LINE_PT: f32 = 2.0;

/// Fewest ruled rows, the header among them.
const ROWS_MIN: usize = 2;

/// Shortest line that rules a table, in points.
const WIDTH_MIN_PT: f32 = 60.0;

/// Most lines of text in one row.
const ROW_LINES_MAX: usize = 24;

/// White space between two lines of one cell is less than this, in multiples of the font size.
const GAP_MAX_EM: f32 = 0.9;

/// Takes row-ruled tables out of `segments`.
pub(super) fn extract(segments: Vec<TextLine>, rules: &[Rule]) -> AlignedTables {
    let mut out = AlignedTables { tables: Vec::new(), rest: segments };
    for ladder in ladders(rules) {
        for run in runs(&ladder, &out.rest) {
            let region = BBox::new(ladder.left, run[0], ladder.right, run[run.len() - 1]);
            let (inside, outside): (Vec<TextLine>, Vec<TextLine>) =
                out.rest.into_iter().partition(|l| holds(&region, &l.bbox));
            out.rest = outside;
            match table(&region, &run, &inside) {
                Some(table) => out.tables.push((table, region)),
                None => out.rest.extend(inside),
            }
        }
    }
    out
}

/// Horizontal lines with common ends, from top to bottom.
struct Ladder {
    left: f32,
    right: f32,
    steps: Vec<f32>,
}

fn ladders(rules: &[Rule]) -> Vec<Ladder> {
    let mut lines: Vec<&Rule> = rules
        .iter()
        .filter(|r| r.direction == Direction::Horizontal && r.to - r.from >= WIDTH_MIN_PT)
        .collect();
    lines.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut out: Vec<Ladder> = Vec::new();
    for line in lines {
        let same = out.iter_mut().find(|l| {
            (l.left - line.from).abs() <= SAME_ENDS_PT && (l.right - line.to).abs() <= SAME_ENDS_PT
        });
        match same {
            Some(ladder) => {
                if ladder.steps.last().is_none_or(|&last| line.at - last > SAME_LINE_PT) {
                    ladder.steps.push(line.at);
                }
            }
            None => out.push(Ladder { left: line.from, right: line.to, steps: vec![line.at] }),
        }
    }
    out.retain(|l| l.steps.len() > ROWS_MIN);
    out
}

/// Stretches of a ladder all of whose rows look like rows of a table: the lines over and under a
/// page's text have the same ends as a table of the page's width.
fn runs(ladder: &Ladder, segments: &[TextLine]) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    let mut open: Vec<f32> = Vec::new();
    for pair in ladder.steps.windows(2) {
        let row = BBox::new(ladder.left, pair[0], ladder.right, pair[1]);
        let inside: Vec<&TextLine> = segments.iter().filter(|l| holds(&row, &l.bbox)).collect();
        if is_row(&inside) {
            if open.is_empty() {
                open.push(pair[0]);
            }
            open.push(pair[1]);
        } else {
            out.push(std::mem::take(&mut open));
        }
    }
    out.push(open);
    out.retain(|steps| steps.len() > ROWS_MIN);
    out
}

/// Whether the text between two lines is one row of cells. Running text between two tables, a
/// figure's labels and a section of a form stand between lines as well: running text goes over the
/// columns or leaves gaps between its paragraphs, and in a form every column has a piece on every
/// line, while of the cells of one row hardly ever all are broken alike.
fn is_row(inside: &[&TextLine]) -> bool {
    let mut by_row: BTreeMap<usize, Vec<&TextLine>> = BTreeMap::new();
    for line in inside {
        by_row.entry(line.row).or_default().push(line);
    }
    if by_row.len() > ROW_LINES_MAX {
        return false;
    }
    let cells: Vec<TextLine> =
        by_row.values().filter(|row| row.len() >= 2).flatten().map(|l| (*l).clone()).collect();
    let columns = columns(&cells);
    if columns.len() < 2 {
        return false;
    }
    let touched =
        |l: &TextLine| columns.iter().filter(|c| l.bbox.left <= c.1 && l.bbox.right >= c.0).count();
    if by_row.values().any(|row| row.len() == 1 && touched(row[0]) >= 2) {
        return false;
    }
    let rows: Vec<&Vec<&TextLine>> = by_row.values().collect();
    let has_gap = rows.windows(2).any(|pair| {
        let bottom = pair[0].iter().map(|l| l.bbox.bottom).fold(f32::MIN, f32::max);
        let top = pair[1].iter().map(|l| l.bbox.top).fold(f32::MAX, f32::min);
        top - bottom > GAP_MAX_EM * pair[1][0].size_pt
    });
    if has_gap {
        return false;
    }
    let lines_of: Vec<usize> = columns
        .iter()
        .map(|c| inside.iter().filter(|l| l.bbox.left <= c.1 && l.bbox.right >= c.0).count())
        .collect();
    rows.len() == 1 || lines_of.iter().any(|&n| n < rows.len())
}

fn holds(region: &BBox, b: &BBox) -> bool {
    (region.left - SAME_ENDS_PT..=region.right + SAME_ENDS_PT).contains(&b.center_x())
        && (region.top..region.bottom).contains(&b.center_y())
}

fn table(region: &BBox, steps: &[f32], inside: &[TextLine]) -> Option<Table> {
    let columns = columns(inside);
    if columns.len() < 2 {
        return None;
    }
    let (mut rows, mut bold) = (Vec::new(), Vec::new());
    for pair in steps.windows(2) {
        let mut cells: Vec<Vec<TextLine>> = vec![Vec::new(); columns.len()];
        let own = inside.iter().filter(|l| (pair[0]..pair[1]).contains(&l.bbox.center_y()));
        let mut is_bold = true;
        for line in own {
            is_bold &= line.bold == Weight::Bold;
            cells[nearest(&columns, &line.bbox)].push(line.clone());
        }
        let texts = cells.into_iter().map(|lines| {
            let lines: Vec<String> = join_rows(lines).into_iter().map(|l| l.text).collect();
            Cell::new(lines.join("\n"))
        });
        bold.push(is_bold);
        let bbox = BBox::new(region.left, pair[0], region.right, pair[1]);
        rows.push(TableRow { cells: texts.collect(), bbox: Some(bbox) });
    }
    Some(Table { header_rows: header_rows(&rows, &bold), rows })
}

/// Places of the columns: pieces that share some x belong to one column. A piece that lies over
/// columns which others keep apart (a title inside the table) is not counted.
fn columns(inside: &[TextLine]) -> Vec<(f32, f32)> {
    let mut narrow: Vec<&BBox> = inside.iter().map(|l| &l.bbox).collect();
    narrow.sort_by(|a, b| a.width().total_cmp(&b.width()));
    let mut columns: Vec<(f32, f32)> = Vec::new();
    let mut rows_of: Vec<usize> = Vec::new();
    for b in narrow {
        let touched: Vec<usize> = columns
            .iter()
            .enumerate()
            .filter(|(_, (left, right))| b.left <= *right && b.right >= *left)
            .map(|(i, _)| i)
            .collect();
        match touched[..] {
            [] => {
                columns.push((b.left, b.right));
                rows_of.push(1);
            }
            [i] => {
                columns[i] = (columns[i].0.min(b.left), columns[i].1.max(b.right));
                rows_of[i] += 1;
            }
            // Two columns that were only thought to be apart: one of them is hardly used.
            [i, j]
                if rows_of[i].min(rows_of[j]) == 1 && !beside(inside, columns[i], columns[j]) =>
            {
                columns[i].0 = columns[i].0.min(columns[j].0).min(b.left);
                columns[i].1 = columns[i].1.max(columns[j].1).max(b.right);
                rows_of[i] += rows_of[j] + 1;
                columns.remove(j);
                rows_of.remove(j);
            }
            _ => {}
        }
    }
    columns.sort_by(|a, b| a.0.total_cmp(&b.0));
    columns
}

/// Whether two places have pieces on one row.
fn beside(inside: &[TextLine], a: (f32, f32), b: (f32, f32)) -> bool {
    let rows = |(left, right): (f32, f32)| {
        inside.iter().filter(move |l| l.bbox.left >= left && l.bbox.right <= right).map(|l| l.row)
    };
    rows(a).any(|row| rows(b).any(|other| other == row))
}

fn nearest(columns: &[(f32, f32)], b: &BBox) -> usize {
    let distance = |&(left, right): &(f32, f32)| (left - b.left).max(b.left - right).max(0.0);
    let by_distance =
        columns.iter().enumerate().min_by(|(_, x), (_, y)| distance(x).total_cmp(&distance(y)));
    by_distance.map_or(0, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::lines::line_in_row as line;

    fn rule(at: f32) -> Rule {
        Rule { direction: Direction::Horizontal, at, from: 0.0, to: 400.0 }
    }

    #[test]
    fn lines_between_rules_are_one_row() {
        let segments = vec![
            line("Role", 5.0, 0),
            line("Task", 120.0, 0),
            line("Extension", 300.0, 0),
            line("Maintenance lead (H.", 5.0, 1),
            line("releases this manual, keeps", 120.0, 1),
            line("224", 300.0, 1),
            line("Brandl)", 5.0, 2),
            line("history cards", 120.0, 2),
            line("Control room", 5.0, 3),
            line("permits", 120.0, 3),
            line("210", 300.0, 3),
            line("Text under the table goes on over the page.", 5.0, 5),
        ];
        let rules = [rule(0.0), rule(12.0), rule(36.0), rule(48.0), rule(100.0)];
        let found = extract(segments, &rules);
        assert_eq!(found.rest.len(), 1);
        let table = &found.tables[0].0;
        let rows: Vec<String> = table.rows.iter().map(TableRow::text).collect();
        let want = [
            "Role\tTask\tExtension",
            "Maintenance lead (H. Brandl)\treleases this manual, keeps history cards\t224",
            "Control room\tpermits\t210",
        ];
        assert_eq!(rows, want);
        assert_eq!(table.header_rows, 1);
    }

    #[test]
    fn sections_of_a_form_are_no_rows() {
        let segments: Vec<TextLine> = (0..18)
            .filter(|row| row % 6 != 5)
            .flat_map(|row| {
                let label = ["Make:", "Certificate number:", "Age:", "Owner:", "Wind:"][row % 6];
                [line(label, 5.0, row), line("4711 and more", 200.0, row)]
            })
            .collect();
        let rules = [rule(0.0), rule(66.0), rule(138.0), rule(210.0)];
        assert!(extract(segments, &rules).tables.is_empty());
    }

    #[test]
    fn text_and_labels_between_two_tables_are_no_row() {
        let mut segments = vec![line("Setting", 5.0, 0), line("Value", 200.0, 0)];
        segments.extend(
            (1..5).map(|row| line("running text that goes over both columns of it", 5.0, row)),
        );
        segments.extend([line("Infeed", 5.0, 5), line("Filler", 200.0, 5)]);
        segments.extend([line("Number", 5.0, 6), line("11", 200.0, 6)]);
        segments.extend([line("Content", 5.0, 7), line("501 ml", 200.0, 7)]);
        let rules = [rule(0.0), rule(12.0), rule(72.0), rule(84.0), rule(96.0)];
        let found = extract(segments, &rules);
        let rows: Vec<String> =
            found.tables.iter().flat_map(|(t, _)| &t.rows).map(TableRow::text).collect();
        assert_eq!(rows, ["Number\t11", "Content\t501 ml"]);
        assert_eq!(found.rest.len(), 8);
    }

    #[test]
    fn rules_around_running_text_are_no_table() {
        let text = |row| line("a line of running text between rules", 0.0, row);
        let segments: Vec<TextLine> = (0..6).map(text).collect();
        let found = extract(segments, &[rule(0.0), rule(24.0), rule(48.0), rule(72.0)]);
        assert!(found.tables.is_empty());
        assert_eq!(found.rest.len(), 6);
    }
}
