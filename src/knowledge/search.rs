//! Retrieval: rights and validity first, then both arms, fused; and the passages that came out.

use std::collections::HashMap;
use std::sync::Arc;

use audit::{Action, Event};
use base::{ChunkId, Label, RevisionId, Timestamp};
use models::Embedding;
use policy::{ClearanceFilter, Permit, chat, search};
use serde_json::json;
use store::{ReadTx, TenantCtx, WriteTx};

use crate::chunk_set::Allowed;
use crate::index::{TextQuery, TextSnapshot};
use crate::passages::{Passage, Scores};
use crate::question::{self, ByModel};
use crate::rerank::{self, RERANK_CANDIDATES};
use crate::retrieve::{Dense, Fetched, Hit, RetrievalInput, retrieve_by};
use crate::store::{self as rows, By, PassageRow};
use crate::tenant_index::{self, Current};
use crate::visible::{RevisionTable, SearchFilters};
use crate::{KnowledgeError, Library, Revision, Standing};

/// Longest query, in characters.
pub const SEARCH_QUERY_MAX_CHARS: usize = 10_000;

/// Most entries of one list of [`SearchFilters`].
pub const SEARCH_FILTER_MAX_ENTRIES: usize = 50;
/// Most passages of one search.
pub const SEARCH_MAX_PASSAGES: u32 = 50;

const PASSAGES_SHOWN: Action = Action::new("passages.shown");

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchInput {
    /// Words of any language; for [`search()`] also `"phrases"` and `title:`, `tag:`, `lang:`, `id:`
    /// and `page:` conditions.
    pub query: String,
    /// Which documents.
    pub filters: SearchFilters,
    /// Most passages, 1 to [`SEARCH_MAX_PASSAGES`].
    pub limit: u32,
}

/// Why retrieval is less than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Degraded {
    /// The model worker can't embed: the text arm answers alone.
    ModelUnavailable,
    /// It did not embed the question in time: the text arm answers alone.
    ModelSlow,
}

impl Degraded {
    /// The word used in API and UI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelUnavailable => "model_unavailable",
            Self::ModelSlow => "model_slow",
        }
    }
}

/// What was found; not recorded as shown yet.
#[derive(Clone, Debug)]
pub struct Retrieval {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Why it is less than it should be.
    pub degraded: Option<Degraded>,
    /// The question's embedding by the built-in embedder, when there is one.
    pub query_embedding: Option<Embedding>,
    /// The models that had a part in it.
    pub helped: Helped,
}

/// Assigned models that had a part in a retrieval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helped {
    /// By whose embeddings meaning was compared, where it was not the built-in embedder.
    pub embedder: Option<String>,
    /// Who has put the best in order.
    pub reranker: Option<String>,
}

/// What was found and recorded as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResults {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Why it is less than it should be.
    pub degraded: Option<Degraded>,
    /// Join of the labels of all passages.
    pub label: Label,
    /// The models that had a part in it.
    pub helped: Helped,
}

/// Actions whose permit allows retrieval.
pub trait Retrieves: policy::Action {
    /// Whether the query is a search line with operators, or plain words.
    const LINE: Line;
}

/// How a query is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// `"phrases"` and `title:` and the like mean something.
    Operators,
    /// Everything is words.
    Words,
}

impl Retrieves for search::Query {
    const LINE: Line = Line::Operators;
}

impl Retrieves for chat::Send {
    const LINE: Line = Line::Words;
}

/// Searches the documents that the asking person may see, and records what is shown.
///
/// # Errors
/// [`KnowledgeError::Invalid`] for a bad query; [`KnowledgeError::Overtaken`]; the store's and the
/// index's own. Without the model worker it still answers, from the text arm alone.
pub async fn search(
    permit: Permit<'_, search::Query>,
    library: &Library,
    input: SearchInput,
) -> Result<SearchResults, KnowledgeError> {
    let search = || search_once(&permit, library, &input);
    match search().await {
        Err(KnowledgeError::Overtaken) => search().await,
        other => other,
    }
}

async fn search_once(
    permit: &Permit<'_, search::Query>,
    library: &Library,
    input: &SearchInput,
) -> Result<SearchResults, KnowledgeError> {
    let found = passages_find(permit, library, input).await?;
    let labels = found.passages.iter().map(|passage| passage.label);
    let label = labels.fold(Label::TYPED, Label::join);
    let chunks: Vec<ChunkId> = found.passages.iter().map(|passage| passage.chunk_id).collect();
    let mut revisions: Vec<RevisionId> = found.passages.iter().map(|p| p.revision_id).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let event = Event::new(PASSAGES_SHOWN)
        .detail(json!({ "chunks": chunks, "revisions": revisions }))
        .label(label);
    let shown = move |tx: WriteTx<'_>| {
        still_valid(&tx, &revisions, label, tx.now())?;
        Ok::<_, KnowledgeError>(tx.commit(event, ())?)
    };
    permit.ctx().write(shown).await?;
    let Retrieval { passages, degraded, helped, .. } = found;
    Ok(SearchResults { passages, degraded, label, helped })
}

