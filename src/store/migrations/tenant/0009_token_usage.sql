-- What language models have read and written, by day (UTC, days since 1970-01-01).

CREATE TABLE token_usage (
    day               INTEGER NOT NULL,
    -- Empty where nobody asked: work of the appliance itself.
    user_id           BLOB NOT NULL CHECK (length(user_id) IN (0, 16)),
    -- Both are empty where one piece of work used several.
    tier              TEXT NOT NULL CHECK (tier IN ('', 'light', 'standard', 'heavy')),
    model             BLOB NOT NULL CHECK (length(model) IN (0, 32)),
    -- 1: in the light tier, after the budget was used up; not counted against it.
    beyond_budget     INTEGER NOT NULL CHECK (beyond_budget IN (0, 1)),
    requests          INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    PRIMARY KEY (day, user_id, tier, model, beyond_budget)
) STRICT, WITHOUT ROWID;
