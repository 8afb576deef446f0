//! The readers without process and cage, for those who look for bytes that make them panic: the
//! targets under `fuzz/`, and the test below, which runs the same functions without a fuzzer. Not
//! there in a build that people use.

use crate::detect::FormatHint;
use crate::document::parse_document;
use crate::model::Page;

/// Pages after which a fuzzed document ends: more of the same finds nothing.
const PAGES: u32 = 50;

/// Reads `data` as a PDF.
pub fn pdf(data: &[u8]) {
    // Whatever it begins with, it is taken for a PDF.
    let header: &[u8] = if data.starts_with(b"%PDF-") { b"" } else { b"%PDF-1.7\n" };
    read(&[header, data].concat(), "pdf");
}

/// Reads `data` as the main part of a DOCX, and as a whole one.
pub fn docx(data: &[u8]) {
    crate::docx::fuzz_parts(data, PAGES);
    if data.starts_with(b"PK") {
        read(data, "docx");
    }
}

/// Reads `data` as Markdown.
pub fn markdown(data: &[u8]) {
    read(data, "md");
}

/// Reads `data` as text.
pub fn text(data: &[u8]) {
    read(data, "txt");
}

fn read(data: &[u8], extension: &str) {
    let hint = FormatHint::new(Some(&format!("fuzzed.{extension}")), None);
    let mut count = 0;
    let mut on_page = |page: Page| {
        count += 1;
        assert_eq!(page.number, count, "pages come in order");
        Ok(())
    };
    let result = parse_document(data.to_vec(), &hint, PAGES, &mut on_page);
    match result {
        Ok(summary) => assert_eq!(summary.page_count, count, "all pages came"),
        Err(failure) => assert!(!failure.reason.is_empty(), "a refusal has a reason"),
    }
}

#[cfg(test)]
#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::mutate::{rounds, run};
    use super::*;

    #[test]
    fn fuzz_pdf() {
        let seeds: [&[u8]; 4] = [
            include_bytes!("fixtures/manual.pdf"),
            include_bytes!("fixtures/self_test.pdf"),
            include_bytes!("fixtures/encrypted.pdf"),
            include_bytes!("fixtures/permissions_only.pdf"),
        ];
        run("pdf", &seeds, rounds(2_000), pdf);
    }

    #[test]
    fn fuzz_docx() {
        let seeds: [&[u8]; 2] = [
            b"<w:document><w:body><w:p><w:pPr><w:pStyle w:val=\"H\"/><w:numPr><w:ilvl w:val=\"0\"/>\
              <w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>Text</w:t><w:tab/><w:br \
              w:type=\"page\"/></w:r></w:p><w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/>\
              <w:vMerge w:val=\"restart\"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl></w:body></w:document>",
            b"<w:styles><w:style w:styleId=\"H\"><w:name w:val=\"heading 1\"/><w:basedOn \
              w:val=\"H\"/></w:style></w:styles><w:numbering><w:abstractNum w:abstractNumId=\"0\">\
              <w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"upperRoman\"/><w:lvlText \
              w:val=\"%1.\"/></w:lvl></w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId \
              w:val=\"0\"/></w:num></w:numbering>",
        ];
        run("docx", &seeds, rounds(5_000), docx);
    }

    #[test]
    fn fuzz_markdown_and_text() {
        let seeds: [&[u8]; 2] = [
            b"# Pump P-101\n\n> quoted *words* and `code`\n\n1. one\n   - two\n\n| part | torque |\n\
              |:---|---:|\n| bolt | 45 Nm |\n\n```\nblock\n```\n\n[a link](x) ![picture](y)\n\n<b>z</b>\n",
            b"SHIFT LOG\n=========\n\nAll quiet.\tTab\n\x0cPage two\r\n- item\n\xc3\xa4\xe2\x82\xac\n",
        ];
        run("markdown", &seeds, rounds(5_000), markdown);
        run("text", &seeds, rounds(5_000), text);
    }
}