/// Whether revisions that were read a moment ago still count and are no more secret than `within`, the
/// label that is recorded for what is shown of them; to be asked in the commit that records it, so that
/// a withdrawal and a raised label hold from their own commits on.
///
/// # Errors
/// [`KnowledgeError::Overtaken`] when one of them does not; or the store's own.
pub fn still_valid(
    tx: &ReadTx<'_>,
    revisions: &[RevisionId],
    within: Label,
    now: Timestamp,
) -> Result<(), KnowledgeError> {
    still(tx, revisions, within, now, |revision| revision.standing == Standing::Valid)
}

/// The same of revisions that need not count, as tools may read them: whether they are still there and no
/// more secret than `within`.
///
/// # Errors
/// As [`still_valid`].
pub fn still_within(
    tx: &ReadTx<'_>,
    revisions: &[RevisionId],
    within: Label,
    now: Timestamp,
) -> Result<(), KnowledgeError> {
    still(tx, revisions, within, now, |_| true)
}

fn still(
    tx: &ReadTx<'_>,
    revisions: &[RevisionId],
    within: Label,
    now: Timestamp,
    counts: impl Fn(&Revision) -> bool,
) -> Result<(), KnowledgeError> {
    for id in revisions {
        match rows::revision_find(tx, *id, now)? {
            Some(revision) if counts(&revision) && within.join(revision.label) == within => {}
            _ => return Err(KnowledgeError::Overtaken),
        }
    }
    Ok(())
}

/// Searches without recording: whoever shows a passage must record it in the commit that belongs
/// to the showing, and ask [`still_valid`] there.
///
/// # Errors
/// As [`search()`].
pub async fn passages_find<A: Retrieves>(
    permit: &Permit<'_, A>,
    library: &Library,
    input: &SearchInput,
) -> Result<Retrieval, KnowledgeError> {
    let ctx = permit.ctx();
    let limit = check(input)?;
    let error = match tenant_index::current(ctx).await {
        Ok(current) => {
            let arms = Arc::clone(&current.arms);
            match find(ctx, library, (input, limit), A::LINE, current).await {
                Err(KnowledgeError::Index(error)) => {
                    tenant_index::distrust(ctx, &arms)?;
                    error
                }
                other => return other,
            }
        }
        Err(KnowledgeError::Index(error)) => error,
        Err(error) => return Err(error),
    };
    tracing::warn!(
        tenant.id = %ctx.tenant_id(),
        error = &error as &dyn std::error::Error,
        "the index can't be read; it is made anew from the database"
    );
    let current = tenant_index::current(ctx).await?;
    find(ctx, library, (input, limit), A::LINE, current).await
}

async fn find(
    ctx: &TenantCtx,
    library: &Library,
    (input, limit): (&SearchInput, usize),
    line: Line,
    current: Current,
) -> Result<Retrieval, KnowledgeError> {
    let (query, snapshot) = analyse(&current, input.query.clone(), line).await?;
    let question = query.plain_text().to_owned();
    let (by_built_in, by_model) = tokio::join!(
        question::embed(library, &question),
        question::by_model(ctx, library, &current, &question)
    );
    let (query_embedding, degraded) = match by_built_in {
        Ok(embedding) => (embedding, None),
        Err(reason) => (None, Some(reason)),
    };
    let by_model = by_model?;
    let reranker = library.encoders().reranker().filter(|_| !question.trim().is_empty());
    let wanted = if reranker.is_some() { limit.max(RERANK_CANDIDATES) } else { limit };
    let clearance = ClearanceFilter::of(ctx.rights());
    let allowed = current.table.allowed(clearance, &input.filters, ctx.now());
    let embedding = query_embedding.clone();
    let (mut passages, embedder) = ctx
        .read(move |tx| {
            // Another one may be assigned by now, whose embeddings have taken their place.
            let is_there =
                |by: &ByModel| Ok::<_, KnowledgeError>(rows::embedder(tx)? == Some(by.model));
            let by_model = match by_model {
                Some(by) if is_there(&by)? => Some(by),
                _ => None,
            };
            let dense = match &by_model {
                Some(by) => {
                    Dense { vectors: &by.vectors, question: Some(&by.embedding), by_model: true }
                }
                None => Dense {
                    vectors: &current.arms.vectors,
                    question: embedding.as_ref(),
                    by_model: false,
                },
            };
            let hits = retrieve_by(
                &snapshot,
                dense,
                |ids| fetch(tx, ids, dense.by_model),
                RetrievalInput {
                    query: &query,
                    embedding: embedding.as_ref(),
                    allowed: Allowed::Only(&allowed),
                    limit: wanted,
                },
            )?;
            let passages = load(tx, &current.table, &hits)?;
            Ok::<_, KnowledgeError>((passages, by_model.map(|by| by.name)))
        })
        .await?;
    let reranker = match reranker {
        Some(reranker) => {
            let time = library.settings().rerank_timeout;
            let asked = rerank::rerank(&*reranker, question, &mut passages, time);
            asked.await.then(|| reranker.describe().name)
        }
        None => None,
    };
    passages.truncate(limit);
    let helped = Helped { embedder, reranker };
    Ok(Retrieval { passages, degraded, query_embedding, helped })
}

