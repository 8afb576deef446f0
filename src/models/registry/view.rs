//! A model as administrators see it.

use base::Timestamp;
use store::{ModelFileHash, ModelMeasurement, ModelRow};

use super::memory::ModelNeed;
use super::{ModelRegistry, RegistryError, facts_of, hash_of};
use crate::protocol::{ModelFacts, ModelHash};
use crate::role::ModelRole;

/// How the trial of a model stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// It was not tried since the start; what an earlier trial has shown is in the row.
    None,
    /// Others are being tried first.
    Waiting,
    /// It is being tried.
    Running,
    /// It failed, and why.
    Failed(String),
}

impl TrialState {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed(_) => "failed",
        }
    }
}

/// A model with everything that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelView {
    /// Its hash.
    pub hash: ModelHash,
    /// Its name.
    pub name: String,
    /// Size of its file, in bytes.
    pub size_bytes: u64,
    /// What the file says of itself.
    pub facts: ModelFacts,
    /// When it was brought in.
    pub imported_at: Timestamp,
    /// By whom, as the log writes it.
    pub imported_by: String,
    /// What its last successful trial has shown.
    pub measured: Option<ModelMeasurement>,
    /// How a trial since the start stands.
    pub trial: TrialState,
    /// What it takes when it is loaded.
    pub need: ModelNeed,
    /// What it is assigned to.
    pub roles: Vec<ModelRole>,
    /// Whether the worker holds it at this moment.
    pub loaded: bool,
    /// Whether its file is there.
    pub file_exists: bool,
}

impl ModelRegistry {
    pub(super) fn view(
        &self,
        row: ModelRow,
        assignments: &[(String, ModelFileHash)],
    ) -> Result<ModelView, RegistryError> {
        let (hash, facts) = (hash_of(&row), facts_of(&row)?);
        let serves = |role: &ModelRole| {
            assignments.iter().any(|(word, of)| word == role.as_str() && *of == row.hash)
        };
        let trial = self.inner.trials.lock().get(&hash).cloned();
        Ok(ModelView {
            hash,
            need: ModelNeed::of(&facts, &self.options(&facts)),
            facts,
            size_bytes: row.size_bytes,
            imported_at: row.imported_at,
            imported_by: row.imported_by,
            measured: row.measured,
            trial: trial.unwrap_or(TrialState::None),
            roles: ModelRole::ALL.into_iter().filter(serves).collect(),
            loaded: self.inner.residents.holds(hash),
            file_exists: self.inner.files.exists(hash),
            name: row.name,
        })
    }
}
