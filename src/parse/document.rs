//! One document from its bytes to its pages; what the worker does inside the cage.

use crate::detect::{Detected, FormatHint, detect};
use crate::error::ParseFailure;
use crate::model::{Format, ParsedSummary};
use crate::sink::{OnPage, Sink};
use crate::{docx, markdown, pdf, text};

/// Reads `bytes` and hands page after page to `on_page`, whose refusal ends the reading.
///
/// # Errors
/// [`ParseFailure`] with a sentence for the person who uploaded the file.
pub(crate) fn parse_document<'a>(
    bytes: Vec<u8>,
    hint: &FormatHint,
    max_pages: u32,
    on_page: &'a mut OnPage<'a>,
) -> Result<ParsedSummary, ParseFailure> {
    let mut sink = Sink::new(max_pages, on_page);
    match detect(&bytes, hint)? {
        Detected::Pdf => pdf::parse(bytes, &mut sink)?,
        Detected::Docx => docx::parse(&bytes, &mut sink)?,
        Detected::Text { format, decoded } => {
            drop(bytes);
            match format {
                Format::Markdown => markdown::parse(&decoded, &mut sink)?,
                _ => text::parse(&decoded, &mut sink)?,
            }
        }
    }
    Ok(sink.finish())
}
