//! The parse worker from outside: real processes, real pipes, hostile files and sick workers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::Coded;
use parse::{
    ActOutcome, BlockKind, CageLimits, Format, FormatHint, Page, PageState, ParseError, ParseInput,
    ParseWorker, ParsedDocument,
};
use tokio_util::sync::CancellationToken;

const MANUAL: &[u8] = include_bytes!("../fixtures/manual.pdf");
const SMALL: &[u8] = include_bytes!("../fixtures/self_test.pdf");
const ENCRYPTED: &[u8] = include_bytes!("../fixtures/encrypted.pdf");
const PERMISSIONS_ONLY: &[u8] = include_bytes!("../fixtures/permissions_only.pdf");

fn worker() -> ParseWorker {
    ParseWorker::new(env!("CARGO_BIN_EXE_parse-worker"), CageLimits::default())
}

/// A worker that is sick in the way that `name` says.
fn sick(name: &str, limits: CageLimits) -> (ParseWorker, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let exe = folder.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_parse-worker"), &exe).unwrap();
    (ParseWorker::new(exe, limits), folder)
}

fn quick(wall_clock_ms: u64) -> CageLimits {
    CageLimits { wall_clock_ms, ..CageLimits::default() }
}

async fn parse_with(worker: &ParseWorker, bytes: &[u8]) -> Result<ParsedDocument, ParseError> {
    let input = ParseInput::Bytes(bytes.to_vec());
    worker.parse_whole(input, &FormatHint::default(), &CancellationToken::new()).await
}

async fn code_of(worker: &ParseWorker, bytes: &[u8]) -> &'static str {
    parse_with(worker, bytes).await.unwrap_err().code()
}

#[tokio::test]
async fn the_cage_holds() {
    let report = worker().self_test().await.unwrap();
    assert!(report.faults().is_empty(), "{report:?}");
    assert!(report.denied_count() >= 40, "{} acts were tried", report.denied_count());
    for name in ["open_file_for_reading", "socket_inet", "fork", "execute", "allocate_beyond_limit"]
    {
        let act = report.acts.iter().find(|a| a.name == name).unwrap();
        assert_eq!(act.outcome, ActOutcome::Denied, "{name}");
    }
    let works = report.acts.iter().filter(|a| a.outcome == ActOutcome::Works).count();
    assert!(works >= 5, "{report:?}");
}

#[tokio::test]
async fn a_leaking_or_silent_cage_is_refused() {
    for name in ["leak", "silent"] {
        let (worker, _folder) = sick(name, CageLimits::default());
        let error = worker.self_test().await.unwrap_err();
        assert_eq!(error.code(), "cage_failed", "{name}");
        assert!(error.is_retryable());
        // Nothing is given to it from then on, by clones neither.
        let error = parse_with(&worker.clone(), SMALL).await.unwrap_err();
        assert_eq!(error.code(), "cage_failed", "{name}");
    }
}

#[tokio::test]
async fn a_manual_is_read_with_boxes_tables_and_a_page_for_ocr() {
    let document = parse_with(&worker(), MANUAL).await.unwrap();
    assert_eq!(document.format, Format::Pdf);
    assert_eq!(document.title.as_deref(), Some("Maintenance manual P-101"));
    assert_eq!(document.language.as_deref(), Some("en"));
    let states: Vec<&PageState> = document.pages.iter().map(|p| &p.state).collect();
    assert_eq!(states, [&PageState::Text, &PageState::Text, &PageState::NeedsOcr]);
    for line in document.pages.iter().flat_map(|p| &p.blocks).flat_map(|b| &b.lines) {
        let bbox = line.bbox.unwrap();
        assert!(bbox.left >= 0.0 && bbox.right <= 595.0, "{line:?}");
        assert!(bbox.top >= 0.0 && bbox.bottom <= 842.0 && bbox.height() > 2.0, "{line:?}");
    }
    insta::assert_snapshot!("manual_pdf", outline(&document));
}

