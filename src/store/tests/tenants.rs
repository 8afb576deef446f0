//! Making, suspending and removing tenants.

use super::*;

#[tokio::test]
async fn a_tenant_is_there_once_it_is_acknowledged() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.try_create("rauental").await.unwrap();
    assert_eq!(tenant.status, TenantStatus::Active);
    let image = ground.image("killed");
    let revived = ground.open_at(&image);
    assert_eq!(revived.store.tenant_id_by_slug("rauental"), Some(tenant.id));
    assert_eq!(revived.store.only_tenant(), Some(tenant.id));
    assert_eq!(revived.store.tenant_get(&revived.appliance(), tenant.id).unwrap(), tenant);
    revived.ctx(tenant.id).await.write(put("a")).await.unwrap();
    revived.assert_logs_are_sound();
}

#[tokio::test]
async fn slug_and_name_are_checked_and_the_slug_is_unique() {
    let ground = Ground::new();
    let opened = ground.open();
    let long = "a".repeat(41);
    for slug in ["", "a", "-a", "a-", "Ab", "a b", "ä1", "a/b", "..", &long] {
        let error = opened.try_create(slug).await.unwrap_err();
        assert_eq!(error.code(), "invalid_input", "{slug}");
        assert_eq!(error.violation().unwrap().field, "slug");
    }
    for name in ["", "  ", "a\nb", &"x".repeat(121)] {
        let new = NewTenant { slug: "rauental".into(), name: name.into() };
        let made = opened.store.tenant_create(&opened.appliance(), opened.request(), new).await;
        assert_eq!(made.unwrap_err().violation().unwrap().field, "name", "{name:?}");
    }
    opened.create("rauental").await;
    let taken = opened.try_create("rauental").await.unwrap_err();
    assert_eq!(taken.code(), "tenant_slug_taken");
    assert_eq!(taken.violation().unwrap().field, "slug");
    assert_eq!(std::fs::read_dir(ground.path("tenants")).unwrap().count(), 1);
    assert_eq!(opened.store.tenant_list(&opened.appliance()).len(), 1);
}

