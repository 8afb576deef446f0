//! A store with the rooms over it, on a data directory that may be in any state.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{ManualClock, OsEntropy, TenantId, Timestamp, UserId};
use identity::{PasswordSettings, Passwords};
use knowledge::{INGEST_JOB, Library, LibrarySettings, ingest_handler};
use models::{Encoders, ModelWorker, WorkerCommand, WorkerSettings};
use parse::{CageLimits, ParseWorker};
use store::{JobRunner, OperatorKey, Store, StoreOptions, StoreSettings, TenantCtx};
use tokio::task::JoinHandle;

/// Any error: what matters here is that there was one, and what it says.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Parser and model worker without a model; see there.
const WORKER: &str = env!("CARGO_BIN_EXE_agents-test-worker");

/// How long a job may wait that nobody works on, unless a fault makes that certain.
const PATIENCE: Duration = Duration::from_secs(20);

/// The slug of the tenant that the flows work in.
pub(crate) const TENANT: &str = "rauental";

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) operator: OperatorKey,
    pub(crate) library: Library,
    pub(crate) passwords: Passwords,
    /// How long a job may wait that nobody works on.
    pub(crate) patience: Duration,
    /// What works on the jobs, once it was asked to; a store has one of them in its life.
    working: OnceLock<(Arc<JobRunner>, JoinHandle<()>)>,
}

/// The workers that all sites of a process share.
pub(crate) fn library() -> Library {
    let clock = Arc::new(ManualClock::at(start()));
    let command =
        WorkerCommand { exe: WORKER.into(), args: vec!["worker".to_owned(), "model".to_owned()] };
    let models = ModelWorker::new(command, WorkerSettings::default(), clock);
    let parser = ParseWorker::new(WORKER, CageLimits::default());
    Library::new(parser, models, Encoders::default(), LibrarySettings::default())
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-01T08:00:00Z").unwrap()
}

impl Site {
    /// Opens a data directory, new or as it was left. Blocks on the disk; call it from a thread
    /// that may.
    pub(crate) fn open(data: &Path, library: &Library) -> Result<Self, Failure> {
        let options = StoreOptions {
            data_dir: data.to_owned(),
            key_credential: None,
            key_file: None,
            clock: Arc::new(ManualClock::at(start())),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let (store, operator) = Store::open(options)?;
        let passwords = Passwords::new(PasswordSettings::default());
        Ok(Self {
            store,
            operator,
            library: library.clone(),
            passwords,
            patience: PATIENCE,
            working: OnceLock::new(),
        })
    }

    /// The tenant of the flows.
    pub(crate) fn tenant(&self) -> Result<TenantId, Failure> {
        Ok(self.store.tenant_id_by_slug(TENANT).ok_or("the tenant is not there")?)
    }

    /// The console in the tenant of the flows.
    pub(crate) async fn console(&self) -> Result<TenantCtx, Failure> {
        self.console_in(self.tenant()?, None).await
    }

    /// The console in a tenant, with all rights or with those of a person.
    pub(crate) async fn console_in(
        &self,
        tenant: TenantId,
        person: Option<UserId>,
    ) -> Result<TenantCtx, Failure> {
        let scope = self.store.scope_from_operator(&self.operator, tenant, person).await?;
        Ok(self.store.enter(scope, self.store.new_request_id()?).await?)
    }

    /// Lets work on jobs begin, if it has not.
    pub(crate) fn start_working(&self) {
        self.working.get_or_init(|| {
            let handlers = HashMap::from([(INGEST_JOB, ingest_handler(self.library.clone()))]);
            let runner = JobRunner::new(self.store.clone(), handlers);
            let working = tokio::spawn(Arc::clone(&runner).run());
            (runner, working)
        });
    }

    /// Closes the databases and frees the data directory.
    pub(crate) async fn close(mut self) {
        if let Some((runner, working)) = self.working.take() {
            runner.stop().await;
            working.await.unwrap();
        }
        self.store.close().await;
        tokio::task::spawn_blocking(move || drop(self)).await.unwrap();
    }
}
