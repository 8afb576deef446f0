//! A small plant: one tenant, people with rights, and the means to run jobs to their end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{
    Classification, ManualClock, RequestId, Role, SeededEntropy, TenantId, Timestamp, UserId,
};
use knowledge::{
    Document, EMBED_JOB, INGEST_JOB, Library, LibrarySettings, NewRevision, Passage, SearchFilters,
    SearchInput, SearchResults, Uploaded, document_upload, embed_handler, ingest_handler,
};
use models::{Encoders, ModelWorker, WorkerCommand, WorkerSettings};
use parse::{CageLimits, ParseWorker};
use policy::authorize;
use store::{
    Job, JobRunner, JobState, NewTenant, OperatorKey, Store, StoreOptions, StoreSettings, TenantCtx,
};
use tokio::task::JoinHandle;

/// The test worker of the crate whose tests these are.
pub(crate) const WORKER: &str = match option_env!("CARGO_BIN_EXE_knowledge-test-worker") {
    Some(worker) => worker,
    None => match option_env!("CARGO_BIN_EXE_agents-test-worker") {
        Some(worker) => worker,
        None => panic!("no test worker is built with these tests"),
    },
};

/// When the plant's clock starts.
pub(crate) const START: &str = "2026-03-01T08:00:00Z";

pub(crate) struct Plant {
    pub(crate) store: Store,
    pub(crate) operator: OperatorKey,
    pub(crate) tenant: TenantId,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) library: Library,
    runner: OnceLock<(Arc<JobRunner>, JoinHandle<()>)>,
}

impl Plant {
    /// A plant in `dir`, new or as it was left.
    pub(crate) async fn at(dir: &Path) -> Self {
        Self::with(dir, &[], LibrarySettings::default()).await
    }

    /// The same with further words for the model worker's command line.
    pub(crate) async fn with(dir: &Path, worker: &[&str], settings: LibrarySettings) -> Self {
        let start = Timestamp::parse(START).unwrap();
        let clock = Arc::new(ManualClock::at(start));
        // Ids must differ between two openings of the same directory.
        let seed = std::fs::read_dir(dir).unwrap().count() as u64 + 7;
        let options = StoreOptions {
            data_dir: dir.to_owned(),
            key_credential: None,
            key_file: None,
            clock: Arc::clone(&clock) as Arc<dyn base::Clock>,
            entropy: Arc::new(SeededEntropy::new(seed)),
            settings: StoreSettings::default(),
        };
        let (store, operator) = Store::open(options).unwrap();
        let tenant = match store.tenant_id_by_slug("plant") {
            Some(tenant) => tenant,
            None => {
                let scope = store.appliance_scope(&operator);
                let new = NewTenant { slug: "plant".into(), name: "Plant".into() };
                let request = store.new_request_id().unwrap();
                store.tenant_create(&scope, request, new).await.unwrap().id
            }
        };
        let mut args = vec!["worker".to_owned(), "model".to_owned()];
        args.extend(worker.iter().map(|word| (*word).to_owned()));
        let command = WorkerCommand { exe: WORKER.into(), args };
        let models = ModelWorker::new(command, WorkerSettings::default(), clock.clone());
        let parser = ParseWorker::new(WORKER, CageLimits::default());
        let library = Library::new(parser, models, Encoders::default(), settings);
        Self { store, operator, tenant, clock, library, runner: OnceLock::new() }
    }

    /// The console, which sees everything.
    pub(crate) async fn console(&self) -> TenantCtx {
        self.acting_as(None).await
    }

    pub(crate) async fn acting_as(&self, user: Option<UserId>) -> TenantCtx {
        let scope =
            self.store.scope_from_operator(&self.operator, self.tenant, user).await.unwrap();
        let request = RequestId::new(self.store.now(), self.store.entropy()).unwrap();
        self.store.enter(scope, request).await.unwrap()
    }

    /// A person of the plant.
    pub(crate) async fn person(&self, role: Role, clearance: Classification) -> UserId {
        let ctx = self.console().await;
        let user = UserId::new(ctx.now(), ctx.entropy()).unwrap();
        ctx.write(move |tx| {
            tx.execute(
                "INSERT INTO users (id, email, display_name, role, clearance, export_eligible,
                     language, status, password_hash, must_change_password, created_at, updated_at)
                 VALUES (?1, ?2, 'Somebody', ?3, ?4, 0, 'en', 'active', '', 0, 0, 0)",
                store::sql::params![
                    user.as_bytes(),
                    format!("{user}@plant.example"),
                    role.as_str(),
                    clearance.as_str()
                ],
            )?;
            let event = audit::Event::new(audit::Action::new("user.created")).object("user", user);
            tx.commit(event, ())
        })
        .await
        .unwrap();
        user
    }

    /// Uploads `text` and works until every job has ended.
    pub(crate) async fn add(&self, new: NewRevision, text: &str) -> Uploaded {
        let uploaded = self.upload(new, text).await.unwrap();
        self.work().await;
        uploaded
    }

    pub(crate) async fn upload(
        &self,
        new: NewRevision,
        text: &str,
    ) -> Result<Uploaded, knowledge::KnowledgeError> {
        let ctx = self.console().await;
        let text = text.to_owned();
        let uploading = tokio::task::spawn_blocking(move || {
            let permit = authorize(&ctx).unwrap();
            document_upload(&permit, new, &mut text.as_bytes())
        });
        uploading.await.unwrap()
    }

    /// Works until every job has ended.
    pub(crate) async fn work(&self) {
        self.start_working();
        let ctx = self.console().await;
        for _ in 0..6000 {
            if self.jobs(&ctx).await.iter().all(ended) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the jobs do not end: {:?}", self.jobs(&ctx).await);
    }

    /// Lets the runner begin, if it has not.
    pub(crate) fn start_working(&self) {
        self.runner.get_or_init(|| {
            let handlers = HashMap::from([
                (INGEST_JOB, ingest_handler(self.library.clone())),
                (EMBED_JOB, embed_handler(self.library.clone())),
            ]);
            let runner = JobRunner::new(self.store.clone(), handlers);
            let working = tokio::spawn(Arc::clone(&runner).run());
            (runner, working)
        });
    }

    /// Lets go of everything, so that the directory can be opened again.
    pub(crate) async fn close(mut self) {
        if let Some((runner, working)) = self.runner.take() {
            runner.stop().await;
            working.await.unwrap();
        }
        // Closing joins the writers' threads.
        tokio::task::spawn_blocking(move || drop(self)).await.unwrap();
    }

    pub(crate) async fn jobs(&self, ctx: &TenantCtx) -> Vec<Job> {
        knowledge::job_list(authorize(ctx).unwrap(), None, 100).await.unwrap().jobs
    }

    pub(crate) async fn document(&self, uploaded: &Uploaded) -> Document {
        let ctx = self.console().await;
        let permit = authorize(&ctx).unwrap();
        knowledge::document_get(permit, uploaded.document_id).await.unwrap().document
    }

    /// What a search of somebody finds.
    pub(crate) async fn search(&self, ctx: &TenantCtx, query: &str) -> Vec<Passage> {
        self.results(ctx, query).await.passages
    }

    /// The same with what there is to say about it.
    pub(crate) async fn results(&self, ctx: &TenantCtx, query: &str) -> SearchResults {
        let input =
            SearchInput { query: query.to_owned(), filters: SearchFilters::default(), limit: 10 };
        let permit = authorize(ctx).unwrap();
        knowledge::search(permit, &self.library, input).await.unwrap()
    }
}

fn ended(job: &Job) -> bool {
    !matches!(job.state, JobState::Queued | JobState::Running)
}
