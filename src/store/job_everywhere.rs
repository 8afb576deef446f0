//! The same job in every tenant, because something changed for all of them.

use audit::{Action, Event};
use base::{JobId, RequestId, TenantId};
use rusqlite::params;
use serde_json::{Value, json};

use crate::ledger::Stamp;
use crate::scope::Suspended;
use crate::{ApplianceScope, NewJob, Store, StoreError, job_enqueue};

const JOB_QUEUED: Action = Action::new("job.queued");

impl Store {
    /// Queues a job of `kind` on `subject` in every active tenant, in the name of the console; not where
    /// one waits already. Returns how many were queued. A tenant whose database fails is passed over,
    /// and the log says so: the others need theirs.
    ///
    /// # Errors
    /// [`StoreError::Entropy`] when no ids can be made.
    pub async fn job_queue_everywhere(
        &self,
        scope: &ApplianceScope,
        request: RequestId,
        kind: &'static str,
        subject: &'static str,
    ) -> Result<u32, StoreError> {
        let mut count = 0;
        for tenant in self.active_tenants() {
            let stamp =
                Stamp { tenant: Some(tenant), ..self.appliance_stamp(scope.actor(), request) };
            let id = JobId::new(self.now(), self.entropy())?;
            match self.queue_in(tenant, stamp, (id, kind, subject)).await {
                Ok(queued) => count += u32::from(queued),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(tenant.id = %tenant, job.kind = kind, error, "no job was queued");
                }
            }
        }
        Ok(count)
    }

    async fn queue_in(
        &self,
        tenant: TenantId,
        stamp: Stamp,
        (id, kind, subject): (JobId, &'static str, &'static str),
    ) -> Result<bool, StoreError> {
        let open = self.open_tenant(tenant, Suspended::Refuse).await?;
        let queue_length = self.inner.settings.job_queue_length;
        let waits = open
            .read(move |tx| {
                tx.query_row(
                    "SELECT count(*) FROM jobs WHERE kind = ?1 AND subject = ?2 AND state = 'queued'",
                    params![kind, subject],
                    |row| row.get::<_, u32>(0),
                )
            })
            .await?;
        if waits > 0 {
            return Ok(false);
        }
        let new = NewJob::of_console(id, kind, subject.to_owned(), Value::Null, queue_length);
        let queue = move |mut tx: crate::WriteTx<'_>| {
            job_enqueue(&mut tx, &new)?;
            let event = Event::new(JOB_QUEUED)
                .object("job", id)
                .detail(json!({ "kind": kind, "on": subject }));
            tx.commit(event, ())
        };
        open.write(stamp, queue).await?;
        Ok(true)
    }
}
