//! Passages: what retrieval shows, and where it stands on its pages.

use std::ops::Range;

use base::{ChunkId, DocumentId, Label, PageNumber, RevisionId};
use parse::BBox;
use serde::{Deserialize, Serialize};

/// A line of a chunk's text and its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChunkLine {
    /// First byte of the line in the chunk's text.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
    /// The page, counted from 1.
    pub page: u32,
    /// Where it stands; `None` for formats without fixed pages.
    pub bbox: Option<BBox>,
}

/// A rectangle on a page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassageBox {
    /// The page.
    pub page: PageNumber,
    /// The rectangle, in points of 1/72 inch, origin at the top left, y down.
    pub bbox: BBox,
}

/// How well a passage matches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Both arms together, 0 to 1; comparable between queries.
    pub fused: f32,
    /// Of the text arm: share of the best BM25 score that is possible, 0 to 1.
    pub text: f32,
    /// Of the vector arm: cosine of query and passage; 0 without an embedding.
    pub vector: f32,
}

/// A chunk that was found, with everything that is needed to show and cite it.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// The chunk.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: DocumentId,
    /// What the plant calls the document.
    pub document_key: String,
    /// The document's title.
    pub document_title: String,
    /// Its revision.
    pub revision_id: RevisionId,
    /// The revision's number.
    pub revision_number: u32,
    /// Page on which it begins.
    pub page_first: PageNumber,
    /// Page on which it ends.
    pub page_last: PageNumber,
    /// From the outermost heading to the nearest.
    pub heading_path: Vec<String>,
    /// `prose` or `table`.
    pub kind: String,
    /// The text, verbatim.
    pub text: String,
    /// Its lines, in order.
    pub lines: Vec<ChunkLine>,
    /// The label of the text.
    pub label: Label,
    /// BCP 47.
    pub language: Option<String>,
    /// How well it matches.
    pub scores: Scores,
}

impl Passage {
    /// The boxes of all its lines.
    #[must_use]
    pub fn boxes(&self) -> Vec<PassageBox> {
        self.boxes_of(0..self.text.len())
    }

    /// The boxes of the lines that a part of the text touches.
    #[must_use]
    pub fn boxes_of(&self, part: Range<usize>) -> Vec<PassageBox> {
        let boxes = self
            .lines_of(&part)
            .filter_map(|line| Some(PassageBox { page: PageNumber(line.page), bbox: line.bbox? }));
        boxes.collect()
    }

    /// The page on which a part of the text begins.
    #[must_use]
    pub fn page_of(&self, part: Range<usize>) -> PageNumber {
        self.lines_of(&part).next().map_or(self.page_first, |line| PageNumber(line.page))
    }

    fn lines_of(&self, part: &Range<usize>) -> impl Iterator<Item = &ChunkLine> {
        let (start, end) = (part.start, part.end);
        self.lines
            .iter()
            .filter(move |line| (line.start as usize) < end && line.end as usize > start)
    }
}
