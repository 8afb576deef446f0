//! Reading order: where a gutter divides the page, the left side comes before the right one;
//! what crosses the gutter divides the page into zones from top to bottom.

use super::content::TextLine;
use super::lines::join_rows;
use crate::model::{BBox, Table};

/// Columns within columns that are followed.
const DEPTH_MAX: usize = 5;

/// Fewest lines on each side of a gutter.
const LINES_MIN: usize = 4;

/// Narrowest gutter, in multiples of the font size.
const GUTTER_EM: f32 = 0.9;

/// Lines of prose are on average at least this long, in characters; labels of forms are not.
const PROSE_CHARS_MIN: usize = 16;

/// Part of a column's width that its middle line fills when the column is prose.
const PROSE_FILL: f32 = 0.5;

/// Where a table counts as lines when columns are sought.
const TABLE_WEIGHT: usize = 3;

/// A line that fills this part of a region divides it into zones.
const ZONE_PART: f32 = 0.6;

/// Most places that are tried as gutters of one region.
const CANDIDATES_MAX: usize = 400;

/// Something on a page that has a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Line(TextLine),
    Table(Table, BBox),
}

impl Item {
    pub(super) const fn bbox(&self) -> &BBox {
        match self {
            Self::Line(line) => &line.bbox,
            Self::Table(_, bbox) => bbox,
        }
    }

    const fn weight(&self) -> usize {
        match self {
            Self::Line(_) => 1,
            Self::Table(..) => TABLE_WEIGHT,
        }
    }
}

/// Puts items in reading order; segments that share a row and no gutter divides become one line.
pub(super) fn order(items: Vec<Item>) -> Vec<Item> {
    let mut out = Vec::with_capacity(items.len());
    order_into(items, 0, &mut out);
    out
}

fn order_into(items: Vec<Item>, depth: usize, out: &mut Vec<Item>) {
    let gutter = if depth < DEPTH_MAX { find_gutter(&items) } else { None };
    let Some(x) = gutter else { return zones_into(items, depth, out) };
    let (mut crossing, sides): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|i| side(i.bbox(), x) == Side::Across);
    crossing.sort_by(|a, b| a.bbox().center_y().total_cmp(&b.bbox().center_y()));
    let middles: Vec<f32> = crossing.iter().map(|i| i.bbox().center_y()).collect();
    let zone = |i: &Item| middles.iter().filter(|&&y| y < i.bbox().center_y()).count();
    let mut zones: Vec<(Vec<Item>, Vec<Item>)> = vec![Default::default(); middles.len() + 1];
    for item in sides {
        let (left, right) = &mut zones[zone(&item)];
        match side(item.bbox(), x) {
            Side::Left => left.push(item),
            _ => right.push(item),
        }
    }
    let mut crossing = crossing.into_iter();
    for (left, right) in zones {
        order_into(left, depth + 1, out);
        order_into(right, depth + 1, out);
        out.extend(crossing.next());
    }
}

/// Columns may fill only a part of the page, between lines that go over all of it.
fn zones_into(mut items: Vec<Item>, depth: usize, out: &mut Vec<Item>) {
    let region = items.iter().map(|i| *i.bbox()).reduce(|a, b| a.union(&b));
    let Some(region) = region.filter(|_| depth < DEPTH_MAX) else { return rows_into(items, out) };
    let is_wide = |i: &Item| i.bbox().width() >= ZONE_PART * region.width();
    items.sort_by(|a, b| a.bbox().center_y().total_cmp(&b.bbox().center_y()));
    let mut rows: Vec<Item> = Vec::new();
    let mut zone: Vec<Item> = Vec::new();
    for item in items {
        if is_wide(&item) {
            end_zone(&mut zone, &mut rows, depth, out);
            rows.push(item);
        } else {
            zone.push(item);
        }
    }
    end_zone(&mut zone, &mut rows, depth, out);
    rows_into(rows, out);
}

