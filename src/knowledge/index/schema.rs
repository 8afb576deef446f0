//! Fields of a chunk in the index.

use base::{ChunkId, DocumentId, PageNumber, RevisionId};
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};

use crate::text::{Language, fold, passage_identifiers, stem, words};

/// Most pages of one chunk that can be found by `page:`.
const CHUNK_MAX_PAGES: u32 = 64;

/// What the index is told about a chunk.
#[derive(Clone, Debug)]
pub struct IndexedChunk<'c> {
    /// Row of the chunk in the database.
    pub id: ChunkId,
    /// Its document.
    pub document_id: DocumentId,
    /// Its revision.
    pub revision_id: RevisionId,
    /// What the plant calls the document.
    pub document_key: &'c str,
    /// Title of the document.
    pub title: &'c str,
    /// Headings above the chunk, outermost first.
    pub heading_path: &'c [String],
    /// The chunk's text.
    pub text: &'c str,
    /// Language of the text; decides its stemmer.
    pub language: Option<Language>,
    /// Tags of the revision, for `tag:`.
    pub tags: &'c [String],
    /// First page.
    pub page_first: PageNumber,
    /// Last page.
    pub page_last: PageNumber,
}

/// Handles of the fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// Chunk id, also a column.
    pub(super) chunk: Field,
    /// Sixteen bytes of the document id.
    pub(super) document: Field,
    /// Sixteen bytes of the revision id.
    pub(super) revision: Field,
    /// BCP 47 tag.
    pub(super) language: Field,
    /// Lower-case tags, whole.
    pub(super) tag: Field,
    /// Every page that the chunk touches.
    pub(super) page: Field,
    /// Stems of the text in the chunk's language.
    pub(super) body: Field,
    /// Folded words of the text, with positions.
    pub(super) exact: Field,
    /// Stems of title, key and headings in the chunk's language.
    pub(super) context: Field,
    /// Folded words of title and key, with positions.
    pub(super) title: Field,
    /// Joined identifiers of text, title, key and headings.
    pub(super) identifier: Field,
}

/// Name of the column of chunk ids.
pub(super) const CHUNK_COLUMN: &str = "chunk";

/// The schema and its handles.
pub(super) fn schema() -> (Schema, Fields) {
    // The terms are made by our own analysis and arrive joined by blanks.
    let text = |record: IndexRecordOption| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_tokenizer("whitespace").set_index_option(record),
        )
    };
    let word = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    );
    let mut builder = Schema::builder();
    let fields = Fields {
        chunk: builder.add_i64_field(CHUNK_COLUMN, INDEXED | FAST),
        document: builder.add_bytes_field("document", INDEXED),
        revision: builder.add_bytes_field("revision", INDEXED),
        language: builder.add_text_field("language", word.clone()),
        tag: builder.add_text_field("tag", word),
        page: builder.add_u64_field("page", INDEXED),
        body: builder.add_text_field("body", text(IndexRecordOption::WithFreqs)),
        exact: builder.add_text_field("exact", text(IndexRecordOption::WithFreqsAndPositions)),
        context: builder.add_text_field("context", text(IndexRecordOption::WithFreqs)),
        title: builder.add_text_field("title", text(IndexRecordOption::WithFreqsAndPositions)),
        identifier: builder.add_text_field("identifier", text(IndexRecordOption::WithFreqs)),
    };
    (builder.build(), fields)
}

/// The chunk as tantivy takes it.
pub(super) fn document(fields: &Fields, chunk: &IndexedChunk<'_>) -> TantivyDocument {
    let mut document = TantivyDocument::new();
    document.add_i64(fields.chunk, chunk.id.0);
    document.add_bytes(fields.document, chunk.document_id.as_bytes());
    document.add_bytes(fields.revision, chunk.revision_id.as_bytes());
    if let Some(language) = chunk.language {
        document.add_text(fields.language, language.tag());
    }
    for tag in chunk.tags {
        document.add_text(fields.tag, tag.to_lowercase());
    }
    let pages = chunk.page_first.0..=chunk.page_last.0;
    for page in pages.take(usize::try_from(CHUNK_MAX_PAGES).unwrap_or(usize::MAX)) {
        document.add_u64(fields.page, u64::from(page));
    }
    document.add_text(fields.body, stems(chunk.text, chunk.language));
    document.add_text(fields.exact, folded(chunk.text));
    let title = format!("{} {}", chunk.title, chunk.document_key);
    document.add_text(fields.title, folded(&title));
    let context = format!("{title} {}", chunk.heading_path.join(" "));
    document.add_text(fields.context, stems(&context, chunk.language));
    let identifiers = passage_identifiers(chunk.text).into_iter();
    // A line break ends a chain, so that a heading's number is not joined with the next one's.
    let about =
        format!("{}\n\n{}\n\n{}", chunk.title, chunk.document_key, chunk.heading_path.join("\n\n"));
    let identifiers = identifiers.chain(passage_identifiers(&about)).map(|i| i.term);
    document.add_text(fields.identifier, identifiers.collect::<Vec<_>>().join(" "));
    document
}

fn stems(text: &str, language: Option<Language>) -> String {
    joined(words(text).map(|w| stem(language, w.text)))
}

fn folded(text: &str) -> String {
    joined(words(text).map(|w| fold(w.text)))
}

fn joined(terms: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    for term in terms {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&term);
    }
    out
}
