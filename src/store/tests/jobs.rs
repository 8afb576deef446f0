//! Durable jobs: queued, claimed, tried again, cancelled, taken up after a kill.

use std::collections::HashMap;
use std::time::Duration;

use audit::Event;
use base::{JobId, Role, UserId};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::job_runner::Waits;

use super::*;

/// What a handler of a test does with a job.
type Script = fn(&JobContext) -> Result<Value, JobFailure>;

pub(super) const WAITS: Waits =
    Waits { poll: Duration::from_millis(1), stop_grace: Duration::from_secs(60) };

pub(super) fn failing(retry: Retry) -> Result<Value, JobFailure> {
    Err(JobFailure { code: "parser_busy", detail: "the parser is busy".into(), retry })
}

/// A store whose runner tells each start of a job.
pub(super) struct Works {
    pub(super) opened: Opened,
    pub(super) runner: Arc<JobRunner>,
    pub(super) started: mpsc::UnboundedReceiver<(TenantId, JobId, u32)>,
    running: Option<tokio::task::JoinHandle<()>>,
}

impl Works {
    /// With handlers: `do` follows the script, `quick` succeeds, `wait` goes on until it is
    /// cancelled, `deaf` for ever, `hold` until the sender says so.
    pub(super) fn new(opened: Opened, script: Script) -> (Self, mpsc::UnboundedSender<()>) {
        Self::with(opened, script, WAITS)
    }

