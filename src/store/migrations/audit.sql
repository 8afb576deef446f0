-- The Merkle log: the same tables in the control database and in every tenant's.

CREATE TABLE audit_entries (
    -- Position in the log, from 0.
    idx        INTEGER PRIMARY KEY,
    -- Canonical bytes of the entry: what the leaf hash is taken of.
    bytes      BLOB NOT NULL,
    leaf_hash  BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    -- Copies of what is in `bytes`, for queries only; the verifier reads `bytes`.
    time       INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    object     TEXT,
    outcome    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entries_time ON audit_entries (time);
CREATE INDEX audit_entries_actor ON audit_entries (actor, idx);
CREATE INDEX audit_entries_object ON audit_entries (object, idx) WHERE object IS NOT NULL;

CREATE TABLE audit_frontier (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    frontier BLOB NOT NULL
) STRICT;
