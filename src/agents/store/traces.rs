//! Rows of `traces` and `trace_steps`. What is somebody else's is not there, but in the list that
//! holds no content.

use base::{ChunkId, Label, MessageId, Origin, RevisionId, Timestamp, TraceId, UserId};
use models::TokenUsage;
use serde::de::DeserializeOwned;
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use super::label;
use crate::brain::RunSeed;
use crate::model::StepKind;
use crate::reason::Strategy;
use crate::trace::{Trace, TraceCursor, TraceEntry, TraceKind, TraceOutcome, TraceStep};

const COLUMNS: &str = "id, user_id, kind, strategy, outcome, classification, export_control, \
     replay_of, prompt_tokens, cached_tokens, completion_tokens, step_count, started_at, ended_at";

pub(crate) fn trace_insert(tx: &WriteTx<'_>, trace: &Trace) -> Result<(), StoreError> {
    let user = trace.owner.map(|user| *user.as_bytes());
    tx.execute(
        "INSERT INTO traces (id, user_id, kind, question, settings, strategy, seed, build, outcome,
             answer, chunks, revisions, classification, export_control, message_id, replay_of,
             prompt_tokens, cached_tokens, completion_tokens, step_count, started_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22)",
        params![
            trace.id.as_bytes(),
            user,
            trace.kind.as_str(),
            trace.question,
            json(&trace.settings, "traces.settings")?,
            trace.strategy.as_str(),
            trace.seed.0,
            trace.build,
            trace.outcome.as_str(),
            trace.answer,
            json(&trace.chunks, "traces.chunks")?,
            json(&trace.revisions, "traces.revisions")?,
            trace.label.classification.as_str(),
            trace.label.export_control.as_str(),
            trace.message_id.map(|id| *id.as_bytes()),
            trace.replay_of.map(|id| *id.as_bytes()),
            trace.tokens.prompt_tokens,
            trace.tokens.cached_tokens,
            trace.tokens.completion_tokens,
            u32::try_from(trace.steps.len()).unwrap_or(u32::MAX),
            trace.started_at.unix_ms(),
            trace.ended_at.unix_ms(),
        ],
    )?;
    trace.steps.iter().try_for_each(|step| step_insert(tx, trace.id, step))
}

fn step_insert(tx: &WriteTx<'_>, trace: TraceId, step: &TraceStep) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO trace_steps (trace_id, sequence, name, kind, prompt_hash, seed, model, tier,
             prompt_tokens, cached_tokens, completion_tokens, first_token_ms, elapsed_ms, output,
             verdicts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            trace.as_bytes(),
            step.sequence,
            step.name,
            step.kind.as_str(),
            step.prompt_hash,
            step.seed,
            step.model,
            step.tier.map(models::Tier::as_str),
            step.tokens.prompt_tokens,
            step.tokens.cached_tokens,
            step.tokens.completion_tokens,
            step.first_token_ms,
            i64::try_from(step.elapsed_ms).unwrap_or(i64::MAX),
            step.output,
            json(&step.verdicts, "trace_steps.verdicts")?,
        ],
    )?;
    Ok(())
}

/// Somebody's own trace with its steps.
pub(crate) fn trace_find(
    tx: &ReadTx<'_>,
    id: TraceId,
    owner: Option<UserId>,
) -> Result<Option<Trace>, StoreError> {
    let found = tx.query_optional(
        &format!(
            "SELECT {COLUMNS}, question, settings, seed, build, answer, chunks, revisions, message_id
             FROM traces WHERE id = ?1 AND user_id IS ?2 AND deleted_at IS NULL"
        ),
        params![id.as_bytes(), owner.map(|user| *user.as_bytes())],
        |row| {
            let texts: [String; 6] =
                [row.get(14)?, row.get(15)?, row.get(17)?, row.get(18)?, row.get(19)?, row.get(20)?];
            Ok((raw(row)?, texts, row.get::<_, u32>(16)?, row.get::<_, Option<Vec<u8>>>(21)?))
        },
    )?;
    let Some((raw, texts, seed, message)) = found else { return Ok(None) };
    let entry = raw.checked()?;
    let [question, settings, build, answer, chunks, revisions] = texts;
    let message = message.map(|bytes| id_bytes(&bytes, "traces.message_id")).transpose()?;
    Ok(Some(Trace {
        id: entry.id,
        owner: entry.owner,
        kind: entry.kind,
        question,
        settings: from_json(&settings, "traces.settings")?,
        strategy: entry.strategy,
        seed: RunSeed(seed),
        build,
        outcome: entry.outcome,
        answer,
        chunks: from_json::<Vec<ChunkId>>(&chunks, "traces.chunks")?,
        revisions: from_json::<Vec<RevisionId>>(&revisions, "traces.revisions")?,
        label: entry.label,
        message_id: message.map(MessageId::from_bytes),
        replay_of: entry.replay_of,
        tokens: entry.tokens,
        started_at: entry.started_at,
        ended_at: entry.ended_at,
        steps: steps_of(tx, id)?,
    }))
}

