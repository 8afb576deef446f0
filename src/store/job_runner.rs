//! Working on durable jobs: claims them tenant by tenant in turn, runs them in bounded number,
//! writes how they ended.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{Actor, Coded as _, JobId, TenantId, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::job_agenda::Agenda;
use crate::job_handler::{JobContext, JobFailure, JobHandler, Retry};
use crate::job_turns::{self as turns, JobEnd};
use crate::jobs::{self, ClaimedJob};
use crate::open_tenant::OpenTenant;
use crate::scope::Suspended;
use crate::{Store, StoreError};

/// Works on the jobs of all tenants.
pub struct JobRunner {
    store: Store,
    handlers: HashMap<&'static str, JobHandler>,
    running: Mutex<HashMap<JobId, Running>>,
    slots: Arc<Semaphore>,
    /// A slot is free again.
    job_ended: Notify,
    /// Tenants in which this process has looked for what an earlier one left running.
    recovered: Mutex<HashSet<TenantId>>,
    stop: CancellationToken,
    tracker: TaskTracker,
    pub(crate) waits: Waits,
}

/// How long the runner waits for what.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    /// Due times are looked at so often at least: the wall clock may jump.
    pub(crate) poll: Duration,
    /// Handlers may go on for so long after they were asked to stop.
    pub(crate) stop_grace: Duration,
}

const WAITS: Waits = Waits { poll: Duration::from_secs(5), stop_grace: Duration::from_secs(10) };

/// Pause before a tenant is looked at again whose database failed.
const TROUBLE_PAUSE_MS: i64 = 5_000;

/// A job at work.
struct Running {
    tenant: TenantId,
    cancel: CancellationToken,
    /// Somebody asked for its end; the token alone may also mean that the appliance stops.
    asked: Arc<AtomicBool>,
}

impl JobRunner {
    /// A runner with the given handlers, by kind.
    #[must_use]
    pub fn new(store: Store, handlers: HashMap<&'static str, JobHandler>) -> Arc<Self> {
        Arc::new(Self::with_waits(store, handlers, WAITS))
    }

