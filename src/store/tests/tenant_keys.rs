//! The data key of one tenant: changed while people work, broken off anywhere.

use std::time::{Duration, Instant};

use base::RevisionId;

use super::child::role;
use super::key_kills::at_every_step;
use super::*;

impl Opened {
    async fn rotate_key(&self, tenant: TenantId) -> RotationState {
        let scope = self.appliance();
        self.store.tenant_key_rotate(&scope, self.request(), tenant).await.unwrap();
        self.rotated(tenant).await
    }

    /// The end of the change that is under way.
    async fn rotated(&self, tenant: TenantId) -> RotationState {
        let started = Instant::now();
        loop {
            let view = self.store.tenant_key_rotation(&self.appliance(), tenant).unwrap();
            if !matches!(view.state, RotationState::Running(_)) {
                return view.state;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{view:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn store_original(ctx: &TenantCtx, content: &[u8]) -> RevisionId {
    let id = RevisionId::new(ctx.now(), ctx.entropy()).unwrap();
    ctx.blobs().write(id, &mut &content[..]).unwrap();
    id
}

fn original(ctx: &TenantCtx, id: RevisionId) -> Vec<u8> {
    ctx.blobs().open(id).unwrap().read_all(1 << 20).unwrap()
}

/// A tenant with rows, two originals and a file of its index.
async fn furnished(ground: &Ground) -> (TenantId, [RevisionId; 2]) {
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for n in 0..50 {
        ctx.write(put(&format!("{n:02}"))).await.unwrap();
    }
    let ids = [store_original(&ctx, b"manual"), store_original(&ctx, &[7; 300_000])];
    std::fs::write(ctx.index_directory().path.join("segment"), b"derived").unwrap();
    drop(ctx);
    opened.close().await;
    (tenant, ids)
}

async fn assert_whole(opened: &Opened, tenant: TenantId, ids: [RevisionId; 2]) {
    let ctx = opened.ctx(tenant).await;
    assert_eq!(*ctx.health(), Health::Sound);
    let (names, recorded) = (names(&ctx).await, recorded(&ctx).await);
    assert_eq!(names.len(), 50);
    assert!(names.iter().all(|name| recorded.contains(name)));
    assert_eq!(original(&ctx, ids[0]), b"manual");
    assert_eq!(original(&ctx, ids[1]), [7; 300_000]);
    opened.assert_logs_are_sound();
}

/// Names in the tenant's directory, sorted, without logs.
fn listed(data: &Path, tenant: TenantId) -> Vec<String> {
    let dir = open_tenant::tenant_dir(data, tenant);
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

const FIRST: [&str; 4] = ["blobs", "checkpoint", "index", "tenant.db"];
const SECOND: [&str; 4] = ["blobs.1", "checkpoint", "index.1", "tenant.1.db"];

#[tokio::test]
async fn under_a_new_key_everything_is_there_and_the_old_key_opens_nothing() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let before = ground.image("before");
    let opened = ground.open();
    let (old, _) = opened.keys_of(tenant);
    let wrapped = || opened.store.inner.tenants.read()[&tenant].keys.clone().unwrap();
    let old_wrapped = wrapped();
    let ctx = opened.ctx(tenant).await;
    let alive = ctx.attached(|| Ok::<_, StoreError>(1_u8)).unwrap();
    assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
    // The context from before goes on.
    assert_eq!(names(&ctx).await.len(), 50);
    assert_eq!(original(&ctx, ids[0]), b"manual");
    assert_eq!(std::fs::read_dir(ctx.index_directory().path).unwrap().count(), 0);
    assert_eq!((*alive, *ctx.attached(|| Ok::<_, StoreError>(2_u8)).unwrap()), (1, 2));
    ctx.write(put("after")).await.unwrap();
    ctx.write(|tx: WriteTx<'_>| {
        tx.execute("DELETE FROM settings WHERE name = 'after'", ())?;
        tx.commit(Event::new(Action::new("setting.removed")), ())
    })
    .await
    .unwrap();
    drop(ctx);
    assert_eq!(listed(&ground.data(), tenant), SECOND);
    let filter =
        AuditFilter { action: Some("tenant_key.rotated".into()), ..AuditFilter::default() };
    let page = opened.store.appliance_audit(&opened.appliance(), filter, 10).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    let (new, _) = opened.keys_of(tenant);
    assert_ne!(wrapped().0, old_wrapped.0);
    assert_eq!(wrapped().1, old_wrapped.1, "the log is signed as before");
    opened.close().await;

    let database = tenant_path(&ground.data(), tenant, "tenant.1.db");
    let error = Connection::open(&database, &old, Access::Read).err().unwrap();
    assert!(matches!(error, StoreError::WrongKey), "{error}");
    assert!(Connection::open(&database, &new, Access::Read).is_ok());
    let old_database = tenant_path(&before, tenant, "tenant.db");
    assert!(Connection::open(&old_database, &new, Access::Read).is_err());
    let opened = ground.open();
    assert_whole(&opened, tenant, ids).await;
    assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
    assert_whole(&opened, tenant, ids).await;
    let expected = ["blobs.2", "checkpoint", "index.2", "tenant.2.db"];
    assert_eq!(listed(&ground.data(), tenant), expected);
    opened.close().await;
    assert_whole(&ground.open(), tenant, ids).await;
}

#[tokio::test]
async fn wherever_it_is_killed_the_old_or_the_new_state_is_whole() {
    if let Some(dir) = role() {
        let opened = Ground::new().open_at(&dir);
        let tenant = opened.store.only_tenant().unwrap();
        assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
        return opened.close().await;
    }
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let (old, new) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let name = "wherever_it_is_killed_the_old_or_the_new_state_is_whole";
    let kills = at_every_step(&ground, ("tenant_keys", name), async |image| {
        let opened = ground.open_at(&image);
        assert_whole(&opened, tenant, ids).await;
        let names = listed(&image, tenant);
        let count = if names == FIRST { &old } else { &new };
        count.set(count.get() + 1);
        assert!(names == FIRST || names == SECOND, "leftovers: {names:?}");
        opened.ctx(tenant).await.write(put("goes on")).await.unwrap();
        opened
            .ctx(tenant)
            .await
            .write(|tx: WriteTx<'_>| {
                tx.execute("DELETE FROM settings WHERE name = 'goes on'", ())?;
                tx.commit(Event::new(Action::new("setting.removed")), ())
            })
            .await
            .unwrap();
        assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
        opened.close().await;
    })
    .await;
    assert!(kills >= 10 && old.get() >= 7 && new.get() >= 3, "{kills} {old:?} {new:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_work_on_while_the_key_is_changed() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let opened = Arc::new(ground.open());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (opened, stop) = (Arc::clone(&opened), Arc::clone(&stop));
        writers.push(tokio::spawn(async move {
            let ctx = opened.ctx(tenant).await;
            let (mut written, mut stored) = (Vec::new(), Vec::new());
            for n in 0..100_000 {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let name = format!("w{writer}-{n:05}");
                ctx.write(put(&name)).await.unwrap();
                written.push(name);
                assert!(names(&ctx).await.len() > 50);
                if n % 10 == 0 {
                    let content = format!("original {writer} {n}").into_bytes();
                    let id = tokio::task::block_in_place(|| store_original(&ctx, &content));
                    stored.push((id, content));
                }
                assert_eq!(original(&ctx, ids[0]), b"manual");
            }
            (written, stored)
        }));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut all = (Vec::new(), Vec::new());
    for writer in writers {
        let (written, stored) = writer.await.unwrap();
        all.0.extend(written);
        all.1.extend(stored);
    }
    assert!(all.0.len() > 20, "{}", all.0.len());
    opened.store.close().await;
    drop(opened);
    let opened = ground.open();
    let ctx = opened.ctx(tenant).await;
    let kept = names(&ctx).await;
    let lost: Vec<_> = all.0.iter().filter(|name| !kept.contains(name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    for (id, content) in all.1 {
        assert_eq!(original(&ctx, id), content);
    }
    opened.assert_logs_are_sound();
    assert_eq!(listed(&ground.data(), tenant).len(), 4);
}

/// Content that waits in the middle.
struct Slow<'a> {
    left: &'a [u8],
    wait: Option<std::sync::mpsc::Receiver<()>>,
    half: std::sync::mpsc::Sender<()>,
}

impl std::io::Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.left.len().min(3).min(out.len());
        out[..count].copy_from_slice(&self.left[..count]);
        self.left = &self.left[count..];
        if let Some(wait) = self.wait.take() {
            self.half.send(()).unwrap();
            wait.recv().unwrap();
        }
        Ok(count)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_began_under_the_old_key_ends_under_the_new_one() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let opened = ground.open();
    let ctx = Arc::new(opened.ctx(tenant).await);
    let id = RevisionId::new(ctx.now(), ctx.entropy()).unwrap();
    let (go_on, wait) = std::sync::mpsc::channel();
    let (half, is_half) = std::sync::mpsc::channel();
    let uploading = Arc::clone(&ctx);
    let upload = tokio::task::spawn_blocking(move || {
        let mut content = Slow { left: b"slow upload", wait: Some(wait), half };
        uploading.blobs().write(id, &mut content)
    });
    tokio::task::block_in_place(|| is_half.recv()).unwrap();
    assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
    go_on.send(()).unwrap();
    let info = upload.await.unwrap().unwrap();
    assert_eq!(info.size_bytes, 11);
    assert_eq!(original(&ctx, id), b"slow upload");
    drop(ctx);
    opened.close().await;
    let opened = ground.open();
    assert_eq!(original(&opened.ctx(tenant).await, id), b"slow upload");
    assert_whole(&opened, tenant, ids).await;
    assert_eq!(listed(&ground.data(), tenant), SECOND);
}

#[tokio::test]
async fn a_change_can_be_cancelled_before_its_commit() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let opened = ground.open();
    let ctx = Arc::new(opened.ctx(tenant).await);
    // The pause waits for the writer, which waits for us.
    let jam = Jam::new(&ctx).await;
    opened.store.tenant_key_rotate(&opened.appliance(), opened.request(), tenant).await.unwrap();
    let scope = opened.appliance();
    let twice = opened.store.tenant_key_rotate(&scope, opened.request(), tenant).await;
    assert_eq!(twice.unwrap_err().code(), "key_change_refused");
    opened.store.tenant_key_rotation_cancel(&scope, opened.request(), tenant).await.unwrap();
    jam.release().await;
    assert_eq!(opened.rotated(tenant).await, RotationState::Cancelled);
    let late = opened.store.tenant_key_rotation_cancel(&scope, opened.request(), tenant).await;
    assert_eq!(late.unwrap_err().code(), "key_change_refused");
    assert_eq!(listed(&ground.data(), tenant), FIRST);
    ctx.write(|tx: WriteTx<'_>| {
        tx.execute("DELETE FROM settings WHERE name = 'jam'", ())?;
        tx.commit(Event::new(Action::new("setting.removed")), ())
    })
    .await
    .unwrap();
    drop(ctx);
    assert_eq!(names(&opened.ctx(tenant).await).await.len(), 50);
    assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
    let ctx = opened.ctx(tenant).await;
    assert_eq!(original(&ctx, ids[1]), [7; 300_000]);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_damaged_original_keeps_the_old_key() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    flip(&tenant_path(&ground.data(), tenant, "blobs").join(ids[1].to_string()), 1000);
    let opened = ground.open();
    let RotationState::Failed(why) = opened.rotate_key(tenant).await else { panic!("not failed") };
    assert!(why.contains("stored file"), "{why}");
    assert_eq!(listed(&ground.data(), tenant), FIRST);
    assert_eq!(original(&opened.ctx(tenant).await, ids[0]), b"manual");
}

#[tokio::test]
async fn a_missing_database_sweeps_nothing() {
    let ground = Ground::new();
    let (tenant, _) = furnished(&ground).await;
    let dir = open_tenant::tenant_dir(&ground.data(), tenant);
    std::fs::rename(dir.join("tenant.db"), dir.join("tenant.1.db")).unwrap();
    let opened = ground.open();
    assert!(matches!(opened.try_ctx(tenant).await, Err(StoreError::Missing(_))));
    assert!(dir.join("tenant.1.db").exists() && dir.join("blobs").exists());
}

#[tokio::test]
async fn both_kinds_of_change_get_along() {
    let ground = Ground::new();
    let (tenant, ids) = furnished(&ground).await;
    let opened = ground.open();
    for _ in 0..2 {
        assert_eq!(opened.rotate_key(tenant).await, RotationState::Done);
        let scope = opened.appliance();
        let changed =
            opened.store.master_key_rotate(&scope, opened.request(), MasterKeyChange::default());
        changed.await.unwrap();
        assert_whole(&opened, tenant, ids).await;
    }
    opened.close().await;
    assert_whole(&ground.open(), tenant, ids).await;
}
