//! The thread that hands checkpoints on.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use audit::{Checkpoint, Hash};

use super::folder::{FileStamp, Folder, Found};
use super::progress::{Broken, Progress};
use super::syslog::Syslog;
use super::{WitnessPlace, WitnessSettings, WitnessState};
use crate::log_place::LogPlace;
use crate::{Store, StoreError};

/// Hands checkpoints on until it is stopped.
pub struct Witness {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Witness {
    pub(super) fn start(store: Store, settings: WitnessSettings) -> Result<Self, StoreError> {
        let (stop, stopped) = channel();
        let interval = settings.interval;
        let mut rounds = Rounds::new(store, settings);
        let thread = std::thread::Builder::new()
            .name("store-witness".into())
            .spawn(move || serve(&mut rounds, &stopped, interval))
            .map_err(StoreError::io("starting the witness thread"))?;
        Ok(Self { stop, thread })
    }

    /// Hands on what is newest and ends. Best called when the databases are closed. Blocks on the
    /// witnesses.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the witness thread ended unexpectedly");
        }
    }
}

fn serve(rounds: &mut Rounds, stopped: &Receiver<()>, interval: Duration) {
    loop {
        rounds.go();
        match stopped.recv_timeout(interval) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    rounds.go();
}

/// What is remembered from round to round.
pub(super) struct Rounds {
    store: Store,
    folder: Option<Folder>,
    syslog: Option<Syslog>,
    logs: HashMap<String, Followed>,
    state: WitnessState,
}

/// One log.
#[derive(Default)]
struct Followed {
    progress: Progress,
    in_folder: Option<(u64, Hash)>,
    in_syslog: Option<(u64, Hash)>,
}

/// What went wrong in a round, place by place.
#[derive(Default)]
struct Troubles {
    folder: Option<String>,
    syslog: Option<String>,
    broken_logs: Vec<String>,
}

impl Rounds {
    pub(super) fn new(store: Store, settings: WitnessSettings) -> Self {
        let place = |name| WitnessPlace { name, complete_at: None, trouble: None };
        let mut places = Vec::new();
        places.extend(settings.folder.as_ref().map(|_| place("folder")));
        places.extend(settings.syslog.as_ref().map(|_| place("syslog")));
        let state = WitnessState { places, broken_logs: Vec::new() };
        *store.inner.witness.lock() = Some(state.clone());
        Self {
            store,
            folder: settings.folder.map(Folder::new),
            syslog: settings.syslog.map(Syslog::new),
            logs: HashMap::new(),
            state,
        }
    }

    /// Hands on the newest checkpoint of every log whose newest one was not handed on yet.
    pub(super) fn go(&mut self) {
        let mut troubles = Troubles::default();
        for log in self.logs() {
            if let Err(error) = self.hand_on(&log, &mut troubles) {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, log = log.origin, "the checkpoint of a log can't be read");
                troubles.broken_logs.push(format!("{}: {error}", log.origin));
            }
        }
        self.tell(troubles);
    }

    fn logs(&self) -> Vec<LogPlace> {
        let mut rows: Vec<_> = self.store.inner.tenants.read().values().cloned().collect();
        rows.retain(|row| row.keys.is_some());
        rows.sort_by_key(|row| row.tenant.id);
        let tenants = rows.iter().map(|row| self.store.tenant_log(row));
        let places = std::iter::once(self.store.appliance_log()).chain(tenants);
        // A tenant that is being made has no files yet.
        let is_made = |log: &LogPlace| log.checkpoint.exists() && log.database.exists();
        places.filter_map(Result::ok).filter(is_made).collect()
    }

    fn hand_on(&mut self, log: &LogPlace, troubles: &mut Troubles) -> Result<(), StoreError> {
        let now = self.store.now();
        let (note, head) = log.head()?;
        let followed = self.logs.entry(log.origin.clone()).or_default();
        let mut seen: Option<(Checkpoint, FileStamp)> = None;
        let mut may_write = false;
        if let Some(folder) = &mut self.folder {
            match folder.look(log) {
                Ok(Found::AsLeft) => may_write = true,
                Ok(found) => {
                    may_write = true;
                    followed.in_folder = None;
                    match found {
                        Found::Newest(checkpoint, stamp) => seen = Some((checkpoint, stamp)),
                        Found::Foreign => {
                            troubles.broken(log, &Broken::Foreign);
                            return Ok(());
                        }
                        Found::AsLeft | Found::Nothing => {}
                    }
                }
                Err(error) => troubles.folder = Some(error.to_string()),
            }
        }
        let witnessed = seen.as_ref().map(|(checkpoint, _)| checkpoint);
        if let Err(broken) = followed.progress.advance(log, &head, witnessed)? {
            troubles.broken(log, &broken);
            return Ok(());
        }
        let newest = (head.size, head.root);
        if let (Some((seen, stamp)), Some(folder)) = (seen, &mut self.folder) {
            folder.keep(&log.origin, stamp);
            followed.in_folder = Some((seen.size, seen.root));
        }
        if let Some(folder) = self.folder.as_mut().filter(|_| may_write)
            && followed.in_folder != Some(newest)
        {
            match folder.append(&log.origin, &note, now) {
                Ok(()) => followed.in_folder = Some(newest),
                Err(error) => {
                    folder.forget(&log.origin);
                    troubles.folder = Some(error.to_string());
                }
            }
        }
        if let Some(syslog) = &self.syslog
            && followed.in_syslog != Some(newest)
        {
            match syslog.send(&note, now) {
                Ok(()) => followed.in_syslog = Some(newest),
                Err(error) => troubles.syslog = Some(error.to_string()),
            }
        }
        Ok(())
    }

    /// Logs what changed, and lets others see how it stands.
    fn tell(&mut self, mut troubles: Troubles) {
        let now = self.store.now();
        for place in &mut self.state.places {
            let trouble = match place.name {
                "folder" => troubles.folder.take(),
                _ => troubles.syslog.take(),
            };
            match (&place.trouble, &trouble) {
                (None, Some(why)) => {
                    tracing::warn!(place = place.name, why, "a witness can't be written to");
                }
                (Some(_), None) => {
                    tracing::info!(place = place.name, "a witness is back and up to date");
                }
                _ => {}
            }
            place.trouble = trouble;
            if place.trouble.is_none() && troubles.broken_logs.is_empty() {
                place.complete_at = Some(now);
            }
        }
        for broken in &troubles.broken_logs {
            if !self.state.broken_logs.contains(broken) {
                tracing::error!(log = broken, "a log is not what its witness saw");
            }
        }
        self.state.broken_logs = troubles.broken_logs;
        *self.store.inner.witness.lock() = Some(self.state.clone());
    }
}

impl Troubles {
    fn broken(&mut self, log: &LogPlace, broken: &Broken) {
        self.broken_logs.push(format!("{}: {broken}", log.origin));
    }
}