/// Traces without their content, newest first: those of one owner, or of everybody.
pub(crate) fn trace_list(
    tx: &ReadTx<'_>,
    owner: Option<Option<UserId>>,
    after: Option<TraceCursor>,
    limit: u32,
) -> Result<Vec<TraceEntry>, StoreError> {
    let user = owner.flatten().map(|user| *user.as_bytes());
    let (time, id) = match &after {
        Some(cursor) => (cursor.time.unix_ms(), *cursor.id.as_bytes()),
        None => (i64::MAX, [0xff; 16]),
    };
    let rows = tx.query_all(
        &format!(
            "SELECT {COLUMNS} FROM traces
             WHERE deleted_at IS NULL AND (?1 OR user_id IS ?2) AND (started_at, id) < (?3, ?4)
             ORDER BY started_at DESC, id DESC LIMIT ?5"
        ),
        params![owner.is_none(), user, time, id, limit],
        raw,
    )?;
    rows.into_iter().map(Raw::checked).collect()
}

/// Hides somebody's own trace; whether there was one.
pub(crate) fn trace_delete(
    tx: &WriteTx<'_>,
    id: TraceId,
    owner: Option<UserId>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE traces SET deleted_at = ?3
         WHERE id = ?1 AND user_id IS ?2 AND deleted_at IS NULL",
        params![id.as_bytes(), owner.map(|user| *user.as_bytes()), tx.now().unix_ms()],
    )?;
    Ok(changed > 0)
}

fn steps_of(tx: &ReadTx<'_>, trace: TraceId) -> Result<Vec<TraceStep>, StoreError> {
    let rows = tx.query_all(
        "SELECT sequence, name, kind, prompt_hash, seed, model, tier, prompt_tokens, cached_tokens,
             completion_tokens, first_token_ms, elapsed_ms, output, verdicts
         FROM trace_steps WHERE trace_id = ?1 ORDER BY sequence",
        [trace.as_bytes()],
        |row| {
            let step = TraceStep {
                sequence: row.get(0)?,
                name: row.get(1)?,
                kind: StepKind::Think,
                prompt_hash: row.get(3)?,
                seed: row.get(4)?,
                model: row.get(5)?,
                tier: None,
                tokens: tokens(row, 7)?,
                first_token_ms: row.get(10)?,
                elapsed_ms: u64::try_from(row.get::<_, i64>(11)?).unwrap_or(0),
                output: row.get(12)?,
                verdicts: Vec::new(),
            };
            let kind: String = row.get(2)?;
            Ok((step, kind, row.get::<_, Option<String>>(6)?, row.get::<_, String>(13)?))
        },
    )?;
    let corrupt = StoreError::Corrupt;
    let steps = rows.into_iter().map(|(step, kind, tier, verdicts)| {
        let tier = tier.map(|word: String| word.parse()).transpose();
        Ok(TraceStep {
            kind: StepKind::parse(&kind).ok_or(corrupt("trace_steps.kind"))?,
            tier: tier.map_err(|_| corrupt("trace_steps.tier"))?,
            verdicts: from_json(&verdicts, "trace_steps.verdicts")?,
            ..step
        })
    });
    steps.collect()
}

struct Raw {
    ids: (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>),
    words: [String; 5],
    tokens: TokenUsage,
    step_count: u32,
    times: (i64, i64),
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok(Raw {
        ids: (row.get(0)?, row.get(1)?, row.get(7)?),
        words: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?],
        tokens: tokens(row, 8)?,
        step_count: row.get(11)?,
        times: (row.get(12)?, row.get(13)?),
    })
}

fn tokens(row: &Row<'_>, from: usize) -> store::sql::Result<TokenUsage> {
    Ok(TokenUsage {
        prompt_tokens: row.get(from)?,
        cached_tokens: row.get(from + 1)?,
        completion_tokens: row.get(from + 2)?,
    })
}

impl Raw {
    fn checked(self) -> Result<TraceEntry, StoreError> {
        let corrupt = StoreError::Corrupt;
        let (id, owner, replay_of) = self.ids;
        let [kind, strategy, outcome, classification, export_control] = self.words;
        let owner = owner.map(|bytes| id_bytes(&bytes, "traces.user_id")).transpose()?;
        let replay_of = replay_of.map(|bytes| id_bytes(&bytes, "traces.replay_of")).transpose()?;
        let label: Label = label(&classification, &export_control, Origin::Model)?;
        Ok(TraceEntry {
            id: TraceId::from_bytes(id_bytes(&id, "traces.id")?),
            owner: owner.map(UserId::from_bytes),
            kind: TraceKind::parse(&kind).ok_or(corrupt("traces.kind"))?,
            strategy: Strategy::parse(&strategy).ok_or(corrupt("traces.strategy"))?,
            outcome: TraceOutcome::parse(&outcome),
            label,
            replay_of: replay_of.map(TraceId::from_bytes),
            tokens: self.tokens,
            step_count: self.step_count,
            started_at: Timestamp::from_unix_ms(self.times.0),
            ended_at: Timestamp::from_unix_ms(self.times.1),
        })
    }
}

fn json<T: serde::Serialize>(value: &T, column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt(column))
}

fn from_json<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(column))
}
