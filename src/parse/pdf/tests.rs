#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::parse;
use crate::error::{FailureCode, ParseFailure};
use crate::model::{BlockKind, Page, PageState};
use crate::sink::Sink;

const MANUAL: &[u8] = include_bytes!("../fixtures/manual.pdf");

fn read(bytes: &[u8]) -> Result<Vec<Page>, ParseFailure> {
    Ok(read_warned(bytes)?.0)
}

/// The pages, and what the reader of the document is told about them.
fn read_warned(bytes: &[u8]) -> Result<(Vec<Page>, Vec<String>), ParseFailure> {
    let mut pages = Vec::new();
    let mut take = |page| {
        pages.push(page);
        Ok(())
    };
    let mut sink = Sink::new(1000, &mut take);
    parse(bytes.to_vec(), &mut sink)?;
    let warnings = sink.finish().warnings;
    Ok((pages, warnings))
}

/// A PDF of one page for each content stream; `entries` go into each page.
fn pdf(contents: &[&str], entries: &str) -> Vec<u8> {
    pdf_with(contents, entries, &[])
}

fn stream(entries: &str, content: &str) -> String {
    format!("<< /Length {} {entries} >>\nstream\n{content}\nendstream", content.len())
}

/// A PDF with further objects behind those of its pages; the first has number 4 + 2 · pages.
fn pdf_with(contents: &[&str], entries: &str, more: &[String]) -> Vec<u8> {
    let kids: Vec<String> = (0..contents.len()).map(|i| format!("{} 0 R", 4 + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (i, content) in contents.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {} 0 R \
             /Resources << /Font << /F 3 0 R >> /XObject << /X {} 0 R >> >> {entries} >>",
            5 + 2 * i,
            4 + 2 * contents.len()
        ));
        objects.push(stream("", content));
    }
    objects.extend_from_slice(more);
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF",
        objects.len() + 1
    );
    out.extend(trailer.bytes());
    out
}

fn text_at(x: f32, y: f32, text: &str) -> String {
    format!("BT /F 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

#[test]
fn text_operators_place_words() {
    let content = "BT /F 10 Tf 12 TL 100 700 Td (Close) Tj T* [(the) -300 (val) 20 (ve)] TJ \
                   (now) ' 1 0 0 1 100 600 Tm (at) Tj ( once) Tj ET";
    let page = &read(&pdf(&[content], "")).unwrap()[0];
    assert_eq!(page.text(), "Close\nthe valve\nnow\n\nat once");
    let bbox = page.blocks[0].lines[0].bbox.unwrap();
    assert!((bbox.left - 100.0).abs() < 0.1 && (bbox.right - 125.56).abs() < 0.1, "{bbox:?}");
    assert!(
        bbox.top < 100.0 && bbox.bottom > 100.0,
        "the base line is 100 pt below the top: {bbox:?}"
    );
}

#[test]
fn turned_pages_are_read_as_displayed() {
    // On a page turned by 90 degrees text that runs up in the file runs to the right for the reader.
    let up = |x: f32, y: f32, t: &str| format!("BT /F 10 Tf 0 1 -1 0 {x} {y} Tm ({t}) Tj ET\n");
    let content = [up(100.0, 50.0, "first line"), up(114.0, 50.0, "second line")].concat();
    let page = &read(&pdf(&[&content], "/Rotate 90")).unwrap()[0];
    assert_eq!((page.width_pt, page.height_pt), (800.0, 600.0));
    assert_eq!(page.text(), "first line\nsecond line");
    let bbox = page.blocks[0].lines[0].bbox.unwrap();
    assert!(bbox.left > 49.0 && bbox.top > 85.0 && bbox.bottom < 110.0, "{bbox:?}");
    // The same text on a page that is not turned is read as well, and its boxes stand upright.
    let page = &read(&pdf(&[&content], "")).unwrap()[0];
    assert_eq!(page.text(), "first line\nsecond line");
    let bbox = page.blocks[0].lines[0].bbox.unwrap();
    assert!(bbox.height() > bbox.width(), "{bbox:?}");
}

#[test]
fn headers_and_footers_are_told_from_text() {
    let words = ["Close the valve", "Open the drain", "Wait for pressure", "Lock the drive"];
    let pages: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(i, w)| {
            [
                text_at(50.0, 780.0, "LOTO-4 Rev 2"),
                text_at(50.0, 770.0 - 100.0, w),
                text_at(280.0, 20.0, &format!("Page {} of 4", i + 1)),
            ]
            .concat()
        })
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    for (page, words) in read(&pdf(&pages, "")).unwrap().iter().zip(words) {
        assert_eq!(page.text(), words);
        let furniture = page.blocks.iter().filter(|b| b.kind == BlockKind::PageFurniture).count();
        assert_eq!(furniture, 2);
    }
}

#[test]
fn forms_are_drawn_in_their_space_and_cycles_end() {
    let form = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 600 800] \
         /Resources << /Font << /F 3 0 R >> /XObject << /X 6 0 R >> >>",
        "BT /F 10 Tf 0 500 Td (inside) Tj ET /X Do",
    );
    let bytes = pdf_with(&["q 1 0 0 1 100 0 cm /X Do Q"], "", &[form]);
    let pages = read(&bytes).unwrap();
    // Drawn over itself until the depth limit: prints at one place count once.
    assert_eq!(pages[0].text(), "inside");
    let bbox = pages[0].blocks[0].lines[0].bbox.unwrap();
    assert!((bbox.left - 100.0).abs() < 0.1, "{bbox:?}");
}

