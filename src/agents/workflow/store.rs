//! Rows of runs.

use base::{JobId, Label, Origin, PlanId, Timestamp, UserId, WorkflowRunId};
use serde_json::Value;
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use super::engine::StepFailure;
use super::model::{RunState, WorkflowRun};

/// A run to be stored.
pub(super) struct RunInsert<'a> {
    pub(super) id: WorkflowRunId,
    pub(super) owner: Option<UserId>,
    pub(super) workflow: &'a str,
    pub(super) title: &'a str,
    pub(super) definition: String,
    pub(super) input: String,
    pub(super) job: JobId,
    pub(super) plan: Option<PlanId>,
    pub(super) seed: u32,
    pub(super) deadline_at: Timestamp,
    pub(super) label: Label,
}

/// A run with what carrying it out needs.
pub(super) struct RunRow {
    pub(super) run: WorkflowRun,
    pub(super) definition: Value,
    pub(super) input: Value,
    pub(super) seed: u32,
}

pub(super) fn run_insert(tx: &WriteTx<'_>, new: &RunInsert<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO workflow_runs (id, user_id, workflow, title, definition, input, state, job_id,
             plan_id, seed, deadline_at, classification, export_control, origin, created_at,
             updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)",
        params![
            new.id.as_bytes(),
            new.owner.map(|user| *user.as_bytes()),
            new.workflow,
            new.title,
            new.definition,
            new.input,
            new.job.as_bytes(),
            new.plan.map(|plan| *plan.as_bytes()),
            new.seed,
            new.deadline_at.unix_ms(),
            new.label.classification.as_str(),
            new.label.export_control.as_str(),
            origin_word(new.label.origin),
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

/// The columns of [`raw_run`], with the state of the job beside the run's own.
const RUN: &str = "r.id, r.user_id, r.workflow, r.title, r.state, r.job_id, r.plan_id, r.deadline_at, \
    r.classification, r.export_control, r.origin, r.output, r.error_code, r.error_detail, \
    r.created_at, r.updated_at, r.ended_at, r.definition, r.input, r.seed, j.state, j.error_code, \
    j.error_detail, \
    (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM workflow_steps s \
     WHERE s.run_id = r.id), \
    (SELECT count(*) FROM workflow_steps s WHERE s.run_id = r.id) \
    FROM workflow_runs r LEFT JOIN jobs j ON j.id = r.job_id";

pub(super) fn run_find(tx: &ReadTx<'_>, id: WorkflowRunId) -> Result<Option<RunRow>, StoreError> {
    let sql = format!("SELECT {RUN} WHERE r.id = ?1");
    tx.query_optional(&sql, [id.as_bytes()], raw_run)?.map(RawRun::checked).transpose()
}

/// Runs, newest first; only those of `owner` when it is given.
pub(super) fn run_list(
    tx: &ReadTx<'_>,
    owner: Option<Option<UserId>>,
    before: Option<WorkflowRunId>,
    limit: u32,
) -> Result<Vec<WorkflowRun>, StoreError> {
    let (all, owner) = match owner {
        None => (true, None),
        Some(owner) => (false, owner),
    };
    let sql = format!(
        "SELECT {RUN} WHERE (?1 OR r.user_id IS ?2) AND (?3 IS NULL OR r.id < ?3)
         ORDER BY r.id DESC LIMIT ?4"
    );
    let raw = tx.query_all(
        &sql,
        params![all, owner.map(|user| *user.as_bytes()), before.map(|id| *id.as_bytes()), limit],
        raw_run,
    )?;
    raw.into_iter().map(|raw| raw.checked().map(|row| row.run)).collect()
}

pub(super) fn run_set_state(
    tx: &WriteTx<'_>,
    id: WorkflowRunId,
    state: RunState,
) -> Result<(), StoreError> {
    let now = tx.now().unix_ms();
    tx.execute(
        "UPDATE workflow_runs SET state = ?2, updated_at = ?3,
                ended_at = iif(?2 IN ('done', 'failed', 'cancelled'), ?3, NULL) WHERE id = ?1",
        params![id.as_bytes(), state.as_str(), now],
    )?;
    Ok(())
}

pub(super) fn run_set_job(
    tx: &WriteTx<'_>,
    id: WorkflowRunId,
    job: JobId,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE workflow_runs SET job_id = ?2 WHERE id = ?1",
        params![id.as_bytes(), job.as_bytes()],
    )?;
    Ok(())
}

pub(super) fn run_set_end(
    tx: &WriteTx<'_>,
    id: WorkflowRunId,
    outcome: &Result<Value, StepFailure>,
) -> Result<(), StoreError> {
    let (output, code, detail) = parts(outcome);
    tx.execute(
        "UPDATE workflow_runs SET output = ?2, error_code = ?3, error_detail = ?4 WHERE id = ?1",
        params![id.as_bytes(), output, code, detail],
    )?;
    Ok(())
}

