//! Witnesses: signed checkpoints of all logs in a second place, out of reach of whoever can roll back
//! the data directory.
//!
//! A thread of its own looks at the checkpoint files every so often and once more at the end, so that
//! no write ever waits for a witness. A witness that can't be written to gets the newest checkpoint
//! when it is back: that one covers all before it. Before a checkpoint is handed on, it must be the
//! continuation of the one before: from that one's tree and the leaves since then the new root is
//! computed. So whatever is in a witness was one history, and only its newest checkpoint is needed to
//! find a rollback; older ones narrow down where.

mod folder;
mod progress;
mod syslog;
mod thread;

use std::path::PathBuf;
use std::time::Duration;

use base::Timestamp;

use crate::{Store, StoreError};

pub use syslog::SYSLOG_MARK;
pub use thread::Witness;

/// Where the system's log daemon listens.
pub const SYSLOG_SOCKET: &str = "/dev/log";

/// Where checkpoints go, and how often.
#[derive(Clone, Debug)]
pub struct WitnessSettings {
    /// A folder in another place. It must exist: one that is not there is a stick that was pulled.
    pub folder: Option<PathBuf>,
    /// The socket of a log daemon on this machine ([`SYSLOG_SOCKET`]).
    pub syslog: Option<PathBuf>,
    /// A log's checkpoint is handed on so often at most.
    pub interval: Duration,
}

/// How a place of witness does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPlace {
    /// `folder` or `syslog`.
    pub name: &'static str,
    /// When all logs' newest checkpoints were last in it.
    pub complete_at: Option<Timestamp>,
    /// Why it can't be written to.
    pub trouble: Option<String>,
}

/// How the witnesses do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessState {
    /// The places that are configured.
    pub places: Vec<WitnessPlace>,
    /// Logs that are not the continuation of what was witnessed, and what is wrong.
    pub broken_logs: Vec<String>,
}

impl Store {
    /// Starts to hand checkpoints on; `None` when nothing is configured. To be called once.
    ///
    /// # Errors
    /// [`StoreError::Io`] when no thread can be started.
    pub fn witness_start(&self, settings: WitnessSettings) -> Result<Option<Witness>, StoreError> {
        if settings.folder.is_none() && settings.syslog.is_none() {
            return Ok(None);
        }
        Witness::start(self.clone(), settings).map(Some)
    }

    /// How the witnesses do; `None` when there are none.
    #[must_use]
    pub fn witness_state(&self) -> Option<WitnessState> {
        self.inner.witness.lock().clone()
    }
}
