//! A child that is started to try something and say what came of it.

use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::WorkerCommand;

/// Longest report, in bytes.
const REPORT_MAX_BYTES: u64 = 64 * 1024;

/// Starts `command` with one more argument and reads the JSON that it writes.
///
/// # Errors
/// Says, for people, why there is no report.
pub(crate) async fn child_report<T: DeserializeOwned>(
    command: &WorkerCommand,
    argument: &str,
    timeout: Duration,
) -> Result<T, String> {
    let mut child = Command::new(&command.exe)
        .args(&command.args)
        .arg(argument)
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
    let told = tokio::time::timeout(timeout, told).await;
    let (json, status) = told
        .map_err(|_| "it did not end in time".to_owned())?
        .map_err(|error| format!("it could not be heard: {error}"))?;
    serde_json::from_slice(&json).map_err(|_| format!("no report ({status})"))
}
