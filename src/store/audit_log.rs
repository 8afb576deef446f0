//! Reading audit logs.

use audit::{Entry, Hash};
use base::Timestamp;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::retention::audit_pruned;
use crate::{ApplianceScope, ReadTx, Store, StoreError};

/// Which entries are wanted. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// This actor (`user:<uuid>`, `console`, `appliance`).
    pub actor: Option<String>,
    /// This action (`document.uploaded`), or all of a noun (`document.`).
    pub action: Option<String>,
    /// This object (`document:<uuid>`).
    pub object: Option<String>,
    /// This outcome (`success`, `denied`, `failed`).
    pub outcome: Option<String>,
    /// Entries before this index: for the next page.
    pub before: Option<u64>,
}

/// One entry with its place in the tree.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// The entry.
    pub entry: Entry,
    /// Its leaf hash (RFC 9162 section 2.1.1).
    pub leaf_hash: Hash,
}

/// Entries, newest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The entries.
    pub rows: Vec<AuditRow>,
    /// Pass it as `before` to get the next page.
    pub next: Option<u64>,
    /// Entries below this index have no content any more; 0 when all have theirs.
    pub pruned_end: u64,
}

/// Entries that match `filter`, newest first. Those whose content was pruned are left out.
///
/// # Errors
/// The store's own; [`StoreError::Corrupt`] for an entry that can't be read.
pub fn audit_entries(
    tx: &ReadTx<'_>,
    filter: &AuditFilter,
    limit: u32,
) -> Result<AuditPage, StoreError> {
    let pruned_end = audit_pruned(tx)?.map_or(0, |pruned| pruned.end);
    let (sql, values) = audit_query(filter, pruned_end, limit);
    let raw = tx.query_all(&sql, params_from_iter(values), |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let more = raw.len() > limit as usize;
    let mut rows = Vec::with_capacity(raw.len());
    for (bytes, hash) in raw.into_iter().take(limit as usize) {
        let entry = Entry::parse(&bytes).map_err(|_| StoreError::Corrupt("audit_entries.bytes"))?;
        rows.push(AuditRow { entry, leaf_hash: hash_of(&hash)? });
    }
    let next = if more { rows.last().map(|row| row.entry.index) } else { None };
    Ok(AuditPage { rows, next, pruned_end })
}

/// Which entries are wanted of some actions.
#[derive(Clone, Debug, Default)]
pub struct ActionsFilter {
    /// The actions.
    pub actions: &'static [&'static str],
    /// Only what this actor did.
    pub actor: Option<String>,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Entries before this index: for the next page.
    pub before: Option<u64>,
}

/// Entries of some actions, newest first. Those whose content was pruned are left out.
///
/// # Errors
/// As [`audit_entries`].
pub fn audit_entries_of(
    tx: &ReadTx<'_>,
    filter: &ActionsFilter,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let pruned_end = audit_pruned(tx)?.map_or(0, |pruned| pruned.end);
    let common = AuditFilter {
        from: filter.from,
        until: filter.until,
        actor: filter.actor.clone(),
        before: filter.before,
        ..AuditFilter::default()
    };
    // The plus keeps SQLite from sorting all entries of these actions: walking down from the newest
    // ends at the limit.
    let mut query = Query::of(&common, pruned_end);
    let actions = serde_json::json!(filter.actions).to_string();
    query.and("+action IN (SELECT value FROM json_each(?))", actions.into());
    let (sql, values) = query.newest_first(limit);
    let raw = tx.query_all(&sql, params_from_iter(values), |row| row.get::<_, Vec<u8>>(0))?;
    let parsed = |bytes: Vec<u8>| {
        Entry::parse(&bytes).map_err(|_| StoreError::Corrupt("audit_entries.bytes"))
    };
    raw.into_iter().map(parsed).collect()
}

/// The statement for `filter`: a condition for each thing that is asked for and none for the others,
/// so that the index of what is asked for can be used. One row more than `limit`, to know whether
/// there are more.
pub(crate) fn audit_query(
    filter: &AuditFilter,
    pruned_end: u64,
    limit: u32,
) -> (String, Vec<Value>) {
    let mut query = Query::of(filter, pruned_end);
    match filter.action.as_deref().map(|action| (action, action.strip_suffix('.'))) {
        // All actions of a noun: '/' is the character after '.'.
        Some((all, Some(noun))) => {
            query.and("action >= ?", all.to_owned().into());
            query.and("action < ?", format!("{noun}/").into());
        }
        Some((action, None)) => query.and("action = ?", action.to_owned().into()),
        None => {}
    }
    if let Some(object) = &filter.object {
        query.and("object = ?", object.clone().into());
    }
    match filter.outcome.as_deref() {
        Some("success") => query.and("outcome = ?", "success".to_owned().into()),
        // The first half says that the index without the many successes will do.
        Some(other) => query.and("outcome <> 'success' AND outcome = ?", other.to_owned().into()),
        None => {}
    }
    query.newest_first(limit.saturating_add(1))
}

/// A statement over the entries that grows by conditions.
struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    /// With the conditions that every listing has.
    fn of(filter: &AuditFilter, pruned_end: u64) -> Self {
        let sql = String::from("SELECT bytes, leaf_hash FROM audit_entries WHERE true");
        let mut query = Self { sql, values: Vec::new() };
        let index = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        if pruned_end > 0 {
            query.and("idx >= ?", index(pruned_end).into());
        }
        if let Some(from) = filter.from {
            query.and("time >= ?", from.unix_ms().into());
        }
        if let Some(until) = filter.until {
            query.and("time < ?", until.unix_ms().into());
        }
        if let Some(actor) = &filter.actor {
            query.and("actor = ?", actor.clone().into());
        }
        if let Some(before) = filter.before {
            query.and("idx < ?", index(before).into());
        }
        query
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value);
    }

    fn newest_first(mut self, limit: u32) -> (String, Vec<Value>) {
        self.sql.push_str(" ORDER BY idx DESC LIMIT ?");
        self.values.push(i64::from(limit).into());
        (self.sql, self.values)
    }
}

impl Store {
    /// Entries of the appliance's own log that match `filter`, newest first.
    ///
    /// # Errors
    /// As [`audit_entries`].
    pub async fn appliance_audit(
        &self,
        _scope: &ApplianceScope,
        filter: AuditFilter,
        limit: u32,
    ) -> Result<AuditPage, StoreError> {
        self.inner.control.read(move |tx| audit_entries(tx, &filter, limit)).await
    }
}

pub(crate) fn hash_of(bytes: &[u8]) -> Result<Hash, StoreError> {
    let array =
        <[u8; 32]>::try_from(bytes).map_err(|_| StoreError::Corrupt("audit_entries.leaf_hash"))?;
    Ok(Hash::from_bytes(array))
}
