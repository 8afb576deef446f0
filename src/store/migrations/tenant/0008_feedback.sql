-- Conversations that their owner keeps on top, and what people say about answers.

ALTER TABLE conversations ADD COLUMN pinned_at INTEGER;

CREATE TABLE feedback (
    -- The answer; whoever asked says one thing about it and may change it.
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    -- NULL for the console.
    user_id    BLOB REFERENCES users (id),
    rating     TEXT NOT NULL CHECK (rating IN ('up', 'down')),
    -- Why it is not good; NULL when nothing was chosen.
    reason     TEXT CHECK (reason IS NULL OR rating = 'down'),
    -- In the person's own words.
    comment    TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_updated ON feedback (updated_at);
