//! Reading and verifying audit logs.

use std::path::Path;

use audit::{Entry, Finding, FindingKind, Hash, Report, Verifier};
use base::{TenantId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use seal::{DataKey, VerifyingKey};

use crate::checkpoint::read_checkpoint;
use crate::connection::{Access, Connection};
use crate::control::{self, TenantRow};
use crate::ledger::read_frontier;
use crate::open::{APPLIANCE_ORIGIN, CONTROL_CHECKPOINT, CONTROL_DB};
use crate::open_tenant::{tenant_dir, tenant_origin};
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
}

/// Entries that match `filter`, newest first.
///
/// # Errors
/// The store's own; [`StoreError::Corrupt`] for an entry that can't be read.
pub fn audit_entries(
    tx: &ReadTx<'_>,
    filter: &AuditFilter,
    limit: u32,
) -> Result<AuditPage, StoreError> {
    let (sql, values) = audit_query(filter, limit);
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
    Ok(AuditPage { rows, next })
}

/// Entries of some actions below the index `before`, newest first.
///
/// # Errors
/// As [`audit_entries`].
pub fn audit_entries_of(
    tx: &ReadTx<'_>,
    actions: &[&str],
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let before = before.map_or(i64::MAX, |index| i64::try_from(index).unwrap_or(i64::MAX));
    // The plus keeps SQLite from sorting all entries of these actions: walking down from the newest
    // ends at the limit.
    let raw = tx.query_all(
        "SELECT bytes FROM audit_entries
         WHERE +action IN (SELECT value FROM json_each(?1)) AND idx < ?2
         ORDER BY idx DESC LIMIT ?3",
        params![serde_json::json!(actions).to_string(), before, limit],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let parsed = |bytes: Vec<u8>| {
        Entry::parse(&bytes).map_err(|_| StoreError::Corrupt("audit_entries.bytes"))
    };
    raw.into_iter().map(parsed).collect()
}

/// The statement for `filter`: a condition for each thing that is asked for and none for the others,
/// so that the index of what is asked for can be used.
pub(crate) fn audit_query(filter: &AuditFilter, limit: u32) -> (String, Vec<Value>) {
    let mut sql = String::from("SELECT bytes, leaf_hash FROM audit_entries WHERE true");
    let mut values = Vec::new();
    let mut add = |condition: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(from) = filter.from {
        add("time >= ?", from.unix_ms().into());
    }
    if let Some(until) = filter.until {
        add("time < ?", until.unix_ms().into());
    }
    if let Some(actor) = &filter.actor {
        add("actor = ?", actor.clone().into());
    }
    match filter.action.as_deref().map(|action| (action, action.strip_suffix('.'))) {
        // All actions of a noun: '/' is the character after '.'.
        Some((all, Some(noun))) => {
            add("action >= ?", all.to_owned().into());
            add("action < ?", format!("{noun}/").into());
        }
        Some((action, None)) => add("action = ?", action.to_owned().into()),
        None => {}
    }
    if let Some(object) = &filter.object {
        add("object = ?", object.clone().into());
    }
    match filter.outcome.as_deref() {
        Some("success") => add("outcome = ?", "success".to_owned().into()),
        // The first half says that the index without the many successes will do.
        Some(other) => add("outcome <> 'success' AND outcome = ?", other.to_owned().into()),
        None => {}
    }
    if let Some(before) = filter.before {
        add("idx < ?", i64::try_from(before).unwrap_or(i64::MAX).into());
    }
    sql.push_str(" ORDER BY idx DESC LIMIT ?");
    values.push((i64::from(limit) + 1).into());
    (sql, values)
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

/// What verifying one log found.
#[derive(Debug)]
pub struct VerifyOutcome {
    /// Whose log: a tenant's, or the appliance's.
    pub tenant: Option<TenantId>,
    /// What people call it.
    pub name: String,
    /// The verifier's report, or why the log can't even be read.
    pub report: Result<Report, StoreError>,
}

/// Verifies every log of an opened store against its checkpoint. Blocks on the disk; reads entries
/// one by one, keeps 32 bytes of each.
///
/// # Errors
/// [`StoreError`] when the control database can't be read.
pub fn verify_data_dir(
    store: &Store,
    only: Option<TenantId>,
) -> Result<Vec<VerifyOutcome>, StoreError> {
    let mut outcomes = Vec::new();
    if only.is_none() {
        let report = store.verify_appliance();
        outcomes.push(VerifyOutcome { tenant: None, name: "appliance".into(), report });
    }
    let rows = store.inner.control.read_blocking(control::tenant_rows)?;
    for row in rows {
        let id = row.tenant.id;
        if row.keys.is_none() || only.is_some_and(|wanted| wanted != id) {
            continue;
        }
        let report = store.verify_row(&row);
        outcomes.push(VerifyOutcome { tenant: Some(id), name: row.tenant.slug, report });
    }
    Ok(outcomes)
}

impl Store {
    fn verify_appliance(&self) -> Result<Report, StoreError> {
        let dir = self.data_dir();
        verify_one(
            &dir.join(CONTROL_DB),
            &dir.join(CONTROL_CHECKPOINT),
            &self.inner.control_key,
            (APPLIANCE_ORIGIN, &self.inner.control_head_key),
        )
    }

    pub(crate) fn verify_row(&self, row: &TenantRow) -> Result<Report, StoreError> {
        let id = row.tenant.id;
        let (wrapped, _) = row.keys.as_ref().ok_or(StoreError::TenantNotFound)?;
        let purpose = seal::KeyPurpose::TenantData;
        let data = self.inner.master.unwrap(purpose, id.as_bytes(), wrapped)?;
        let dir = tenant_dir(self.data_dir(), id);
        verify_one(
            &dir.join("tenant.db"),
            &dir.join("checkpoint"),
            &data.derive("tenant database"),
            (&tenant_origin(id), &VerifyingKey::from_bytes(&row.audit_public_key)?),
        )
    }
}

fn verify_one(
    database: &Path,
    checkpoint: &Path,
    key: &DataKey,
    signed_by: (&str, &VerifyingKey),
) -> Result<Report, StoreError> {
    // The head is read before the entries: entries that arrive meanwhile only make the log longer
    // than the head, which is allowed; shorter it can't get.
    let head = read_checkpoint(checkpoint, signed_by.0, signed_by.1)?.ok_or_else(|| {
        StoreError::AuditDamaged("the signed checkpoint beside the database is missing".into())
    })?;
    if !database.exists() {
        return Err(StoreError::Missing("a database"));
    }
    let connection = Connection::open(database, key, Access::Read)?;
    let mut verifier = Verifier::new(Some(head));
    // One snapshot for the entries and the tree head that the database keeps for itself.
    connection.execute_batch("BEGIN DEFERRED")?;
    let recorded = read_frontier(&connection)?;
    let mut read = 0;
    let pushed = push_entries(&connection, &mut verifier, &mut read);
    if let Err(StoreError::Damaged(_) | StoreError::WrongKey) = pushed {
        return Ok(unreadable_from(read, verifier));
    }
    pushed?;
    Ok(verifier.finish(Some(&recorded)))
}

fn push_entries(
    connection: &Connection,
    verifier: &mut Verifier,
    read: &mut u64,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT idx, bytes, leaf_hash FROM audit_entries ORDER BY idx")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let index = u64::try_from(row.get::<_, i64>(0)?)
            .map_err(|_| StoreError::Corrupt("audit_entries.idx"))?;
        let hash: Vec<u8> = row.get(2)?;
        verifier.push(index, row.get_ref(1)?.as_blob().unwrap_or_default(), &hash_of(&hash)?);
        *read += 1;
    }
    Ok(())
}

/// What was wrong before the first page that does not authenticate, or else that page.
fn unreadable_from(read: u64, verifier: Verifier) -> Report {
    // The rows behind can't be read, so that there are too few of them is no finding.
    let mut report = verifier.finish(None);
    let is_earlier = report.finding.as_ref().is_some_and(|finding| finding.index < read);
    if !is_earlier {
        let what = format!("the database page that holds entry {read} is damaged");
        report.finding = Some(Finding { index: read, kind: FindingKind::Altered, what });
    }
    report
}

pub(crate) fn hash_of(bytes: &[u8]) -> Result<Hash, StoreError> {
    let array =
        <[u8; 32]>::try_from(bytes).map_err(|_| StoreError::Corrupt("audit_entries.leaf_hash"))?;
    Ok(Hash::from_bytes(array))
}