    pub(super) fn with(
        opened: Opened,
        script: Script,
        waits: Waits,
    ) -> (Self, mpsc::UnboundedSender<()>) {
        let (tell, started) = mpsc::unbounded_channel();
        let (let_go, held) = mpsc::unbounded_channel();
        let held = Arc::new(tokio::sync::Mutex::new(held));
        let handler = move |kind: &'static str| -> JobHandler {
            let (tell, held) = (tell.clone(), Arc::clone(&held));
            Arc::new(move |context: JobContext| {
                let (tell, held) = (tell.clone(), Arc::clone(&held));
                Box::pin(async move {
                    let job = &context.job;
                    let _ = tell.send((job.tenant_id(), job.id(), job.attempt()));
                    match kind {
                        "wait" => context.cancel.cancelled().await,
                        "deaf" => std::future::pending().await,
                        "hold" => drop(held.lock().await.recv().await),
                        "quick" => {}
                        _ => return script(&context),
                    }
                    if kind == "wait" { failing(Retry::Counted) } else { Ok(Value::Null) }
                })
            })
        };
        let kinds = ["do", "quick", "wait", "deaf", "hold"];
        let handlers: HashMap<_, _> = kinds.into_iter().map(|k| (k, handler(k))).collect();
        let runner = JobRunner::with_waits(opened.store.clone(), handlers, waits);
        (Self { opened, runner: Arc::new(runner), started, running: None }, let_go)
    }

    pub(super) fn start(&mut self) {
        self.running = Some(tokio::spawn(Arc::clone(&self.runner).run()));
    }

    pub(super) async fn stop(&mut self) {
        self.runner.stop().await;
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    pub(super) async fn enqueue(&self, tenant: TenantId, kind: &'static str) -> JobId {
        enqueue(&self.opened.ctx(tenant).await, kind).await.unwrap()
    }

    pub(super) async fn job(&self, tenant: TenantId, id: JobId) -> Job {
        self.opened.ctx(tenant).await.read(move |tx| job_get(tx, id)).await.unwrap()
    }

    pub(super) async fn cancel(&self, tenant: TenantId, id: JobId) -> Result<JobState, StoreError> {
        let ctx = self.opened.ctx(tenant).await;
        ctx.write(move |mut tx| {
            let state = job_cancel(&mut tx, id)?;
            tx.commit(Event::new(CHANGED).object("job", id), state)
        })
        .await
    }

    /// The job, once it is as expected; nothing is slept away, the runner is let run.
    pub(super) async fn until(&self, tenant: TenantId, id: JobId, is: fn(&Job) -> bool) -> Job {
        let wait = async {
            loop {
                let job = self.job(tenant, id).await;
                if is(&job) {
                    return job;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the job came to nothing")
    }

    pub(super) async fn ended(&self, tenant: TenantId, id: JobId) -> Job {
        self.until(tenant, id, |job| !matches!(job.state, JobState::Queued | JobState::Running))
            .await
    }

    pub(super) async fn next_start(&mut self) -> (TenantId, JobId, u32) {
        let next = tokio::time::timeout(Duration::from_secs(60), self.started.recv());
        next.await.expect("no job was started").unwrap()
    }
}

pub(super) async fn enqueue(ctx: &TenantCtx, kind: &'static str) -> Result<JobId, StoreError> {
    let job = NewJob::new(ctx, kind, "revision:1".into(), json!({ "page": 7 }))?;
    ctx.write(move |mut tx| {
        let id = job_enqueue(&mut tx, &job)?;
        tx.commit(Event::new(CHANGED).object("job", id), id)
    })
    .await
}

pub(super) fn one_slot() -> StoreSettings {
    StoreSettings { jobs_in_parallel: 1, ..StoreSettings::default() }
}

#[tokio::test]
async fn a_job_is_done_and_told() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        assert_eq!(context.job.payload()["page"], 7);
        assert_eq!(context.ctx.actor(), base::Actor::Job(context.job.id()));
        let id = context.job.id();
        let written = elsewhere(|| {
            context.ctx.write_blocking(move |tx| {
                job_progress(&tx, id, 3, Some(4))?;
                tx.commit(Event::new(CHANGED), ())
            })
        });
        let failed =
            |e: StoreError| JobFailure { code: "x", detail: e.to_string(), retry: Retry::Never };
        written.map_err(failed)?;
        Ok(json!({ "chunks": 9 }))
    });
    let id = works.enqueue(tenant, "do").await;
    assert_eq!(works.job(tenant, id).await.state, JobState::Queued);
    works.start();
    let job = works.ended(tenant, id).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.result, Some(json!({ "chunks": 9 })));
    assert_eq!((job.attempts, job.progress_done, job.progress_total), (1, 3, Some(4)));
    assert_eq!((job.error_code, job.queued_by), (None, None));
    works.stop().await;
    let ctx = works.opened.ctx(tenant).await;
    let told = |action: &str| AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    for action in ["job.started", "job.ended"] {
        let filter = told(action);
        let page = ctx.read(move |tx| audit_entries(tx, &filter, 10)).await.unwrap();
        assert_eq!(page.rows.len(), 1, "{action}");
        assert_eq!(page.rows[0].entry.object.as_ref().unwrap().id, id.to_string());
    }
    works.opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_job_that_is_queued_while_the_runner_rests_starts_at_once() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let waits = Waits { poll: Duration::from_secs(3_600), ..WAITS };
    let (mut works, _) = Works::with(opened, |_| Ok(Value::Null), waits);
    works.start();
    for _ in 0..3 {
        let id = works.enqueue(tenant, "do").await;
        assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    }
    works.stop().await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_after_growing_pauses() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        if context.job.attempt() < 3 { failing(Retry::Counted) } else { Ok(json!("at last")) }
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    for (attempt, pause_ms) in [(1, 5_000), (2, 10_000)] {
        assert_eq!(works.next_start().await, (tenant, id, attempt));
        let job = works.until(tenant, id, |job| job.state == JobState::Queued).await;
        assert_eq!(job.attempts, attempt);
        assert_eq!(job.error_code.as_deref(), Some("parser_busy"));
        ground.clock.advance_ms(pause_ms - 1);
        // The runner has looked at this tenant once it has done another job there.
        let other = works.enqueue(tenant, "quick").await;
        works.ended(tenant, other).await;
        assert_eq!(works.next_start().await.1, other, "not before its time");
        assert_eq!(works.job(tenant, id).await.attempts, attempt);
        ground.clock.advance_ms(1);
    }
    assert_eq!(works.next_start().await, (tenant, id, 3));
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.result), (JobState::Done, Some(json!("at last"))));
    assert_eq!(job.error_code, None);
    works.stop().await;
}

#[tokio::test]
async fn a_clock_that_ran_ahead_holds_no_job() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    let day_ms = 24 * 60 * 60 * 1000;
    ground.clock.advance_ms(day_ms);
    let id = works.enqueue(tenant, "do").await;
    ground.clock.advance_ms(-day_ms);
    works.start();
    assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    works.stop().await;
}

