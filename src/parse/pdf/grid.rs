//! Tables drawn with ruling lines: lines that touch make a grid, the grid makes cells.

use super::content::{Direction, Rule, Span, Weight};
use super::lines::cell_text;
use crate::limits::{PDF_RULES_MAX, TABLE_COLUMNS_MAX};
use crate::model::{BBox, Cell, Table, TableRow};
use crate::table_header::header_rows;

/// Lines nearer than this are the same line, in points: a thick border is drawn as two.
const SAME_PT: f32 = 2.0;

/// Lines that end this near to another one touch it, in points.
const TOUCH_PT: f32 = 3.0;

/// Part of a cell's side that must be ruled for the side to count.
const RULED_PART: f32 = 0.5;

/// Most pairs of lines that are compared on one page.
const PAIRS_MAX: usize = 8_000_000;

/// A table found by its lines, and the pieces of text that do not belong to any.
pub(super) struct RuledTables {
    pub(super) tables: Vec<(Table, BBox)>,
    pub(super) rest: Vec<Span>,
}

/// Takes the text inside drawn grids out of `spans`.
pub(super) fn extract(spans: Vec<Span>, rules: &[Rule]) -> RuledTables {
    let mut rest = spans;
    let mut tables = Vec::new();
    for grid in grids(rules) {
        let (inside, outside): (Vec<Span>, Vec<Span>) =
            rest.into_iter().partition(|s| grid.contains(&s.bbox));
        rest = outside;
        match grid.table(&inside) {
            Some(table) => tables.push((table, grid.bbox())),
            None => rest.extend(inside),
        }
    }
    RuledTables { tables, rest }
}

/// Places of the lines of one grid, ascending, and the lines themselves.
#[derive(Debug)]
struct Grid {
    xs: Vec<f32>,
    ys: Vec<f32>,
    horizontal: Vec<Rule>,
    vertical: Vec<Rule>,
}

/// Groups of lines that touch each other, smallest first: a grid inside a page border is found
/// before the border.
fn grids(rules: &[Rule]) -> Vec<Grid> {
    let merged = merge(rules);
    let (horizontal, vertical): (Vec<Rule>, Vec<Rule>) =
        merged.into_iter().partition(|r| r.direction == Direction::Horizontal);
    if horizontal.len().saturating_mul(vertical.len()) > PAIRS_MAX {
        return Vec::new();
    }
    let mut groups = Groups::new(horizontal.len() + vertical.len());
    for (i, h) in horizontal.iter().enumerate() {
        for (j, v) in vertical.iter().enumerate() {
            let crosses = v.at >= h.from - TOUCH_PT
                && v.at <= h.to + TOUCH_PT
                && h.at >= v.from - TOUCH_PT
                && h.at <= v.to + TOUCH_PT;
            if crosses {
                groups.join(i, horizontal.len() + j);
            }
        }
    }
    let mut by_root: std::collections::BTreeMap<usize, (Vec<Rule>, Vec<Rule>)> =
        std::collections::BTreeMap::new();
    for (i, h) in horizontal.iter().enumerate() {
        by_root.entry(groups.root(i)).or_default().0.push(*h);
    }
    for (j, v) in vertical.iter().enumerate() {
        by_root.entry(groups.root(horizontal.len() + j)).or_default().1.push(*v);
    }
    let mut out: Vec<Grid> = by_root.into_values().filter_map(|(h, v)| Grid::new(h, v)).collect();
    out.sort_by(|a, b| a.area().total_cmp(&b.area()));
    out
}

