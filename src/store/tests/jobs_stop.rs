//! Durable jobs when the appliance stops, is killed, or a tenant is suspended or removed.

use std::time::Duration;

use audit::Event;
use serde_json::{Value, json};

use crate::job_runner::Waits;

use super::jobs::{WAITS, Works, one_slot};
use super::*;

#[tokio::test]
async fn a_stop_lets_running_jobs_pause_and_the_next_start_goes_on() {
    let ground = Ground::with(StoreSettings { job_max_attempts: 1, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "wait").await;
    works.start();
    assert_eq!(works.next_start().await.2, 1);
    works.stop().await;
    let job = works.job(tenant, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0), "the run was no try");
    assert_eq!(job.error_code, None);
    works.opened.store.close().await;
    drop(works);
    let (mut works, _) = Works::new(ground.open(), |_| Ok(Value::Null));
    works.start();
    assert_eq!(works.next_start().await, (tenant, id, 1));
    works.cancel(tenant, id).await.unwrap();
    assert_eq!(works.ended(tenant, id).await.state, JobState::Cancelled);
    works.stop().await;
}

#[tokio::test]
async fn a_handler_that_does_not_listen_is_left_when_the_grace_is_over() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let waits = Waits { stop_grace: Duration::ZERO, ..WAITS };
    let (mut works, _) = Works::with(opened, |_| Ok(Value::Null), waits);
    let id = works.enqueue(tenant, "deaf").await;
    works.start();
    works.next_start().await;
    works.stop().await;
    assert_eq!(works.job(tenant, id).await.state, JobState::Queued);
    assert_eq!(works.runner.running_count(), 0);
}

#[tokio::test]
async fn after_a_kill_a_job_is_taken_up_again_until_it_is_given_up() {
    let ground = Ground::with(StoreSettings { job_max_attempts: 2, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "wait").await;
    let other = works.enqueue(tenant, "quick").await;
    works.start();
    assert_eq!(works.next_start().await, (tenant, id, 1));
    works.ended(tenant, other).await;
    let image = ground.image("killed once");
    works.stop().await;

    let (mut revived, _) = Works::new(ground.open_at(&image), |_| Ok(Value::Null));
    assert_eq!(revived.job(tenant, id).await.state, JobState::Running, "nobody has looked yet");
    revived.start();
    assert_eq!(revived.next_start().await, (tenant, id, 2));
    let again = image.with_file_name("killed twice");
    copy_tree(&image, &again);
    revived.stop().await;

    let (mut revived, _) = Works::new(ground.open_at(&again), |_| Ok(Value::Null));
    revived.start();
    let job = revived.ended(tenant, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error_code.as_deref(), Some("job_gave_up"));
    assert!(revived.started.try_recv().is_err(), "it was not started a third time");
    revived.stop().await;
    revived.opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_job_whose_result_was_committed_before_a_kill_is_done_and_not_started_again() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _let_go) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "hold").await;
    works.start();
    works.next_start().await;
    let ctx = works.opened.ctx(tenant).await;
    let published = ctx.write(move |tx| {
        job_result(&tx, id, &json!({ "chunks": 9 }))?;
        tx.commit(Event::new(CHANGED), ())
    });
    published.await.unwrap();
    let image = ground.image("killed");
    let (mut revived, _) = Works::new(ground.open_at(&image), |_| Ok(Value::Null));
    revived.start();
    let job = revived.ended(tenant, id).await;
    assert_eq!((job.state, job.result), (JobState::Done, Some(json!({ "chunks": 9 }))));
    assert!(revived.started.try_recv().is_err(), "it was started again");
    revived.stop().await;
}

#[tokio::test]
async fn a_job_whose_cancellation_a_kill_cut_short_can_tidy_up() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (mut works, _let_go) = Works::new(opened, |_| Ok(Value::Null));
    // It does not listen, so its cancellation is still under way when the process is killed.
    let id = works.enqueue(tenant, "hold").await;
    works.start();
    works.next_start().await;
    works.cancel(tenant, id).await.unwrap();
    let image = ground.image("killed");
    let database = tenant_path(&image, tenant, "tenant.db");
    let (key, _) = works.opened.keys_of(tenant);
    raw(&database, &key).execute("UPDATE jobs SET kind = 'wait'", []).unwrap();
    let (mut revived, _) = Works::new(ground.open_at(&image), |_| Ok(Value::Null));
    revived.start();
    // Its handler is started, finds itself cancelled, and ends.
    assert_eq!(revived.next_start().await, (tenant, id, 2));
    assert_eq!(revived.ended(tenant, id).await.state, JobState::Cancelled);
    revived.stop().await;
}

#[tokio::test]
async fn jobs_of_a_suspended_tenant_rest_until_it_is_resumed() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let (tenant, other) = (opened.create("rauental").await, opened.create("lohberg").await);
    let waits = Waits { poll: Duration::from_secs(3_600), ..WAITS };
    let (mut works, _) = Works::with(opened, |_| Ok(Value::Null), waits);
    let id = works.enqueue(tenant, "do").await;
    works.opened.set_status(tenant, TenantStatus::Suspended).await;
    works.start();
    let elsewhere = works.enqueue(other, "quick").await;
    works.ended(other, elsewhere).await;
    let more = works.enqueue(tenant, "do").await;
    assert_eq!(works.job(tenant, id).await.state, JobState::Queued);
    assert_eq!(works.next_start().await.0, other);
    works.opened.set_status(tenant, TenantStatus::Active).await;
    for id in [id, more] {
        assert_eq!(works.ended(tenant, id).await.state, JobState::Done);
    }
    works.stop().await;
}

#[tokio::test]
async fn a_tenant_can_be_removed_under_a_running_job() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let (tenant, other) = (opened.create("rauental").await, opened.create("lohberg").await);
    let (mut works, let_go) = Works::new(opened, |_| Ok(Value::Null));
    works.enqueue(tenant, "hold").await;
    works.start();
    works.next_start().await;
    works.opened.remove(tenant).await.unwrap();
    let_go.send(()).unwrap();
    let elsewhere = works.enqueue(other, "quick").await;
    assert_eq!(works.ended(other, elsewhere).await.state, JobState::Done);
    works.stop().await;
    works.opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_read_only_tenant_does_not_keep_the_others_waiting() {
    let ground = Ground::with(one_slot());
    let opened = ground.open();
    let (tenant, other) = (opened.create("rauental").await, opened.create("lohberg").await);
    let (works, _) = Works::new(opened, |_| Ok(Value::Null));
    let id = works.enqueue(tenant, "do").await;
    let elsewhere = works.enqueue(other, "do").await;
    works.opened.store.close().await;
    drop(works);
    std::fs::remove_file(tenant_path(&ground.data(), tenant, "checkpoint")).unwrap();
    let (mut works, _) = Works::new(ground.open(), |_| Ok(Value::Null));
    works.start();
    assert_eq!(works.ended(other, elsewhere).await.state, JobState::Done);
    works.stop().await;
    assert_eq!(works.job(tenant, id).await.state, JobState::Queued);
}