pub(super) fn run_set_label(
    tx: &WriteTx<'_>,
    id: WorkflowRunId,
    label: Label,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE workflow_runs SET classification = ?2, export_control = ?3, origin = ?4,
                updated_at = ?5 WHERE id = ?1",
        params![
            id.as_bytes(),
            label.classification.as_str(),
            label.export_control.as_str(),
            origin_word(label.origin),
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

pub(super) fn parts(
    outcome: &Result<Value, StepFailure>,
) -> (Option<String>, Option<&str>, Option<&str>) {
    match outcome {
        Ok(value) => (Some(value.to_string()), None, None),
        Err(failure) => (None, Some(&failure.code), Some(&failure.detail)),
    }
}

struct RawRun {
    id: Vec<u8>,
    user: Option<Vec<u8>>,
    state: String,
    job: Vec<u8>,
    plan: Option<Vec<u8>>,
    label: [String; 3],
    output: Option<String>,
    definition: String,
    input: String,
    job_state: Option<String>,
    job_error: (Option<String>, Option<String>),
    row: RunRow,
}

fn raw_run(row: &Row<'_>) -> store::sql::Result<RawRun> {
    let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(RawRun {
        id: row.get(0)?,
        user: row.get(1)?,
        state: row.get(4)?,
        job: row.get(5)?,
        plan: row.get(6)?,
        label: [row.get(8)?, row.get(9)?, row.get(10)?],
        output: row.get(11)?,
        definition: row.get(17)?,
        input: row.get(18)?,
        job_state: row.get(20)?,
        job_error: (row.get(21)?, row.get(22)?),
        row: RunRow {
            run: WorkflowRun {
                id: WorkflowRunId::from_bytes([0; 16]),
                owner: None,
                workflow: row.get(2)?,
                title: row.get(3)?,
                state: RunState::Queued,
                job_id: JobId::from_bytes([0; 16]),
                plan_id: None,
                deadline_at: Timestamp::from_unix_ms(row.get(7)?),
                label: Label::TYPED,
                output: None,
                error_code: row.get(12)?,
                error_detail: row.get(13)?,
                tokens: unsigned(row.get(23)?),
                steps: unsigned(row.get(24)?),
                created_at: Timestamp::from_unix_ms(row.get(14)?),
                updated_at: Timestamp::from_unix_ms(row.get(15)?),
                ended_at: row.get::<_, Option<i64>>(16)?.map(Timestamp::from_unix_ms),
            },
            definition: Value::Null,
            input: Value::Null,
            seed: row.get(19)?,
        },
    })
}

impl RawRun {
    fn checked(self) -> Result<RunRow, StoreError> {
        let corrupt = StoreError::Corrupt;
        let [classification, export_control, origin] = &self.label;
        let label = Label {
            classification: classification
                .parse()
                .map_err(|_| corrupt("workflow_runs.classification"))?,
            export_control: export_control
                .parse()
                .map_err(|_| corrupt("workflow_runs.export_control"))?,
            origin: origin_of(origin).ok_or(corrupt("workflow_runs.origin"))?,
        };
        let mut run = self.row.run;
        run.id = WorkflowRunId::from_bytes(id_bytes(&self.id, "workflow_runs.id")?);
        run.job_id = JobId::from_bytes(id_bytes(&self.job, "workflow_runs.job_id")?);
        let owner = self.user.map(|bytes| id_bytes(&bytes, "workflow_runs.user_id")).transpose()?;
        run.owner = owner.map(UserId::from_bytes);
        let plan = self.plan.map(|bytes| id_bytes(&bytes, "workflow_runs.plan_id")).transpose()?;
        run.plan_id = plan.map(PlanId::from_bytes);
        run.label = label;
        run.output = self.output.map(|text| json_of(&text, "workflow_runs.output")).transpose()?;
        run.state = RunState::parse(&self.state).ok_or(corrupt("workflow_runs.state"))?;
        // The job may have ended before it came to the run: its person was disabled, or it was given up.
        let open = matches!(run.state, RunState::Queued | RunState::Running);
        match self.job_state.as_deref() {
            Some("failed") if open => {
                run.state = RunState::Failed;
                (run.error_code, run.error_detail) = self.job_error;
            }
            Some("cancelled") if open => run.state = RunState::Cancelled,
            _ => {}
        }
        Ok(RunRow {
            run,
            definition: json_of(&self.definition, "workflow_runs.definition")?,
            input: json_of(&self.input, "workflow_runs.input")?,
            seed: self.row.seed,
        })
    }
}

pub(super) fn json_of(text: &str, column: &'static str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(column))
}

const ORIGINS: [(Origin, &str); 4] = [
    (Origin::User, "user"),
    (Origin::Document, "document"),
    (Origin::Connector, "connector"),
    (Origin::Model, "model"),
];

fn origin_word(origin: Origin) -> &'static str {
    ORIGINS.iter().find(|(known, _)| *known == origin).map_or("model", |(_, word)| word)
}

fn origin_of(word: &str) -> Option<Origin> {
    ORIGINS.iter().find(|(_, known)| *known == word).map(|(origin, _)| *origin)
}