/// Pieces of one line become one line.
fn merge(rules: &[Rule]) -> Vec<Rule> {
    let mut sorted: Vec<Rule> = rules
        .iter()
        .filter(|r| r.at.is_finite() && r.from.is_finite() && r.to.is_finite())
        .take(PDF_RULES_MAX)
        .copied()
        .collect();
    sorted.sort_by(|a, b| a.direction.cmp(&b.direction).then(a.at.total_cmp(&b.at)));
    let mut out: Vec<Rule> = Vec::new();
    let mut at = 0;
    while at < sorted.len() {
        let first = sorted[at];
        let end = sorted[at..]
            .iter()
            .position(|r| r.direction != first.direction || r.at - first.at > SAME_PT)
            .map_or(sorted.len(), |n| at + n);
        let mut members = sorted[at..end].to_vec();
        members.sort_by(|a, b| a.from.total_cmp(&b.from));
        let mut open: Option<Rule> = None;
        for rule in members {
            match &mut open {
                Some(line) if rule.from <= line.to + TOUCH_PT => line.to = line.to.max(rule.to),
                _ => out.extend(open.replace(Rule { at: first.at, ..rule })),
            }
        }
        out.extend(open);
        at = end;
    }
    out.retain(|r| r.to - r.from > TOUCH_PT);
    out
}

/// Union–find.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a] = b;
    }
}

impl Grid {
    /// A grid needs two columns and two rows, or it is a frame.
    fn new(horizontal: Vec<Rule>, vertical: Vec<Rule>) -> Option<Self> {
        let xs = places(&vertical);
        let ys = places(&horizontal);
        let is_table = xs.len() >= 3 && ys.len() >= 3 && xs.len() <= TABLE_COLUMNS_MAX;
        is_table.then_some(Self { xs, ys, horizontal, vertical })
    }

    fn bbox(&self) -> BBox {
        let last = |v: &[f32]| v.last().copied().unwrap_or(0.0);
        BBox::new(self.xs[0], self.ys[0], last(&self.xs), last(&self.ys))
    }

    fn area(&self) -> f32 {
        self.bbox().width() * self.bbox().height()
    }

    fn contains(&self, b: &BBox) -> bool {
        let own = self.bbox();
        (own.left..=own.right).contains(&b.center_x())
            && (own.top..=own.bottom).contains(&b.center_y())
    }

    /// Whether the side between columns `column` and `column + 1` is drawn in `row`.
    fn ruled_right(&self, row: usize, column: usize) -> bool {
        covered(&self.vertical, self.xs[column + 1], self.ys[row], self.ys[row + 1])
    }

    /// Whether the side between rows `row` and `row + 1` is drawn in `column`.
    fn ruled_below(&self, row: usize, column: usize) -> bool {
        covered(&self.horizontal, self.ys[row + 1], self.xs[column], self.xs[column + 1])
    }