/// A small DOCX: a title, a list item, a table with a bold header.
fn docx() -> Vec<u8> {
    let paragraph = |text: &str, style: &str| {
        format!(
            "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let cell = |text: &str, bold: &str| {
        format!("<w:tc><w:p><w:r><w:rPr>{bold}</w:rPr><w:t>{text}</w:t></w:r></w:p></w:tc>")
    };
    let body = [
        paragraph("\u{160}roub p\u{159}\u{ed}ruby", "Nadpis1"),
        paragraph(
            "\u{160}rouby p\u{159}\u{ed}ruby ut\u{e1}hn\u{11b}te k\u{159}\u{ed}\u{17e}em a po hodin\u{11b} provozu zkontrolujte.",
            "",
        ),
        format!(
            "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
            cell("D\u{ed}l", "<w:b/>"),
            cell("Moment", "<w:b/>"),
            cell("M16", ""),
            cell("45 N\u{b7}m", "")
        ),
    ];
    let styles = "<w:styles><w:style w:styleId=\"Nadpis1\"><w:name w:val=\"heading 1\"/></w:style></w:styles>";
    let document = format!("<w:document><w:body>{}</w:body></w:document>", body.concat());
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("word/document.xml", document.as_str()), ("word/styles.xml", styles)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_docx_is_read_inside_the_cage() {
    let document = parse_with(&worker(), &docx()).await.unwrap();
    insta::assert_snapshot!("docx", outline(&document));
    let whole = docx();
    assert_eq!(code_of(&worker(), &whole[..whole.len() / 2]).await, "damaged");
}

#[tokio::test]
async fn markdown_and_text_are_read() {
    let markdown =
        "# Pump\n\nGr\u{f6}\u{df}e.\n\n1. Close\n2. Lock\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    insta::assert_snapshot!(
        "markdown",
        outline(&parse_with(&worker(), markdown.as_bytes()).await.unwrap())
    );
    let text = "SHIFT LOG\n\nAll quiet.\n\x0cSecond page.\n";
    insta::assert_snapshot!(
        "text",
        outline(&parse_with(&worker(), text.as_bytes()).await.unwrap())
    );
}

#[tokio::test]
async fn a_file_is_read_from_its_descriptor() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(SMALL).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut pages = Vec::new();
    let summary = worker()
        .parse(
            ParseInput::File(file),
            &FormatHint::default(),
            |page: Page| pages.push(page.number),
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    assert_eq!((summary.page_count, pages), (1, vec![1]));
}

#[tokio::test]
async fn refused_files_have_their_code() {
    let worker = worker();
    assert_eq!(code_of(&worker, ENCRYPTED).await, "encrypted");
    assert_eq!(code_of(&worker, b"").await, "unsupported_format");
    assert_eq!(code_of(&worker, b"\x89PNG\r\n\x1a\n\0\0\0").await, "unsupported_format");
    assert_eq!(code_of(&worker, b"%PDF-1.7\nnothing else").await, "damaged");
    assert_eq!(code_of(&worker, b"PK\x03\x04 torn").await, "damaged");
    let few = CageLimits { max_pages: 2, ..CageLimits::default() };
    let few = ParseWorker::new(env!("CARGO_BIN_EXE_parse-worker"), few);
    assert_eq!(code_of(&few, MANUAL).await, "too_many_pages");
    let error = parse_with(&worker, ENCRYPTED).await.unwrap_err();
    assert!(error.reason().contains("password"), "{}", error.reason());
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_pdf_that_only_restricts_printing_is_read() {
    let document = parse_with(&worker(), PERMISSIONS_ONLY).await.unwrap();
    assert!(document.pages[0].text().contains("45 Nm"));
}

#[tokio::test]
async fn a_torn_pdf_is_read_as_far_as_it_goes_or_refused() {
    for part in [MANUAL.len() / 4, MANUAL.len() / 2, MANUAL.len() - 200, MANUAL.len() - 10] {
        match parse_with(&worker(), &MANUAL[..part]).await {
            Ok(document) => assert!(!document.pages.is_empty(), "{part}"),
            Err(error) => assert_eq!(error.code(), "damaged", "{part}"),
        }
    }
}

#[tokio::test]
async fn sick_workers_give_clear_errors() {
    for (name, code) in [
        ("oom", "memory"),
        ("killed", "memory"),
        ("crash", "crashed"),
        ("overflow", "crashed"),
        ("garbage", "crashed"),
        ("giant", "crashed"),
        ("uncaged", "crashed"),
        ("early", "crashed"),
    ] {
        let (worker, _folder) = sick(name, quick(20_000));
        assert_eq!(code_of(&worker, SMALL).await, code, "{name}");
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_ended_in_time() {
    for name in ["hang", "spin"] {
        let (worker, _folder) = sick(name, quick(300));
        let start = Instant::now();
        // More than a pipe holds: the feeder must not be what everything waits for.
        let error = parse_with(&worker, &vec![b'x'; 1 << 20]).await.unwrap_err();
        assert_eq!(error.code(), "timeout", "{name}");
        assert!(start.elapsed() < Duration::from_secs(10), "{name}");
    }
}

#[tokio::test]
async fn cancelling_ends_the_worker() {
    let (worker, folder) = sick("hang", quick(60_000));
    let cancel = CancellationToken::new();
    let hint = FormatHint::default();
    let parse = worker.parse_whole(ParseInput::Bytes(SMALL.to_vec()), &hint, &cancel);
    let (result, ()) = tokio::join!(parse, async {
        // The other branch was polled first: the worker has been started.
        cancel.cancel();
    });
    assert_eq!(result.unwrap_err().code(), "cancelled");
    assert!(running_below(folder.path()).is_empty());
}

#[tokio::test]
async fn a_worker_that_is_not_there_is_told() {
    let worker = ParseWorker::new("/nonexistent/millwright", CageLimits::default());
    assert_eq!(code_of(&worker, SMALL).await, "worker_unavailable");
}

/// Processes whose executable was started under a path in `folder`.
fn running_below(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let first = command.split(|&b| b == 0).next().unwrap_or_default();
        let path = PathBuf::from(String::from_utf8_lossy(first).into_owned());
        if path.starts_with(folder) {
            out.push(path);
        }
    }
    out
}

/// A document as a person would check it: kinds, levels, text; places rounded to points.
fn outline(document: &ParsedDocument) -> String {
    let mut out = format!(
        "{} title={:?} language={:?} warnings={:?}\n",
        document.format.as_str(),
        document.title,
        document.language,
        document.warnings
    );
    for page in &document.pages {
        out.push_str(&format!("== {} {:?}\n", page.number, page.state));
        for block in &page.blocks {
            let kind = match &block.kind {
                BlockKind::Table(table) => format!("Table header_rows={}", table.header_rows),
                other => format!("{other:?}"),
            };
            out.push_str(&format!("[{kind}]\n"));
            for line in &block.lines {
                let place = line.bbox.map_or(String::new(), |b| {
                    format!(" @{:.0},{:.0},{:.0},{:.0}", b.left, b.top, b.right, b.bottom)
                });
                out.push_str(&format!("  {}{place}\n", line.text.replace('\t', " | ")));
            }
        }
    }
    out
}
