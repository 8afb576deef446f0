//! Working on durable jobs: claims them tenant by tenant in turn, runs them in bounded number,
//! writes how they ended.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base::{Actor, JobId, TenantId, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::jobs::{self, ClaimedJob, JobEnd};
use crate::ledger::Stamp;
use crate::scope::Suspended;
use crate::{Store, StoreError, TenantCtx};

/// Why a job did not end well.
#[derive(Debug)]
pub struct JobFailure {
    /// Stable code.
    pub code: &'static str,
    /// In words, for the person who queued it. No content of documents.
    pub detail: String,
    /// Whether another try may help (a busy worker) or not (a damaged file).
    pub retry: bool,
}

/// What a handler gets.
pub struct JobContext {
    /// The tenant, with the rights of the person who queued the job.
    pub ctx: TenantCtx,
    /// The job.
    pub job: ClaimedJob,
    /// Cancelled when somebody asked the job to end, or the appliance stops.
    pub cancel: CancellationToken,
}

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Value, JobFailure>> + Send>>;

/// Does the jobs of one kind. Must be able to start again where a killed run stopped.
pub type JobHandler = Arc<dyn Fn(JobContext) -> HandlerFuture + Send + Sync>;

/// Works on the jobs of all tenants.
pub struct JobRunner {
    store: Store,
    handlers: HashMap<&'static str, JobHandler>,
    running: Mutex<HashMap<JobId, (TenantId, CancellationToken)>>,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// First pause before another try; doubles with each.
const RETRY_PAUSE_MS: i64 = 5_000;

/// How often due times are looked at when nobody wakes the runner.
const POLL: Duration = Duration::from_secs(5);

impl JobRunner {
    /// A runner with the given handlers, by kind.
    #[must_use]
    pub fn new(store: Store, handlers: HashMap<&'static str, JobHandler>) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(store.inner.settings.jobs_in_parallel.max(1)));
        Arc::new(Self {
            store,
            handlers,
            running: Mutex::new(HashMap::new()),
            slots,
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        })
    }

    /// Works until [`JobRunner::stop`] is called. Starts with what a killed process left behind.
    pub async fn run(self: Arc<Self>) {
        let Some(mut wakes) = self.store.take_job_wakes() else {
            tracing::error!("a second job runner was started; it does nothing");
            return;
        };
        let mut waiting: BTreeSet<TenantId> = BTreeSet::new();
        for tenant in self.store.active_tenants() {
            match self.recover(tenant).await {
                Ok(()) => drop(waiting.insert(tenant)),
                Err(error) => self.report(tenant, &error),
            }
        }
        loop {
            self.serve(&mut waiting).await;
            tokio::select! {
                () = self.stop.cancelled() => return,
                woken = wakes.recv() => match woken {
                    Some(tenant) => drop(waiting.insert(tenant)),
                    None => return,
                },
                () = tokio::time::sleep(POLL), if !waiting.is_empty() => {}
            }
            while let Ok(tenant) = wakes.try_recv() {
                waiting.insert(tenant);
            }
        }
    }

    /// Asks running jobs to pause and waits for them; they go on at the next start.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Jobs at work now, for metrics and health.
    #[must_use]
    pub fn running_count(&self) -> usize {
        self.running.lock().len()
    }

    /// Looks after each waiting tenant in turn until none has a job that is due.
    async fn serve(self: &Arc<Self>, waiting: &mut BTreeSet<TenantId>) {
        let mut turn: Vec<TenantId> = waiting.iter().copied().collect();
        while !turn.is_empty() {
            let mut again = Vec::new();
            for tenant in turn {
                match self.start_next(tenant).await {
                    Ok(Next::Started) => again.push(tenant),
                    Ok(Next::Later) => {}
                    Ok(Next::Nothing) => drop(waiting.remove(&tenant)),
                    Err(error) => {
                        self.report(tenant, &error);
                        waiting.remove(&tenant);
                    }
                }
                if self.stop.is_cancelled() {
                    return;
                }
            }
            turn = again;
        }
    }

    async fn start_next(self: &Arc<Self>, tenant: TenantId) -> Result<Next, StoreError> {
        self.pass_on_cancellations(tenant).await?;
        let open = self.store.open_tenant(tenant, Suspended::Refuse).await?;
        let due = open.read(jobs::job_next_due).await?;
        match due {
            None => return Ok(Next::Nothing),
            Some(due) if due > self.store.now() => return Ok(Next::Later),
            Some(_) => {}
        }
        let slot = tokio::select! {
            slot = Arc::clone(&self.slots).acquire_owned() => slot,
            () = self.stop.cancelled() => return Ok(Next::Nothing),
        };
        let slot = slot.map_err(|_| StoreError::NotCommitted)?;
        let stamp = self.stamp(tenant, Actor::Appliance)?;
        let claimed = open
            .write(stamp, move |mut tx| match jobs::job_claim(&mut tx, tenant)? {
                Some((job, event)) => tx.commit(event, Some(job)),
                None => Err(StoreError::JobNotFound),
            })
            .await;
        let job = match claimed {
            Ok(Some(job)) => job,
            Ok(None) | Err(StoreError::JobNotFound) => return Ok(Next::Nothing),
            Err(error) => return Err(error),
        };
        let cancel = self.stop.child_token();
        self.running.lock().insert(job.id, (tenant, cancel.clone()));
        let this = Arc::clone(self);
        self.tracker.spawn(async move {
            let _slot = slot;
            this.carry_out(job, cancel).await;
        });
        Ok(Next::Started)
    }

