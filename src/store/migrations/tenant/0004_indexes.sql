-- Audit entries by what was done: filters by action and outcome read no more than they show.
CREATE INDEX audit_entries_action ON audit_entries (action, idx);
CREATE INDEX audit_entries_outcome ON audit_entries (outcome, idx) WHERE outcome <> 'success';

-- Jobs that ended are forgotten after a while.
CREATE INDEX jobs_ended ON jobs (updated_at) WHERE state IN ('done', 'failed', 'cancelled');
