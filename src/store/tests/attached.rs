//! Open tenants: shared, with state in memory, closed when nobody needs them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const IDLE_MS: i64 = 60_000;

fn ground() -> Ground {
    Ground::with(StoreSettings { idle_close_ms: IDLE_MS, ..StoreSettings::default() })
}

/// State that tells how often it was made and dropped.
struct Index(Arc<AtomicUsize>);

impl Drop for Index {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn index(alive: &Arc<AtomicUsize>) -> Result<Index, StoreError> {
    alive.fetch_add(1, Ordering::SeqCst);
    Ok(Index(Arc::clone(alive)))
}

#[tokio::test]
async fn an_idle_tenant_is_closed_with_its_state_and_opens_again() {
    let ground = ground();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("a")).await.unwrap();
    let alive = Arc::new(AtomicUsize::new(0));
    ctx.attached(|| index(&alive)).unwrap();
    ground.clock.advance_ms(IDLE_MS + 1);
    assert_eq!(opened.store.close_idle_tenants().await, 0, "somebody is at work in it");
    drop(ctx);
    assert_eq!(opened.store.close_idle_tenants().await, 0, "somebody was just now");
    assert_eq!((opened.store.open_tenants(), alive.load(Ordering::SeqCst)), (1, 1));
    ground.clock.advance_ms(IDLE_MS + 1);
    assert_eq!(opened.store.close_idle_tenants().await, 1);
    assert_eq!((opened.store.open_tenants(), alive.load(Ordering::SeqCst)), (0, 0));
    assert!(!tenant_path(&ground.data(), tenant, "tenant.db-wal").exists(), "one file");
    let ctx = opened.ctx(tenant).await;
    assert_eq!(names(&ctx).await, ["a"]);
    ctx.write(put("b")).await.unwrap();
    ctx.attached(|| index(&alive)).unwrap();
    assert_eq!(alive.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_share_one_opening() {
    let ground = ground();
    let opened = Arc::new(ground.open());
    let tenant = opened.create("rauental").await;
    let made = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..32 {
        let (opened, made) = (Arc::clone(&opened), Arc::clone(&made));
        tasks.push(tokio::spawn(async move {
            let ctx = opened.ctx(tenant).await;
            ctx.write(put(&format!("{n:02}"))).await.unwrap();
            ctx.attached(|| index(&made)).unwrap()
        }));
    }
    let mut indices = Vec::new();
    for task in tasks {
        indices.push(task.await.unwrap());
    }
    assert!(indices.iter().all(|index| Arc::ptr_eq(index, &indices[0])));
    assert_eq!((opened.store.open_tenants(), made.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(names(&opened.ctx(tenant).await).await.len(), 32);
    opened.assert_logs_are_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opening_and_closing_at_the_same_time_loses_nothing() {
    let ground = Ground::with(StoreSettings { idle_close_ms: -1, ..StoreSettings::default() });
    let opened = Arc::new(ground.open());
    let tenant = opened.create("rauental").await;
    let mut tasks = Vec::new();
    for n in 0..4 {
        let opened = Arc::clone(&opened);
        tasks.push(tokio::spawn(async move {
            for m in 0..10 {
                let ctx = opened.ctx(tenant).await;
                ctx.write(put(&format!("{n}{m}"))).await.unwrap();
            }
        }));
    }
    let mut closed = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        closed += opened.store.close_idle_tenants().await;
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    closed += opened.store.close_idle_tenants().await;
    assert!(closed > 0);
    assert_eq!(names(&opened.ctx(tenant).await).await.len(), 40);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn an_opening_whose_caller_goes_away_is_carried_through() {
    let ground = ground();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    // On a busy machine an opening may be through before this thread looks at it.
    let mut given_up = 0;
    for _ in 0..5 {
        let mut opening = Box::pin(opened.try_ctx(tenant));
        let first = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(opening.as_mut().poll(cx).is_pending())
        });
        given_up += usize::from(first.await);
        drop(opening);
        let ctx = opened.ctx(tenant).await;
        ctx.write(|tx| tx.commit(Event::new(CHANGED), ())).await.unwrap();
        assert_eq!(opened.store.open_tenants(), 1);
        drop(ctx);
        ground.clock.advance_ms(IDLE_MS + 1);
        assert_eq!(opened.store.close_idle_tenants().await, 1);
    }
    assert!(given_up > 0);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn state_is_made_once_per_type_and_may_need_other_state() {
    struct Outer(Arc<Inner>);
    struct Inner(u32);
    let ground = ground();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let failed: Result<Arc<Inner>, StoreError> = ctx.attached(|| Err(StoreError::JobNotFound));
    assert!(failed.is_err(), "what failed is tried again");
    let outer = ctx
        .attached(|| Ok::<_, StoreError>(Outer(ctx.attached(|| Ok::<_, StoreError>(Inner(7)))?)))
        .unwrap();
    let inner = ctx.attached(|| Ok::<_, StoreError>(Inner(8))).unwrap();
    assert!(Arc::ptr_eq(&outer.0, &inner));
    assert_eq!(inner.0, 7);
    let other = opened.create("lohberg").await;
    let other = opened.ctx(other).await;
    assert_eq!(other.attached(|| Ok::<_, StoreError>(Inner(9))).unwrap().0, 9);
}

#[tokio::test]
async fn state_is_made_once_when_many_ask() {
    let ground = ground();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let made = Arc::new(AtomicUsize::new(0));
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                ctx.attached(|| index(&made)).unwrap();
            });
        }
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
}
