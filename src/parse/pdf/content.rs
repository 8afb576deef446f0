//! What a page of a PDF draws, as far as reading it goes: pieces of text and ruling lines, in the
//! space of [`BBox`] (points, origin top left).

use crate::model::BBox;

/// A piece of text drawn in one go: a letter, a word or a line, as the program that made the file
/// pleased.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) bbox: BBox,
    /// Size as displayed, in points.
    pub(super) size_pt: f32,
    pub(super) bold: Weight,
    /// Drawn in a font whose letters are equally wide.
    pub(super) pitch: Pitch,
}

/// How heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// Whether letters are equally wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pitch {
    Proportional,
    Fixed,
}

/// A horizontal or vertical line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) direction: Direction,
    /// y of a horizontal, x of a vertical line.
    pub(super) at: f32,
    /// Where it begins, along its direction.
    pub(super) from: f32,
    /// Where it ends; not less than `from`.
    pub(super) to: f32,
}

/// Which way a ruling line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Horizontal,
    Vertical,
}

/// A page before its text is put in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    pub(super) width_pt: f32,
    pub(super) height_pt: f32,
    pub(super) spans: Vec<Span>,
    pub(super) rules: Vec<Rule>,
}

/// A line or part of a line of text without large gaps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TextLine {
    pub(super) text: String,
    pub(super) bbox: BBox,
    pub(super) size_pt: f32,
    pub(super) bold: Weight,
    pub(super) pitch: Pitch,
    /// Lines with the same row stand beside each other on the page.
    pub(super) row: usize,
}

impl TextLine {
    /// Appends a piece that stands to the right of this line.
    pub(super) fn append(&mut self, other: &Self, separator: &str) {
        if other.text.chars().count() > self.text.chars().count() {
            self.size_pt = other.size_pt;
        }
        if other.bold == Weight::Regular {
            self.bold = Weight::Regular;
        }
        if other.pitch == Pitch::Proportional {
            self.pitch = Pitch::Proportional;
        }
        self.text.push_str(separator);
        self.text.push_str(&other.text);
        self.bbox = self.bbox.union(&other.bbox);
    }
}