    /// For each cell the cell that its text belongs to: itself, or the first of a merged one.
    fn owners(&self) -> Vec<Vec<(usize, usize)>> {
        let (rows, columns) = (self.ys.len() - 1, self.xs.len() - 1);
        let mut owners: Vec<Vec<(usize, usize)>> = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut line: Vec<(usize, usize)> = Vec::with_capacity(columns);
            for column in 0..columns {
                let owner = match line.last() {
                    Some(&left) if !self.ruled_right(row, column - 1) => left,
                    _ => match owners.last() {
                        Some(above) if !self.ruled_below(row - 1, column) => above[column],
                        _ => (row, column),
                    },
                };
                line.push(owner);
            }
            owners.push(line);
        }
        owners
    }

    fn table(&self, spans: &[Span]) -> Option<Table> {
        let (rows, columns) = (self.ys.len() - 1, self.xs.len() - 1);
        let owners = self.owners();
        let mut content: Vec<Vec<Vec<Span>>> = vec![vec![Vec::new(); columns]; rows];
        for span in spans {
            for piece in self.cut(span) {
                let row = place(&self.ys, piece.bbox.center_y());
                let column = place(&self.xs, piece.bbox.center_x());
                let (row, column) = owners[row][column];
                content[row][column].push(piece);
            }
        }
        let mut out = Vec::with_capacity(rows);
        let mut bold = Vec::with_capacity(rows);
        for (row, cells) in content.into_iter().enumerate() {
            let has_text = cells.iter().flatten().any(|s| !s.text.trim().is_empty());
            if !has_text {
                continue;
            }
            bold.push(cells.iter().flatten().all(|s| s.bold == Weight::Bold));
            let bbox =
                BBox::new(self.bbox().left, self.ys[row], self.bbox().right, self.ys[row + 1]);
            out.push(TableRow { cells: self.cells(&owners[row], row, cells), bbox: Some(bbox) });
        }
        let filled = |r: &TableRow| r.cells.iter().filter(|c| !c.text.is_empty()).count();
        let is_table = out.len() >= 2 && out.iter().any(|r| filled(r) >= 2);
        is_table.then(|| Table { header_rows: header_rows(&out, &bold), rows: out })
    }

    /// The cells of one row; what is merged to the left becomes a column span.
    fn cells(&self, owners: &[(usize, usize)], row: usize, content: Vec<Vec<Span>>) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        for (column, spans) in content.into_iter().enumerate() {
            let merged_left = column > 0 && owners[column] == owners[column - 1];
            match cells.last_mut() {
                Some(left) if merged_left && owners[column].0 <= row => left.column_span += 1,
                _ => cells.push(Cell::new(cell_text(spans))),
            }
        }
        cells
    }

    /// A piece of text drawn over several ruled columns is cut at the lines, letter by letter.
    fn cut(&self, span: &Span) -> Vec<Span> {
        let row = place(&self.ys, span.bbox.center_y());
        let crossed = (1..self.xs.len() - 1).filter(|&i| {
            let x = self.xs[i];
            let inside = x > span.bbox.left + SAME_PT && x < span.bbox.right - SAME_PT;
            inside && self.ruled_right(row, i - 1)
        });
        let edges: Vec<f32> = crossed.map(|i| self.xs[i]).collect();
        if edges.is_empty() {
            return vec![span.clone()];
        }
        let letters = span.text.chars().count().max(1) as f32;
        let step = span.bbox.width() / letters;
        let mut pieces: Vec<Span> = Vec::new();
        let mut part = usize::MAX;
        for (i, letter) in span.text.chars().enumerate() {
            let left = span.bbox.left + i as f32 * step;
            let here = edges.iter().filter(|&&x| x < left + step / 2.0).count();
            if here != part || pieces.is_empty() {
                part = here;
                let bbox = BBox { left, right: left, ..span.bbox };
                pieces.push(Span { text: String::new(), bbox, ..span.clone() });
            }
            if let Some(piece) = pieces.last_mut() {
                piece.text.push(letter);
                piece.bbox.right = left + step;
            }
        }
        pieces
    }
}

/// Distinct places of lines, ascending.
fn places(rules: &[Rule]) -> Vec<f32> {
    let mut at: Vec<f32> = rules.iter().map(|r| r.at).collect();
    at.sort_by(f32::total_cmp);
    at.dedup_by(|b, a| *b - *a <= SAME_PT);
    at
}

/// Index of the interval of `edges` that holds `value`; the nearest one when none does.
fn place(edges: &[f32], value: f32) -> usize {
    let behind = edges.iter().filter(|&&e| e <= value).count();
    behind.saturating_sub(1).min(edges.len() - 2)
}