#[tokio::test]
async fn waiting_for_something_that_is_away_uses_up_no_tries() {
    let ground = Ground::with(StoreSettings { job_max_attempts: 1, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        if context.ctx.now() < Timestamp::from_unix_ms(START_MS + 50_000) {
            failing(Retry::Uncounted { after: Duration::from_secs(7) })
        } else {
            Ok(Value::Null)
        }
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    for _ in 0..8 {
        assert_eq!(works.next_start().await, (tenant, id, 1));
        let job = works.until(tenant, id, |job| job.state == JobState::Queued).await;
        assert_eq!((job.attempts, job.error_code.as_deref()), (0, Some("parser_busy")));
        ground.clock.advance_ms(7_000);
    }
    assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    works.stop().await;
}

#[tokio::test]
async fn getting_further_gives_a_job_its_tries_back_and_going_round_does_not() {
    let ground = Ground::with(StoreSettings { job_max_attempts: 2, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        // Further by a step in each of three runs, then no further.
        let seconds = (context.ctx.now().unix_ms() - START_MS) / 5_000;
        let step = u64::try_from(seconds).unwrap().min(2) + 1;
        let id = context.job.id();
        let told = elsewhere(|| {
            context.ctx.write_blocking(move |tx| {
                for done in 1..=step {
                    job_progress(&tx, id, done, Some(9))?;
                }
                tx.commit(Event::new(CHANGED), ())
            })
        });
        told.unwrap();
        failing(Retry::Counted)
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    for attempt in [1, 2, 2] {
        assert_eq!(works.next_start().await, (tenant, id, attempt));
        works.until(tenant, id, |job| job.state == JobState::Queued).await;
        ground.clock.advance_ms(5_000);
    }
    assert_eq!(works.next_start().await, (tenant, id, 2));
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.progress_done), (JobState::Failed, 3));
    works.stop().await;
}

#[tokio::test]
async fn a_job_whose_result_is_written_has_ended_well_whatever_follows() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        let id = context.job.id();
        let made = elsewhere(|| {
            context.ctx.write_blocking(move |tx| {
                job_result(&tx, id, &json!({ "chunks": 9 }))?;
                tx.commit(Event::new(CHANGED), ())
            })
        });
        made.unwrap();
        assert_ne!(context.job.attempt(), 1, "a panic on purpose");
        failing(Retry::Counted)
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Done, 1));
    assert_eq!((job.result, job.error_code), (Some(json!({ "chunks": 9 })), None));
    works.stop().await;
}

#[tokio::test]
async fn a_job_is_given_up_after_its_last_try_or_at_a_final_failure() {
    let ground = Ground::with(StoreSettings { job_max_attempts: 2, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        assert_eq!(context.attempts_max, 2);
        failing(Retry::Counted)
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    works.until(tenant, id, |job| job.state == JobState::Queued && job.attempts == 1).await;
    ground.clock.advance_ms(5_000);
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error_code.as_deref(), Some("parser_busy"));
    assert_eq!(job.error_detail.as_deref(), Some("the parser is busy"));
    works.stop().await;

    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| failing(Retry::Never));
    let id = works.enqueue(tenant, "do").await;
    let unknown = works.enqueue(tenant, "unheard of").await;
    works.start();
    assert_eq!(works.ended(tenant, id).await.attempts, 1);
    let unknown = works.ended(tenant, unknown).await;
    assert_eq!(unknown.error_code.as_deref(), Some("job_kind_unknown"));
    works.stop().await;
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_job_and_nothing_else() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |context| {
        assert!(context.job.attempt() > 1, "a panic on purpose");
        Ok(Value::Null)
    });
    let id = works.enqueue(tenant, "do").await;
    works.start();
    let job = works.until(tenant, id, |job| job.state == JobState::Queued && job.attempts == 1);
    assert_eq!(job.await.error_code.as_deref(), Some("job_crashed"));
    let other = works.enqueue(tenant, "quick").await;
    assert_eq!(works.ended(tenant, other).await.state, JobState::Done);
    ground.clock.advance_ms(5_000);
    assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    works.stop().await;
}

