//! First step: the file's pages, read in the parse worker's cage and stored as they come.

use audit::{Action, Event};
use parse::{FormatHint, Page, PageState, ParseInput, ParsedSummary};
use serde_json::json;
use store::job_progress;
use tokio::sync::mpsc;

use crate::KnowledgeError;
use crate::input::document_title;
use crate::store::{self as rows, Fresh};

use super::Run;

const PAGES_STORED: Action = Action::new("revision.pages_stored");
const REVISION_PARSED: Action = Action::new("revision.parsed");

/// Largest original that is handed to the parser, in bytes: the largest that can be uploaded.
const ORIGINAL_MAX_BYTES: usize = base::limits::DOCUMENT_MAX_BYTES as usize;

impl Run<'_> {
    /// All pages of the revision: from the database when an earlier run of this job read them
    /// all, from the file otherwise.
    pub(super) async fn pages(&self) -> Result<Vec<Page>, KnowledgeError> {
        if let (false, Some(expected)) = (self.again, self.revision.page_count) {
            let id = self.revision.id;
            let stored = self
                .ctx
                .read(move |tx| {
                    let complete = rows::page_count(tx, id)? == expected;
                    let pages = if complete { Some(rows::pages_load(tx, id)?) } else { None };
                    Ok::<_, KnowledgeError>(pages)
                })
                .await?;
            if let Some(pages) = stored {
                return Ok(pages);
            }
        }
        self.read_file().await
    }

    async fn read_file(&self) -> Result<Vec<Page>, KnowledgeError> {
        let reader = self.ctx.blobs().open(self.revision.id)?;
        let decrypting = tokio::task::spawn_blocking(move || reader.read_all(ORIGINAL_MAX_BYTES));
        let bytes = decrypting.await.map_err(|_| KnowledgeError::Panicked)?;
        let bytes = bytes.map_err(store::StoreError::from)?;
        let hint = FormatHint::new(Some(&self.revision.file_name), None);
        // The parser's own limit on its output bounds what can wait here.
        let (sender, receiver) = mpsc::unbounded_channel();
        let parser = self.library.parser();
        let parsing = async {
            let on_page = move |page| {
                // A receiver that is gone has failed, which ends this future too.
                let _ = sender.send(page);
            };
            let summary = parser.parse(ParseInput::Bytes(bytes), &hint, on_page, self.cancel).await;
            Ok::<ParsedSummary, KnowledgeError>(summary?)
        };
        let (summary, pages) = tokio::try_join!(parsing, self.store_pages(receiver))?;
        self.note_parsed(&summary, &pages).await?;
        Ok(pages)
    }

    /// Stores pages in small groups until no more come.
    async fn store_pages(
        &self,
        mut receiver: mpsc::UnboundedReceiver<Page>,
    ) -> Result<Vec<Page>, KnowledgeError> {
        let mut pages = Vec::new();
        let mut group = Vec::new();
        let size = self.library.settings().page_batch.max(1);
        while receiver.recv_many(&mut group, size).await > 0 {
            self.check_cancelled()?;
            let batch = std::mem::take(&mut group);
            pages.extend(batch.iter().cloned());
            let (id, job, done) = (self.revision.id, self.job, pages.len() as u64);
            self.write(move |tx| {
                for page in &batch {
                    rows::page_store(&tx, id, page)?;
                }
                job_progress(&tx, job, done, None)?;
                let event = Event::new(PAGES_STORED)
                    .object("revision", id)
                    .detail(json!({ "pages": done }));
                Ok::<_, KnowledgeError>(tx.commit(event, ())?)
            })
            .await?;
        }
        Ok(pages)
    }

    /// Writes what is known when all pages are stored; from here on a later run loads them.
    async fn note_parsed(
        &self,
        summary: &ParsedSummary,
        pages: &[Page],
    ) -> Result<(), KnowledgeError> {
        let without_text = pages.iter().filter(|page| page.state != PageState::Text).count();
        let fresh = Fresh {
            format: summary.format.as_str(),
            language: summary.language.clone(),
            page_count: summary.page_count,
        };
        let found_title = summary.title.as_deref().map(document_title);
        // A title that is too long is no title.
        let found_title = found_title.and_then(Result::ok).flatten();
        let warnings = summary.warnings.len();
        let (revision, document) = (self.revision.id, self.revision.document_id);
        let first = self.revision.number == 1 && !self.again && self.title.is_none();
        let (job, steps) = (self.job, u64::from(summary.page_count) * 2);
        self.write(move |tx| {
            rows::revision_parsed(&tx, revision, &fresh)?;
            rows::pages_delete_after(&tx, revision, fresh.page_count)?;
            if let (true, Some(title)) = (first, found_title) {
                rows::document_title_set(&tx, document, &title)?;
            }
            job_progress(&tx, job, steps / 2, Some(steps))?;
            let event = Event::new(REVISION_PARSED).object("revision", revision).after(json!({
                "format": fresh.format,
                "pages": fresh.page_count,
                "pages_without_text": without_text,
                "warnings": warnings,
            }));
            Ok(tx.commit(event, ())?)
        })
        .await
    }
}
