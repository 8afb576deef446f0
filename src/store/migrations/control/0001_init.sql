-- The appliance: its tenants, its administrators, its own audit log.

CREATE TABLE tenants (
    id                BLOB PRIMARY KEY CHECK (length(id) = 16),
    slug              TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('creating', 'active', 'suspended', 'removed')),
    -- Both are NULL once the tenant is removed: without them its files are noise.
    wrapped_data_key    BLOB,
    wrapped_signing_key BLOB,
    -- Kept after removal, so that an exported log can still be verified.
    audit_public_key  BLOB NOT NULL CHECK (length(audit_public_key) = 32),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE appliance_admins (
    tenant_id  BLOB NOT NULL REFERENCES tenants (id),
    user_id    BLOB NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
