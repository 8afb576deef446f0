-- Embeddings by a model that an administrator has assigned, beside the built-in ones, in the same two ways of
-- reading.

CREATE TABLE embedder (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    -- SHA-256 of the model's file: all rows below are by it. NULL when there are none.
    model BLOB CHECK (length(model) = 32)
) STRICT;
INSERT INTO embedder (id, model) VALUES (1, NULL);

CREATE TABLE model_embeddings (
    chunk_id  INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
    -- As in embeddings.
    embedding BLOB NOT NULL CHECK (length(embedding) = 1536)
) STRICT;

CREATE TABLE model_embedding_codes (
    chunk_id INTEGER PRIMARY KEY REFERENCES model_embeddings (chunk_id) ON DELETE CASCADE,
    -- As in embedding_codes.
    code     BLOB NOT NULL CHECK (length(code) = 48)
) STRICT;