    pub(crate) fn with_waits(
        store: Store,
        handlers: HashMap<&'static str, JobHandler>,
        waits: Waits,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(store.inner.settings.jobs_in_parallel.max(1)));
        Self {
            store,
            handlers,
            running: Mutex::default(),
            slots,
            job_ended: Notify::new(),
            recovered: Mutex::default(),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            waits,
        }
    }

    /// Works until [`JobRunner::stop`] is called. Starts with what a killed process left behind.
    pub async fn run(self: Arc<Self>) {
        let Some(mut wakes) = self.store.take_job_wakes() else {
            tracing::error!("a second job runner was started; it does nothing");
            return;
        };
        let _working = self.tracker.token();
        let mut agenda = Agenda::default();
        for tenant in self.store.active_tenants() {
            agenda.plan(tenant, self.store.now());
        }
        loop {
            self.start_due(&mut agenda).await;
            let mut woken = BTreeSet::new();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                tenant = wakes.recv() => match tenant {
                    Some(tenant) => drop(woken.insert(tenant)),
                    None => return,
                },
                () = self.job_ended.notified() => {}
                () = self.next_due(&agenda) => {}
            }
            while let Ok(tenant) = wakes.try_recv() {
                woken.insert(tenant);
            }
            for tenant in woken {
                agenda.plan(tenant, self.store.now());
                if let Err(error) = self.pass_on_cancellations(tenant).await {
                    self.report(tenant, &error);
                }
            }
        }
    }

    /// Asks running jobs to pause and waits for them; they go on at the next start. A handler that
    /// does not listen is left after some seconds.
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

    /// Starts jobs, tenant by tenant in turn, until none is due or no slot is free.
    async fn start_due(self: &Arc<Self>, agenda: &mut Agenda) {
        while !self.stop.is_cancelled() {
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
            let now = self.store.now();
            let Some(tenant) = agenda.next(now) else { return };
            match self.start_next(tenant, slot).await {
                Ok(Next::Started) => {}
                Ok(Next::Later(due)) => agenda.plan(tenant, due),
                Ok(Next::Nothing) => agenda.forget(tenant),
                Err(error) if may_pass(&error) => {
                    self.report(tenant, &error);
                    agenda.plan(tenant, now.plus_ms(TROUBLE_PAUSE_MS));
                }
                Err(error) => {
                    self.report(tenant, &error);
                    agenda.forget(tenant);
                }
            }
        }
    }

    /// Ends when it is worth looking again without being woken.
    async fn next_due(&self, agenda: &Agenda) {
        match agenda.wait_ms(self.store.now()) {
            Some(wait_ms) if self.slots.available_permits() > 0 => {
                tokio::time::sleep(Duration::from_millis(wait_ms).min(self.waits.poll)).await;
            }
            // Nothing waits, or it waits for a slot.
            _ => std::future::pending().await,
        }
    }

    async fn start_next(
        self: &Arc<Self>,
        tenant: TenantId,
        slot: OwnedSemaphorePermit,
    ) -> Result<Next, StoreError> {
        let open = self.store.open_tenant(tenant, Suspended::Refuse).await?;
        self.recover(tenant, &open).await?;
        let now = self.store.now();
        match open.read(move |tx| turns::job_next_due(tx, now)).await? {
            None => return Ok(Next::Nothing),
            Some(due) if due > self.store.now() => return Ok(Next::Later(due)),
            Some(_) => {}
        }
        let stamp = self.store.system_stamp(Some(tenant))?;
        let claimed = open
            .write(stamp, move |tx| match turns::job_claim(&tx, tenant)? {
                Some((job, event)) => tx.commit(event, job),
                None => Err(StoreError::JobNotFound),
            })
            .await;
        let job = match claimed {
            Ok(job) => job,
            Err(StoreError::JobNotFound) => return Ok(Next::Nothing),
            Err(error) => return Err(error),
        };
        let cancel = self.stop.child_token();
        if job.cancel_requested {
            cancel.cancel();
        }
        let asked = Arc::new(AtomicBool::new(job.cancel_requested));
        let running = Running { tenant, cancel: cancel.clone(), asked: Arc::clone(&asked) };
        self.running.lock().insert(job.id, running);
        let this = Arc::clone(self);
        let span = tracing::info_span!(
            "job",
            job.id = %job.id,
            job.kind = job.kind(),
            tenant.id = %tenant,
            job.outcome = Empty,
        );
        let work = async move {
            this.carry_out(job, cancel, &asked).await;
            drop(slot);
            this.job_ended.notify_one();
        };
        self.tracker.spawn(work.instrument(span));
        Ok(Next::Started)
    }

    async fn carry_out(&self, job: ClaimedJob, cancel: CancellationToken, asked: &AtomicBool) {
        let (id, tenant) = (job.id, job.tenant_id);
        let result = self.call_handler(job, cancel).await;
        let end = match result {
            Ok(value) => JobEnd::Done(value),
            Err(_) if asked.load(Ordering::Relaxed) => JobEnd::Cancelled,
            Err(_) if self.stop.is_cancelled() => JobEnd::Paused,
            Err(failure) => JobEnd::Failed(failure),
        };
        Span::current().record("job.outcome", end.as_str());
        self.write_end(tenant, id, end).await;
        self.running.lock().remove(&id);
    }

    async fn call_handler(
        &self,
        job: ClaimedJob,
        cancel: CancellationToken,
    ) -> Result<Value, JobFailure> {
        let Some(handler) = self.handlers.get(job.kind()).map(Arc::clone) else {
            return Err(JobFailure {
                code: "job_kind_unknown",
                detail: "this version of the program does not know this kind of job".into(),
                retry: Retry::Never,
            });
        };
        let scope = self.store.scope_from_job(&job).await.map_err(|e| failure(&e))?;
        let request = self.store.new_request_id().map_err(|e| failure(&e))?;
        let ctx = self.store.enter(scope, request).await.map_err(|e| failure(&e))?;
        // In a task of its own, so that a panic ends the job and nothing else.
        let attempts_max = self.store.inner.settings.job_max_attempts;
        let context = JobContext { ctx, job, cancel, attempts_max };
        let run = async move { handler(context).await };
        let mut work = tokio::spawn(run.in_current_span());
        tokio::select! {
            done = &mut work => done.unwrap_or_else(|_| Err(JobFailure {
                code: "job_crashed",
                detail: "the job ended unexpectedly".into(),
                retry: Retry::Counted,
            })),
            () = self.patience() => {
                work.abort();
                Err(JobFailure {
                    code: "appliance_stopped",
                    detail: "the appliance stopped while the job ran".into(),
                    retry: Retry::Counted,
                })
            }
        }
    }

    /// Ends some time after the appliance was told to stop.
    async fn patience(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(self.waits.stop_grace).await;
    }

    /// Writes how a run ended, again and again while the database is in trouble: a job that nobody
    /// works on must not look as if somebody did.
    async fn write_end(&self, tenant: TenantId, id: JobId, end: JobEnd) {
        let end = Arc::new(end);
        loop {
            let Err(error) = self.try_write_end(tenant, id, Arc::clone(&end)).await else { return };
            self.report(tenant, &error);
            if !may_pass(&error) || self.stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(self.waits.poll) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn try_write_end(
        &self,
        tenant: TenantId,
        id: JobId,
        end: Arc<JobEnd>,
    ) -> Result<(), StoreError> {
        let open = self.store.open_tenant(tenant, Suspended::Allow).await?;
        let mut stamp = self.store.system_stamp(Some(tenant))?;
        stamp.actor = Actor::Job(id);
        let attempts_max = self.store.inner.settings.job_max_attempts;
        open.write(stamp, move |mut tx| {
            let event = turns::job_finish(&mut tx, id, &end, attempts_max)?;
            tx.commit(event, ())
        })
        .await
    }

    /// Takes up what an earlier process left running, once.
    async fn recover(&self, tenant: TenantId, open: &OpenTenant) -> Result<(), StoreError> {
        if self.recovered.lock().contains(&tenant) {
            return Ok(());
        }
        let stamp = self.store.system_stamp(Some(tenant))?;
        let attempts_max = self.store.inner.settings.job_max_attempts;
        let recovered = open
            .write(stamp, move |tx| match turns::jobs_recover(&tx, attempts_max)? {
                Some(event) => tx.commit(event, ()),
                None => Err(StoreError::JobNotFound),
            })
            .await;
        match recovered {
            Ok(()) | Err(StoreError::JobNotFound) => {
                self.recovered.lock().insert(tenant);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Tells running handlers of this tenant that somebody asked for their end.
    async fn pass_on_cancellations(&self, tenant: TenantId) -> Result<(), StoreError> {
        let mine: Vec<JobId> = {
            let running = self.running.lock();
            running.iter().filter(|(_, job)| job.tenant == tenant).map(|(id, _)| *id).collect()
        };
        if mine.is_empty() {
            return Ok(());
        }
        let open = self.store.open_tenant(tenant, Suspended::Allow).await?;
        let asked: Vec<JobId> = open
            .read(move |tx| {
                let asked = |id: &JobId| jobs::job_get(tx, *id).is_ok_and(|j| j.cancel_requested);
                Ok::<_, StoreError>(mine.into_iter().filter(asked).collect())
            })
            .await?;
        let running = self.running.lock();
        for job in asked.iter().filter_map(|id| running.get(id)) {
            job.asked.store(true, Ordering::Relaxed);
            job.cancel.cancel();
        }
        Ok(())
    }

    fn report(&self, tenant: TenantId, error: &StoreError) {
        match error {
            // No trouble: nobody is to work there now.
            StoreError::TenantSuspended | StoreError::TenantNotFound | StoreError::Closed => {
                tracing::debug!(tenant.id = %tenant, %error, "jobs of a tenant rest");
            }
            _ => tracing::error!(
                tenant.id = %tenant,
                error = error as &dyn std::error::Error,
                "jobs of a tenant can't be worked on"
            ),
        }
    }
}

/// What there was to do in a tenant.
enum Next {
    Started,
    Later(Timestamp),
    Nothing,
}

/// Whether the same may succeed a little later. Otherwise the tenant is looked at when it is
/// woken: resumed, or given another job.
const fn may_pass(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Busy
            | StoreError::Io { .. }
            | StoreError::Database(_)
            | StoreError::DiskFull(_)
            | StoreError::CommitFailed(_)
            | StoreError::RolledBack
            | StoreError::AuditUnavailable(_)
            | StoreError::Entropy(_)
    )
}

/// A job that can't even begin.
fn failure(error: &StoreError) -> JobFailure {
    let detail = match error {
        StoreError::Unauthenticated => {
            "the person who queued the job is no longer active".to_owned()
        }
        other => other.to_string(),
    };
    let retry = match error {
        StoreError::Busy | StoreError::DiskFull(_) => Retry::Uncounted { after: Duration::ZERO },
        other if may_pass(other) => Retry::Counted,
        _ => Retry::Never,
    };
    JobFailure { code: error.code(), detail, retry }
}
