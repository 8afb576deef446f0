//! How long a tenant's log keeps its content, and legal holds that keep it longer.
//!
//! Pruning takes the content of the oldest entries away and leaves their leaf hashes, so that the log
//! is proved as before. Each batch is one change with its own entry (`audit.pruned`), which says how
//! far pruning went; that is what a verifier asks for. Entries go from the beginning, up to the first
//! one that is not old enough: one that was written while the clock ran ahead keeps those behind it
//! until it is old itself.
//!
//! Never:
//! - anything that is younger than the tenant's setting, and than [`RETENTION_LEAST_DAYS`] whatever
//!   that says;
//! - anything while a legal hold is in force, or when it can't be read whether one is;
//! - anything when the clock shows much later than the newest entry: it may be the clock that is wrong.

use audit::{Action, Entry, Event, Pruning, RETENTION_LEAST_DAYS};
use base::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::scope::Suspended;
use crate::{ReadTx, Store, StoreError, WriteTx};

/// Name of the tenant's setting: days that the content of entries is kept.
pub const AUDIT_RETENTION_DAYS: &str = "audit_retention_days";

/// Days that it is kept when the tenant sets nothing: seven years.
pub const RETENTION_DEFAULT_DAYS: u32 = 2_557;

/// Most days that a tenant may set: a hundred years.
pub const RETENTION_MOST_DAYS: u32 = 36_525;

/// Longest reason of a legal hold, in characters.
pub const LEGAL_HOLD_REASON_MAX_CHARS: usize = 500;

/// Name under which the settings keep a legal hold that is in force.
const LEGAL_HOLD: &str = "legal_hold";

const HOLD_SET: Action = Action::new("legal_hold.set");
const HOLD_LIFTED: Action = Action::new("legal_hold.lifted");

/// Entries that one change prunes: others wait for the writer meanwhile.
const BATCH_ENTRIES: u64 = 2_000;

/// Where the newest entry is older than this, the clock is not believed.
const SILENCE_MAX_MS: i64 = 31 * 24 * 60 * 60 * 1000;

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// Why.
    pub reason: String,
    /// Since when.
    pub set_at: Timestamp,
    /// By whom, as the log writes it.
    pub set_by: String,
}

/// What was pruned of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// So many entries from the beginning have no content.
    pub end: u64,
    /// The entry that records it.
    pub by: u64,
    /// When that was.
    pub at: Timestamp,
}

/// What counts for a tenant's log.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Days that the content of entries is kept.
    pub days: u32,
    /// What went already.
    pub pruned: Option<Pruned>,
    /// The hold that is in force.
    pub hold: Option<LegalHold>,
}

/// What counts for the log.
///
/// # Errors
/// [`StoreError::Corrupt`] for settings that can't be read; or the store's own.
pub fn retention(tx: &ReadTx<'_>) -> Result<Retention, StoreError> {
    Ok(Retention { days: retention_days(tx)?, pruned: audit_pruned(tx)?, hold: legal_hold(tx)? })
}

/// Days that the content of entries is kept.
///
/// # Errors
/// [`StoreError::Corrupt`] for a setting that can't be read; or the store's own.
pub fn retention_days(tx: &ReadTx<'_>) -> Result<u32, StoreError> {
    let Some(text) = setting(tx, AUDIT_RETENTION_DAYS)? else { return Ok(RETENTION_DEFAULT_DAYS) };
    let days: u32 = text.parse().map_err(|_| StoreError::Corrupt("settings.value"))?;
    if (RETENTION_LEAST_DAYS..=RETENTION_MOST_DAYS).contains(&days) {
        Ok(days)
    } else {
        Err(StoreError::Corrupt("settings.value"))
    }
}

