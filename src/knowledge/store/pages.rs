//! Rows of `pages`: what the parser read, page by page.

use base::{PageNumber, RevisionId};
use parse::{Page, PageState};
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

use crate::documents::PageProblem;
use crate::model::PageTextState;

/// First byte of a stored page: the version of what follows (postcard of [`parse::Page`]).
const PAGE_FORMAT: u8 = 1;

/// Most page problems that a document's details carry.
const PAGE_PROBLEMS_MAX: u32 = 500;

/// Stores a page, in place of what an earlier reading of the same file left.
pub(crate) fn page_store(
    tx: &WriteTx<'_>,
    revision: RevisionId,
    page: &Page,
) -> Result<(), StoreError> {
    let mut content = vec![PAGE_FORMAT];
    let body = postcard::to_stdvec(page).map_err(|_| StoreError::Corrupt("pages.content"))?;
    content.extend_from_slice(&body);
    let (state, reason) = match &page.state {
        PageState::Text => (PageTextState::Text, None),
        PageState::NeedsOcr => (PageTextState::NeedsOcr, None),
        PageState::Failed { reason } => (PageTextState::Failed, Some(reason.as_str())),
    };
    tx.execute(
        "INSERT OR REPLACE INTO pages (revision_id, number, width_pt, height_pt, state, reason, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            revision.as_bytes(),
            page.number,
            f64::from(page.width_pt),
            f64::from(page.height_pt),
            state.as_str(),
            reason,
            content,
        ],
    )?;
    Ok(())
}

pub(crate) fn page_count(tx: &ReadTx<'_>, revision: RevisionId) -> Result<u32, StoreError> {
    tx.query_row(
        "SELECT count(*) FROM pages WHERE revision_id = ?1",
        [revision.as_bytes()],
        |row| row.get(0),
    )
}

pub(crate) fn page_load(
    tx: &ReadTx<'_>,
    revision: RevisionId,
    number: PageNumber,
) -> Result<Option<Page>, StoreError> {
    let content = tx.query_optional(
        "SELECT content FROM pages WHERE revision_id = ?1 AND number = ?2",
        params![revision.as_bytes(), number.0],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    content.as_deref().map(decode).transpose()
}

/// All pages of a revision, in order. The parser's own limits bound them.
pub(crate) fn pages_load(tx: &ReadTx<'_>, revision: RevisionId) -> Result<Vec<Page>, StoreError> {
    let mut pages = Vec::new();
    tx.query_each(
        "SELECT content FROM pages WHERE revision_id = ?1 ORDER BY number",
        [revision.as_bytes()],
        |row| {
            let content: Vec<u8> = row.get(0).map_err(StoreError::from)?;
            pages.push(decode(&content)?);
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(pages)
}

pub(crate) fn pages_delete(tx: &WriteTx<'_>, revision: RevisionId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pages WHERE revision_id = ?1", [revision.as_bytes()])?;
    Ok(())
}

/// Removes pages behind the last one: left by a reading of the same file that found more.
pub(crate) fn pages_delete_after(
    tx: &WriteTx<'_>,
    revision: RevisionId,
    last: u32,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM pages WHERE revision_id = ?1 AND number > ?2",
        params![revision.as_bytes(), last],
    )?;
    Ok(())
}

/// Pages without text, and why.
pub(crate) fn page_problems(
    tx: &ReadTx<'_>,
    revision: RevisionId,
) -> Result<Vec<PageProblem>, StoreError> {
    let rows = tx.query_all(
        "SELECT number, state, reason FROM pages WHERE revision_id = ?1 AND state <> 'text'
         ORDER BY number LIMIT ?2",
        params![revision.as_bytes(), PAGE_PROBLEMS_MAX],
        |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)),
    )?;
    let problem = |(page, state, reason): (u32, String, Option<String>)| {
        let state = PageTextState::parse(&state).ok_or(StoreError::Corrupt("pages.state"))?;
        Ok(PageProblem { page: PageNumber(page), state, reason })
    };
    rows.into_iter().map(problem).collect()
}

fn decode(content: &[u8]) -> Result<Page, StoreError> {
    let corrupt = StoreError::Corrupt("pages.content");
    match content.split_first() {
        Some((&PAGE_FORMAT, body)) => postcard::from_bytes(body).map_err(|_| corrupt),
        _ => Err(corrupt),
    }
}