#[test]
fn wrong_offsets_are_repaired() {
    let whole = String::from_utf8(pdf(&[&text_at(50.0, 700.0, "45 Nm")], "")).unwrap();
    let shifted = whole.replace("%PDF-1.4\n", "%PDF-1.4\n% a comment that moves every object\n");
    assert_eq!(read(shifted.as_bytes()).unwrap()[0].text(), "45 Nm");
    let without_table = &whole[..whole.find("xref\n").unwrap()];
    match read(without_table.as_bytes()) {
        Ok(pages) => assert_eq!(pages[0].text(), "45 Nm"),
        Err(failure) => assert_eq!(failure.code, FailureCode::Damaged),
    }
}

#[test]
fn a_page_that_lost_a_part_says_so() {
    let sound = read_warned(MANUAL).unwrap();
    assert_eq!(sound.1, Vec::<String>::new());
    let mut doc = lopdf::Document::load_mem(MANUAL).unwrap();
    let first = *doc.get_pages().get(&1).unwrap();
    let content = doc.get_page_contents(first)[0];
    let stream = doc.get_object_mut(content).unwrap().as_stream_mut().unwrap();
    assert!(stream.dict.has(b"Filter"), "the fixture is compressed");
    let mut packed = stream.content.clone();
    packed.truncate(packed.len() * 2 / 3);
    stream.set_content(packed);
    let mut bytes = Vec::new();
    doc.save_to(&mut bytes).unwrap();
    let (pages, warnings) = read_warned(&bytes).unwrap();
    let (torn, whole) = (pages[0].text(), sound.0[0].text());
    assert!(!torn.is_empty() && torn.len() < whole.len(), "{} of {}", torn.len(), whole.len());
    assert_eq!(warnings, ["Page 1 is damaged; a part of it may be missing or wrong."]);
}

#[test]
fn pages_without_text_need_ocr_and_unknown_letters_count_as_none() {
    let pages = read(&pdf(&["0 0 100 100 re f", ""], "")).unwrap();
    assert!(pages.iter().all(|p| p.state == PageState::NeedsOcr));
}

#[test]
fn what_is_no_pdf_inside_is_damaged() {
    for bytes in [&b"%PDF-1.4"[..], b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>"] {
        assert_eq!(read(bytes).unwrap_err().code, FailureCode::Damaged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_files_never_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let mut bytes = MANUAL.to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cuts {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = read(&bytes);
    }

    #[test]
    fn any_operators_are_survived(
        operators in proptest::collection::vec((0usize..30, -900f32..900.0, -900f32..900.0), 0..60),
    ) {
        const NAMES: [&str; 30] = ["q", "Q", "BT", "ET", "Tf", "Td", "TD", "Tm", "T*", "Tj", "TJ", "'",
            "\"", "Tc", "Tw", "Tz", "TL", "Ts", "Tr", "m", "l", "c", "re", "h", "S", "f", "B", "n", "cm", "Do"];
        let content: String = operators
            .iter()
            .map(|(name, a, b)| match NAMES[*name] {
                "Tf" => format!("/F {a} Tf\n"),
                "Tj" | "'" => format!("(word) {}\n", NAMES[*name]),
                "TJ" => format!("[(wo) {a} (rd) {b}] TJ\n"),
                "cm" | "Tm" | "c" => format!("{a} 0.5 {b} 1 {a} {b} {}\n", NAMES[*name]),
                "re" => format!("{a} {b} {b} {a} re\n"),
                other => format!("{a} {b} {other}\n"),
            })
            .collect();
        let pages = read(&pdf(&[&content], "")).unwrap();
        prop_assert_eq!(pages.len(), 1);
    }
}
