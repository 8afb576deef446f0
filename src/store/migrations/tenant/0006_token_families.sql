-- Refresh tokens: what came of one sign-in is a family and ends together. And an end for tokens of
-- other issuers, which are recorded nowhere.

CREATE TABLE token_families (
    id                BLOB PRIMARY KEY CHECK (length(id) = 16),
    user_id           BLOB NOT NULL REFERENCES users (id),
    -- Role of the family's access tokens; the weaker of this and the user's role counts.
    role              TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    -- How long each of its access tokens lives.
    access_lifetime_s INTEGER NOT NULL,
    -- The access token that the next exchange ends.
    access_token_id   BLOB NOT NULL CHECK (length(access_token_id) = 16),
    created_at        INTEGER NOT NULL,
    last_used_at      INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    exchanges         INTEGER NOT NULL DEFAULT 0,
    second_factor_at  INTEGER,
    revoked_at        INTEGER
) STRICT;
CREATE INDEX token_families_user ON token_families (user_id);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token's secret, which is random and of 256 bits.
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    family_id  BLOB NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    issued_at  INTEGER NOT NULL,
    -- Spent ones are kept as long as the family: a second use gives a theft away.
    spent_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

ALTER TABLE tokens ADD COLUMN family_id BLOB REFERENCES token_families (id);
CREATE INDEX tokens_family ON tokens (family_id) WHERE family_id IS NOT NULL;

CREATE TABLE federated_cutoffs (
    user_id    BLOB PRIMARY KEY REFERENCES users (id),
    -- Tokens of other issuers that were issued before count no more.
    not_before INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
