//! Many writes, one commit; each of them whole or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::Event;
use parking_lot::Mutex;

use super::*;

#[tokio::test]
async fn waiting_writes_share_commits_and_are_there_after_reopening() {
    const WRITES: usize = 64;
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    // What the database knows of its log does not change within a group.
    let commits = Arc::new(Mutex::new(BTreeSet::new()));
    let mut waiting = Vec::new();
    for n in 0..WRITES {
        let commits = Arc::clone(&commits);
        let write = queue(&ctx, move |tx| {
            let sql = "SELECT frontier FROM audit_frontier";
            let frontier: Vec<u8> = tx.query_row(sql, [], |row| row.get(0))?;
            commits.lock().insert(frontier);
            put(&format!("{n:02}"))(tx)
        });
        waiting.push(write.await);
    }
    jam.release().await;
    let mut indices = Vec::new();
    for write in waiting {
        indices.push(write.await.unwrap().unwrap());
    }
    assert!(indices.is_sorted(), "in the order of queueing: {indices:?}");
    let commits = commits.lock().len();
    assert!(commits <= WRITES / 2, "{WRITES} writes took {commits} commits");

    drop(ctx);
    opened.close().await;
    let opened = ground.open();
    let ctx = opened.ctx(tenant).await;
    let mut expected: Vec<String> = (0..WRITES).map(|n| format!("{n:02}")).collect();
    expected.push("jam".into());
    assert_eq!(names(&ctx).await, expected);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn every_acknowledged_write_is_in_what_a_kill_leaves() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for n in 0..20 {
        ctx.write(put(&format!("{n:02}"))).await.unwrap();
    }
    let image = ground.image("killed");
    let revived = ground.open_at(&image);
    let ctx = revived.ctx(tenant).await;
    assert_eq!(*ctx.health(), Health::Sound);
    assert_eq!(names(&ctx).await.len(), 20);
    revived.assert_logs_are_sound();
}

#[tokio::test]
async fn a_change_that_fails_or_panics_leaves_no_trace_and_its_neighbours_commit() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    let before = queue(&ctx, put("before")).await;
    let failing = queue(&ctx, |mut tx| {
        insert(&tx, "failing")?;
        tx.record(Event::new(CHANGED).object("setting", "failing"))?;
        Err::<Committed<()>, _>(StoreError::JobNotFound)
    });
    let failing = failing.await;
    let panicking = queue(&ctx, |mut tx| {
        insert(&tx, "panicking")?;
        tx.record(Event::new(CHANGED).object("setting", "panicking"))?;
        assert_eq!(names_in(&tx), 0, "a panic on purpose");
        tx.commit(Event::new(CHANGED), ())
    });
    let panicking = panicking.await;
    let after = queue(&ctx, put("after")).await;
    jam.release().await;
    before.await.unwrap().unwrap();
    assert!(matches!(failing.await.unwrap(), Err(StoreError::JobNotFound)));
    assert!(matches!(panicking.await.unwrap(), Err(StoreError::Panicked)));
    after.await.unwrap().unwrap();
    assert_eq!(names(&ctx).await, ["after", "before", "jam"]);
    assert_eq!(recorded(&ctx).await, ["jam", "before", "after"]);
    opened.assert_logs_are_sound();
}

