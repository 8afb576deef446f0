-- Models can also be assigned to embedding and to reranking, one to each.

CREATE TABLE assignments_of_roles (
    tier     TEXT NOT NULL CHECK (tier IN ('light', 'standard', 'heavy', 'embed', 'rerank')),
    -- 0 is asked first.
    position INTEGER NOT NULL CHECK (position >= 0),
    hash     BLOB NOT NULL REFERENCES models (hash) ON DELETE CASCADE,
    PRIMARY KEY (tier, position),
    UNIQUE (tier, hash)
) STRICT, WITHOUT ROWID;

INSERT INTO assignments_of_roles (tier, position, hash)
    SELECT tier, position, hash FROM model_assignments;
DROP TABLE model_assignments;
ALTER TABLE assignments_of_roles RENAME TO model_assignments;