/// What the log says was pruned of it last.
///
/// # Errors
/// [`StoreError::Corrupt`] for a record that can't be read; or the store's own.
pub fn audit_pruned(tx: &ReadTx<'_>) -> Result<Option<Pruned>, StoreError> {
    let newest = tx.query_optional(
        "SELECT bytes FROM audit_entries WHERE action = ?1 ORDER BY idx DESC LIMIT 1",
        [Pruning::ACTION.as_str()],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let Some(bytes) = newest else { return Ok(None) };
    let damaged = || StoreError::Corrupt("audit_entries.bytes");
    let entry = Entry::parse(&bytes).map_err(|_| damaged())?;
    let pruning = Pruning::of(&entry).ok_or_else(damaged)?;
    Ok(Some(Pruned { end: pruning.end, by: entry.index, at: entry.time }))
}

/// Puts a legal hold in force; the event is to be committed with it.
///
/// # Errors
/// [`StoreError::HoldInForce`]; or the store's own.
pub fn legal_hold_set(tx: &WriteTx<'_>, reason: String) -> Result<(LegalHold, Event), StoreError> {
    if legal_hold(tx)?.is_some() {
        return Err(StoreError::HoldInForce);
    }
    let hold = LegalHold { reason, set_at: tx.now(), set_by: tx.stamp().actor.to_string() };
    let value = serde_json::json!(hold);
    tx.execute(
        "INSERT INTO settings (name, value) VALUES (?1, ?2)",
        [LEGAL_HOLD, value.to_string().as_str()],
    )?;
    let event = Event::new(HOLD_SET).detail(serde_json::json!({ "reason": hold.reason }));
    Ok((hold, event))
}

/// Lifts the legal hold; the event is to be committed with it.
///
/// # Errors
/// [`StoreError::NoHold`]; or the store's own.
pub fn legal_hold_lift(tx: &WriteTx<'_>, reason: &str) -> Result<Event, StoreError> {
    let hold = legal_hold(tx)?.ok_or(StoreError::NoHold)?;
    tx.execute("DELETE FROM settings WHERE name = ?1", [LEGAL_HOLD])?;
    Ok(Event::new(HOLD_LIFTED)
        .before(serde_json::json!({ "set_at": hold.set_at, "set_by": hold.set_by }))
        .detail(serde_json::json!({ "reason": reason })))
}

fn legal_hold(tx: &ReadTx<'_>) -> Result<Option<LegalHold>, StoreError> {
    let found = setting(tx, LEGAL_HOLD)?.map(|text| serde_json::from_str(&text));
    found.transpose().map_err(|_| StoreError::Corrupt("settings.value"))
}

fn setting(tx: &ReadTx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_optional("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
}

/// The next entries that are to be pruned, and by which rule; `None` when there are none now.
fn due(tx: &ReadTx<'_>, now: Timestamp) -> Result<Option<Pruning>, StoreError> {
    let Retention { days, pruned, hold } = retention(tx)?;
    if hold.is_some() {
        return Ok(None);
    }
    let first = pruned.map_or(0, |pruned| pruned.end);
    let cutoff = Pruning::cutoff_at(now, days);
    let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let rows = tx.query_all(
        "SELECT idx, time FROM audit_entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
        [bound(first), bound(BATCH_ENTRIES)],
        |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?)),
    )?;
    let old = rows.iter().take_while(|(_, time)| *time < cutoff.unix_ms());
    let Some((last, _)) = old.last() else { return Ok(None) };
    Ok(Some(Pruning { first, end: last + 1, cutoff, retention_days: days }))
}

/// How a change that prunes ended.
enum Prune {
    NothingDue,
    Store(StoreError),
}

impl From<StoreError> for Prune {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// Prunes in every active tenant what is due; returns how many entries that were. To be called
    /// once a day, by whoever keeps time. Trouble in one tenant is logged and leaves the others.
    pub async fn audit_prune_all(&self) -> u64 {
        let mut count = 0;
        for tenant in self.active_tenants() {
            match self.audit_prune(tenant).await {
                Ok(0) => {}
                Ok(pruned) => {
                    tracing::info!(tenant.id = %tenant, pruned, "old audit entries were pruned");
                    count += pruned;
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(tenant.id = %tenant, error, "old audit entries stay");
                }
            }
        }
        count
    }

    /// Prunes what is due in one tenant, batch by batch; returns how many entries that were.
    ///
    /// # Errors
    /// The store's own; what was pruned before it is recorded.
    pub async fn audit_prune(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let open = self.open_tenant(tenant, Suspended::Refuse).await?;
        let now = self.now();
        let newest: Option<i64> = open
            .read(|tx| {
                let sql = "SELECT time FROM audit_entries ORDER BY idx DESC LIMIT 1";
                tx.query_optional(sql, [], |row| row.get(0))
            })
            .await?;
        let silence_ms = newest.map_or(0, |at| now.since_ms(Timestamp::from_unix_ms(at)));
        if silence_ms > SILENCE_MAX_MS {
            tracing::warn!(
                tenant.id = %tenant,
                silence_ms,
                "nothing is pruned: the newest audit entry is old, or the clock is wrong"
            );
            return Ok(0);
        }
        let mut count = 0;
        while open.read(move |tx| due(tx, now)).await?.is_some() {
            let stamp = self.system_stamp(Some(tenant))?;
            let pruned = open.write(stamp, |tx| {
                // Looked at again where nobody can come between: a hold counts from its commit on.
                let pruning = due(&tx, tx.now())?.ok_or(Prune::NothingDue)?;
                tx.prune_entries(pruning.first..pruning.end)?;
                Ok::<_, Prune>(tx.commit(pruning.event(), pruning.end - pruning.first)?)
            });
            match pruned.await {
                Ok(entries) => count += entries,
                Err(Prune::NothingDue) => break,
                Err(Prune::Store(error)) => return Err(error),
            }
        }
        if count > 0 {
            // Older versions of their pages are in the write-ahead log still.
            open.fold().await?;
        }
        Ok(count)
    }
}