#[tokio::test]
async fn a_full_queue_refuses_the_whole_change() {
    let ground = Ground::with(StoreSettings { job_queue_length: 2, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    enqueue(&ctx, "do").await.unwrap();
    enqueue(&ctx, "do").await.unwrap();
    let job = NewJob::new(&ctx, "do", "revision:1".into(), Value::Null).unwrap();
    let refused = ctx
        .write(move |mut tx| {
            insert(&tx, "with the job")?;
            job_enqueue(&mut tx, &job)?;
            tx.commit(Event::new(CHANGED), ())
        })
        .await
        .unwrap_err();
    assert_eq!((refused.code(), refused.retry_after_s()), ("job_queue_full", Some(30)));
    assert!(names(&ctx).await.is_empty());
    let page = ctx.read(|tx| job_list(tx, None, None, 10)).await.unwrap();
    assert_eq!(page.jobs.len(), 2);
}

#[tokio::test]
async fn tenants_take_turns() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let (first, second) = (opened.create("rauental").await, opened.create("lohberg").await);
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    for tenant in [first, second] {
        for _ in 0..4 {
            works.enqueue(tenant, "do").await;
        }
    }
    works.start();
    let mut turns = Vec::new();
    for _ in 0..8 {
        turns.push(works.next_start().await.0);
    }
    assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "{turns:?}");
    works.stop().await;
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_never_started() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "do").await;
    assert_eq!(works.cancel(tenant, id).await.unwrap(), JobState::Cancelled);
    let again = works.cancel(tenant, id).await.unwrap_err();
    assert_eq!(again.code(), "job_ended");
    let unknown = JobId::from_bytes([9; 16]);
    assert_eq!(works.cancel(tenant, unknown).await.unwrap_err().code(), "job_not_found");
    works.start();
    let other = works.enqueue(tenant, "quick").await;
    works.ended(tenant, other).await;
    assert_eq!(works.next_start().await.1, other);
    assert_eq!(works.job(tenant, id).await.state, JobState::Cancelled);
    works.stop().await;
}

#[tokio::test]
async fn a_running_job_hears_of_its_cancellation_while_all_slots_are_taken() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    // Nothing but the wake can tell the runner.
    let waits = Waits { poll: Duration::from_secs(3_600), ..WAITS };
    let (mut works, _) = Works::with(opened, |_| Ok(Value::Null), waits);
    let id = works.enqueue(tenant, "wait").await;
    works.start();
    assert_eq!(works.next_start().await.1, id);
    let behind = works.enqueue(tenant, "do").await;
    assert_eq!(works.cancel(tenant, id).await.unwrap(), JobState::Running);
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.cancel_requested), (JobState::Cancelled, true));
    assert_eq!(works.ended(tenant, behind).await.state, JobState::Done);
    works.stop().await;
}

#[tokio::test]
async fn a_job_that_succeeds_before_it_hears_of_its_cancellation_is_done() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, let_go) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "hold").await;
    works.start();
    works.next_start().await;
    works.cancel(tenant, id).await.unwrap();
    let_go.send(()).unwrap();
    assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    works.stop().await;
}

#[tokio::test]
async fn a_job_has_the_present_rights_of_whoever_queued_it() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let user = UserId::new(opened.store.now(), opened.store.entropy()).unwrap();
    let console = opened.ctx(tenant).await;
    let change = async |sql: &'static str| {
        let changed = console.write(move |tx| {
            tx.execute(sql, [user.as_bytes()])?;
            tx.commit(Event::new(CHANGED), ())
        });
        changed.await.unwrap();
    };
    change(
        "INSERT INTO users VALUES (?1, 'o@rauental', 'O', 'operator', 'CONFIDENTIAL', 1, 'de',
             'active', 'x', 0, 0, 0)",
    )
    .await;
    let scope = opened.store.scope_from_operator(&opened.key, tenant, Some(user)).await.unwrap();
    let theirs = opened.store.enter(scope, opened.request()).await.unwrap();
    let id = enqueue(&theirs, "do").await.unwrap();
    change("UPDATE users SET role = 'viewer' WHERE id = ?1").await;
    let (mut works, _) = Works::new(opened, |context| {
        assert_eq!(context.ctx.rights().role, Role::Viewer);
        assert!(context.ctx.user_id().is_some());
        Ok(json!(context.job.queued_by()))
    });
    works.start();
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.queued_by), (JobState::Done, Some(user)));
    change("UPDATE users SET status = 'disabled' WHERE id = ?1").await;
    let id = enqueue(&theirs, "do").await.unwrap();
    let job = works.ended(tenant, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Failed, 1));
    assert_eq!(job.error_code.as_deref(), Some("unauthenticated"));
    assert!(job.error_detail.unwrap().contains("no longer active"));
    works.stop().await;
}