/// A zone with a gutter is read by itself, after the rows above it; any other is rows.
fn end_zone(zone: &mut Vec<Item>, rows: &mut Vec<Item>, depth: usize, out: &mut Vec<Item>) {
    if find_gutter(zone).is_some() {
        rows_into(std::mem::take(rows), out);
        order_into(std::mem::take(zone), depth + 1, out);
    } else {
        rows.append(zone);
    }
}

/// From top to bottom, each row from left to right.
fn rows_into(items: Vec<Item>, out: &mut Vec<Item>) {
    let mut segments = Vec::new();
    let mut placed: Vec<Item> = Vec::new();
    for item in items {
        match item {
            Item::Line(line) => segments.push(line),
            table @ Item::Table(..) => placed.push(table),
        }
    }
    placed.extend(join_rows(segments).into_iter().map(Item::Line));
    placed.sort_by(|a, b| a.bbox().center_y().total_cmp(&b.bbox().center_y()));
    out.extend(placed);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Across,
}

fn side(b: &BBox, x: f32) -> Side {
    if b.right <= x {
        Side::Left
    } else if b.left >= x {
        Side::Right
    } else {
        Side::Across
    }
}

/// The place that divides the items best into two columns, if there is one.
fn find_gutter(items: &[Item]) -> Option<f32> {
    if items.len() < 2 * LINES_MIN.min(TABLE_WEIGHT) {
        return None;
    }
    let mut edges: Vec<f32> = items.iter().map(|i| i.bbox().right + 0.5).collect();
    edges.sort_by(f32::total_cmp);
    edges.dedup_by(|b, a| *b - *a < 1.0);
    edges.truncate(CANDIDATES_MAX);
    edges
        .into_iter()
        .filter_map(|x| Some((judge(items, x)?, x)))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, x)| x)
}

/// How well `x` divides the items; `None` when it is no gutter.
fn judge(items: &[Item], x: f32) -> Option<f32> {
    let on = |want: Side| items.iter().filter(move |i| side(i.bbox(), x) == want);
    let extent = |want: Side| on(want).map(|i| *i.bbox()).reduce(|a, b| a.union(&b));
    let (left, right) = (extent(Side::Left)?, extent(Side::Right)?);
    let (top, bottom) = (left.top.max(right.top), left.bottom.min(right.bottom));
    let beside = |i: &&Item| (top..=bottom).contains(&i.bbox().center_y());
    let count = |want: Side| on(want).filter(beside).map(Item::weight).sum::<usize>();
    let (left_lines, right_lines) = (count(Side::Left), count(Side::Right));
    let across = count(Side::Across);
    let fewest = left_lines.min(right_lines);
    if fewest < LINES_MIN || across * 4 > fewest {
        return None;
    }
    let right_edge = on(Side::Left).filter(beside).map(|i| i.bbox().right).fold(f32::MIN, f32::max);
    let left_edge = on(Side::Right).filter(beside).map(|i| i.bbox().left).fold(f32::MAX, f32::min);
    let gap = left_edge - right_edge;
    let is_prose = |want: Side| is_prose(&on(want).filter(beside).collect::<Vec<_>>());
    if gap < GUTTER_EM * font_size(items) || !is_prose(Side::Left) || !is_prose(Side::Right) {
        return None;
    }
    Some(fewest as f32 - 3.0 * across as f32 + gap.min(50.0) / 100.0)
}

fn font_size(items: &[Item]) -> f32 {
    let mut sizes: Vec<f32> = items
        .iter()
        .filter_map(|i| match i {
            Item::Line(line) => Some(line.size_pt),
            Item::Table(..) => None,
        })
        .collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(10.0)
}

