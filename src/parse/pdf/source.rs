//! Opens a PDF with lopdf and runs its pages: the only file that knows where pages come from.

use lopdf::{Dictionary, Document, Error, LoadOptions, Object, ObjectId};

use super::interpreter::{CONTENT_MAX_BYTES, Drawn, FontCache, Interpreter};
use super::matrix::Matrix;
use super::streams::unpack;
use crate::error::{FailureCode, ParseFailure};

/// Largest object stream or cross-reference stream, decompressed, in bytes.
const STREAM_MAX_BYTES: usize = 128 * 1024 * 1024;

/// Deepest page tree that is followed for inherited entries.
const TREE_DEPTH_MAX: usize = 64;

/// ISO 216 A4, for pages that do not tell their size.
const A4_PT: [f32; 4] = [0.0, 0.0, 595.0, 842.0];

/// Smallest and largest side of a page that is believed, in points (annex C.2: 3 to 14,400).
const SIDE_PT: std::ops::RangeInclusive<f32> = 3.0..=14_400.0;

/// An opened PDF.
pub(super) struct Source {
    doc: Document,
    pages: Vec<ObjectId>,
    fonts: FontCache,
}

/// A page as drawn, in displayed points from the top left.
pub(super) struct DrawnPage {
    pub(super) width_pt: f32,
    pub(super) height_pt: f32,
    pub(super) drawn: Drawn,
}

impl Source {
    /// Reads the file's structure; a damaged one is put together again as far as possible.
    pub(super) fn open(bytes: &[u8]) -> Result<Self, ParseFailure> {
        let mut opened = load(bytes, Repair::WhenNeeded);
        let needs_repair = match &opened {
            Ok((_, pages)) => pages.is_empty(),
            Err(failure) => failure.code == FailureCode::Damaged,
        };
        if needs_repair {
            opened = load(bytes, Repair::Always).or(opened);
        }
        let (doc, pages) = opened?;
        if pages.is_empty() {
            return Err(ParseFailure::damaged("The PDF is damaged: no page can be found in it."));
        }
        Ok(Self { doc, pages, fonts: FontCache::default() })
    }

    /// How many pages there are.
    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// The title in the document's information dictionary (14.3.3).
    pub(super) fn title(&self) -> Option<String> {
        let info = self.doc.trailer.get_deref(b"Info", &self.doc).ok()?.as_dict().ok()?;
        let title = info.get_deref(b"Title", &self.doc).ok()?;
        lopdf::decode_text_string(title).ok()
    }

