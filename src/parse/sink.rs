//! Where the readers of all formats put their pages: numbers them, tells their language, counts
//! against the limits, and hands them on one by one.

use crate::error::{FailureCode, ParseFailure};
use crate::language::{LanguageTally, detect_language};
use crate::limits::{PAGE_TEXT_MAX_BYTES, TITLE_MAX_CHARS, WARNINGS_MAX};
use crate::model::{Block, BlockKind, Format, Page, PageState, ParsedSummary};

/// What takes the pages; its refusal ends the reading.
pub(crate) type OnPage<'a> = dyn FnMut(Page) -> Result<(), ParseFailure> + 'a;

/// A page before it has a number and a language.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) width_pt: f32,
    pub(crate) height_pt: f32,
    pub(crate) blocks: Vec<Block>,
    /// Why the page could not be read, when it could not.
    pub(crate) failure: Option<String>,
}

/// Takes the pages of one document.
pub(crate) struct Sink<'a> {
    on_page: &'a mut OnPage<'a>,
    max_pages: u32,
    format: Format,
    title: Option<String>,
    first_heading: Option<String>,
    pages: u32,
    tally: LanguageTally,
    warnings: Vec<String>,
}

impl<'a> Sink<'a> {
    /// A sink that hands pages to `on_page` and refuses more than `max_pages`.
    pub(crate) fn new(max_pages: u32, on_page: &'a mut OnPage<'a>) -> Self {
        Self {
            on_page,
            max_pages,
            format: Format::Text,
            title: None,
            first_heading: None,
            pages: 0,
            tally: LanguageTally::default(),
            warnings: Vec::new(),
        }
    }

    /// Says what the document is and, if its properties tell, how it is called.
    pub(crate) fn begin(&mut self, format: Format, title: Option<String>) {
        self.format = format;
        self.title = title.and_then(|t| clean_title(&t));
    }

    /// Keeps a note for the document controller.
    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Refuses a document that announces more pages than the limit.
    pub(crate) fn expect_pages(&self, pages: usize) -> Result<(), ParseFailure> {
        if u32::try_from(pages).is_ok_and(|pages| pages <= self.max_pages) {
            return Ok(());
        }
        Err(ParseFailure::new(
            FailureCode::TooManyPages,
            format_args!("The document has more than {} pages. Divide it.", self.max_pages),
        ))
    }

    /// Takes a page of a format without fixed pages.
    pub(crate) fn unplaced_page(&mut self, blocks: Vec<Block>) -> Result<(), ParseFailure> {
        self.page(Draft { blocks, ..Draft::default() })
    }

    /// Takes a page.
    pub(crate) fn page(&mut self, draft: Draft) -> Result<(), ParseFailure> {
        self.expect_pages(self.pages as usize + 1)?;
        self.pages += 1;
        let text_bytes: usize = draft.blocks.iter().map(block_bytes).sum();
        if text_bytes > PAGE_TEXT_MAX_BYTES {
            return Err(ParseFailure::new(
                FailureCode::TooLarge,
                format_args!(
                    "Page {} has more than {} MiB of text.",
                    self.pages,
                    PAGE_TEXT_MAX_BYTES / (1024 * 1024)
                ),
            ));
        }
        let has_text =
            draft.blocks.iter().any(|b| b.lines.iter().any(|l| !l.text.trim().is_empty()));
        let state = match draft.failure {
            Some(reason) => PageState::Failed { reason },
            None if has_text => PageState::Text,
            // Nothing was scanned into a text file; a page between two form feeds is just empty.
            None if matches!(self.format, Format::Text | Format::Markdown) => {
                PageState::Failed { reason: "The page has no text.".to_owned() }
            }
            None => PageState::NeedsOcr,
        };
        let mut page = Page {
            number: self.pages,
            width_pt: draft.width_pt,
            height_pt: draft.height_pt,
            blocks: draft.blocks,
            state,
            language: None,
        };
        let text = page.text();
        page.language = detect_language(&text);
        self.tally.add(page.language.as_deref(), text.len());
        if self.first_heading.is_none() {
            let heading = page.blocks.iter().find(|b| matches!(b.kind, BlockKind::Heading { .. }));
            self.first_heading = heading.and_then(|b| clean_title(&b.text()));
        }
        (self.on_page)(page)
    }

    /// Closes the document.
    pub(crate) fn finish(self) -> ParsedSummary {
        ParsedSummary {
            format: self.format,
            title: self.title.or(self.first_heading),
            page_count: self.pages,
            language: self.tally.winner(),
            warnings: self.warnings,
        }
    }
}

fn block_bytes(block: &Block) -> usize {
    block.lines.iter().map(|l| l.text.len()).sum()
}

/// One line, without control characters, not longer than the limit; `None` when nothing remains or
/// it is a template's placeholder.
fn clean_title(title: &str) -> Option<String> {
    let words: Vec<&str> = title.split_whitespace().collect();
    let joined = words.join(" ");
    let clean: String = joined.chars().filter(|c| !c.is_control()).take(TITLE_MAX_CHARS).collect();
    let placeholder =
        ["untitled", "(anonymous)", "anonymous", "unspecified", "microsoft word", "(unspecified)"];
    let lower = clean.to_lowercase();
    let is_noise =
        placeholder.iter().any(|p| lower == *p || lower.starts_with("microsoft word - "));
    (!is_noise && clean.chars().any(char::is_alphanumeric)).then_some(clean)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::model::Line;

    #[test]
    fn a_page_without_text_needs_ocr() {
        let mut pages = Vec::new();
        let mut take = |page| {
            pages.push(page);
            Ok(())
        };
        let mut sink = Sink::new(10, &mut take);
        sink.begin(Format::Docx, Some("untitled".to_owned()));
        sink.unplaced_page(vec![]).unwrap();
        let blank = Block::new(BlockKind::Paragraph, vec![Line::unplaced("  ")]);
        sink.unplaced_page(vec![blank]).unwrap();
        let heading = Block::new(BlockKind::Heading { level: 1 }, vec![Line::unplaced("Pump")]);
        sink.unplaced_page(vec![heading]).unwrap();
        let summary = sink.finish();
        assert_eq!((summary.page_count, summary.title.as_deref()), (3, Some("Pump")));
        let states: Vec<_> = pages.iter().map(|p| (p.number, p.state.clone())).collect();
        let want = [(1, PageState::NeedsOcr), (2, PageState::NeedsOcr), (3, PageState::Text)];
        assert_eq!(states, want);
    }

    #[test]
    fn more_pages_than_the_limit_are_refused() {
        let mut take = |_| Ok(());
        let mut sink = Sink::new(1, &mut take);
        sink.unplaced_page(vec![]).unwrap();
        assert_eq!(sink.unplaced_page(vec![]).unwrap_err().code, FailureCode::TooManyPages);
    }

    #[test]
    fn titles_are_cleaned() {
        assert_eq!(clean_title(" Pump\n manual ").as_deref(), Some("Pump manual"));
        for noise in ["", "  ", "untitled", "(anonymous)", "---", "Microsoft Word - Dokument1"] {
            assert_eq!(clean_title(noise), None, "{noise}");
        }
    }
}