#[tokio::test]
async fn a_tenant_that_can_not_be_made_leaves_its_slug_free() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenants = ground.path("tenants");
    std::fs::remove_dir(&tenants).unwrap();
    std::fs::write(&tenants, b"in the way").unwrap();
    opened.try_create("rauental").await.unwrap_err();
    assert_eq!(opened.store.tenant_id_by_slug("rauental"), None);
    std::fs::remove_file(&tenants).unwrap();
    let tenant = opened.create("rauental").await;
    opened.ctx(tenant).await.write(put("a")).await.unwrap();
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn what_a_kill_left_half_made_is_swept_at_the_next_start() {
    let ground = Ground::new();
    let opened = ground.open();
    let kept = opened.create("rauental").await;
    let half = opened.create("lohberg").await;
    let key = Arc::clone(&opened.store.inner.control_key);
    opened.close().await;
    raw(&ground.path("control.db"), &key)
        .execute("UPDATE tenants SET status = 'creating' WHERE slug = 'lohberg'", [])
        .unwrap();
    let opened = ground.open();
    assert!(!tenant_path(&ground.data(), half, "").exists());
    assert_eq!(opened.try_ctx(half).await.err().unwrap().code(), "tenant_not_found");
    let filter =
        AuditFilter { action: Some("tenant.half_made_removed".into()), ..AuditFilter::default() };
    let page = opened.store.appliance_audit(&opened.appliance(), filter, 10).await.unwrap();
    assert_eq!(page.rows[0].entry.object.as_ref().unwrap().id, half.to_string());
    opened.create("lohberg").await;
    opened.ctx(kept).await.write(put("a")).await.unwrap();
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_removed_tenant_is_gone_and_the_others_are_not() {
    let ground = Ground::new();
    let opened = ground.open();
    let gone = opened.create("rauental").await;
    let kept = opened.create("lohberg").await;
    let old = opened.ctx(gone).await;
    old.write(put("a")).await.unwrap();
    std::fs::write(ground.path("control.db.v0"), b"a copy made before a migration").unwrap();
    opened.remove(gone).await.unwrap();

    // Whoever was at work in it is not any more.
    assert!(matches!(old.write(put("late")).await, Err(StoreError::Closed)));
    assert!(matches!(old.read(|_| Ok::<_, StoreError>(())).await, Err(StoreError::Closed)));
    assert!(!tenant_path(&ground.data(), gone, "").exists());
    assert_eq!(opened.try_ctx(gone).await.err().unwrap().code(), "tenant_not_found");
    assert_eq!(opened.remove(gone).await.unwrap_err().code(), "tenant_not_found");
    assert_eq!(opened.store.tenant_id_by_slug("rauental"), None);
    let status = TenantStatus::Active;
    let scope = opened.appliance();
    let resumed = opened.store.tenant_set_suspended(&scope, opened.request(), gone, status).await;
    assert_eq!(resumed.unwrap_err().code(), "tenant_not_found");
    // The slug is free, and memory says what the database says.
    opened.create("rauental").await;
    let listed = opened.store.tenant_list(&scope);
    opened.ctx(kept).await.write(put("b")).await.unwrap();
    drop(old);
    opened.close().await;
    let opened = ground.open();
    assert_eq!(opened.store.tenant_list(&opened.appliance()), listed);
    assert_eq!(names(&opened.ctx(kept).await).await, ["b"]);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn of_a_destroyed_key_no_old_page_is_kept() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let log = ground.path("control.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0, "older pages are in the log");
    let copy = ground.path("control.db.v0");
    std::fs::write(&copy, b"a copy made before a migration").unwrap();
    opened.remove(tenant).await.unwrap();
    // Overwritten in the database, and neither the log nor a copy has an older page.
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    assert!(!copy.exists());
    let key = Arc::clone(&opened.store.inner.control_key);
    let connection = raw(&ground.path("control.db"), &key);
    let overwrites: u32 =
        connection.query_row("PRAGMA secure_delete", [], |row| row.get(0)).unwrap();
    assert_eq!(overwrites, 1);
    let kept: u32 = connection
        .query_row(
            "SELECT count(*) FROM tenants WHERE wrapped_data_key IS NOT NULL
                OR wrapped_signing_key IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn the_key_goes_first_even_when_the_files_can_not() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    opened.ctx(tenant).await.write(put("a")).await.unwrap();
    // The directory is moved away and something that is none stands in its place.
    let dir = tenant_path(&ground.data(), tenant, "");
    let dir = dir.parent().unwrap().join(dir.file_name().unwrap());
    let aside = ground.data().with_file_name("aside");
    std::fs::rename(&dir, &aside).unwrap();
    std::fs::write(&dir, b"in the way").unwrap();
    opened.remove(tenant).await.unwrap();
    assert!(dir.exists(), "it could not be removed");
    assert!(opened.store.inner.tenants.read()[&tenant].keys.is_none());
    // Put back, it opens nothing, and the next start sweeps it.
    std::fs::remove_file(&dir).unwrap();
    std::fs::rename(&aside, &dir).unwrap();
    assert_eq!(opened.try_ctx(tenant).await.err().unwrap().code(), "tenant_not_found");
    opened.close().await;
    let opened = ground.open();
    assert!(!dir.exists());
    assert_eq!(opened.try_ctx(tenant).await.err().unwrap().code(), "tenant_not_found");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_leave_memory_and_disk_apart() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let status = async |wanted: TenantStatus| {
        let scope = opened.appliance();
        let change = opened.store.tenant_set_suspended(&scope, opened.request(), tenant, wanted);
        abandon(change).await;
        let _gate = opened.store.inner.gates.pass(tenant).await;
        opened.store.tenant_get(&opened.appliance(), tenant).unwrap().status
    };
    assert_eq!(status(TenantStatus::Suspended).await, TenantStatus::Suspended);
    assert_eq!(status(TenantStatus::Active).await, TenantStatus::Active);
    abandon(opened.remove(tenant)).await;
    let gate = opened.store.inner.gates.pass(tenant).await;
    assert_eq!(opened.try_ctx(tenant).await.err().unwrap().code(), "tenant_not_found");
    assert!(!tenant_path(&ground.data(), tenant, "").exists());
    drop(gate);
    opened.close().await;
    let opened = ground.open();
    let listed = opened.store.tenant_list(&opened.appliance());
    assert_eq!(listed[0].status, TenantStatus::Removed);
}

/// Begins something and drops it, once what it started has begun.
async fn abandon(work: impl Future) {
    let mut work = Box::pin(work);
    let first =
        std::future::poll_fn(|cx| std::task::Poll::Ready(work.as_mut().poll(cx).is_pending()));
    assert!(first.await, "it was not done at once");
    drop(work);
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn a_suspended_tenant_refuses_people_and_not_the_operator() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    opened.set_status(tenant, TenantStatus::Suspended).await;
    let limits = SessionLimits { idle_ms: 1_000 };
    let session = opened.store.scope_from_session(tenant, [7; 32], limits).await;
    assert_eq!(session.err().unwrap().code(), "tenant_suspended");
    let id = base::TokenId::new(opened.store.now(), opened.store.entropy()).unwrap();
    let token = opened.store.scope_from_token(tenant, id, [7; 32]).await;
    assert_eq!(token.err().unwrap().code(), "tenant_suspended");
    let login = opened.store.credentials(tenant, opened.request()).await;
    assert_eq!(login.err().unwrap().code(), "tenant_suspended");
    assert!(opened.store.active_tenants().is_empty());
    assert_eq!(opened.store.only_tenant(), None);
    opened.ctx(tenant).await.write(put("a")).await.unwrap();
    opened.close().await;

    let opened = ground.open();
    let login = opened.store.credentials(tenant, opened.request()).await;
    assert_eq!(login.err().unwrap().code(), "tenant_suspended", "also after a restart");
    opened.set_status(tenant, TenantStatus::Active).await;
    assert!(opened.store.credentials(tenant, opened.request()).await.is_ok());
}
