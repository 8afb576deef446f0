-- Which revisions the content of runs and plans was made from: when a document becomes more secret, so
-- does what repeats it.
CREATE TABLE made_from (
    revision_id BLOB NOT NULL,
    what        TEXT NOT NULL CHECK (what IN ('workflow_run', 'plan')),
    id          BLOB NOT NULL CHECK (length(id) = 16),
    PRIMARY KEY (revision_id, what, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX made_from_id ON made_from (what, id);
