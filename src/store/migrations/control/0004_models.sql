-- Language models that were brought in, and the tiers that they serve. The files lie beside the
-- database, named by their hash.

CREATE TABLE models (
    -- SHA-256 of the file.
    hash                     BLOB PRIMARY KEY CHECK (length(hash) = 32),
    -- What people call it.
    name                     TEXT NOT NULL COLLATE NOCASE UNIQUE,
    size_bytes               INTEGER NOT NULL,
    -- JSON object: architecture, licence and sizes, as the file says.
    facts                    TEXT NOT NULL CHECK (json_type(facts) = 'object'),
    imported_at              INTEGER NOT NULL,
    imported_by              TEXT NOT NULL,
    -- NULL until it was tried; all set together.
    measured_at              INTEGER,
    prompt_tokens_per_s      REAL,
    generation_tokens_per_s  REAL,
    peak_memory_bytes        INTEGER
) STRICT;

CREATE TABLE model_assignments (
    tier     TEXT NOT NULL CHECK (tier IN ('light', 'standard', 'heavy')),
    -- 0 is asked first.
    position INTEGER NOT NULL CHECK (position >= 0),
    hash     BLOB NOT NULL REFERENCES models (hash) ON DELETE CASCADE,
    PRIMARY KEY (tier, position),
    UNIQUE (tier, hash)
) STRICT, WITHOUT ROWID;
