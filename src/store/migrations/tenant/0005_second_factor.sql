-- The second factor: time-based one-time passwords (RFC 6238) and recovery codes.

CREATE TABLE second_factors (
    user_id      BLOB PRIMARY KEY REFERENCES users (id),
    -- Shared with the person's authenticator; the database is encrypted.
    secret       BLOB NOT NULL CHECK (length(secret) = 20),
    begun_at     INTEGER NOT NULL,
    -- When a first code proved that the authenticator has the secret; it counts from then on.
    confirmed_at INTEGER,
    -- Step of the last code that was taken: none counts twice, nor an older one after it.
    last_step    INTEGER NOT NULL DEFAULT 0,
    -- Wrong codes within a step.
    tried_step   INTEGER NOT NULL DEFAULT 0,
    tries        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE recovery_codes (
    -- SHA-256 of the code, which is random and of 120 bits.
    code_hash BLOB PRIMARY KEY CHECK (length(code_hash) = 32),
    user_id   BLOB NOT NULL REFERENCES users (id),
    used_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- A reset of somebody's second factor that waits for a second administrator.
CREATE TABLE factor_resets (
    user_id      BLOB PRIMARY KEY REFERENCES users (id),
    requested_by BLOB NOT NULL REFERENCES users (id),
    requested_at INTEGER NOT NULL
) STRICT;

-- When the second factor was last shown in a session, or before a token was issued.
ALTER TABLE sessions ADD COLUMN second_factor_at INTEGER;
ALTER TABLE tokens ADD COLUMN second_factor_at INTEGER;
