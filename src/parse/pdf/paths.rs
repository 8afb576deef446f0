//! Paths of a content stream to ruling lines: strokes that run straight across or down, and filled
//! bars that are as thin as a line.

use super::content::{Direction, Rule};
use super::matrix::Matrix;
use crate::limits::PDF_RULES_MAX;
use crate::model::BBox;

/// A stroke may lean by this much and is still straight, in points.
const LEAN_PT: f32 = 1.0;

/// A filled bar not thicker than this is a line, in points.
const BAR_PT: f32 = 3.0;

/// Shortest line that can be part of a table, in points.
const SHORT_PT: f32 = 4.0;

/// Most segments of one path that are looked at.
const SEGMENTS_MAX: usize = 20_000;

/// How a path is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Stroke,
    Fill,
    Both,
    Nothing,
}

/// The path being built, in the space of the page.
#[derive(Debug, Default)]
pub(super) struct Path {
    segments: Vec<((f32, f32), (f32, f32))>,
    /// Boxes of subpaths, for fills.
    boxes: Vec<BBox>,
    start: Option<(f32, f32)>,
    current: Option<(f32, f32)>,
}

impl Path {
    pub(super) fn move_to(&mut self, point: (f32, f32)) {
        self.start = Some(point);
        self.current = Some(point);
        if self.boxes.len() < SEGMENTS_MAX {
            self.boxes.push(BBox::new(point.0, point.1, point.0, point.1));
        }
    }

    pub(super) fn line_to(&mut self, point: (f32, f32)) {
        if let Some(from) = self.current
            && self.segments.len() < SEGMENTS_MAX
        {
            self.segments.push((from, point));
        }
        self.curve_to(point);
    }

    /// The end of a curve: no line, but part of the shape.
    pub(super) fn curve_to(&mut self, point: (f32, f32)) {
        self.current = Some(point);
        if let Some(shape) = self.boxes.last_mut() {
            *shape = shape.union(&BBox::new(point.0, point.1, point.0, point.1));
        }
    }

    pub(super) fn close(&mut self) {
        if let Some(start) = self.start {
            self.line_to(start);
        }
    }

    pub(super) fn rectangle(&mut self, space: &Matrix, x: f32, y: f32, width: f32, height: f32) {
        self.move_to(space.apply(x, y));
        self.line_to(space.apply(x + width, y));
        self.line_to(space.apply(x + width, y + height));
        self.line_to(space.apply(x, y + height));
        self.close();
    }

    /// Paints the path and forgets it.
    pub(super) fn paint(&mut self, paint: Paint, rules: &mut Vec<Rule>) {
        if matches!(paint, Paint::Stroke | Paint::Both) {
            rules.extend(self.segments.iter().filter_map(|&(a, b)| line(a, b)));
        }
        if matches!(paint, Paint::Fill | Paint::Both) {
            rules.extend(self.boxes.iter().filter_map(bar));
        }
        rules.truncate(PDF_RULES_MAX);
        *self = Self::default();
    }
}

fn line(a: (f32, f32), b: (f32, f32)) -> Option<Rule> {
    rule(&BBox::new(a.0, a.1, b.0, b.1), LEAN_PT)
}

fn bar(shape: &BBox) -> Option<Rule> {
    rule(shape, BAR_PT)
}

/// A box that is long one way and at most `thickness` the other.
fn rule(shape: &BBox, thickness: f32) -> Option<Rule> {
    let (width, height) = (shape.width(), shape.height());
    if height <= thickness && width >= SHORT_PT && width > height {
        let (direction, at) = (Direction::Horizontal, shape.center_y());
        return Some(Rule { direction, at, from: shape.left, to: shape.right });
    }
    if width <= thickness && height >= SHORT_PT {
        let (direction, at) = (Direction::Vertical, shape.center_x());
        return Some(Rule { direction, at, from: shape.top, to: shape.bottom });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_stroke_as_four_lines_and_fill_as_bars() {
        let mut rules = Vec::new();
        let mut path = Path::default();
        path.rectangle(&Matrix::IDENTITY, 0.0, 0.0, 100.0, 50.0);
        path.paint(Paint::Stroke, &mut rules);
        assert_eq!(rules.len(), 4);
        path.rectangle(&Matrix::IDENTITY, 0.0, 0.0, 100.0, 50.0);
        path.paint(Paint::Fill, &mut rules);
        assert_eq!(rules.len(), 4);
        path.rectangle(&Matrix::IDENTITY, 0.0, 10.0, 100.0, 0.5);
        path.paint(Paint::Fill, &mut rules);
        let bar = Rule { direction: Direction::Horizontal, at: 10.25, from: 0.0, to: 100.0 };
        assert_eq!(rules.last(), Some(&bar));
    }

    #[test]
    fn slanted_lines_and_curves_are_no_rules() {
        let mut rules = Vec::new();
        let mut path = Path::default();
        path.move_to((0.0, 0.0));
        path.line_to((50.0, 50.0));
        path.curve_to((100.0, 50.0));
        path.paint(Paint::Both, &mut rules);
        path.line_to((1.0, 1.0));
        path.paint(Paint::Stroke, &mut rules);
        assert!(rules.is_empty());
    }
}
