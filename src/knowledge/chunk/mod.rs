//! From pages to chunks, by structure: what is retrieved, embedded, shown and cited.
//!
//! Three pure steps around one call of the model worker: [`Pieces::of_pages`] cuts pages into
//! sentences, list items and table rows; the caller counts their tokens with the embedder's own
//! tokenizer; [`Pieces::assemble`] puts neighbours together until the window is full. The same
//! pages and counts give the same chunks, always.
//!
//! A chunk never crosses a heading. It keeps the path of headings above it, and begins with those
//! that stand directly before its text, so that no word of the document is lost. A table stays
//! whole where it fits and is otherwise split between rows, its header repeated. Words that a line
//! end has cut are joined; headers and footers of the page are left out.

mod assemble;
mod flow;
mod pieces;

use parse::Page;

pub use assemble::{ChunkDraft, ChunkOptions};
pub(crate) use pieces::Pieces;

#[cfg(test)]
mod tests;

/// Longest part of the embedded text that says where the chunk stands, in characters.
const CONTEXT_MAX_CHARS: usize = 240;

/// The chunks of a document at any window, with a tokenizer that is at hand: the same steps as in
/// ingestion, for measuring.
///
/// # Errors
/// What `count` returns for a text.
pub fn chunks_of_pages<E>(
    pages: &[Page],
    options: ChunkOptions,
    count: impl FnMut(&String) -> Result<u32, E>,
) -> Result<Vec<ChunkDraft>, E> {
    let pieces = Pieces::of_pages(pages);
    let counts = pieces.texts().iter().map(count).collect::<Result<Vec<u32>, E>>()?;
    Ok(pieces.assemble(&counts, None, options))
}

/// What the embedder is given for a chunk: the document's title and the headings above it, as far
/// as the text does not begin with them anyway, then the text.
///
/// The embedder cuts after 256 tokens, so the context is kept short and the window leaves room for
/// it (`ChunkOptions`).
#[must_use]
pub fn embedding_text(title: &str, heading_path: &[String], text: &str) -> String {
    let first_lines: Vec<&str> = text.lines().take(heading_path.len() + 1).collect();
    let mut context = String::new();
    for part in std::iter::once(title).chain(heading_path.iter().map(String::as_str)) {
        let part = part.trim();
        if part.is_empty() || first_lines.contains(&part) || text.starts_with(part) {
            continue;
        }
        if !context.is_empty() {
            context.push_str(" – ");
        }
        context.push_str(part);
    }
    if context.is_empty() {
        return text.to_owned();
    }
    let end = context.char_indices().nth(CONTEXT_MAX_CHARS).map_or(context.len(), |(at, _)| at);
    context.truncate(end);
    context.push('\n');
    context.push_str(text);
    context
}
