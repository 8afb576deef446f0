-- What runs of the reasoning machine did, step by step. Questions, answers, outputs and verdicts are
-- content with the label of the run.

CREATE TABLE traces (
    id                BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- NULL for runs of the console.
    user_id           BLOB REFERENCES users (id),
    kind              TEXT NOT NULL CHECK (kind IN ('answer', 'playground', 'replay')),
    question          TEXT NOT NULL,
    -- Everything that was set or chosen (JSON).
    settings          TEXT NOT NULL,
    strategy          TEXT NOT NULL,
    seed              INTEGER NOT NULL,
    -- Versions of the program and of the model worker.
    build             TEXT NOT NULL,
    -- 'answered', 'refused', or the code of an error.
    outcome           TEXT NOT NULL,
    answer            TEXT NOT NULL,
    -- Ids of what was read (JSON).
    chunks            TEXT NOT NULL,
    revisions         TEXT NOT NULL,
    classification    TEXT NOT NULL,
    export_control    TEXT NOT NULL,
    message_id        BLOB REFERENCES messages (id) ON DELETE CASCADE,
    replay_of         BLOB REFERENCES traces (id) ON DELETE SET NULL,
    prompt_tokens     INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    step_count        INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    ended_at          INTEGER NOT NULL,
    deleted_at        INTEGER
) STRICT;
CREATE INDEX traces_user ON traces (user_id, started_at);
CREATE INDEX traces_started ON traces (started_at);
CREATE INDEX traces_message ON traces (message_id);
CREATE INDEX traces_replay ON traces (replay_of);

CREATE TABLE trace_steps (
    trace_id          BLOB NOT NULL REFERENCES traces (id) ON DELETE CASCADE,
    -- 1, 2, 3 …
    sequence          INTEGER NOT NULL,
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    -- The next four are NULL where no model was asked.
    prompt_hash       TEXT,
    seed              INTEGER,
    model             TEXT,
    tier              TEXT,
    prompt_tokens     INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    first_token_ms    INTEGER NOT NULL,
    elapsed_ms        INTEGER NOT NULL,
    output            TEXT NOT NULL,
    -- What the check said (JSON).
    verdicts          TEXT NOT NULL,
    PRIMARY KEY (trace_id, sequence)
) STRICT, WITHOUT ROWID;
