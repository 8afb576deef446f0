//! POST /v1/embeddings

use std::time::Duration;

use ::models::{Priority, TextKind, TokenUsage, usage_insert};
use audit::{Action, Event};
use base::limits::EMBEDDING_DIMENSIONS;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy::chat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::StoreError;
use utoipa::ToSchema;

use super::list::EMBEDDER;
use super::request::OneOrMany;
use crate::call::Authorized;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;

const EMBEDDING_COMPUTED: Action = Action::new("embedding.computed");

/// Most texts of one request.
const TEXTS_MAX: usize = 256;

/// For all texts of a request together.
const TIMEOUT: Duration = Duration::from_secs(100);

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[schema(as = OpenAiEmbeddingRequest)]
pub(super) struct EmbeddingRequest {
    /// `all-minilm-l6-v2`.
    model: String,
    /// One text or several, at most 256. Of each, the first 256 tokens count.
    #[schema(value_type = Object)]
    input: OneOrMany,
    /// `float` or `base64` (32-bit floats, little-endian).
    #[serde(default)]
    encoding_format: Option<String>,
    /// 384 is all there is.
    #[serde(default)]
    dimensions: Option<usize>,
}

/// Embeddings, in the order of the texts.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiEmbeddings)]
pub(super) struct EmbeddingList {
    /// `list`.
    object: &'static str,
    data: Vec<EmbeddingEntry>,
    model: &'static str,
    usage: EmbeddingUsage,
}

/// One embedding.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiEmbedding)]
struct EmbeddingEntry {
    /// `embedding`.
    object: &'static str,
    index: usize,
    /// 384 numbers of length 1 together, or the same as base64.
    #[schema(value_type = Object)]
    embedding: Value,
}

/// What it cost.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiEmbeddingUsage)]
struct EmbeddingUsage {
    prompt_tokens: u32,
    total_tokens: u32,
}

pub(super) async fn embed(
    call: Authorized<chat::Send>,
    Json(request): Json<EmbeddingRequest>,
) -> Result<Ok200<EmbeddingList>, Problem> {
    let ctx = call.permit()?.ctx();
    if !request.model.eq_ignore_ascii_case(EMBEDDER) {
        let reason = format!("the built-in embedder {EMBEDDER} is the only one");
        return Err(
            Problem::new("model_not_found").with_violation(base::Violation::new("model", reason))
        );
    }
    if request.dimensions.is_some_and(|wanted| wanted != EMBEDDING_DIMENSIONS) {
        return Err(Problem::invalid("dimensions", format!("must be {EMBEDDING_DIMENSIONS}")));
    }
    let as_base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Problem::invalid("encoding_format", "must be float or base64")),
    };
    let texts = request.input.into_vec();
    if texts.is_empty() || texts.len() > TEXTS_MAX || texts.iter().any(String::is_empty) {
        let wanted = format!("must be 1 to {TEXTS_MAX} texts, none of them empty");
        return Err(Problem::invalid("input", wanted));
    }
    let worker = call.state.library.models();
    let priority = Priority::Interactive;
    let counts = worker.count_tokens(texts.clone(), priority, TIMEOUT).await?;
    let tokens = counts.into_iter().fold(0, u32::saturating_add);
    let reservation = call.state.budget().reserve(ctx, tokens).await?;
    let count = texts.len();
    let embeddings = worker.embed(texts, TextKind::Passage, priority, TIMEOUT).await?;
    let usage = TokenUsage { prompt_tokens: tokens, ..TokenUsage::default() };
    let settled = reservation.settle(usage);
    let event =
        Event::new(EMBEDDING_COMPUTED).detail(json!({ "texts": count, "prompt_tokens": tokens }));
    let write = move |tx: store::WriteTx<'_>| -> Result<_, StoreError> {
        usage_insert(&tx, &settled)?;
        tx.commit(event, ())
    };
    ctx.write(write).await?;
    let data = embeddings.iter().enumerate().map(|(index, embedding)| EmbeddingEntry {
        object: "embedding",
        index,
        embedding: if as_base64 {
            json!(STANDARD.encode(embedding.to_le_bytes()))
        } else {
            json!(embedding.as_array().as_slice())
        },
    });
    Ok(Ok200(EmbeddingList {
        object: "list",
        data: data.collect(),
        model: EMBEDDER,
        usage: EmbeddingUsage { prompt_tokens: tokens, total_tokens: tokens },
    }))
}