/// Whether lines at `at` cover enough of `from..to`.
fn covered(rules: &[Rule], at: f32, from: f32, to: f32) -> bool {
    let shared: f32 = rules
        .iter()
        .filter(|r| (r.at - at).abs() <= SAME_PT)
        .map(|r| (r.to.min(to) - r.from.max(from)).max(0.0))
        .sum();
    shared >= RULED_PART * (to - from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;
    use crate::pdf::content::Pitch;

    fn rule(direction: Direction, at: f32, from: f32, to: f32) -> Rule {
        Rule { direction, at, from, to }
    }

    fn lattice(xs: &[f32], ys: &[f32]) -> Vec<Rule> {
        let (left, right) = (xs[0], xs[xs.len() - 1]);
        let (top, bottom) = (ys[0], ys[ys.len() - 1]);
        let h = ys.iter().map(|&y| rule(Direction::Horizontal, y, left, right));
        h.chain(xs.iter().map(|&x| rule(Direction::Vertical, x, top, bottom))).collect()
    }

    fn span(text: &str, left: f32, top: f32, bold: Weight) -> Span {
        Span {
            text: text.to_owned(),
            bbox: BBox::new(left, top, left + 5.0 * text.chars().count() as f32, top + 10.0),
            size_pt: 10.0,
            bold,
            pitch: Pitch::Proportional,
        }
    }

    #[test]
    fn a_grid_becomes_cells_and_leaves_the_rest() {
        let rules = lattice(&[0.0, 100.0, 200.0], &[0.0, 20.0, 50.0, 70.0]);
        let spans = vec![
            span("Part", 5.0, 5.0, Weight::Bold),
            span("Torque", 105.0, 5.0, Weight::Bold),
            span("Flange bolt", 5.0, 22.0, Weight::Regular),
            span("M16", 5.0, 36.0, Weight::Regular),
            span("45 Nm", 105.0, 28.0, Weight::Regular),
            span("Seal", 5.0, 55.0, Weight::Regular),
            span("outside", 5.0, 90.0, Weight::Regular),
        ];
        let found = extract(spans, &rules);
        assert_eq!(found.rest.len(), 1);
        let (table, bbox) = &found.tables[0];
        assert_eq!(*bbox, BBox::new(0.0, 0.0, 200.0, 70.0));
        assert_eq!(table.header_rows, 1);
        let rows: Vec<String> = table.rows.iter().map(TableRow::text).collect();
        assert_eq!(rows, ["Part\tTorque", "Flange bolt M16\t45 Nm", "Seal\t"]);
        assert_eq!(table.rows[1].cells[0].text, "Flange bolt\nM16");
        assert_eq!(table.rows[1].bbox, Some(BBox::new(0.0, 20.0, 200.0, 50.0)));
    }

    #[test]
    fn merged_cells_and_text_drawn_across_lines() {
        let mut rules = lattice(&[0.0, 100.0, 200.0], &[0.0, 20.0, 40.0, 60.0]);
        // The first row is one cell: no line between its columns.
        rules.retain(|r| !(r.direction == Direction::Vertical && r.at == 100.0));
        rules.push(rule(Direction::Vertical, 100.0, 20.0, 60.0));
        let mut wide = span("ab", 95.0, 25.0, Weight::Regular);
        wide.bbox.right = 105.0;
        let spans = vec![
            span("Title over both", 70.0, 5.0, Weight::Regular),
            wide,
            span("x", 5.0, 45.0, Weight::Regular),
            span("1", 105.0, 45.0, Weight::Regular),
        ];
        let found = extract(spans, &rules);
        let rows = &found.tables[0].0.rows;
        assert_eq!((rows[0].cells.len(), rows[0].cells[0].column_span), (1, 2));
        assert_eq!(rows[0].cells[0].text, "Title over both");
        assert_eq!(rows[1].text(), "a\tb");
    }

    #[test]
    fn a_frame_is_no_table() {
        let rules = lattice(&[0.0, 300.0], &[0.0, 500.0]);
        let found = extract(vec![span("text", 10.0, 10.0, Weight::Regular)], &rules);
        assert!(found.tables.is_empty());
        assert_eq!(found.rest.len(), 1);
    }

    proptest! {
        #[test]
        fn no_letter_is_lost(
            xs in proptest::collection::btree_set(0u16..500, 1..6),
            ys in proptest::collection::btree_set(0u16..500, 1..6),
            texts in proptest::collection::vec(("[a-z]{1,8}", 0f32..500.0, 0f32..500.0), 0..20),
        ) {
            let far = |v: std::collections::BTreeSet<u16>| -> Vec<f32> {
                v.into_iter().map(|x| f32::from(x) * 5.0).collect()
            };
            let rules = lattice(&far(xs), &far(ys));
            let spans: Vec<Span> =
                texts.iter().map(|(t, x, y)| span(t, *x, *y, Weight::Regular)).collect();
            let letters = |t: &str| {
                let mut v: Vec<char> = t.chars().filter(|c| c.is_alphabetic()).collect();
                v.sort_unstable();
                v
            };
            // Two identical prints at one place count once; distinct places are drawn here.
            let want = letters(&texts.iter().map(|(t, ..)| t.as_str()).collect::<String>());
            let found = extract(spans, &rules);
            let mut got: String = found.rest.iter().map(|s| s.text.as_str()).collect();
            for (table, _) in &found.tables {
                got.extend(table.rows.iter().map(TableRow::text));
            }
            prop_assert_eq!(letters(&got), want);
        }
    }
}
