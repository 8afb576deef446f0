//! What can go wrong on the command line, and the exit status that says so to scripts.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::ConfigError;

/// Exit statuses, as `millwright --help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    Configuration = 3,
    NotInDocuments = 4,
    AuditDamaged = 5,
    Unavailable = 6,
    BelowGoals = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The configuration is wrong.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// What was typed can't be done.
    #[error("{0}")]
    Usage(String),
    /// The appliance answered with a problem document (RFC 9457).
    #[error("{}", .0.text())]
    Problem(Box<Problem>),
    /// A file of the caller's can't be read or written.
    #[error("{what}: {source}")]
    File {
        what: String,
        #[source]
        source: std::io::Error,
    },
    /// The appliance can't be opened or reached.
    #[error("{0}")]
    Unavailable(String),
    /// Anything else that failed.
    #[error("{0}")]
    Failed(String),
    /// The command has printed its result, which is not a success.
    #[error("")]
    Told(Exit),
}

/// A problem document as the appliance sent it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Problem {
    fn field(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    fn text(&self) -> String {
        let title = self.field("title").unwrap_or("the appliance refused");
        let mut text = match self.field("detail") {
            Some(detail) => format!("{title}: {detail}"),
            None => title.to_owned(),
        };
        for error in self.body.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let get = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
            text.push_str(&format!("\n  {}: {}", get("field"), get("reason")));
        }
        text
    }
}

impl CliError {
    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Configuration,
            Self::Usage(_) => Exit::Usage,
            Self::Problem(p) if matches!(p.status, 503 | 429) => Exit::Unavailable,
            Self::Problem(p) if matches!(p.status, 400 | 422) => Exit::Usage,
            Self::Unavailable(_) => Exit::Unavailable,
            Self::Problem(_) | Self::File { .. } | Self::Failed(_) => Exit::Failed,
            Self::Told(exit) => *exit,
        }
    }

    /// The error for programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Problem(problem) => json!({ "error": problem.body }),
            other => json!({ "error": { "title": other.to_string() } }),
        }
    }
}
