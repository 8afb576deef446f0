//! Whether the model worker's cage holds: it is told to try, and says what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::WorkerCommand;
use crate::child_report::child_report;

/// The last argument of a worker that only tries its cage.
const SELF_TEST: &str = "--self-test";

/// How long that may take.
const SELF_TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What became of each forbidden act that a caged model worker tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerCageReport {
    /// Restrictions that hold, as in [`crate::Hello::cage`].
    pub held: Vec<String>,
    /// Every act that was tried.
    pub acts: Vec<WorkerAct>,
}

/// One forbidden act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerAct {
    /// Its name (`open_file`).
    pub name: String,
    /// What the kernel said to it, when it was not refused.
    pub leaked: Option<String>,
}

impl WorkerCageReport {
    /// Names of the acts that were not refused; empty when the cage holds.
    #[must_use]
    pub fn leaks(&self) -> Vec<&str> {
        let leaked = self.acts.iter().filter(|act| act.leaked.is_some());
        leaked.map(|act| act.name.as_str()).collect()
    }

    /// How many acts were refused.
    #[must_use]
    pub fn denied_count(&self) -> usize {
        self.acts.iter().filter(|act| act.leaked.is_none()).count()
    }
}

/// Lets a worker close its cage and try to break out of it; takes some ten milliseconds. It loads
/// no model.
///
/// # Errors
/// Says, for people, why there is no report.
pub async fn worker_cage_self_test(command: &WorkerCommand) -> Result<WorkerCageReport, String> {
    let report: WorkerCageReport = child_report(command, SELF_TEST, SELF_TEST_TIMEOUT).await?;
    if report.acts.is_empty() {
        return Err("nothing was tried".to_owned());
    }
    Ok(report)
}