/// Whether one side reads as running text of its own.
fn is_prose(side: &[&Item]) -> bool {
    let lines: Vec<&TextLine> = side
        .iter()
        .filter_map(|i| match i {
            Item::Line(line) => Some(line),
            Item::Table(..) => None,
        })
        .collect();
    if lines.is_empty() {
        return !side.is_empty();
    }
    let chars = lines.iter().map(|l| l.text.chars().count()).sum::<usize>() / lines.len();
    let mut widths: Vec<f32> = lines.iter().map(|l| l.bbox.width()).collect();
    widths.sort_by(f32::total_cmp);
    let widest = widths[widths.len() - 1].max(1.0);
    chars >= PROSE_CHARS_MIN && widths[widths.len() / 2] >= PROSE_FILL * widest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::lines::line_at;

    #[test]
    fn columns_between_full_width_lines_are_read_one_after_the_other() {
        let wide = "a line of text that goes over the whole width of the page and more";
        let mut items: Vec<Item> = (0..6).map(|row| wide_item(wide, row)).collect();
        for row in 6..11 {
            items.push(item("left column of the text", 0.0, row as f32 * 12.0, row));
            items.push(item("right column of the text", 180.0, row as f32 * 12.0, row));
        }
        items.extend((11..20).map(|row| wide_item(wide, row)));
        let ordered = order(items);
        let texts: Vec<&str> = ordered
            .iter()
            .filter_map(|i| match i {
                Item::Line(line) => Some(line.text.as_str()),
                Item::Table(..) => None,
            })
            .collect();
        assert_eq!(texts[6..11], ["left column of the text"; 5]);
        assert_eq!(texts[11..16], ["right column of the text"; 5]);
        assert_eq!(texts[16..], [wide; 9]);
    }

    fn wide_item(text: &str, row: usize) -> Item {
        item(text, 0.0, row as f32 * 12.0, row)
    }

    fn item(text: &str, left: f32, top: f32, row: usize) -> Item {
        Item::Line(line_at(text, left, top, row))
    }

    fn texts(items: Vec<Item>) -> Vec<String> {
        order(items)
            .into_iter()
            .map(|i| match i {
                Item::Line(line) => line.text,
                Item::Table(..) => "table".to_owned(),
            })
            .collect()
    }

    #[test]
    fn two_columns_with_a_title_and_a_section_across() {
        let mut items =
            vec![item("A title that goes over both of the columns of the page", 60.0, 0.0, 0)];
        let mut row = 1;
        for zone in ["one", "two"] {
            for line in 0..5 {
                let top = row as f32 * 12.0;
                items.push(item(&format!("left column {zone} {line} of text"), 0.0, top, row));
                items.push(item(&format!("right column {zone} {line} of text"), 200.0, top, row));
                row += 1;
            }
            let across = format!("A heading across after zone {zone} of the page and on");
            items.push(item(&across, 40.0, row as f32 * 12.0, row));
            row += 1;
        }
        let got = texts(items);
        let places: Vec<&str> = got.iter().map(|t| t.split(' ').next().unwrap_or("")).collect();
        let mut want = vec!["A"];
        for _ in 0..2 {
            want.extend(["left"; 5]);
            want.extend(["right"; 5]);
            want.push("A");
        }
        assert_eq!(places, want);
    }

    #[test]
    fn three_columns() {
        let items = (0..6).flat_map(|r| {
            ["first", "second", "third"].into_iter().enumerate().map(move |(c, name)| {
                item(&format!("{name} column has text"), c as f32 * 150.0, r as f32 * 12.0, r)
            })
        });
        let got = texts(items.collect());
        assert!(got[..6].iter().all(|t| t.starts_with("first")));
        assert!(got[6..12].iter().all(|t| t.starts_with("second")));
        assert!(got[12..].iter().all(|t| t.starts_with("third")));
    }

    #[test]
    fn a_form_is_read_row_by_row() {
        let items = (0..6).flat_map(|r| {
            [item("Serial no.", 0.0, r as f32 * 12.0, r), item("4711-B", 120.0, r as f32 * 12.0, r)]
        });
        assert_eq!(texts(items.collect()), ["Serial no. 4711-B"; 6]);
    }

    #[test]
    fn one_column_stays() {
        let items = (0..8).map(|r| item("a line of text over the page", 0.0, r as f32 * 12.0, r));
        assert_eq!(texts(items.collect()).len(), 8);
        assert!(order(Vec::new()).is_empty());
    }
}
