//! Rows of `plans` and `plan_versions`.

use base::{Label, Origin, PlanId, Timestamp, UserId, WorkflowRunId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use super::compile::Plan;
use super::model::{PlanState, PlanView};

/// A plan to be stored.
pub(super) struct PlanInsert<'a> {
    pub(super) id: PlanId,
    pub(super) owner: Option<UserId>,
    pub(super) goal: &'a str,
    pub(super) plan: &'a str,
    pub(super) digest: &'a [u8; 32],
    pub(super) replans_max: u32,
    pub(super) label: Label,
}

pub(super) fn plan_insert(tx: &WriteTx<'_>, new: &PlanInsert<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO plans (id, user_id, goal, state, plan, digest, version, replans_max,
             classification, export_control, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'proposed', ?4, ?5, 1, ?6, ?7, ?8, ?9, ?9)",
        params![
            new.id.as_bytes(),
            new.owner.map(|user| *user.as_bytes()),
            new.goal,
            new.plan,
            new.digest,
            new.replans_max,
            new.label.classification.as_str(),
            new.label.export_control.as_str(),
            tx.now().unix_ms(),
        ],
    )?;
    version_insert(tx, new.id, 1, (new.plan, new.digest), None)
}

/// Keeps a version as it was shown.
pub(super) fn version_insert(
    tx: &WriteTx<'_>,
    id: PlanId,
    version: u32,
    (plan, digest): (&str, &[u8; 32]),
    because: Option<&str>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO plan_versions (plan_id, version, plan, digest, because, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id.as_bytes(), version, plan, digest, because, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Puts a further version in the place of the one that failed; it has to be approved again.
pub(super) fn plan_set_version(
    tx: &WriteTx<'_>,
    id: PlanId,
    version: u32,
    (plan, digest): (&str, &[u8; 32]),
    label: Label,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE plans SET plan = ?2, digest = ?3, version = ?4, state = 'proposed',
                decided_by = NULL, decided_at = NULL, reason = NULL, classification = ?5,
                export_control = ?6, updated_at = ?7 WHERE id = ?1",
        params![
            id.as_bytes(),
            plan,
            digest,
            version,
            label.classification.as_str(),
            label.export_control.as_str(),
            tx.now().unix_ms()
        ],
    )?;
    Ok(())
}

pub(super) fn plan_set_state(
    tx: &WriteTx<'_>,
    id: PlanId,
    state: PlanState,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE plans SET state = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), state.as_str(), tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(super) fn plan_set_decision(
    tx: &WriteTx<'_>,
    id: PlanId,
    (by, reason): (&str, Option<&str>),
    run: Option<WorkflowRunId>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE plans SET decided_by = ?2, decided_at = ?3, reason = ?4,
                run_id = coalesce(?5, run_id) WHERE id = ?1",
        params![id.as_bytes(), by, tx.now().unix_ms(), reason, run.map(|run| *run.as_bytes())],
    )?;
    Ok(())
}

const COLUMNS: &str = "id, user_id, goal, state, plan, digest, version, replans_max, run_id, decided_by, \
    decided_at, reason, classification, export_control, created_at, updated_at";

pub(super) fn plan_find(tx: &ReadTx<'_>, id: PlanId) -> Result<Option<PlanView>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM plans WHERE id = ?1");
    tx.query_optional(&sql, [id.as_bytes()], raw)?.map(Raw::checked).transpose()
}

/// Plans, newest first; only those of `owner` when it is given.
pub(super) fn plan_list(
    tx: &ReadTx<'_>,
    owner: Option<Option<UserId>>,
    before: Option<PlanId>,
    limit: u32,
) -> Result<Vec<PlanView>, StoreError> {
    let (all, owner) = match owner {
        None => (true, None),
        Some(owner) => (false, owner),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM plans WHERE (?1 OR user_id IS ?2) AND (?3 IS NULL OR id < ?3)
         ORDER BY id DESC LIMIT ?4"
    );
    let found = tx.query_all(
        &sql,
        params![all, owner.map(|user| *user.as_bytes()), before.map(|id| *id.as_bytes()), limit],
        raw,
    )?;
    found.into_iter().map(Raw::checked).collect()
}

struct Raw {
    id: Vec<u8>,
    user: Option<Vec<u8>>,
    goal: String,
    state: String,
    plan: String,
    digest: Vec<u8>,
    version: u32,
    replans_max: u32,
    run: Option<Vec<u8>>,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    reason: Option<String>,
    label: [String; 2],
    created_at: i64,
    updated_at: i64,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok(Raw {
        id: row.get(0)?,
        user: row.get(1)?,
        goal: row.get(2)?,
        state: row.get(3)?,
        plan: row.get(4)?,
        digest: row.get(5)?,
        version: row.get(6)?,
        replans_max: row.get(7)?,
        run: row.get(8)?,
        decided_by: row.get(9)?,
        decided_at: row.get(10)?,
        reason: row.get(11)?,
        label: [row.get(12)?, row.get(13)?],
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
    })
}

impl Raw {
    fn checked(self) -> Result<PlanView, StoreError> {
        let corrupt = StoreError::Corrupt;
        let plan: Plan = serde_json::from_str(&self.plan).map_err(|_| corrupt("plans.plan"))?;
        let owner = self.user.map(|bytes| id_bytes(&bytes, "plans.user_id")).transpose()?;
        let run = self.run.map(|bytes| id_bytes(&bytes, "plans.run_id")).transpose()?;
        Ok(PlanView {
            id: PlanId::from_bytes(id_bytes(&self.id, "plans.id")?),
            owner: owner.map(UserId::from_bytes),
            goal: self.goal,
            state: PlanState::parse(&self.state).ok_or(corrupt("plans.state"))?,
            plan,
            digest: self.digest.try_into().map_err(|_| corrupt("plans.digest"))?,
            version: self.version,
            replans_max: self.replans_max,
            run_id: run.map(WorkflowRunId::from_bytes),
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Timestamp::from_unix_ms),
            reason: self.reason,
            label: Label {
                classification: self.label[0]
                    .parse()
                    .map_err(|_| corrupt("plans.classification"))?,
                export_control: self.label[1]
                    .parse()
                    .map_err(|_| corrupt("plans.export_control"))?,
                origin: Origin::Model,
            },
            created_at: Timestamp::from_unix_ms(self.created_at),
            updated_at: Timestamp::from_unix_ms(self.updated_at),
        })
    }
}