fn names_in(tx: &ReadTx<'_>) -> u32 {
    tx.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_commit_of_another_change_does_not_count() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let first: Result<(), StoreError> = ctx
        .write(move |tx| {
            *keep.lock() = Some(tx.commit(Event::new(CHANGED), ())?);
            Err(StoreError::JobNotFound)
        })
        .await;
    assert!(matches!(first, Err(StoreError::JobNotFound)));
    let second = ctx
        .write(move |tx| {
            insert(&tx, "silent")?;
            kept.lock().take().ok_or(StoreError::JobNotFound)
        })
        .await;
    assert!(matches!(second, Err(StoreError::NotCommitted)), "{second:?}");
    assert!(names(&ctx).await.is_empty());
    assert!(recorded(&ctx).await.is_empty());
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_caller_that_goes_away_before_its_turn_changes_nothing() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    let gone = queue(&ctx, put("gone")).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    jam.release().await;
    ctx.write(put("next")).await.unwrap();
    assert_eq!(names(&ctx).await, ["jam", "next"]);
    assert_eq!(recorded(&ctx).await, ["jam", "next"]);
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_finds_its_change_whole() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    jam.jammed.abort();
    drop(jam.go_on);
    assert!(jam.jammed.await.unwrap_err().is_cancelled());
    ctx.write(put("next")).await.unwrap();
    assert_eq!(names(&ctx).await, ["jam", "next"]);
    assert_eq!(recorded(&ctx).await, ["jam", "next"]);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let ground = Ground::with(StoreSettings { write_queue_length: 2, ..StoreSettings::default() });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    let first = queue(&ctx, put("first")).await;
    let second = queue(&ctx, put("second")).await;
    let third = ctx.write(put("third")).await.unwrap_err();
    assert_eq!(third.code(), "store_busy");
    assert_eq!(third.retry_after_s(), Some(1));
    jam.release().await;
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(names(&ctx).await, ["first", "jam", "second"]);
}

#[tokio::test]
async fn reads_that_wait_are_counted_too() {
    let ground = Ground::with(StoreSettings {
        readers_per_tenant: 1,
        read_queue_length: 1,
        ..StoreSettings::default()
    });
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let reader = Arc::clone(&ctx);
    let slow = tokio::spawn(async move {
        let read = reader.read(move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
            Ok::<_, StoreError>(())
        });
        read.await
    });
    has_begun.await.unwrap();
    let reader = Arc::clone(&ctx);
    let mut waiting = Box::pin(async move { names(&reader).await });
    let pending =
        std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending()));
    assert!(pending.await);
    let refused = ctx.read(|_| Ok::<_, StoreError>(())).await.unwrap_err();
    assert_eq!(refused.code(), "store_busy");
    drop(go_on);
    slow.await.unwrap().unwrap();
    assert!(waiting.await.is_empty());
    assert!(names(&ctx).await.is_empty(), "the place in the queue was given back");
}

#[tokio::test]
async fn a_reader_sees_one_state_while_others_write() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("first")).await.unwrap();
    let seen = elsewhere(|| {
        ctx.read_blocking(|tx| {
            let before = names_in(tx);
            ctx.write_blocking(put("second"))?;
            Ok::<_, StoreError>((before, names_in(tx)))
        })
    });
    assert_eq!(seen.unwrap(), (1, 1));
    assert_eq!(names(&ctx).await, ["first", "second"]);
}

#[tokio::test]
async fn a_long_write_ahead_log_is_folded_into_the_database() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let wal = tenant_path(&ground.data(), tenant, "tenant.db-wal");
    let database = tenant_path(&ground.data(), tenant, "tenant.db");
    let before = std::fs::metadata(&database).unwrap().len();
    // Ten commits of 2 MB each: more than the 4 MB after which the log is folded.
    for n in 0..10 {
        ctx.write(move |tx| {
            let value = "v".repeat(2 << 20);
            tx.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)",
                params![format!("{n}"), value],
            )?;
            tx.commit(Event::new(CHANGED).object("setting", n), ())
        })
        .await
        .unwrap();
    }
    ctx.write(put("last")).await.unwrap();
    let log = std::fs::metadata(&wal).unwrap().len();
    assert!(log < 12 << 20, "the log is {log} bytes long");
    assert!(std::fs::metadata(&database).unwrap().len() > before + (10 << 20));
    drop(ctx);
    opened.close().await;
    assert!(!wal.exists() || std::fs::metadata(&wal).unwrap().len() == 0, "one file when closed");
}
