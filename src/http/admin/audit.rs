//! GET /api/v1/admin/audit and /api/v1/admin/audit/verify

use ::store::{AuditFilter, AuditPage, AuditRow, StoreError, VerifyOutcome, WitnessedOutcome};
use base::Timestamp;
use policy::audit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::cursor::{LogPage, page_limit, page_start};
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

/// Which entries are wanted. Everything given must hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// At or after this moment (RFC 3339, or a date).
    #[serde(default)]
    from: Option<String>,
    /// Before this moment (RFC 3339, or a date).
    #[serde(default)]
    until: Option<String>,
    /// This actor (`user:<uuid>`, `console`, `appliance`).
    #[serde(default)]
    actor: Option<String>,
    /// This action (`document.deleted`), or all of a noun (`document.`).
    #[serde(default)]
    action: Option<String>,
    /// This object (`document:<uuid>`).
    #[serde(default)]
    object: Option<String>,
    /// `success`, `denied` or `failed`.
    #[serde(default)]
    outcome: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl AuditQuery {
    /// The store's filter, and the number of entries.
    pub(crate) fn checked(self) -> Result<(AuditFilter, u32), Problem> {
        let moment = |field: &str, text: Option<String>| {
            let read = text.as_deref().map(Timestamp::parse).transpose();
            read.map_err(|error| Problem::invalid(field, format!("is {error}")))
        };
        if let Some(outcome) = &self.outcome
            && !["success", "denied", "failed"].contains(&outcome.as_str())
        {
            return Err(Problem::invalid("outcome", "is none of success, denied, failed"));
        }
        let limit = page_limit(self.limit)?;
        let filter = AuditFilter {
            from: moment("from", self.from)?,
            until: moment("until", self.until)?,
            actor: self.actor,
            action: self.action,
            object: self.object,
            outcome: self.outcome,
            before: page_start::<u64>(self.cursor.as_deref())?,
        };
        Ok((filter, limit))
    }
}

/// What an entry is about.
#[derive(Serialize, ToSchema)]
struct ObjectView {
    kind: String,
    id: String,
}

/// An entry of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryView {
    /// Position in the log, from 0.
    index: u64,
    #[schema(format = "date-time")]
    time: String,
    actor: String,
    #[schema(format = "uuid")]
    request_id: Option<String>,
    action: String,
    object: Option<ObjectView>,
    /// `success`, `denied` or `failed`.
    outcome: &'static str,
    before: Option<Value>,
    after: Option<Value>,
    detail: Option<Value>,
    classification: Option<&'static str>,
    export_control: Option<&'static str>,
    /// Leaf of the Merkle tree (RFC 9162 section 2.1.1), in hex.
    leaf_hash: String,
}

impl From<AuditRow> for EntryView {
    fn from(row: AuditRow) -> Self {
        let entry = row.entry;
        Self {
            index: entry.index,
            time: entry.time.to_string(),
            actor: entry.actor,
            request_id: entry.request_id.map(|id| id.to_string()),
            action: entry.action,
            object: entry.object.map(|o| ObjectView { kind: o.kind, id: o.id }),
            outcome: entry.outcome.as_str(),
            before: entry.before,
            after: entry.after,
            detail: entry.detail,
            classification: entry.label.map(|label| label.classification.as_str()),
            export_control: entry.label.map(|label| label.export_control.as_str()),
            leaf_hash: hex::encode(row.leaf_hash.as_bytes()),
        }
    }
}

/// A page of the log on the wire.
pub(crate) fn page_view(page: AuditPage) -> LogPage<EntryView> {
    let entries = page.rows.into_iter().map(EntryView::from).collect();
    LogPage::new(entries, page.next, page.pruned_end)
}

pub(super) async fn audit_query(
    call: Authorized<audit::Read>,
    Query(query): Query<AuditQuery>,
) -> Result<Ok200<LogPage<EntryView>>, Problem> {
    let (filter, limit) = query.checked()?;
    let ctx = call.permit()?.ctx();
    let page = ctx.read(move |tx| ::store::audit_entries(tx, &filter, limit)).await?;
    Ok(Ok200(page_view(page)))
}

/// What is wrong with a log.
#[derive(Serialize, ToSchema)]
struct FindingView {
    /// The first bad entry; absent when the log can't be read at all.
    index: Option<u64>,
    /// `altered`, `missing`, `reordered`, `truncated`, `rolled_back`, `root_mismatch`, `erased`,
    /// `behind_witness`, `forked`, `unreadable`.
    kind: String,
    what: String,
}

/// What verifying one log found.
#[derive(Serialize, ToSchema)]
#[schema(as = VerifiedLog)]
pub(crate) struct LogView {
    /// The tenant's short name, or `appliance`.
    name: String,
    /// Whether every entry is as it was signed.
    sound: bool,
    /// Entries.
    size: Option<u64>,
    /// Root of the Merkle tree, in hex.
    root: Option<String>,
    finding: Option<FindingView>,
    /// Checkpoints of this log that the witness keeps; absent when none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<u64>,
}

impl From<VerifyOutcome> for LogView {
    fn from(outcome: VerifyOutcome) -> Self {
        match outcome.report {
            Ok(report) => Self {
                name: outcome.name,
                sound: report.finding.is_none(),
                size: Some(report.size),
                root: Some(hex::encode(report.root.as_bytes())),
                finding: report.finding.map(|finding| FindingView {
                    index: Some(finding.index),
                    kind: finding.kind.as_str().to_owned(),
                    what: finding.what,
                }),
                witnessed: outcome.witnessed,
            },
            Err(error) => {
                let what = error.to_string();
                let finding = FindingView { index: None, kind: "unreadable".to_owned(), what };
                Self {
                    name: outcome.name,
                    sound: false,
                    size: None,
                    root: None,
                    finding: Some(finding),
                    witnessed: outcome.witnessed,
                }
            }
        }
    }
}

/// What verifying found, log by log.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifyView {
    pub(crate) logs: Vec<LogView>,
}

/// What comparing with a witness found.
#[derive(Serialize, ToSchema)]
pub(crate) struct WitnessedView {
    /// Log by log.
    logs: Vec<LogView>,
    /// Logs of which the witness keeps checkpoints and this appliance knows nothing: it was rolled
    /// back to before them, or the witness is that of another appliance.
    unknown_logs: Vec<String>,
}

impl From<WitnessedOutcome> for WitnessedView {
    fn from(outcome: WitnessedOutcome) -> Self {
        let logs = outcome.logs.into_iter().map(LogView::from).collect();
        Self { logs, unknown_logs: outcome.unknown_logs }
    }
}

pub(super) async fn audit_verify(
    call: Authorized<audit::Verify>,
    (): (),
) -> Result<Ok200<VerifyView>, Problem> {
    let tenant = call.permit()?.ctx().tenant_id();
    let store = call.state.store.clone();
    let verified =
        tokio::task::spawn_blocking(move || ::store::verify_data_dir(&store, Some(tenant))).await;
    let outcomes = verified.map_err(|_| StoreError::Panicked)??;
    Ok(Ok200(VerifyView { logs: outcomes.into_iter().map(LogView::from).collect() }))
}
