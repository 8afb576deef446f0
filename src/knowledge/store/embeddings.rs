//! Rows of `embeddings` and `embedding_codes`, and of `model_embeddings` and `model_embedding_codes`. Both of a
//! chunk are written together, and go with it.

use base::ChunkId;
use models::{Embedding, ModelHash};
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

use crate::vector::BinaryCode;

/// By which model embeddings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The built-in embedder.
    BuiltIn,
    /// The one that [`embedder`] names.
    Model,
}

impl By {
    /// The tables of embeddings and of codes.
    const fn tables(self) -> (&'static str, &'static str) {
        match self {
            Self::BuiltIn => ("embeddings", "embedding_codes"),
            Self::Model => ("model_embeddings", "model_embedding_codes"),
        }
    }
}

/// The model that the rows of [`By::Model`] are by.
pub(crate) fn embedder(tx: &ReadTx<'_>) -> Result<Option<ModelHash>, StoreError> {
    let model: Option<[u8; 32]> =
        tx.query_row("SELECT model FROM embedder WHERE id = 1", [], |row| row.get(0))?;
    Ok(model.map(ModelHash::from_bytes))
}

/// Has `model`, or none, make the rows of [`By::Model`] from now on; those of another one go.
pub(crate) fn embedder_set(tx: &WriteTx<'_>, model: Option<ModelHash>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM model_embedding_codes", [])?;
    tx.execute("DELETE FROM model_embeddings", [])?;
    let model = model.map(|model| *model.as_bytes());
    tx.execute("UPDATE embedder SET model = ?1 WHERE id = 1", params![model])?;
    Ok(())
}

/// Stores the embedding of a chunk and its code, in the place of those it had. The database refuses
/// vectors of another length.
pub(crate) fn embedding_set(
    tx: &WriteTx<'_>,
    by: By,
    id: ChunkId,
    embedding: &Embedding,
) -> Result<(), StoreError> {
    let (embeddings, codes) = by.tables();
    tx.execute(
        &format!(
            "INSERT INTO {embeddings} (chunk_id, embedding) VALUES (?1, ?2)
             ON CONFLICT (chunk_id) DO UPDATE SET embedding = excluded.embedding"
        ),
        params![id.0, embedding.to_le_bytes()],
    )?;
    tx.execute(
        &format!(
            "INSERT INTO {codes} (chunk_id, code)
             SELECT chunk_id, vec_quantize_binary(embedding) FROM {embeddings} WHERE chunk_id = ?1
             ON CONFLICT (chunk_id) DO UPDATE SET code = excluded.code"
        ),
        [id.0],
    )?;
    Ok(())
}

/// Calls `each` with the codes of the chunks from `first` to `last`, both included, by ascending
/// id; chunks without one are passed over.
pub(crate) fn codes_each<E: From<StoreError>>(
    tx: &ReadTx<'_>,
    by: By,
    (first, last): (ChunkId, ChunkId),
    mut each: impl FnMut(ChunkId, BinaryCode) -> Result<(), E>,
) -> Result<(), E> {
    let (_, codes) = by.tables();
    tx.query_each(
        &format!(
            "SELECT chunk_id, code FROM {codes} WHERE chunk_id BETWEEN ?1 AND ?2 ORDER BY chunk_id"
        ),
        [first.0, last.0],
        |row| {
            let id = ChunkId(row.get(0).map_err(StoreError::from)?);
            let code = row.get_ref(1).map_err(StoreError::from)?.as_blob().ok();
            let code = code.and_then(BinaryCode::from_bytes);
            each(id, code.ok_or(StoreError::Corrupt("embedding_codes.code"))?)
        },
    )
}

/// The embeddings of these chunks, in any order; those that have none are left out.
pub(crate) fn embeddings_load(
    tx: &ReadTx<'_>,
    by: By,
    ids: &[ChunkId],
) -> Result<Vec<(ChunkId, Embedding)>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut found = Vec::with_capacity(ids.len());
    let (embeddings, _) = by.tables();
    tx.query_each(
        &format!(
            "SELECT chunk_id, embedding FROM {embeddings}
             WHERE chunk_id IN (SELECT value FROM json_each(?1))"
        ),
        [serde_json::json!(ids).to_string()],
        |row| {
            let bytes = row.get_ref(1)?.as_blob().ok();
            let embedding = bytes.and_then(|bytes| Embedding::from_le_bytes(bytes).ok());
            let embedding = embedding.ok_or(StoreError::Corrupt("embeddings.embedding"))?;
            found.push((ChunkId(row.get(0)?), embedding));
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(found)
}
