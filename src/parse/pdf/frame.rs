//! Text that does not run from left to right is laid out in a frame turned so that it does.

use super::content::{Content, Direction, Rule, Span};
use super::interpreter::Heading;
use crate::model::BBox;

/// The page turned so that one heading becomes "right".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    heading: Heading,
    width_pt: f32,
    height_pt: f32,
}

impl Frame {
    /// The frame of `heading` on a displayed page of this size.
    pub(super) const fn new(heading: Heading, width_pt: f32, height_pt: f32) -> Self {
        Self { heading, width_pt, height_pt }
    }

    /// An empty page in this frame.
    pub(super) fn content(&self) -> Content {
        let (width_pt, height_pt) = match self.heading {
            Heading::Right | Heading::Left => (self.width_pt, self.height_pt),
            Heading::Down | Heading::Up => (self.height_pt, self.width_pt),
        };
        Content { width_pt, height_pt, spans: Vec::new(), rules: Vec::new() }
    }

    /// From the displayed page into the frame.
    fn enter(&self, b: &BBox) -> BBox {
        let (w, h) = (self.width_pt, self.height_pt);
        match self.heading {
            Heading::Right => *b,
            Heading::Left => BBox::new(w - b.left, h - b.top, w - b.right, h - b.bottom),
            Heading::Down => BBox::new(b.top, w - b.right, b.bottom, w - b.left),
            Heading::Up => BBox::new(h - b.bottom, b.left, h - b.top, b.right),
        }
    }

    /// From the frame back to the displayed page.
    pub(super) fn leave(&self, b: &BBox) -> BBox {
        let (w, h) = (self.width_pt, self.height_pt);
        match self.heading {
            Heading::Right => *b,
            Heading::Left => BBox::new(w - b.left, h - b.top, w - b.right, h - b.bottom),
            Heading::Down => BBox::new(w - b.bottom, b.left, w - b.top, b.right),
            Heading::Up => BBox::new(b.top, h - b.right, b.bottom, h - b.left),
        }
    }

    pub(super) fn enter_span(&self, span: Span) -> Span {
        Span { bbox: self.enter(&span.bbox), ..span }
    }

    pub(super) fn enter_rule(&self, rule: Rule) -> Rule {
        let drawn = match rule.direction {
            Direction::Horizontal => BBox::new(rule.from, rule.at, rule.to, rule.at),
            Direction::Vertical => BBox::new(rule.at, rule.from, rule.at, rule.to),
        };
        let b = self.enter(&drawn);
        if b.width() >= b.height() {
            Rule { direction: Direction::Horizontal, at: b.top, from: b.left, to: b.right }
        } else {
            Rule { direction: Direction::Vertical, at: b.left, from: b.top, to: b.bottom }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_can_be_left_again() {
        let b = BBox::new(10.0, 20.0, 50.0, 30.0);
        for heading in [Heading::Right, Heading::Down, Heading::Left, Heading::Up] {
            let frame = Frame::new(heading, 100.0, 200.0);
            assert_eq!(frame.leave(&frame.enter(&b)), b, "{heading:?}");
        }
    }

    #[test]
    fn text_that_runs_up_begins_at_the_left_of_its_frame() {
        let frame = Frame::new(Heading::Up, 100.0, 200.0);
        let first_letter = frame.enter(&BBox::new(10.0, 180.0, 20.0, 190.0));
        let last_letter = frame.enter(&BBox::new(10.0, 100.0, 20.0, 110.0));
        assert!(first_letter.left < last_letter.left);
        let next_line = frame.enter(&BBox::new(30.0, 180.0, 40.0, 190.0));
        assert!(next_line.top > first_letter.top);
        let rule = Rule { direction: Direction::Vertical, at: 5.0, from: 0.0, to: 90.0 };
        assert_eq!(frame.enter_rule(rule).direction, Direction::Horizontal);
    }
}
