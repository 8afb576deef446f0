//! The sample plant in a data directory.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agents::evaluation::GoldenQuestion;
use agents::{AgentError, Minds, Workbench};
use base::{
    Classification, ExportControl, OsEntropy, RequestId, SystemClock, TenantId, Timestamp, UserId,
};
use knowledge::{
    INGEST_JOB, KnowledgeError, Library, LibrarySettings, NewRevision, document_upload,
    ingest_handler, job_list, revision_withdraw,
};
use models::{Encoders, ModelWorker, WorkerCommand, WorkerSettings};
use parse::{CageLimits, ParseWorker};
use policy::authorize;
use serde::Deserialize;
use store::{
    JobRunner, JobState, NewTenant, OperatorKey, Store, StoreOptions, StoreSettings, TenantCtx,
};

use crate::Outcome;

#[derive(Deserialize)]
struct Manifest {
    tenants: Vec<TenantEntry>,
}

#[derive(Deserialize)]
struct TenantEntry {
    slug: String,
    name: String,
    documents: Vec<DocumentEntry>,
}

#[derive(Deserialize)]
struct DocumentEntry {
    file: String,
    key: String,
    title: String,
    classification: Classification,
    export_control: bool,
    language: Option<String>,
    tags: Vec<String>,
    effective_from: Option<Timestamp>,
    effective_to: Option<Timestamp>,
    status: String,
}

pub(crate) struct Plant {
    store: Store,
    operator: OperatorKey,
    pub(crate) library: Library,
    pub(crate) bench: Workbench,
}

impl Plant {
    pub(crate) fn open(data_dir: &Path, parse_worker: &Path, model_worker: &Path) -> Outcome<Self> {
        let (store, operator) = Store::open(StoreOptions {
            data_dir: data_dir.to_owned(),
            key_credential: None,
            key_file: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        })?;
        let args = vec!["worker".to_owned(), "model".to_owned()];
        let command = WorkerCommand { exe: model_worker.into(), args };
        let models = ModelWorker::new(command, WorkerSettings::default(), Arc::new(SystemClock));
        let parser = ParseWorker::new(parse_worker, CageLimits::default());
        let library = Library::new(parser, models, Encoders::default(), LibrarySettings::default());
        let bench = Workbench::new(Minds::none(), library.clone())?;
        Ok(Self { store, operator, library, bench })
    }

    /// Ingests every document of the manifest, unless that was done before.
    pub(crate) async fn ingest(&self, plant_dir: &Path) -> Outcome<()> {
        let manifest = std::fs::read_to_string(plant_dir.join("plant.json"))?;
        let manifest: Manifest = serde_json::from_str(&manifest)?;
        let handlers = HashMap::from([(INGEST_JOB, ingest_handler(self.library.clone()))]);
        tokio::spawn(JobRunner::new(self.store.clone(), handlers).run());
        for entry in manifest.tenants {
            if self.store.tenant_id_by_slug(&entry.slug).is_none() {
                let scope = self.store.appliance_scope(&self.operator);
                let new = NewTenant { slug: entry.slug.clone(), name: entry.name };
                self.store.tenant_create(&scope, self.store.new_request_id()?, new).await?;
            }
            let tenant = self.store.tenant_id_by_slug(&entry.slug).ok_or("no such tenant")?;
            for document in entry.documents {
                self.add(plant_dir, tenant, document).await?;
            }
        }
        Ok(())
    }

    async fn add(&self, plant_dir: &Path, tenant: TenantId, entry: DocumentEntry) -> Outcome<()> {
        let path = plant_dir.join(&entry.file);
        let name = path.file_name().and_then(|n| n.to_str()).ok_or("a file without a name")?;
        let mark =
            if entry.export_control { ExportControl::Controlled } else { ExportControl::None };
        let new = NewRevision {
            key: Some(entry.key),
            title: Some(entry.title),
            classification: entry.classification,
            export_control: mark,
            language: entry.language,
            tags: entry.tags,
            effective_from: entry.effective_from,
            effective_to: entry.effective_to,
            ..NewRevision::named(name)
        };
        let mut file = File::open(&path)?;
        let ctx = self.enter(tenant, None).await?;
        let uploading = tokio::task::spawn_blocking(move || {
            let permit = authorize(&ctx).map_err(AgentError::from)?;
            Ok::<_, AgentError>(document_upload(&permit, new, &mut file))
        });
        let uploaded = match uploading.await?? {
            Ok(uploaded) => uploaded,
            Err(KnowledgeError::Duplicate { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let ctx = self.enter(tenant, None).await?;
        loop {
            let page = job_list(authorize(&ctx)?, None, 1).await?;
            match page.jobs.first().map(|job| job.state) {
                Some(JobState::Queued | JobState::Running) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Some(JobState::Done) => break,
                _ => return Err(format!("{name} was not ingested: {:?}", page.jobs).into()),
            }
        }
        if entry.status == "withdrawn" {
            let permit = authorize(&ctx)?;
            revision_withdraw(permit, uploaded.document_id, uploaded.revision_id, None).await?;
        }
        Ok(())
    }

    /// A context with the rights that a question asks for.
    pub(crate) async fn ctx_for(&self, question: &GoldenQuestion) -> Result<TenantCtx, AgentError> {
        let tenant = self.store.tenant_id_by_slug(&question.tenant);
        let tenant = tenant.ok_or(store::StoreError::TenantNotFound)?;
        let console = self.enter(tenant, None).await?;
        let (clearance, eligible) = (question.clearance, question.export_eligible);
        let email = format!("{clearance}-{eligible}@golden.example").to_lowercase();
        let fresh = UserId::new(console.now(), console.entropy())?;
        let user = console
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO users (id, email, display_name, role, clearance, export_eligible,
                         language, status, password_hash, must_change_password, created_at, updated_at)
                     VALUES (?1, ?2, 'Golden', 'viewer', ?3, ?4, 'en', 'active', '', 0, 0, 0)
                     ON CONFLICT (email) DO NOTHING",
                    store::sql::params![fresh.as_bytes(), email, clearance.as_str(), eligible],
                )?;
                let id: Vec<u8> =
                    tx.query_row("SELECT id FROM users WHERE email = ?1", [&email], |row| row.get(0))?;
                let user = UserId::from_bytes(store::sql::id_bytes(&id, "users.id")?);
                let action = audit::Action::new("user.created");
                tx.commit(audit::Event::new(action).object("user", user), user)
            })
            .await?;
        self.enter(tenant, Some(user)).await
    }

    async fn enter(&self, tenant: TenantId, user: Option<UserId>) -> Result<TenantCtx, AgentError> {
        let scope = self.store.scope_from_operator(&self.operator, tenant, user).await?;
        let request = RequestId::new(self.store.now(), self.store.entropy())?;
        Ok(self.store.enter(scope, request).await?)
    }
}
