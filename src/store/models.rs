//! Rows of the control database about models: what was brought in, and what it is assigned to. Files and arithmetic belong to the `models` room.

use audit::{Action, Event};
use base::{RequestId, Timestamp, Violation};
use rusqlite::{Row, params};
use serde_json::json;

use crate::{ApplianceScope, ReadTx, Store, StoreError, WriteTx};

const IMPORTED: Action = Action::new("model.imported");
const MEASURED: Action = Action::new("model.measured");
const ASSIGNED: Action = Action::new("model.assigned");
const VERIFIED: Action = Action::new("model.verified");
const REMOVED: Action = Action::new("model.removed");

/// SHA-256 of a model's file.
pub type ModelFileHash = [u8; 32];

/// What a trial of a model has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelMeasurement {
    /// When.
    pub at: Timestamp,
    /// Tokens of a prompt that are read in a second.
    pub prompt_tokens_per_s: f64,
    /// Tokens that are written in a second, one text at a time, by a model that writes.
    pub generation_tokens_per_s: Option<f64>,
    /// Largest memory of the model worker while it ran, in bytes.
    pub peak_memory_bytes: u64,
}

/// A model that was brought in.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Its file's hash, which is its name on disk.
    pub hash: ModelFileHash,
    /// What people call it; unique, whatever the case of its letters.
    pub name: String,
    /// Size of the file, in bytes.
    pub size_bytes: u64,
    /// What the file says of itself: a JSON object.
    pub facts: String,
    /// When it was brought in.
    pub imported_at: Timestamp,
    /// By whom, as the log writes it.
    pub imported_by: String,
    /// What its trial has shown, once it was tried.
    pub measured: Option<ModelMeasurement>,
}

/// A model that is going to be brought in.
#[derive(Clone, Debug)]
pub struct NewModelRow {
    /// Its file's hash.
    pub hash: ModelFileHash,
    /// What people are to call it.
    pub name: String,
    /// Size of the file, in bytes.
    pub size_bytes: u64,
    /// What the file says of itself: a JSON object.
    pub facts: String,
}

impl Store {
    /// All models, by name.
    ///
    /// # Errors
    /// The store's own.
    pub async fn model_rows(&self) -> Result<Vec<ModelRow>, StoreError> {
        self.inner.control.read(model_rows).await
    }

    /// Which models serve which tier: tier and hash, by tier and turn.
    ///
    /// # Errors
    /// The store's own.
    pub async fn model_assignments(&self) -> Result<Vec<(String, ModelFileHash)>, StoreError> {
        self.inner.control.read(assignments).await
    }

