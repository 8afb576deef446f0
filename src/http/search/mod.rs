//! Searching without an answer.

use knowledge::{Passage, SearchFilters, SearchInput};
use policy::search;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::endpoint::endpoint;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};
use crate::views::{BoxView, label_words};

/// Passages when the caller names no number.
const LIMIT_DEFAULT: u32 = 10;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: Method::Post,
        path: "/api/v1/search",
        operation: "search",
        summary: "Find the passages that fit a query best",
        audit: Audit::Entry("passages.shown"),
        rate: RateClass::Ask,
        idempotency: Idempotency::Refused("nothing changes: a repeat searches again"),
        endpoint: endpoint(search_passages),
    }]
}

/// Which documents are searched. Everything given must hold.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SearchFilterRequest {
    /// All of these tags.
    #[schema(max_items = 50)]
    tags: Vec<String>,
    /// Any of these languages (BCP 47).
    #[schema(max_items = 50)]
    languages: Vec<String>,
    /// Any of these document keys.
    #[schema(max_items = 50)]
    document_keys: Vec<String>,
}

/// A search.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchRequest {
    /// Words; `"phrases"` in quotes; `title:`, `tag:`, `lang:`, `id:` and `page:` conditions.
    #[schema(max_length = 10_000)]
    query: String,
    #[serde(default)]
    filters: SearchFilterRequest,
    /// Passages at most, 1 to 50; 10 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

/// How well a passage fits.
#[derive(Serialize, ToSchema)]
struct ScoresView {
    /// Both together, 0 to 1; what the passages are ordered by.
    fused: f32,
    /// By words: share of the best BM25 score that is possible, 0 to 1.
    text: f32,
    /// By meaning: cosine of query and passage; 0 without an embedding.
    vector: f32,
}

/// A passage.
#[derive(Serialize, ToSchema)]
#[schema(as = Passage)]
struct PassageView {
    chunk_id: i64,
    #[schema(format = "uuid")]
    document_id: String,
    document_key: String,
    document_title: String,
    #[schema(format = "uuid")]
    revision_id: String,
    revision_number: u32,
    page_first: u32,
    page_last: u32,
    /// From the outermost heading to the nearest.
    heading_path: Vec<String>,
    kind: String,
    text: String,
    /// Where its lines stand; empty for formats without fixed pages.
    boxes: Vec<BoxView>,
    classification: &'static str,
    export_control: &'static str,
    language: Option<String>,
    scores: ScoresView,
}

impl From<&Passage> for PassageView {
    fn from(passage: &Passage) -> Self {
        let (classification, export_control) = label_words(&passage.label);
        let scores = &passage.scores;
        Self {
            chunk_id: passage.chunk_id.0,
            document_id: passage.document_id.to_string(),
            document_key: passage.document_key.clone(),
            document_title: passage.document_title.clone(),
            revision_id: passage.revision_id.to_string(),
            revision_number: passage.revision_number,
            page_first: passage.page_first.0,
            page_last: passage.page_last.0,
            heading_path: passage.heading_path.clone(),
            kind: passage.kind.clone(),
            text: passage.text.clone(),
            boxes: passage.boxes().iter().map(BoxView::from).collect(),
            classification,
            export_control,
            language: passage.language.clone(),
            scores: ScoresView { fused: scores.fused, text: scores.text, vector: scores.vector },
        }
    }
}

/// What was found, best first.
#[derive(Serialize, ToSchema)]
struct SearchAnswer {
    passages: Vec<PassageView>,
    /// Why only words counted: `model_unavailable` or `model_slow`.
    degraded: Option<&'static str>,
    /// The assigned model by which meaning was compared; the built-in embedder did it when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<String>,
    /// The assigned model that has put the best in order, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    reranker: Option<String>,
    classification: &'static str,
    export_control: &'static str,
}

async fn search_passages(
    call: Authorized<search::Query>,
    Json(request): Json<SearchRequest>,
) -> Result<Ok200<SearchAnswer>, Problem> {
    let input = SearchInput {
        query: request.query,
        filters: SearchFilters {
            tags: request.filters.tags,
            languages: request.filters.languages,
            document_keys: request.filters.document_keys,
            ..SearchFilters::default()
        },
        limit: request.limit.unwrap_or(LIMIT_DEFAULT),
    };
    let results = knowledge::search(call.permit()?, &call.state.library, input).await?;
    let (classification, export_control) = label_words(&results.label);
    Ok(Ok200(SearchAnswer {
        passages: results.passages.iter().map(PassageView::from).collect(),
        degraded: results.degraded.map(knowledge::Degraded::as_str),
        embedder: results.helped.embedder,
        reranker: results.helped.reranker,
        classification,
        export_control,
    }))
}
