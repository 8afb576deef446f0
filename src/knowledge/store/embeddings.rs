//! Rows of `embeddings` and `embedding_codes`. Both of a chunk are written together, and go with it.

use base::ChunkId;
use models::Embedding;
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

use crate::vector::BinaryCode;

/// Stores the embedding of a chunk and its code, in the place of those it had. The database refuses
/// vectors of another length.
pub(crate) fn embedding_set(
    tx: &WriteTx<'_>,
    id: ChunkId,
    embedding: &Embedding,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO embeddings (chunk_id, embedding) VALUES (?1, ?2)
         ON CONFLICT (chunk_id) DO UPDATE SET embedding = excluded.embedding",
        params![id.0, embedding.to_le_bytes()],
    )?;
    tx.execute(
        "INSERT INTO embedding_codes (chunk_id, code)
         SELECT chunk_id, vec_quantize_binary(embedding) FROM embeddings WHERE chunk_id = ?1
         ON CONFLICT (chunk_id) DO UPDATE SET code = excluded.code",
        [id.0],
    )?;
    Ok(())
}

/// Calls `each` with the codes of the chunks from `first` to `last`, both included, by ascending
/// id; chunks without one are passed over.
pub(crate) fn codes_each<E: From<StoreError>>(
    tx: &ReadTx<'_>,
    (first, last): (ChunkId, ChunkId),
    mut each: impl FnMut(ChunkId, BinaryCode) -> Result<(), E>,
) -> Result<(), E> {
    tx.query_each(
        "SELECT chunk_id, code FROM embedding_codes WHERE chunk_id BETWEEN ?1 AND ?2
         ORDER BY chunk_id",
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
    ids: &[ChunkId],
) -> Result<Vec<(ChunkId, Embedding)>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut found = Vec::with_capacity(ids.len());
    tx.query_each(
        "SELECT chunk_id, embedding FROM embeddings
         WHERE chunk_id IN (SELECT value FROM json_each(?1))",
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
