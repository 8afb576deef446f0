-- Wrong passwords per credential, so that guessing gets slower and stays slow after a restart.

CREATE TABLE guesses (
    -- SHA-256 of what was typed as the name: unknown people are delayed like known ones.
    credential BLOB PRIMARY KEY CHECK (length(credential) = 32),
    -- Wrong ones since the last right one.
    failures   INTEGER NOT NULL,
    -- Wrong ones of the counted day, which a right one does not take back, and when it began.
    day_count  INTEGER NOT NULL,
    day_began  INTEGER NOT NULL,
    -- The last wrong one, and how long after it the next guess may come.
    last_at    INTEGER NOT NULL,
    delay_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guesses_last ON guesses (last_at);