    /// Runs page `index`, counted from 0.
    pub(super) fn page(&mut self, index: usize) -> Result<DrawnPage, String> {
        let doc = &self.doc;
        let missing = || "The page is missing from the file.".to_owned();
        let id = *self.pages.get(index).ok_or_else(missing)?;
        let page = doc.get_dictionary(id).map_err(|_| missing())?;
        let crop = inherited(doc, page, b"CropBox").and_then(|o| rectangle(doc, o));
        let media = inherited(doc, page, b"MediaBox").and_then(|o| rectangle(doc, o));
        let shown = crop.or(media).unwrap_or(A4_PT);
        let turn = inherited(doc, page, b"Rotate").and_then(|o| o.as_float().ok()).unwrap_or(0.0);
        let (space, width_pt, height_pt) = display(shown, turn);
        let (data, is_damaged) = content(doc, id)?;
        let resources = inherited(doc, page, b"Resources").and_then(|o| o.as_dict().ok());
        let resources: Vec<&Dictionary> = resources.into_iter().collect();
        let mut interpreter = Interpreter::new(doc, &mut self.fonts, space);
        interpreter.run(&data, &resources, 0);
        let mut drawn = interpreter.finish();
        drawn.is_damaged |= is_damaged;
        Ok(DrawnPage { width_pt, height_pt, drawn })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repair {
    WhenNeeded,
    Always,
}

fn load(bytes: &[u8], repair: Repair) -> Result<(Document, Vec<ObjectId>), ParseFailure> {
    let options = LoadOptions {
        max_decompressed_size: Some(STREAM_MAX_BYTES),
        force_reconstruct: repair == Repair::Always,
        ..LoadOptions::default()
    };
    let mut doc = Document::load_mem_with_options(bytes, options).map_err(|e| refusal(&e))?;
    if doc.is_encrypted() {
        // Many files are encrypted with an empty password, only to forbid printing.
        doc.decrypt("").map_err(|_| encrypted())?;
    }
    let pages = doc.page_iter().collect();
    Ok((doc, pages))
}

fn refusal(error: &Error) -> ParseFailure {
    match error {
        Error::InvalidPassword | Error::Decryption(_) => encrypted(),
        Error::Decompress(_) => ParseFailure::new(
            FailureCode::TooLarge,
            format_args!(
                "A part of the PDF unpacks to more than {} MiB.",
                STREAM_MAX_BYTES / (1024 * 1024)
            ),
        ),
        _ => ParseFailure::damaged("The PDF is damaged: its structure cannot be read."),
    }
}

fn encrypted() -> ParseFailure {
    ParseFailure::new(
        FailureCode::Encrypted,
        "The PDF is protected with a password. Save it without the password.",
    )
}

/// An entry of the page or of the nodes above it (7.7.3.4).
fn inherited<'d>(doc: &'d Document, page: &'d Dictionary, key: &[u8]) -> Option<&'d Object> {
    let mut node = page;
    for _ in 0..TREE_DEPTH_MAX {
        if let Ok(found) = node.get_deref(key, doc)
            && !found.is_null()
        {
            return Some(found);
        }
        node = node.get_deref(b"Parent", doc).ok()?.as_dict().ok()?;
    }
    None
}

fn rectangle(doc: &Document, object: &Object) -> Option<[f32; 4]> {
    let corners = object.as_array().ok()?;
    let mut n = [0f32; 4];
    if corners.len() != n.len() {
        return None;
    }
    for (slot, corner) in n.iter_mut().zip(corners) {
        *slot = doc.dereference(corner).ok()?.1.as_float().ok()?;
    }
    let ordered = [n[0].min(n[2]), n[1].min(n[3]), n[0].max(n[2]), n[1].max(n[3])];
    let is_page = SIDE_PT.contains(&(ordered[2] - ordered[0]))
        && SIDE_PT.contains(&(ordered[3] - ordered[1]));
    is_page.then_some(ordered)
}

/// From the page's space to the displayed page, whose origin is top left and whose y runs down;
/// and the displayed size. `turn` is clockwise, in degrees.
fn display([x0, y0, x1, y1]: [f32; 4], turn: f32) -> (Matrix, f32, f32) {
    let (width, height) = (x1 - x0, y1 - y0);
    let quarter = ((turn / 90.0).round() as i64).rem_euclid(4);
    let m = |a, b, c, d, e, f| Matrix { a, b, c, d, e, f };
    match quarter {
        0 => (m(1.0, 0.0, 0.0, -1.0, -x0, y1), width, height),
        1 => (m(0.0, 1.0, 1.0, 0.0, -y0, -x0), height, width),
        2 => (m(-1.0, 0.0, 0.0, 1.0, x1, -y0), width, height),
        _ => (m(0.0, -1.0, -1.0, 0.0, y1, x1), height, width),
    }
}

/// The page's content streams as one, and whether one of them was damaged.
fn content(doc: &Document, page: ObjectId) -> Result<(Vec<u8>, bool), String> {
    let mut data = Vec::new();
    let mut is_damaged = false;
    for id in doc.get_page_contents(page) {
        let Ok(stream) = doc.get_object(id).and_then(Object::as_stream) else {
            is_damaged = true;
            continue;
        };
        let budget_bytes = CONTENT_MAX_BYTES.saturating_sub(data.len());
        match unpack(stream, budget_bytes) {
            Ok(part) => {
                data.extend_from_slice(&part.data);
                is_damaged |= part.is_damaged;
            }
            Err(Error::Decompress(_)) => {
                let limit_mib = CONTENT_MAX_BYTES / (1024 * 1024);
                return Err(format!("The drawing of the page is larger than {limit_mib} MiB."));
            }
            Err(_) => is_damaged = true,
        }
        data.push(b'\n');
    }
    Ok((data, is_damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_turned_as_displayed() {
        let page = [10.0, 20.0, 110.0, 220.0];
        // The upper left corner as the reader sees it, for each turn.
        for (turn, corner, size) in [
            (0.0, (10.0, 220.0), (100.0, 200.0)),
            (90.0, (10.0, 20.0), (200.0, 100.0)),
            (180.0, (110.0, 20.0), (100.0, 200.0)),
            (270.0, (110.0, 220.0), (200.0, 100.0)),
            (-90.0, (110.0, 220.0), (200.0, 100.0)),
        ] {
            let (space, width, height) = display(page, turn);
            assert_eq!(space.apply(corner.0, corner.1), (0.0, 0.0), "{turn}");
            assert_eq!((width, height), size, "{turn}");
        }
    }
}
