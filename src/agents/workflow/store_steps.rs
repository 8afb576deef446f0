//! Rows of a run's steps, gates and events.

use base::{Label, Timestamp, WorkflowRunId};
use models::TokenUsage;
use serde_json::Value;
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

use super::engine::StepFailure;
use super::model::{StepState, StepView, WaitingGate};
use super::store::{json_of, parts};

/// Most steps of one run that are read; a definition and its loops can't make more.
const STEPS_MAX: u32 = 20_000;

/// What is stored of a node that has ended.
#[derive(Clone)]
pub(super) struct StepRow {
    pub(super) key: String,
    pub(super) outcome: Result<Value, StepFailure>,
    pub(super) usage: TokenUsage,
}

/// A node to be stored.
pub(super) struct StepInsert<'a> {
    pub(super) run: WorkflowRunId,
    pub(super) key: &'a str,
    pub(super) kind: &'static str,
    pub(super) outcome: &'a Result<Value, StepFailure>,
    pub(super) label: Label,
    pub(super) usage: TokenUsage,
    pub(super) started_at: Timestamp,
}

/// What a person decided at a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) approved: bool,
    pub(super) reason: Option<String>,
}

pub(super) fn step_insert(tx: &WriteTx<'_>, new: &StepInsert<'_>) -> Result<(), StoreError> {
    let (output, code, detail) = parts(new.outcome);
    let state = if new.outcome.is_ok() { StepState::Done } else { StepState::Failed };
    tx.execute(
        "INSERT INTO workflow_steps (run_id, key, number, kind, state, output, error_code,
             error_detail, classification, export_control, prompt_tokens, completion_tokens,
             started_at, ended_at)
         VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM workflow_steps WHERE run_id = ?1),
             ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            new.run.as_bytes(),
            new.key,
            new.kind,
            state.as_str(),
            output,
            code,
            detail,
            new.label.classification.as_str(),
            new.label.export_control.as_str(),
            new.usage.prompt_tokens,
            new.usage.completion_tokens,
            new.started_at.unix_ms(),
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

/// Everything that has ended, for a run that goes on.
pub(super) fn steps_load(tx: &ReadTx<'_>, run: WorkflowRunId) -> Result<Vec<StepRow>, StoreError> {
    let rows = tx.query_all(
        "SELECT key, output, error_code, error_detail, prompt_tokens, completion_tokens
         FROM workflow_steps WHERE run_id = ?1 ORDER BY number LIMIT ?2",
        params![run.as_bytes(), STEPS_MAX],
        |row| {
            let output: Option<String> = row.get(1)?;
            let code: Option<String> = row.get(2)?;
            let detail: Option<String> = row.get(3)?;
            let usage = TokenUsage {
                prompt_tokens: row.get(4)?,
                cached_tokens: 0,
                completion_tokens: row.get(5)?,
            };
            Ok((row.get::<_, String>(0)?, output, code, detail, usage))
        },
    )?;
    rows.into_iter()
        .map(|(key, output, code, detail, usage)| {
            let outcome = match (output, code) {
                (Some(text), _) => Ok(json_of(&text, "workflow_steps.output")?),
                (None, Some(code)) => Err(StepFailure { code, detail: detail.unwrap_or_default() }),
                (None, None) => return Err(StoreError::Corrupt("workflow_steps.output")),
            };
            Ok(StepRow { key, outcome, usage })
        })
        .collect()
}

/// The steps as people see them, in the order in which they ended.
pub(super) fn steps_view(tx: &ReadTx<'_>, run: WorkflowRunId) -> Result<Vec<StepView>, StoreError> {
    let rows = tx.query_all(
        "SELECT key, kind, state, output, error_code, error_detail, prompt_tokens,
                completion_tokens, started_at, ended_at
         FROM workflow_steps WHERE run_id = ?1 ORDER BY number LIMIT ?2",
        params![run.as_bytes(), STEPS_MAX],
        |row| {
            let state: String = row.get(2)?;
            let output: Option<String> = row.get(3)?;
            Ok((
                StepView {
                    key: row.get(0)?,
                    kind: row.get(1)?,
                    state: StepState::Done,
                    output: None,
                    error_code: row.get(4)?,
                    error_detail: row.get(5)?,
                    prompt_tokens: row.get(6)?,
                    completion_tokens: row.get(7)?,
                    started_at: Timestamp::from_unix_ms(row.get(8)?),
                    ended_at: Timestamp::from_unix_ms(row.get(9)?),
                },
                state,
                output,
            ))
        },
    )?;
    rows.into_iter()
        .map(|(view, state, output)| {
            let state =
                StepState::parse(&state).ok_or(StoreError::Corrupt("workflow_steps.state"))?;
            let output = output.map(|text| json_of(&text, "workflow_steps.output")).transpose()?;
            Ok(StepView { state, output, ..view })
        })
        .collect()
}

