-- Vectors beside the chunks instead of inside them. A table per way of reading: codes are read
-- whole when a tenant is opened, embeddings a few hundred at a time by id, and neither drags the
-- chunks' text through the page cache.

CREATE TABLE embeddings (
    chunk_id  INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
    -- 384 little-endian f32, L2-normalised, as sqlite-vec reads them. A chunk that is not embedded
    -- yet has no row.
    embedding BLOB NOT NULL CHECK (length(embedding) = 1536)
) STRICT;

CREATE TABLE embedding_codes (
    chunk_id INTEGER PRIMARY KEY REFERENCES embeddings (chunk_id) ON DELETE CASCADE,
    -- vec_quantize_binary(embedding): the sign of each number, lowest bit first.
    code     BLOB NOT NULL CHECK (length(code) = 48)
) STRICT;

INSERT INTO embeddings (chunk_id, embedding)
    SELECT id, embedding FROM chunks WHERE embedding IS NOT NULL ORDER BY id;
INSERT INTO embedding_codes (chunk_id, code)
    SELECT chunk_id, vec_quantize_binary(embedding) FROM embeddings ORDER BY chunk_id;

ALTER TABLE chunks DROP COLUMN embedding;
