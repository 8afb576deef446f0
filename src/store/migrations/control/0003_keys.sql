-- Changes of keys. Both columns are written in the commit that wraps the keys anew.

-- Which master key wraps the keys in this database; no row before the first change.
CREATE TABLE master_key (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    key_id     TEXT NOT NULL CHECK (length(key_id) = 16),
    changed_at INTEGER NOT NULL
) STRICT;

-- How often the tenant's data key was changed; names the files that are under the present one.
ALTER TABLE tenants ADD COLUMN key_generation INTEGER NOT NULL DEFAULT 0 CHECK (key_generation >= 0);