/// Asks at a gate, unless it was asked there already.
pub(super) fn gate_ask(
    tx: &WriteTx<'_>,
    run: WorkflowRunId,
    key: &str,
    (question, shown, digest): (&str, &Value, &[u8; 32]),
) -> Result<bool, StoreError> {
    let asked = tx.execute(
        "INSERT OR IGNORE INTO workflow_gates (run_id, key, question, shown, digest, asked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![run.as_bytes(), key, question, shown.to_string(), digest, tx.now().unix_ms()],
    )?;
    Ok(asked > 0)
}

pub(super) fn gates_waiting(
    tx: &ReadTx<'_>,
    run: WorkflowRunId,
) -> Result<Vec<WaitingGate>, StoreError> {
    let rows = tx.query_all(
        "SELECT key, question, shown, digest, asked_at FROM workflow_gates
         WHERE run_id = ?1 AND decision IS NULL ORDER BY asked_at, key LIMIT 1000",
        [run.as_bytes()],
        |row| {
            let digest: Vec<u8> = row.get(3)?;
            let shown: String = row.get(2)?;
            let key: String = row.get(0)?;
            let question: String = row.get(1)?;
            Ok((key, question, shown, digest, Timestamp::from_unix_ms(row.get(4)?)))
        },
    )?;
    rows.into_iter()
        .map(|(key, question, shown, digest, asked_at)| {
            let digest: [u8; 32] =
                digest.try_into().map_err(|_| StoreError::Corrupt("workflow_gates.digest"))?;
            let shown = json_of(&shown, "workflow_gates.shown")?;
            Ok(WaitingGate { key, question, shown, digest, asked_at })
        })
        .collect()
}

pub(super) fn gates_decided(
    tx: &ReadTx<'_>,
    run: WorkflowRunId,
) -> Result<Vec<(String, Decided)>, StoreError> {
    tx.query_all(
        "SELECT key, decision = 'approved', reason FROM workflow_gates
         WHERE run_id = ?1 AND decision IS NOT NULL LIMIT 1000",
        [run.as_bytes()],
        |row| Ok((row.get(0)?, Decided { approved: row.get(1)?, reason: row.get(2)? })),
    )
}

/// Writes a decision; false when nothing waits there, or something else than what was shown.
pub(super) fn gate_decide(
    tx: &WriteTx<'_>,
    run: WorkflowRunId,
    key: &str,
    digest: &[u8; 32],
    (decided, by): (&Decided, &str),
) -> Result<bool, StoreError> {
    let word = if decided.approved { "approved" } else { "rejected" };
    let changed = tx.execute(
        "UPDATE workflow_gates SET decision = ?4, reason = ?5, decided_by = ?6, decided_at = ?7
         WHERE run_id = ?1 AND key = ?2 AND digest = ?3 AND decision IS NULL",
        params![run.as_bytes(), key, digest, word, decided.reason, by, tx.now().unix_ms()],
    )?;
    Ok(changed > 0)
}

pub(super) fn event_insert(
    tx: &WriteTx<'_>,
    run: WorkflowRunId,
    name: &str,
    data: &Value,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO workflow_events (run_id, number, name, data, at)
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM workflow_events WHERE run_id = ?1),
             ?2, ?3, ?4)",
        params![run.as_bytes(), name, data.to_string(), tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Number, name and data of the events behind `after`, in order.
pub(super) fn events_after(
    tx: &ReadTx<'_>,
    run: WorkflowRunId,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, String, String)>, StoreError> {
    tx.query_all(
        "SELECT number, name, data FROM workflow_events
         WHERE run_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        params![run.as_bytes(), i64::try_from(after).unwrap_or(i64::MAX), limit],
        |row| Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?, row.get(2)?)),
    )
}
