-- API keys, and groups that add permissions to those of a role.

CREATE TABLE api_keys (
    id                  BLOB PRIMARY KEY CHECK (length(id) = 16),
    user_id             BLOB NOT NULL REFERENCES users (id),
    -- What its person calls it.
    name                TEXT NOT NULL,
    -- JSON array of the permissions that it may use; those of its person bound it as well.
    scopes              TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    -- Requests a minute, when it has a limit of its own.
    requests_per_minute INTEGER,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    -- How long it lives from its making or its last rotation.
    lifetime_ms         INTEGER NOT NULL,
    -- When its person last showed the second factor before it was made or rotated.
    second_factor_at    INTEGER,
    revoked_at          INTEGER
) STRICT;
CREATE INDEX api_keys_user ON api_keys (user_id);

-- What is shown: one per key, two while a rotation overlaps.
CREATE TABLE api_key_secrets (
    -- Stands readable in the key, so that it is found without trying.
    prefix       BLOB PRIMARY KEY CHECK (length(prefix) = 10),
    key_id       BLOB NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    -- SHA-256 of the secret part, which is random and of 256 bits.
    secret_hash  BLOB NOT NULL CHECK (length(secret_hash) = 32),
    created_at   INTEGER NOT NULL,
    -- NULL for as long as the key lives.
    ends_at      INTEGER,
    -- Recorded every hour at most.
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id);

CREATE TABLE user_groups (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    name        TEXT NOT NULL COLLATE NOCASE UNIQUE,
    -- JSON array of the permissions that its members have beside those of their role.
    permissions TEXT NOT NULL CHECK (json_type(permissions) = 'array'),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_id BLOB NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id  BLOB NOT NULL REFERENCES users (id),
    added_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_user ON group_members (user_id);
