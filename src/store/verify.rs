//! Verifying the logs of a data directory against their checkpoints, and against those that a witness
//! keeps.

use std::collections::BTreeSet;

use audit::{Checkpoint, Finding, FindingKind, Report, Verifier};
use base::TenantId;

use crate::control::{self, TenantRow};
use crate::ledger::read_frontier;
use crate::log_place::LogPlace;
use crate::open::APPLIANCE_ORIGIN;
use crate::open_tenant::tenant_origin;
use crate::verify_rows::push_entries;
use crate::{Store, StoreError};

/// What verifying one log found.
#[derive(Debug)]
pub struct VerifyOutcome {
    /// Whose log: a tenant's, or the appliance's.
    pub tenant: Option<TenantId>,
    /// What people call it.
    pub name: String,
    /// The verifier's report, or why the log can't even be read.
    pub report: Result<Report, StoreError>,
    /// How many different checkpoints of this log the witness keeps; `None` when none was asked.
    pub witnessed: Option<u64>,
}

/// What comparing with a witness found.
#[derive(Debug)]
pub struct WitnessedOutcome {
    /// Log by log.
    pub logs: Vec<VerifyOutcome>,
    /// Logs of which the witness keeps checkpoints and the data directory knows nothing.
    pub unknown_logs: Vec<String>,
}

/// Verifies every log of an opened store against its checkpoint. Blocks on the disk; reads entries
/// one by one, keeps a few hundred of them at a time.
///
/// # Errors
/// [`StoreError`] when the control database can't be read.
pub fn verify_data_dir(
    store: &Store,
    only: Option<TenantId>,
) -> Result<Vec<VerifyOutcome>, StoreError> {
    Ok(verify_all(store, only, None)?.logs)
}

/// As [`verify_data_dir`], and compares with the signed notes that a witness keeps: of any logs, in
/// any order; those that no log of this directory has signed count for nothing.
///
/// # Errors
/// As [`verify_data_dir`].
pub fn verify_with_witness(
    store: &Store,
    only: Option<TenantId>,
    notes: &[String],
) -> Result<WitnessedOutcome, StoreError> {
    verify_all(store, only, Some(notes))
}

fn verify_all(
    store: &Store,
    only: Option<TenantId>,
    notes: Option<&[String]>,
) -> Result<WitnessedOutcome, StoreError> {
    let mut logs = Vec::new();
    let mut known = BTreeSet::from([APPLIANCE_ORIGIN.to_owned()]);
    if only.is_none() {
        let place = store.appliance_log();
        logs.push(outcome(None, "appliance".into(), place, notes));
    }
    for row in store.inner.control.read_blocking(control::tenant_rows)? {
        let id = row.tenant.id;
        known.insert(tenant_origin(id));
        if row.keys.is_none() || only.is_some_and(|wanted| wanted != id) {
            continue;
        }
        let place = store.tenant_log(&row);
        logs.push(outcome(Some(id), row.tenant.slug, place, notes));
    }
    let named = notes.unwrap_or_default().iter().filter_map(|note| origin_of(note));
    let unknown: BTreeSet<&str> =
        named.filter(|origin| only.is_none() && !known.contains(*origin)).collect();
    let unknown_logs = unknown.into_iter().map(str::to_owned).collect();
    Ok(WitnessedOutcome { logs, unknown_logs })
}

fn outcome(
    tenant: Option<TenantId>,
    name: String,
    place: Result<LogPlace, StoreError>,
    notes: Option<&[String]>,
) -> VerifyOutcome {
    let place = match place {
        Ok(place) => place,
        Err(error) => return VerifyOutcome { tenant, name, report: Err(error), witnessed: None },
    };
    let seen = notes.map(|notes| witnessed(&place, notes));
    let checkpoints = seen.as_ref().map(|seen| seen.genuine.as_slice()).unwrap_or_default();
    let mut report = verify_one(&place, checkpoints);
    if let (Ok(report), Some(seen)) = (&mut report, &seen)
        && report.finding.is_none()
        && seen.genuine.is_empty()
        && seen.is_foreign
    {
        let what = "the witness's checkpoints of this log are signed by another key: the log was \
                    made anew, or the witness is that of another appliance"
            .to_owned();
        report.finding = Some(Finding { index: 0, kind: FindingKind::Forked, what });
    }
    let witnessed = seen.map(|seen| seen.genuine.len() as u64);
    VerifyOutcome { tenant, name, report, witnessed }
}

/// What a witness keeps of one log.
struct Seen {
    genuine: Vec<Checkpoint>,
    /// There are notes of its name that its key did not sign.
    is_foreign: bool,
}

fn witnessed(place: &LogPlace, notes: &[String]) -> Seen {
    let mut seen = Seen { genuine: Vec::new(), is_foreign: false };
    for note in notes.iter().filter(|note| origin_of(note) == Some(place.origin.as_str())) {
        match Checkpoint::verify(note, &place.origin, &place.signed_by) {
            Ok(checkpoint) => seen.genuine.push(checkpoint),
            Err(_) => seen.is_foreign = true,
        }
    }
    seen.genuine.sort_by_key(|checkpoint| (checkpoint.size, checkpoint.root));
    seen.genuine.dedup();
    seen
}

/// Of which log a note claims to be.
fn origin_of(note: &str) -> Option<&str> {
    note.split('\n').next().filter(|origin| !origin.is_empty())
}

impl Store {
    pub(crate) fn verify_row(&self, row: &TenantRow) -> Result<Report, StoreError> {
        verify_one(&self.tenant_log(row)?, &[])
    }
}

fn verify_one(place: &LogPlace, witnessed: &[Checkpoint]) -> Result<Report, StoreError> {
    // The head is read before the entries: entries that arrive meanwhile only make the log longer
    // than the head, which is allowed; shorter it can't get.
    let (_, head) = place.head()?;
    let connection = place.open()?;
    let verifier = Verifier::new(Some(head));
    let verifier = witnessed.iter().fold(verifier, Verifier::witnessed);
    // One snapshot for the entries and the tree head that the database keeps for itself.
    connection.execute_batch("BEGIN DEFERRED")?;
    let recorded = read_frontier(&connection)?;
    let pushed = push_entries(&connection, verifier)?;
    if let Err(StoreError::Damaged(_) | StoreError::WrongKey) = pushed.end {
        return Ok(unreadable_from(pushed.read, pushed.verifier));
    }
    pushed.end?;
    Ok(pushed.verifier.finish(Some(&recorded)))
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