    async fn carry_out(self: Arc<Self>, job: ClaimedJob, cancel: CancellationToken) {
        let (id, tenant, attempts) = (job.id, job.tenant_id, job.attempts);
        let result = self.call_handler(job, &cancel).await;
        self.running.lock().remove(&id);
        let end = match result {
            _ if self.stop.is_cancelled() => JobEnd::Again {
                not_before: self.store.now(),
                code: "appliance_stopped",
                detail: "the appliance was stopped; the job goes on at the next start".into(),
            },
            Ok(value) => JobEnd::Done(value),
            Err(_) if cancel.is_cancelled() => JobEnd::Cancelled,
            Err(e) if e.retry && attempts < self.store.inner.settings.job_max_attempts => {
                JobEnd::Again {
                    not_before: self.retry_at(attempts),
                    code: e.code,
                    detail: e.detail,
                }
            }
            Err(e) => JobEnd::Failed { code: e.code, detail: e.detail },
        };
        if let Err(error) = self.write_end(tenant, id, end).await {
            self.report(tenant, &error);
        }
    }

    async fn call_handler(
        &self,
        job: ClaimedJob,
        cancel: &CancellationToken,
    ) -> Result<Value, JobFailure> {
        let unavailable = |error: &StoreError| JobFailure {
            code: base::Coded::code(error),
            detail: error.to_string(),
            retry: true,
        };
        let Some(handler) = self.handlers.get(job.kind()) else {
            return Err(JobFailure {
                code: "job_kind_unknown",
                detail: "this version of the program does not know this kind of job".into(),
                retry: false,
            });
        };
        let scope = self.store.scope_from_job(&job).await.map_err(|e| unavailable(&e))?;
        let request = self.store.new_request_id().map_err(|e| unavailable(&e))?;
        let ctx = self.store.enter(scope, request).await.map_err(|e| unavailable(&e))?;
        let work = handler(JobContext { ctx, job, cancel: cancel.clone() });
        // In a task of its own, so that a panic ends the job and nothing else.
        tokio::spawn(work).await.unwrap_or_else(|_| {
            Err(JobFailure {
                code: "job_crashed",
                detail: "the job ended unexpectedly".into(),
                retry: true,
            })
        })
    }

    async fn write_end(&self, tenant: TenantId, id: JobId, end: JobEnd) -> Result<(), StoreError> {
        let open = self.store.open_tenant(tenant, Suspended::Allow).await?;
        let stamp = self.stamp(tenant, Actor::Job(id))?;
        open.write(stamp, move |mut tx| {
            let event = jobs::job_finish(&mut tx, id, &end)?;
            tx.commit(event, ())
        })
        .await
    }

    async fn recover(&self, tenant: TenantId) -> Result<(), StoreError> {
        let open = self.store.open_tenant(tenant, Suspended::Refuse).await?;
        let stamp = self.stamp(tenant, Actor::Appliance)?;
        let max_attempts = self.store.inner.settings.job_max_attempts;
        let recovered = open
            .write(stamp, move |mut tx| match jobs::jobs_recover(&mut tx, max_attempts)? {
                Some(event) => tx.commit(event, ()),
                None => Err(StoreError::JobNotFound),
            })
            .await;
        match recovered {
            Err(StoreError::JobNotFound) => Ok(()),
            other => other,
        }
    }

    /// Tells running handlers of this tenant that somebody asked for their end.
    async fn pass_on_cancellations(&self, tenant: TenantId) -> Result<(), StoreError> {
        let running: Vec<(JobId, CancellationToken)> = {
            let running = self.running.lock();
            let mine = running.iter().filter(|(_, (of, _))| *of == tenant);
            mine.map(|(id, (_, token))| (*id, token.clone())).collect()
        };
        if running.is_empty() {
            return Ok(());
        }
        let open = self.store.open_tenant(tenant, Suspended::Allow).await?;
        open.read(move |tx| {
            for (id, token) in running {
                if jobs::job_get(tx, id)?.cancel_requested {
                    token.cancel();
                }
            }
            Ok::<(), StoreError>(())
        })
        .await
    }

    fn retry_at(&self, attempts: u32) -> Timestamp {
        let doublings = attempts.saturating_sub(1).min(6);
        self.store.now().plus_ms(RETRY_PAUSE_MS << doublings)
    }

    fn stamp(&self, tenant: TenantId, actor: Actor) -> Result<Stamp, StoreError> {
        Ok(Stamp {
            time: self.store.now(),
            actor,
            tenant: Some(tenant),
            request: self.store.new_request_id()?,
        })
    }

    fn report(&self, tenant: TenantId, error: &StoreError) {
        tracing::error!(
            tenant.id = %tenant,
            error = error as &dyn std::error::Error,
            "jobs of a tenant can't be worked on"
        );
    }
}

/// What there was to do in a tenant.
enum Next {
    Started,
    Later,
    Nothing,
}
