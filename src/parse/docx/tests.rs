#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::Write;

use zip::write::{SimpleFileOptions, ZipWriter};

use super::{parse, recognise};
use crate::error::{FailureCode, ParseFailure};
use crate::model::{BlockKind, Page, PageState, ParsedSummary};
use crate::sink::Sink;

/// A DOCX with these parts.
fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn body(inner: &str) -> String {
    format!("<?xml version=\"1.0\"?><w:document><w:body>{inner}</w:body></w:document>")
}

fn p(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn read(bytes: &[u8]) -> Result<(Vec<Page>, ParsedSummary), ParseFailure> {
    let mut pages = Vec::new();
    let mut take = |page| {
        pages.push(page);
        Ok(())
    };
    let mut sink = Sink::new(100, &mut take);
    parse(bytes, &mut sink)?;
    let summary = sink.finish();
    Ok((pages, summary))
}

fn read_body(inner: &str) -> Vec<Page> {
    read(&docx(&[("word/document.xml", &body(inner))])).unwrap().0
}

fn texts(page: &Page) -> Vec<String> {
    page.blocks.iter().map(crate::model::Block::text).collect()
}

const STYLES: &str = r#"<w:styles>
  <w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
  <w:style w:styleId="Beschriftung"><w:name w:val="caption"/></w:style></w:styles>"#;

const NUMBERING: &str = r#"<w:numbering><w:abstractNum w:abstractNumId="0">
  <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
  </w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"#;

#[test]
fn headings_lists_tables_and_properties() {
    let inner = format!(
        r#"<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Pumpe</w:t></w:r></w:p>
        {}<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>
        <w:r><w:t xml:space="preserve">Ventil </w:t></w:r><w:r><w:t>V-12</w:t><w:tab/><w:t>zu</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>Sperren</w:t></w:r></w:p>
        <w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>
        <w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>{}{}</w:tc></w:tr></w:tbl>
        <w:p><w:pPr><w:pStyle w:val="Beschriftung"/></w:pPr><w:r><w:t>Tabelle 1</w:t></w:r></w:p>"#,
        p("Text."),
        p("Teil"),
        p("Moment"),
        p("a"),
        p("b"),
    );
    let bytes = docx(&[
        ("word/document.xml", &body(&inner)),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
        ("docProps/core.xml", "<c><dc:title>Handbuch</dc:title></c>"),
        ("word/header1.xml", &format!("<w:hdr>{}</w:hdr>", p("MM-7 Rev B"))),
    ]);
    let (pages, summary) = read(&bytes).unwrap();
    assert_eq!(summary.title.as_deref(), Some("Handbuch"));
    let want = [
        "MM-7 Rev B",
        "Pumpe",
        "Text.",
        "1. Ventil V-12\tzu",
        "2. Sperren",
        "Teil\tMoment\na b",
        "Tabelle 1",
    ];
    assert_eq!(texts(&pages[0]), want);
    let kinds: Vec<&BlockKind> = pages[0].blocks.iter().map(|b| &b.kind).collect();
    assert_eq!(*kinds[0], BlockKind::PageFurniture);
    assert_eq!(*kinds[1], BlockKind::Heading { level: 1 });
    assert_eq!(*kinds[3], BlockKind::ListItem { level: 1 });
    assert_eq!(*kinds[6], BlockKind::Caption);
    let table = pages[0].blocks[5].table().unwrap();
    assert_eq!((table.header_rows, table.rows[1].cells[0].column_span), (1, 2));
}

#[test]
fn a_bold_first_row_is_the_header() {
    let cell = |text: &str, bold: &str| {
        format!("<w:tc><w:p><w:r><w:rPr>{bold}</w:rPr><w:t>{text}</w:t></w:r></w:p></w:tc>")
    };
    let table = |bold: &str| {
        format!(
            "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
            cell("Lamp", bold),
            cell("Meaning", bold),
            cell("SF", ""),
            cell("fault", "")
        )
    };
    for (bold, rows) in [("<w:b/>", 1), ("<w:b w:val=\"0\"/>", 0), ("", 0)] {
        let pages = read_body(&table(bold));
        assert_eq!(pages[0].blocks[0].table().unwrap().header_rows, rows, "{bold}");
    }
}

#[test]
fn pages_end_where_the_author_or_word_broke_them() {
    let page_break = r#"<w:p><w:r><w:br w:type="page"/></w:r></w:p>"#;
    let rendered =
        |t: &str| format!("<w:p><w:r><w:lastRenderedPageBreak/><w:t>{t}</w:t></w:r></w:p>");
    let before =
        format!("<w:p><w:pPr><w:pageBreakBefore/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>", "four");
    let inner = [&p("one"), page_break, &rendered("two"), &rendered("three"), &before].concat();
    let pages = read_body(&inner);
    let all: Vec<String> = pages.iter().map(Page::text).collect();
    assert_eq!(all, ["one", "two", "three", "four"]);
}

#[test]
fn a_table_over_two_pages_is_divided_with_its_header() {
    let row = |text: &str, break_before: &str, header: &str| {
        format!(
            "<w:tr>{header}<w:tc><w:p><w:r>{break_before}<w:t>{text}</w:t></w:r></w:p></w:tc></w:tr>"
        )
    };
    let inner = format!(
        "<w:tbl>{}{}{}</w:tbl>",
        row("Code", "", "<w:trPr><w:tblHeader/></w:trPr>"),
        row("F1", "", ""),
        row("F2", "<w:lastRenderedPageBreak/>", ""),
    );
    let pages = read_body(&inner);
    let all: Vec<String> = pages.iter().map(Page::text).collect();
    assert_eq!(all, ["Code\nF1", "Code\nF2"]);
    assert_eq!(pages[1].blocks[0].table().unwrap().header_rows, 1);
}

#[test]
fn deleted_hidden_and_doubled_text_is_left_out() {
    let inner = format!(
        "<w:p><w:del><w:r><w:t>deleted</w:t></w:r></w:del><w:r><w:t>kept</w:t></w:r>\
         <w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>\
         <w:r><w:instrText>PAGE</w:instrText></w:r></w:p>\
         <mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback>\
         </mc:AlternateContent>",
        p("box"),
        p("box")
    );
    let bytes = docx(&[("word/document.xml", &body(&inner))]);
    let (pages, summary) = read(&bytes).unwrap();
    assert_eq!(texts(&pages[0]), ["kept", "box"]);
    assert_eq!(summary.warnings, ["Hidden text was left out."]);
}

#[test]
fn footnotes_stand_at_the_end_of_their_page() {
    let notes = "<w:footnotes><w:footnote w:type=\"separator\" w:id=\"0\"><w:p/></w:footnote>\
         <w:footnote w:id=\"2\"><w:p><w:r><w:t>See LOTO-4.</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let inner =
        "<w:p><w:r><w:t>Lock it</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r></w:p>";
    let bytes = docx(&[("word/document.xml", &body(inner)), ("word/footnotes.xml", notes)]);
    assert_eq!(texts(&read(&bytes).unwrap().0[0]), ["Lock it[2]", "[2] See LOTO-4."]);
}

#[test]
fn a_scan_pasted_into_word_needs_ocr() {
    let pages = read_body("<w:p><w:r><w:drawing/></w:r></w:p>");
    assert_eq!(pages[0].state, PageState::NeedsOcr);
}

#[test]
fn bombs_are_refused() {
    let zeros = format!("<w:t>{}</w:t>", " ".repeat(80 * 1024 * 1024));
    let bomb = docx(&[("word/document.xml", &body(&zeros))]);
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(read(&bomb).unwrap_err().code, FailureCode::ZipBomb);
    let lol =
        "<!DOCTYPE w [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><w:document>&b;</w:document>";
    let xml_bomb = docx(&[("word/document.xml", lol)]);
    assert_eq!(read(&xml_bomb).unwrap_err().code, FailureCode::XmlForbidden);
    let styles_bomb = docx(&[("word/document.xml", &body(&p("x"))), ("word/styles.xml", lol)]);
    assert_eq!(read(&styles_bomb).unwrap_err().code, FailureCode::XmlForbidden);
}

#[test]
fn damage_is_told() {
    let whole = docx(&[("word/document.xml", &body(&p("text")))]);
    assert_eq!(read(&whole[..whole.len() / 2]).unwrap_err().code, FailureCode::Damaged);
    let torn = docx(&[("word/document.xml", "<w:document><w:body><w:p>")]);
    assert_eq!(read(&torn).unwrap_err().code, FailureCode::Damaged);
    let parts = [("word/document.xml", &*body(&p("text"))), ("word/styles.xml", "<a>")];
    let (pages, summary) = read(&docx(&parts)).unwrap();
    assert_eq!((pages.len(), summary.warnings.len()), (1, 1));
}

#[test]
fn other_archives_are_named() {
    for (part, word) in [("xl/workbook.xml", "XLSX"), ("ppt/p.xml", "PPTX"), ("readme", "ZIP")] {
        let failure = recognise(&docx(&[(part, "x")])).unwrap_err();
        assert_eq!(failure.code, FailureCode::UnsupportedFormat);
        assert!(failure.reason.contains(word), "{}", failure.reason);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_bytes_never_panic(at in 0usize..1000, with: u8) {
        let inner = format!("{}<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>", p("a"), p("b"));
        let mut bytes = docx(&[("word/document.xml", &body(&inner)), ("word/styles.xml", STYLES)]);
        let at = at % bytes.len();
        bytes[at] ^= with;
        let _ = read(&bytes);
    }

    #[test]
    fn any_nesting_of_tags_is_survived(tags in proptest::collection::vec(0usize..14, 0..40)) {
        const NAMES: [&str; 14] = ["p", "tbl", "tr", "tc", "r", "t", "br", "del", "pPr", "numPr",
            "drawing", "txbxContent", "Fallback", "lastRenderedPageBreak"];
        let open: String = tags.iter().map(|&t| format!("<w:{}>x", NAMES[t])).collect();
        let close: String = tags.iter().rev().map(|&t| format!("</w:{}>", NAMES[t])).collect();
        let _ = read(&docx(&[("word/document.xml", &body(&(open + &close)))]));
    }
}