fn fetch(tx: &ReadTx<'_>, ids: &[ChunkId], by_model: bool) -> Result<Fetched, KnowledgeError> {
    let built_in = rows::embeddings_load(tx, By::BuiltIn, ids)?;
    Ok(match by_model {
        true => (rows::embeddings_load(tx, By::Model, ids)?, built_in),
        false => (built_in, Vec::new()),
    })
}

/// The query taken apart, and the state of the index that it is meant for.
async fn analyse(
    current: &Current,
    text: String,
    line: Line,
) -> Result<(TextQuery, TextSnapshot), KnowledgeError> {
    let index = current.arms.text.clone();
    let analysing = tokio::task::spawn_blocking(move || {
        let snapshot = index.snapshot()?;
        let query = match line {
            Line::Words => TextQuery::question(&text, snapshot.languages()),
            Line::Operators => {
                TextQuery::search(&text, snapshot.languages()).map_err(KnowledgeError::Invalid)?
            }
        };
        Ok((query, snapshot))
    });
    analysing.await.map_err(|_| KnowledgeError::Panicked)?
}

/// The passages of `hits`, in their order. One that was removed since the index was written is
/// left out.
fn load(
    tx: &ReadTx<'_>,
    table: &RevisionTable,
    hits: &[Hit],
) -> Result<Vec<Passage>, KnowledgeError> {
    let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
    let loaded = rows::passages_load(tx, &ids)?;
    let mut by_id: HashMap<ChunkId, PassageRow> =
        loaded.into_iter().map(|row| (row.id, row)).collect();
    let passages = hits.iter().filter_map(|hit| {
        let row = by_id.remove(&hit.chunk_id)?;
        let revision = table.row(row.revision_id)?;
        Some(Passage {
            chunk_id: row.id,
            document_id: revision.document_id,
            document_key: revision.document_key.clone(),
            document_title: revision.document_title.clone(),
            revision_id: row.revision_id,
            revision_number: revision.span.number,
            page_first: row.page_first,
            page_last: row.page_last,
            heading_path: row.heading_path,
            kind: row.kind,
            text: row.text,
            lines: row.lines,
            label: revision.label,
            language: row.language,
            scores: Scores { fused: hit.score, text: hit.bm25, vector: hit.dense },
        })
    });
    Ok(passages.collect())
}

fn check(input: &SearchInput) -> Result<usize, KnowledgeError> {
    if input.query.trim().is_empty() {
        return Err(KnowledgeError::invalid("query", "must not be empty"));
    }
    if input.query.chars().count() > SEARCH_QUERY_MAX_CHARS {
        let reason = format!("must be at most {SEARCH_QUERY_MAX_CHARS} characters");
        return Err(KnowledgeError::invalid("query", reason));
    }
    if !(1..=SEARCH_MAX_PASSAGES).contains(&input.limit) {
        let reason = format!("must be 1 to {SEARCH_MAX_PASSAGES}");
        return Err(KnowledgeError::invalid("limit", reason));
    }
    // Every entry is compared with every revision.
    let SearchFilters { tags, languages, document_keys, .. } = &input.filters;
    for (field, entries) in [
        ("filters.tags", tags),
        ("filters.languages", languages),
        ("filters.document_keys", document_keys),
    ] {
        if entries.len() > SEARCH_FILTER_MAX_ENTRIES {
            let reason = format!("must have at most {SEARCH_FILTER_MAX_ENTRIES} entries");
            return Err(KnowledgeError::invalid(field, reason));
        }
    }
    Ok(input.limit as usize)
}
