-- Agents, workflows, plans and memories.

-- What the tenant changed about an agent of the house.
CREATE TABLE agent_overrides (
    name       TEXT PRIMARY KEY,
    -- JSON object of the fields that differ.
    change     TEXT NOT NULL CHECK (json_type(change) = 'object'),
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
) STRICT;

CREATE TABLE plans (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- NULL for the console.
    user_id        BLOB REFERENCES users (id),
    goal           TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('proposed', 'rejected', 'running', 'done', 'failed', 'cancelled')),
    -- The newest version (JSON), and SHA-256 of exactly these bytes: what an approval is bound to.
    plan           TEXT NOT NULL CHECK (json_type(plan) = 'object'),
    digest         BLOB NOT NULL CHECK (length(digest) = 32),
    -- 1 for the first, one more with every time it was planned anew.
    version        INTEGER NOT NULL,
    replans_max    INTEGER NOT NULL,
    -- The run that carries it out.
    run_id         BLOB,
    decided_by     TEXT,
    decided_at     INTEGER,
    reason         TEXT,
    classification TEXT NOT NULL,
    export_control TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX plans_user ON plans (user_id, id);

-- Earlier versions of plans, as they were shown and decided on.
CREATE TABLE plan_versions (
    plan_id    BLOB NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    plan       TEXT NOT NULL,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    -- Why it was planned anew; NULL for the first.
    because    TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (plan_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_runs (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- Who started it; NULL for the console.
    user_id        BLOB REFERENCES users (id),
    workflow       TEXT NOT NULL,
    title          TEXT NOT NULL,
    -- As it was when the run was started (JSON).
    definition     TEXT NOT NULL CHECK (json_type(definition) = 'object'),
    input          TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
    -- The job that carries it out now, or did last.
    job_id         BLOB NOT NULL CHECK (length(job_id) = 16),
    plan_id        BLOB REFERENCES plans (id),
    -- What all draws of the run follow from.
    seed           INTEGER NOT NULL,
    deadline_at    INTEGER NOT NULL,
    -- Join of the labels of everything that its steps have seen.
    classification TEXT NOT NULL,
    export_control TEXT NOT NULL,
    origin         TEXT NOT NULL,
    output         TEXT,
    error_code     TEXT,
    error_detail   TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    ended_at       INTEGER
) STRICT;
CREATE INDEX workflow_runs_user ON workflow_runs (user_id, id);
CREATE INDEX workflow_runs_plan ON workflow_runs (plan_id) WHERE plan_id IS NOT NULL;

-- Nodes that have ended: what a run that was killed does not do again.
CREATE TABLE workflow_steps (
    run_id            BLOB NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    -- From the outermost node to this one: 'all', 'each[2].draft', 'loop#1.attempt'.
    key               TEXT NOT NULL,
    -- 1, 2, 3 … in the order in which they ended.
    number            INTEGER NOT NULL,
    kind              TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('done', 'failed')),
    output            TEXT,
    error_code        TEXT,
    error_detail      TEXT,
    classification    TEXT NOT NULL,
    export_control    TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    ended_at          INTEGER NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

-- What people were asked, and what they decided.
CREATE TABLE workflow_gates (
    run_id     BLOB NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    question   TEXT NOT NULL,
    -- What is shown (JSON), and SHA-256 of question and this: what a decision is bound to.
    shown      TEXT NOT NULL,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    asked_at   INTEGER NOT NULL,
    decision   TEXT CHECK (decision IN ('approved', 'rejected')),
    reason     TEXT,
    decided_by TEXT,
    decided_at INTEGER,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_events (
    run_id BLOB NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name   TEXT NOT NULL,
    -- One line of JSON, without content of documents.
    data   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

-- Who has allowed that agents remember things about them. No row: not allowed.
CREATE TABLE memory_consents (
    user_id    BLOB PRIMARY KEY REFERENCES users (id),
    allowed    INTEGER NOT NULL CHECK (allowed IN (0, 1)),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE memories (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    user_id        BLOB NOT NULL REFERENCES users (id),
    agent          TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('fact', 'preference', 'procedure', 'episode')),
    text           TEXT NOT NULL,
    -- 384 little-endian f32, L2-normalised; NULL until embedded.
    embedding      BLOB,
    -- 1 to 5.
    importance     INTEGER NOT NULL,
    classification TEXT NOT NULL,
    export_control TEXT NOT NULL,
    -- What it was taken from ('conversation:<uuid>', 'person').
    source         TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    last_used_at   INTEGER,
    expires_at     INTEGER
) STRICT;
CREATE INDEX memories_owner ON memories (user_id, agent, id);