#[tokio::test]
async fn a_job_continues_only_its_own_kind_and_subject_and_acts_for_the_same_person() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let user = UserId::new(opened.store.now(), opened.store.entropy()).unwrap();
    let console = opened.ctx(tenant).await;
    console
        .write(move |tx| {
            tx.execute(
                "INSERT INTO users VALUES (?1, 'o@rauental', 'O', 'operator', 'CONFIDENTIAL', 1,
                     'de', 'active', 'x', 0, 0, 0)",
                [user.as_bytes()],
            )?;
            tx.commit(Event::new(CHANGED), ())
        })
        .await
        .unwrap();
    let scope = opened.store.scope_from_operator(&opened.key, tenant, Some(user)).await.unwrap();
    let theirs = opened.store.enter(scope, opened.request()).await.unwrap();
    let of_console = enqueue(&console, "do").await.unwrap();
    let of_person = enqueue(&theirs, "do").await.unwrap();
    let continued = async |ctx: &TenantCtx, kind, subject: &str, earlier| {
        let job = NewJob::new(ctx, kind, subject.into(), Value::Null).unwrap().continuing(earlier);
        ctx.write(move |mut tx| {
            let id = job_enqueue(&mut tx, &job)?;
            tx.commit(Event::new(CHANGED), id)
        })
        .await
    };
    // The console goes on with a person's work, in the person's name.
    let id = continued(&console, "do", "revision:1", of_person).await.unwrap();
    let job = console.read(move |tx| job_get(tx, id)).await.unwrap();
    assert_eq!(job.queued_by, Some(user));
    let id = continued(&theirs, "do", "revision:1", of_console).await.unwrap();
    let job = console.read(move |tx| job_get(tx, id)).await.unwrap();
    assert_eq!(job.queued_by, None);
    // Something new in somebody else's name is not to be had.
    for (kind, subject, earlier) in [
        ("other", "revision:1", of_console),
        ("do", "revision:2", of_console),
        ("do", "revision:1", JobId::from_bytes([9; 16])),
    ] {
        let refused = continued(&theirs, kind, subject, earlier).await.unwrap_err();
        assert_eq!(refused.code(), "job_not_found");
    }
}

#[tokio::test]
async fn jobs_are_listed_by_page_and_person() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(enqueue(&ctx, "do").await.unwrap());
        ground.clock.advance_ms(1);
    }
    ids.reverse();
    let page = ctx.read(|tx| job_list(tx, None, None, 2)).await.unwrap();
    let listed = |page: &JobPage| page.jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!((listed(&page), page.next), (ids[..2].to_vec(), Some(ids[1])));
    let before = page.next;
    let page = ctx.read(move |tx| job_list(tx, None, before, 10)).await.unwrap();
    assert_eq!((listed(&page), page.next), (ids[2..].to_vec(), None));
    let nobody = UserId::from_bytes([9; 16]);
    let page = ctx.read(move |tx| job_list(tx, Some(nobody), None, 10)).await.unwrap();
    assert!(page.jobs.is_empty());
    let unknown = ctx.read(|tx| job_get(tx, JobId::from_bytes([9; 16]))).await;
    assert_eq!(unknown.unwrap_err().code(), "job_not_found");
}

#[tokio::test]
async fn jobs_that_ended_long_ago_are_forgotten() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    works.start();
    let old = works.enqueue(tenant, "do").await;
    works.ended(tenant, old).await;
    let day_ms = 24 * 60 * 60 * 1000;
    ground.clock.advance_ms(89 * day_ms);
    let young = works.enqueue(tenant, "do").await;
    works.ended(tenant, young).await;
    assert_eq!(works.job(tenant, old).await.state, JobState::Done, "kept for 90 days");
    ground.clock.advance_ms(2 * day_ms);
    let last = works.enqueue(tenant, "do").await;
    let ctx = works.opened.ctx(tenant).await;
    let page = ctx.read(|tx| job_list(tx, None, None, 10)).await.unwrap();
    let mut left: Vec<JobId> = page.jobs.iter().map(|job| job.id).collect();
    left.sort_unstable();
    assert_eq!(left, [young, last]);
    works.stop().await;
}
