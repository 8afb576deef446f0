//! Headers and footers: what stands at the same place with the same words, numbers aside, on most
//! of the pages around.

use super::order::Item;
use crate::model::Table;

/// Part of the page's height, from either end, where furniture stands.
const ZONE: f32 = 0.14;

/// Pages before and behind that are compared.
pub(super) const NEIGHBOURS: usize = 6;

/// Furniture does not move by more than this from page to page, in points.
const SAME_PLACE_PT: f32 = 4.0;

/// Longest text that can be furniture, in characters.
const TEXT_MAX_CHARS: usize = 200;

/// Texts of which one begins with the other are the same furniture from this length on, in bytes.
const PREFIX_MIN_BYTES: usize = 4;

/// How pages are numbered, numbers written as `#`: furniture even on a single page.
const PAGE_NUMBERS: &[&str] = &[
    "#",
    "-#-",
    "–#–",
    "#/#",
    "#of#",
    "page#",
    "page#of#",
    "page#/#",
    "seite#",
    "seite#von#",
    "seite#/#",
    "strana#",
    "strana#z#",
    "strana#/#",
    "stránka#z#",
    "s.#",
    "p.#",
];

/// What is remembered of a page to recognise its furniture on others.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Vec<Mark>);

#[derive(Clone, Debug, PartialEq)]
struct Mark {
    words: String,
    /// Distance of the middle from the upper or, negative, from the lower edge of the page.
    place: f32,
}

impl Trace {
    /// Remembers what stands near the edges of a page.
    pub(super) fn of(items: &[Item], height_pt: f32) -> Self {
        Self(items.iter().filter_map(|i| mark(i, height_pt)).collect())
    }

    fn has(&self, mark: &Mark) -> bool {
        self.0.iter().any(|m| {
            let same_place = (m.place - mark.place).abs() <= SAME_PLACE_PT;
            let begins_alike = m.words.len().min(mark.words.len()) >= PREFIX_MIN_BYTES
                && (m.words.starts_with(&mark.words) || mark.words.starts_with(&m.words));
            same_place && (m.words == mark.words || begins_alike)
        })
    }
}

/// Whether `item` repeats on many of the pages around (two in five: left and right pages may
/// differ), if only in its beginning: first pages often say less.
pub(super) fn is_furniture<'t>(
    item: &Item,
    height_pt: f32,
    around: impl Iterator<Item = &'t Trace>,
) -> bool {
    let Some(mark) = mark(item, height_pt) else { return false };
    if PAGE_NUMBERS.contains(&mark.words.as_str()) {
        return true;
    }
    let (mut pages, mut hits) = (0usize, 0usize);
    for trace in around {
        pages += 1;
        hits += usize::from(trace.has(&mark));
    }
    hits > 0 && hits * 5 >= pages * 2
}

fn mark(item: &Item, height_pt: f32) -> Option<Mark> {
    let middle = item.bbox().center_y();
    let zone = ZONE * height_pt;
    let place = if middle <= zone {
        middle
    } else if middle >= height_pt - zone {
        middle - height_pt
    } else {
        return None;
    };
    let words = match item {
        Item::Line(line) => normalise(&line.text),
        Item::Table(table, _) => table_words(table),
    };
    (!words.is_empty() && words.chars().count() <= TEXT_MAX_CHARS).then_some(Mark { words, place })
}

fn table_words(table: &Table) -> String {
    let rows: Vec<String> = table.rows.iter().map(|r| normalise(&r.text())).collect();
    rows.join(" ")
}

/// Numbers become one sign: page numbers and dates differ from page to page.
fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if c.is_numeric() {
            if !out.ends_with('#') {
                out.push('#');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BBox;
    use crate::pdf::content::{Pitch, TextLine, Weight};

    fn item(text: &str, top: f32) -> Item {
        Item::Line(TextLine {
            text: text.to_owned(),
            bbox: BBox::new(50.0, top, 200.0, top + 10.0),
            size_pt: 10.0,
            bold: Weight::Regular,
            pitch: Pitch::Proportional,
            row: 0,
        })
    }

    #[test]
    fn page_numbers_repeat_and_text_does_not() {
        let page = |n: u32| {
            vec![
                item(&format!("Page {n} of 9"), 800.0),
                item("Text", 400.0),
                item(&format!("{n} bolts torn"), 20.0),
            ]
        };
        let traces: Vec<Trace> =
            [2, 3, 4].iter().map(|&n| Trace::of(&page(n)[..2], 842.0)).collect();
        let items = page(1);
        let verdicts: Vec<bool> =
            items.iter().map(|i| is_furniture(i, 842.0, traces.iter())).collect();
        assert_eq!(verdicts, [true, false, false]);
    }

    #[test]
    fn a_single_page_has_no_furniture_but_its_number() {
        assert!(!is_furniture(&item("Rev 2", 800.0), 842.0, std::iter::empty()));
        assert!(is_furniture(&item("Strana 1 z 3", 800.0), 842.0, std::iter::empty()));
    }
}
