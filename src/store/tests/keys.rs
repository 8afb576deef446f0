//! Keys, the lock, and who may look at the files.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn another_master_key_opens_nothing_and_changes_nothing() {
    let ground = Ground::new();
    let opened = ground.open();
    opened.create("rauental").await;
    opened.close().await;
    let before = std::fs::read(ground.path("control.db")).unwrap();
    let key = std::fs::read_to_string(ground.path("master.key")).unwrap();
    let first = if key.starts_with('a') { 'b' } else { 'a' };
    std::fs::write(ground.path("master.key"), format!("{first}{}", &key[1..])).unwrap();
    let error = ground.try_open().err().unwrap();
    assert!(matches!(error, StoreError::Seal(_)), "{error}");
    assert_eq!(error.code(), "store_damaged");
    assert_eq!(std::fs::read(ground.path("control.db")).unwrap(), before);
    std::fs::write(ground.path("master.key"), key).unwrap();
    ground.open().assert_logs_are_sound();
}

#[tokio::test]
async fn what_was_lost_is_named_and_not_made_anew() {
    let ground = Ground::new();
    let opened = ground.open();
    opened.create("rauental").await;
    opened.close().await;
    for (lost, expected) in [
        ("master.key", "master.key does not exist"),
        ("control.keys", "control.keys is missing"),
        ("control.db", "control.db is missing"),
    ] {
        let image = ground.image(lost);
        std::fs::remove_file(image.join(lost)).unwrap();
        let error = ground.try_open_at(&image).err().unwrap();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error}: {}", cause.unwrap_or_default());
        assert!(text.contains(expected), "{text}");
        assert!(!image.join(lost).exists(), "{lost}");
    }
    // Also without a tenant: the checkpoint tells that there was something.
    let ground = Ground::new();
    ground.open().close().await;
    std::fs::remove_file(ground.path("control.db")).unwrap();
    let error = ground.try_open().err().unwrap();
    assert_eq!(error.code(), "store_damaged", "{error}");
    std::fs::remove_file(ground.path("control.keys")).unwrap();
    let error = ground.try_open().err().unwrap();
    assert!(matches!(error, StoreError::Missing("control.keys")), "{error}");
}

#[tokio::test]
async fn a_first_start_that_was_killed_goes_on() {
    let whole = Ground::new();
    whole.open().close().await;
    // In the order in which they are made.
    let made = ["lock", "tenants", "master.key", "control.keys"];
    for count in 0..=made.len() {
        let image = whole.image(&format!("killed-{count}"));
        for name in std::fs::read_dir(&image).unwrap().map(|e| e.unwrap().file_name()) {
            let path = image.join(&name);
            if made[..count].iter().all(|kept| **kept != *name) {
                let removed = if path.is_dir() {
                    std::fs::remove_dir(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                removed.unwrap();
            }
        }
        let opened = whole.open_at(&image);
        let tenant = opened.create("rauental").await;
        opened.ctx(tenant).await.write(put("a")).await.unwrap();
        opened.assert_logs_are_sound();
    }
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_data_directory() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    assert!(matches!(ground.try_open(), Err(StoreError::InUse)));
    // Whoever still has a context has the store too.
    let ctx = opened.ctx(tenant).await;
    opened.close().await;
    assert!(matches!(ground.try_open(), Err(StoreError::InUse)));
    drop(ctx);
    // Dropping closes as well as closing does.
    let opened = ground.open();
    opened.ctx(tenant).await.write(put("a")).await.unwrap();
    drop(opened);
    assert!(!tenant_path(&ground.data(), tenant, "tenant.db-wal").exists());
    assert_eq!(names(&ground.open().ctx(tenant).await).await, ["a"]);
}

#[tokio::test]
async fn nothing_is_open_to_others() {
    let ground = Ground::new();
    // As a service manager makes it.
    std::fs::create_dir(ground.data()).unwrap();
    std::fs::set_permissions(ground.data(), PermissionsExt::from_mode(0o755)).unwrap();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("a")).await.unwrap();
    let id = base::RevisionId::new(ctx.now(), ctx.entropy()).unwrap();
    ctx.blobs().write(id, &mut &b"manual"[..]).unwrap();
    assert_private(&ground.data());
    let wal = tenant_path(&ground.data(), tenant, "tenant.db-wal");
    let shm = tenant_path(&ground.data(), tenant, "tenant.db-shm");
    assert!(wal.exists() && shm.exists(), "they are among those looked at");
}

/// Every file 0600, every directory 0700.
pub(super) fn assert_private(dir: &Path) {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir), 0o700, "{}", dir.display());
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_private(&path);
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_directory_with_other_things_in_it_keeps_its_mode() {
    let ground = Ground::new();
    std::fs::create_dir(ground.data()).unwrap();
    std::fs::write(ground.path("somebody's"), b"x").unwrap();
    std::fs::set_permissions(ground.data(), PermissionsExt::from_mode(0o755)).unwrap();
    ground.open().close().await;
    ground.open().close().await;
    let mode = std::fs::metadata(ground.data()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
    assert_private(&ground.path("tenants"));
}

#[tokio::test]
async fn after_the_close_everything_is_refused_and_nothing_is_lost() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let jam = Jam::new(&ctx).await;
    let queued = queue(&ctx, put("queued")).await;
    let store = opened.store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    jam.release().await;
    closing.await.unwrap();
    queued.await.unwrap().unwrap();
    assert!(matches!(ctx.write(put("late")).await, Err(StoreError::Closed)));
    let read = ctx.read(|_| Ok::<_, StoreError>(())).await;
    assert!(matches!(read, Err(StoreError::Closed)));
    assert!(matches!(opened.try_ctx(tenant).await, Err(StoreError::Closed)));
    assert!(matches!(opened.try_create("late").await, Err(StoreError::Closed)));
    drop(ctx);
    drop(opened);
    assert_eq!(names(&ground.open().ctx(tenant).await).await, ["jam", "queued"]);
}
