-- One tenant. No table has a tenant column: the file is the tenant.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- People and credentials ------------------------------------------------------------------

CREATE TABLE users (
    id                   BLOB PRIMARY KEY CHECK (length(id) = 16),
    email                TEXT NOT NULL COLLATE NOCASE UNIQUE,
    display_name         TEXT NOT NULL,
    role                 TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    clearance            TEXT NOT NULL CHECK (clearance IN ('PUBLIC', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED')),
    export_eligible      INTEGER NOT NULL CHECK (export_eligible IN (0, 1)),
    language             TEXT NOT NULL,
    status               TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
    password_hash        TEXT NOT NULL,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of the cookie's secret; the secret itself is nowhere stored.
    token_hash   BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    user_id      BLOB NOT NULL REFERENCES users (id),
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    -- `jti` of the token.
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    user_id    BLOB NOT NULL REFERENCES users (id),
    -- Role written into the token; the weaker of this and the user's role counts.
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);

-- Documents -------------------------------------------------------------------------------

CREATE TABLE documents (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- What the plant calls the document; uploading the same key makes a new revision.
    key        TEXT NOT NULL,
    title      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX documents_key ON documents (key) WHERE deleted_at IS NULL;

CREATE TABLE revisions (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    document_id    BLOB NOT NULL REFERENCES documents (id),
    -- 1, 2, 3 … within the document.
    number         INTEGER NOT NULL,
    file_name      TEXT NOT NULL,
    -- Found by content; NULL until parsed.
    format         TEXT,
    size_bytes     INTEGER NOT NULL,
    sha256         BLOB NOT NULL CHECK (length(sha256) = 32),
    -- How far ingestion got.
    state          TEXT NOT NULL CHECK (state IN ('queued', 'processing', 'ready', 'failed', 'cancelled')),
    error_code     TEXT,
    error_detail   TEXT,
    -- Whether the plant still stands by it; withdrawn and superseded ones are never retrieved.
    validity       TEXT NOT NULL CHECK (validity IN ('valid', 'superseded', 'withdrawn')),
    effective_from INTEGER,
    effective_to   INTEGER,
    classification TEXT NOT NULL CHECK (classification IN ('PUBLIC', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED')),
    export_control TEXT NOT NULL CHECK (export_control IN ('none', 'controlled')),
    -- Declared or detected, BCP 47.
    language       TEXT,
    tags           TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    page_count     INTEGER,
    uploaded_at    INTEGER NOT NULL,
    uploaded_by    TEXT NOT NULL,
    UNIQUE (document_id, number)
) STRICT;
CREATE INDEX revisions_sha256 ON revisions (sha256);

CREATE TABLE pages (
    revision_id BLOB NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    width_pt    REAL NOT NULL,
    height_pt   REAL NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('text', 'needs_ocr', 'failed')),
    reason      TEXT,
    -- Blocks with lines and boxes as the parser gave them (postcard of parse::Page, versioned).
    content     BLOB NOT NULL,
    PRIMARY KEY (revision_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    revision_id  BLOB NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    -- 0, 1, 2 … within the revision, in reading order.
    ordinal      INTEGER NOT NULL,
    page_first   INTEGER NOT NULL,
    page_last    INTEGER NOT NULL,
    -- JSON array of headings from the outermost to the nearest.
    heading_path TEXT NOT NULL,
    kind         TEXT NOT NULL,
    text         TEXT NOT NULL,
    token_count  INTEGER NOT NULL,
    language     TEXT,
    -- Where each line of the text stands on its page (postcard, versioned).
    boxes        BLOB NOT NULL,
    -- 384 little-endian f32, L2-normalised, as sqlite-vec reads them; NULL until embedded.
    embedding    BLOB,
    UNIQUE (revision_id, ordinal)
) STRICT;

-- One number that grows with every change of what can be retrieved; the index carries the one
-- it was built from, so an index that is behind is noticed.
CREATE TABLE retrieval_generation (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO retrieval_generation (one, generation) VALUES (1, 0);

-- Durable jobs ----------------------------------------------------------------------------

CREATE TABLE jobs (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    payload          TEXT NOT NULL,
    -- What the job works on ('revision:<uuid>'), for finding it again.
    subject          TEXT NOT NULL,
    queued_by        BLOB,
    queued_by_actor  TEXT NOT NULL,
    progress_done    INTEGER NOT NULL DEFAULT 0,
    progress_total   INTEGER,
    attempts         INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    not_before       INTEGER NOT NULL,
    error_code       TEXT,
    error_detail     TEXT,
    result           TEXT,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_open ON jobs (state, not_before) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_subject ON jobs (subject);

-- Conversations ---------------------------------------------------------------------------

CREATE TABLE conversations (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- NULL for conversations of the console.
    user_id    BLOB REFERENCES users (id),
    title      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE INDEX conversations_user ON conversations (user_id, updated_at);

CREATE TABLE messages (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    sequence        INTEGER NOT NULL,
    author          TEXT NOT NULL CHECK (author IN ('person', 'appliance')),
    text            TEXT NOT NULL,
    -- The label of the text: join of everything it was made from.
    classification  TEXT NOT NULL,
    export_control  TEXT NOT NULL,
    -- Why no answer was given; NULL for answers and questions.
    refusal         TEXT,
    -- What an answer was made from and by whom (JSON); NULL for questions.
    receipt         TEXT,
    created_at      INTEGER NOT NULL,
    UNIQUE (conversation_id, sequence)
) STRICT;

CREATE TABLE citations (
    message_id  BLOB NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    -- 1, 2, 3 … as shown in the answer.
    number      INTEGER NOT NULL,
    document_id BLOB NOT NULL,
    revision_id BLOB NOT NULL,
    chunk_id    INTEGER NOT NULL,
    page        INTEGER NOT NULL,
    quote       TEXT NOT NULL,
    -- Boxes of the quoted lines (JSON).
    boxes       TEXT NOT NULL,
    score       REAL NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX citations_revision ON citations (revision_id);

-- HTTP ------------------------------------------------------------------------------------

CREATE TABLE idempotency_keys (
    -- SHA-256 of actor, route and key.
    key_hash     BLOB PRIMARY KEY CHECK (length(key_hash) = 32),
    -- SHA-256 of the request body: the same key with another body is refused.
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    status       INTEGER NOT NULL,
    body         BLOB NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
