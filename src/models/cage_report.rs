//! Whether the model worker's cage holds: it is told to try, and says what came of it.

use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::WorkerCommand;

/// The last argument of a worker that only tries its cage.
const SELF_TEST: &str = "--self-test";

/// How long that may take.
const SELF_TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest report, in bytes.
const REPORT_MAX_BYTES: u64 = 64 * 1024;

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
    let mut child = Command::new(&command.exe)
        .args(&command.args)
        .arg(SELF_TEST)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", command.exe.display()))?;
    let stdout = child.stdout.take();
    let told = async {
        let mut json = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(REPORT_MAX_BYTES).read_to_end(&mut json).await?;
        }
        Ok::<_, std::io::Error>((json, child.wait().await?))
    };
    let told = tokio::time::timeout(SELF_TEST_TIMEOUT, told).await;
    let (json, status) = told
        .map_err(|_| "the self-test did not end in time".to_owned())?
        .map_err(|error| format!("the self-test could not be heard: {error}"))?;
    let report: WorkerCageReport =
        serde_json::from_slice(&json).map_err(|_| format!("no report ({status})"))?;
    if report.acts.is_empty() {
        return Err(format!("nothing was tried ({status})"));
    }
    Ok(report)
}