    /// Records that a model was brought in.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when its name is taken or the same file is there; or the store's own.
    pub async fn model_insert(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        new: NewModelRow,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor(), request);
        let insert = move |tx: WriteTx<'_>| {
            let inserted = tx.execute(
                "INSERT INTO models (hash, name, size_bytes, facts, imported_at, imported_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                params![
                    new.hash,
                    new.name,
                    i64::try_from(new.size_bytes).unwrap_or(i64::MAX),
                    new.facts,
                    tx.now().unix_ms(),
                    stamp.actor.to_string(),
                ],
            )?;
            if inserted == 0 {
                return Err(violation(
                    "name",
                    "another model has this name, or this file, already",
                ));
            }
            let event = Event::new(IMPORTED)
                .object("model", hex::encode(new.hash))
                .after(json!({ "name": new.name, "size_bytes": new.size_bytes }));
            tx.commit(event, ())
        };
        self.inner.control.write(stamp, insert).await
    }

    /// Records what a trial of a model has shown.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is not there; or the store's own.
    pub async fn model_measured(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        hash: ModelFileHash,
        measured: ModelMeasurement,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor(), request);
        let change = move |tx: WriteTx<'_>| {
            let changed = tx.execute(
                "UPDATE models SET measured_at = ?2, prompt_tokens_per_s = ?3,
                        generation_tokens_per_s = ?4, peak_memory_bytes = ?5 WHERE hash = ?1",
                params![
                    hash,
                    measured.at.unix_ms(),
                    measured.prompt_tokens_per_s,
                    measured.generation_tokens_per_s,
                    i64::try_from(measured.peak_memory_bytes).unwrap_or(i64::MAX),
                ],
            )?;
            if changed == 0 {
                return Err(no_model());
            }
            // Whole numbers: the log's canonical JSON has no others.
            let whole = |rate: f64| format!("{rate:.1}");
            let event = Event::new(MEASURED).object("model", hex::encode(hash)).detail(json!({
                "prompt_tokens_per_s": whole(measured.prompt_tokens_per_s),
                "generation_tokens_per_s": measured.generation_tokens_per_s.map(whole),
                "peak_memory_bytes": measured.peak_memory_bytes,
            }));
            tx.commit(event, ())
        };
        self.inner.control.write(stamp, change).await
    }

    /// Has `hashes`, in this order, serve `tier` (`light`, `standard`, `heavy`, `embed`, `rerank`) from now on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one of them is not there or stands twice; or the store's own.
    pub async fn model_assign(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        tier: &'static str,
        hashes: Vec<ModelFileHash>,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor(), request);
        let change = move |tx: WriteTx<'_>| {
            let of_tier = |tx: &ReadTx<'_>| -> Result<Vec<String>, StoreError> {
                let all = assignments(tx)?;
                let of_tier = all.into_iter().filter(|(word, _)| word == tier);
                Ok(of_tier.map(|(_, hash)| hex::encode(hash)).collect())
            };
            let before = of_tier(&tx)?;
            tx.execute("DELETE FROM model_assignments WHERE tier = ?1", [tier])?;
            for (position, hash) in hashes.iter().enumerate() {
                let inserted = tx.execute(
                    "INSERT INTO model_assignments (tier, position, hash)
                     SELECT ?1, ?2, hash FROM models WHERE hash = ?3 ON CONFLICT DO NOTHING",
                    params![tier, i64::try_from(position).unwrap_or(i64::MAX), hash],
                )?;
                if inserted == 0 {
                    return Err(violation("models", "one is not there, or stands twice"));
                }
            }
            let after = of_tier(&tx)?;
            let event = Event::new(ASSIGNED)
                .object("tier", tier)
                .before(json!({ "models": before }))
                .after(json!({ "models": after }));
            tx.commit(event, ())
        };
        self.inner.control.write(stamp, change).await
    }

    /// Records what came of comparing a model's file with its hash.
    ///
    /// # Errors
    /// The store's own.
    pub async fn model_verified(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        hash: ModelFileHash,
        is_sound: bool,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor(), request);
        let outcome = if is_sound { audit::Outcome::Success } else { audit::Outcome::Failed };
        let event = Event::new(VERIFIED).object("model", hex::encode(hash)).outcome(outcome);
        self.inner.control.write(stamp, move |tx| tx.commit(event, ())).await
    }

    /// Forgets a model and its assignments; the file is the caller's.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is not there; or the store's own.
    pub async fn model_remove(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        hash: ModelFileHash,
    ) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(scope.actor(), request);
        let change = move |tx: WriteTx<'_>| {
            let name: Option<String> =
                tx.query_optional("SELECT name FROM models WHERE hash = ?1", [hash], |row| {
                    row.get(0)
                })?;
            let name = name.ok_or_else(no_model)?;
            tx.execute("DELETE FROM model_assignments WHERE hash = ?1", [hash])?;
            tx.execute("DELETE FROM models WHERE hash = ?1", [hash])?;
            let event = Event::new(REMOVED)
                .object("model", hex::encode(hash))
                .before(json!({ "name": name }));
            tx.commit(event, ())
        };
        self.inner.control.write(stamp, change).await
    }
}

fn violation(field: &str, reason: &str) -> StoreError {
    StoreError::Invalid(Violation::new(field, reason))
}

fn no_model() -> StoreError {
    violation("model", "there is no such model any more")
}

fn model_rows(tx: &ReadTx<'_>) -> Result<Vec<ModelRow>, StoreError> {
    tx.query_all(
        "SELECT hash, name, size_bytes, facts, imported_at, imported_by, measured_at,
                prompt_tokens_per_s, generation_tokens_per_s, peak_memory_bytes
         FROM models ORDER BY name",
        [],
        |row| {
            let measured_at: Option<i64> = row.get(6)?;
            let measured = measured_at.map(|at| measurement(row, at)).transpose()?;
            Ok(ModelRow {
                hash: row.get(0)?,
                name: row.get(1)?,
                size_bytes: row.get::<_, i64>(2)?.unsigned_abs(),
                facts: row.get(3)?,
                imported_at: Timestamp::from_unix_ms(row.get(4)?),
                imported_by: row.get(5)?,
                measured,
            })
        },
    )
}

fn measurement(row: &Row<'_>, at: i64) -> rusqlite::Result<ModelMeasurement> {
    Ok(ModelMeasurement {
        at: Timestamp::from_unix_ms(at),
        prompt_tokens_per_s: row.get(7)?,
        generation_tokens_per_s: row.get(8)?,
        peak_memory_bytes: row.get::<_, i64>(9)?.unsigned_abs(),
    })
}

fn assignments(tx: &ReadTx<'_>) -> Result<Vec<(String, ModelFileHash)>, StoreError> {
    tx.query_all("SELECT tier, hash FROM model_assignments ORDER BY tier, position", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
