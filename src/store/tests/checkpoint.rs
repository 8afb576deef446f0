//! The signed head beside a database, and databases that are not what it says.

use std::path::Path;

use audit::Checkpoint;

use crate::checkpoint::{CheckpointFile, read_checkpoint};
use crate::ledger::read_frontier;
use crate::open_tenant::tenant_origin;

use super::*;

struct Site {
    ground: Ground,
    opened: Opened,
    tenant: TenantId,
}

impl Site {
    /// A tenant with some settings.
    async fn new(settings: &[&str]) -> Self {
        let ground = Ground::new();
        let opened = ground.open();
        let tenant = opened.create("rauental").await;
        let site = Self { ground, opened, tenant };
        site.put(settings).await;
        site
    }

    async fn put(&self, settings: &[&str]) {
        let ctx = self.opened.ctx(self.tenant).await;
        for name in settings {
            ctx.write(put(name)).await.unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        tenant_path(&self.ground.data(), self.tenant, name)
    }

    /// Closes, lets `tamper` at the files, and opens again.
    async fn reopen(mut self, tamper: impl FnOnce(&Path)) -> Self {
        self.opened.store.close().await;
        let Self { ground, opened, .. } = self;
        drop(opened);
        tamper(&tenant_path(&ground.data(), self.tenant, ""));
        let opened = ground.open();
        self = Self { ground, opened, tenant: self.tenant };
        self
    }

    async fn expect_read_only(&self, why: &str) {
        let ctx = self.opened.ctx(self.tenant).await;
        let Health::ReadOnly(reason) = ctx.health() else { panic!("it should be read-only") };
        assert!(reason.contains(why), "{reason}");
        let refused = ctx.write(put("refused")).await.unwrap_err();
        assert_eq!(refused.code(), "tenant_read_only");
        assert!(!names(&ctx).await.contains(&"refused".to_owned()), "reads are served");
    }
}

#[tokio::test]
async fn the_head_on_disk_is_that_of_the_log_after_every_write() {
    let site = Site::new(&[]).await;
    let (key, signing) = site.opened.keys_of(site.tenant);
    for name in ["a", "b", "c", "d", "e"] {
        site.put(&[name]).await;
        let origin = tenant_origin(site.tenant);
        let head = read_checkpoint(&site.file("checkpoint"), &origin, &signing.verifying_key());
        let head = head.unwrap().unwrap();
        let frontier = read_frontier(&raw(&site.file("tenant.db"), &key)).unwrap();
        assert_eq!((head.size, head.root), (frontier.size(), frontier.root()));
    }
}

#[tokio::test]
async fn a_database_from_yesterday_is_read_only_and_stays_as_it_was() {
    let site = Site::new(&["a"]).await;
    let site = site.reopen(|_| {}).await;
    let yesterday = std::fs::read(site.file("tenant.db")).unwrap();
    site.put(&["b", "c"]).await;
    let old = yesterday.clone();
    let site = site.reopen(move |dir| std::fs::write(dir.join("tenant.db"), old).unwrap()).await;
    site.expect_read_only("it was rolled back or its write-ahead log was cut").await;
    let ctx = site.opened.ctx(site.tenant).await;
    assert_eq!(names(&ctx).await, ["a"]);
    drop(ctx);
    let site = site.reopen(|_| {}).await;
    assert_eq!(std::fs::read(site.file("tenant.db")).unwrap(), yesterday);
    site.expect_read_only("its signed checkpoint has").await;
}

#[tokio::test]
async fn a_cut_write_ahead_log_is_noticed_wherever_it_is_cut() {
    let site = Site::new(&["a", "b", "c"]).await;
    let image = site.ground.image("killed");
    let wal = tenant_path(&image, site.tenant, "tenant.db-wal");
    let whole = std::fs::read(&wal).unwrap();
    assert!(whole.len() > 3 * 4096, "the changes are in the log");
    for cut in [0, 32, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        let copy = site.ground.data().with_file_name(format!("cut-{cut}"));
        copy_tree(&image, &copy);
        let wal = tenant_path(&copy, site.tenant, "tenant.db-wal");
        std::fs::write(&wal, &whole[..cut]).unwrap();
        let revived = site.ground.open_at(&copy);
        let ctx = revived.ctx(site.tenant).await;
        let Health::ReadOnly(why) = ctx.health() else { panic!("cut at {cut}") };
        assert!(why.contains("its write-ahead log was cut"), "{why}");
        drop(ctx);
        revived.close().await;
        assert_eq!(std::fs::read(&wal).unwrap(), &whole[..cut], "evidence is kept");
    }
    let revived = site.ground.open_at(&image);
    assert_eq!(*revived.ctx(site.tenant).await.health(), Health::Sound, "uncut it is sound");
}

#[tokio::test]
async fn a_missing_garbled_or_foreign_checkpoint_is_an_alarm() {
    // Closed once, so that nothing is left to be folded and the checkpoint stays the one it is.
    let site = Site::new(&["a"]).await.reopen(|_| ()).await;
    let other = site.opened.create("lohberg").await;
    let foreign = std::fs::read(tenant_path(&site.ground.data(), other, "checkpoint")).unwrap();
    let mine = std::fs::read(site.file("checkpoint")).unwrap();

    let site = site.reopen(|dir| std::fs::remove_file(dir.join("checkpoint")).unwrap()).await;
    site.expect_read_only("the signed checkpoint is missing").await;
    let garbled: Vec<u8> = mine.iter().map(|b| if *b == b'/' { b'_' } else { *b }).collect();
    let site = site.reopen(|dir| std::fs::write(dir.join("checkpoint"), garbled).unwrap()).await;
    site.expect_read_only("the checkpoint is not genuine").await;
    let site = site.reopen(|dir| std::fs::write(dir.join("checkpoint"), foreign).unwrap()).await;
    site.expect_read_only("not signed by the log's key").await;
    let site = site.reopen(|dir| std::fs::write(dir.join("checkpoint"), [0; 8192]).unwrap()).await;
    site.expect_read_only("the checkpoint file is empty").await;
    let site = site.reopen(|dir| std::fs::write(dir.join("checkpoint"), mine).unwrap()).await;
    site.put(&["b"]).await;
}

#[tokio::test]
async fn a_head_that_was_signed_over_other_entries_is_an_alarm() {
    let site = Site::new(&["a"]).await;
    let (_, signing) = site.opened.keys_of(site.tenant);
    let origin = tenant_origin(site.tenant);
    let path = site.file("checkpoint");
    let head = read_checkpoint(&path, &origin, &signing.verifying_key()).unwrap().unwrap();
    for size in [head.size, head.size - 1] {
        let root = audit::leaf_hash(b"another history");
        let note = Checkpoint { origin: origin.clone(), size, root }.sign(&signing).unwrap();
        let image = site.ground.data().with_file_name(format!("other-{size}"));
        copy_tree(&site.ground.data(), &image);
        std::fs::write(tenant_path(&image, site.tenant, "checkpoint"), note).unwrap();
        let revived = site.ground.open_at(&image);
        let ctx = revived.ctx(site.tenant).await;
        let Health::ReadOnly(why) = ctx.health() else { panic!("it should be read-only") };
        assert!(why.contains("does not continue its signed checkpoint"), "{why}");
    }
}

#[tokio::test]
async fn a_kill_between_commit_and_checkpoint_is_made_good() {
    let site = Site::new(&["a"]).await;
    let before = std::fs::read(site.file("checkpoint")).unwrap();
    site.put(&["b", "c"]).await;
    // As a kill leaves it: what was committed last is in the write-ahead log alone.
    let image = site.ground.data().with_file_name("killed");
    copy_tree(&site.ground.data(), &image);
    let checkpoint = tenant_path(&image, site.tenant, "checkpoint");
    std::fs::write(&checkpoint, before).unwrap();
    let revived = site.ground.open_at(&image);
    let ctx = revived.ctx(site.tenant).await;
    assert_eq!(*ctx.health(), Health::Sound);
    assert_eq!(names(&ctx).await, ["a", "b", "c"]);
    let (_, signing) = revived.keys_of(site.tenant);
    let origin = tenant_origin(site.tenant);
    let head = read_checkpoint(&checkpoint, &origin, &signing.verifying_key());
    assert_eq!(head.unwrap().unwrap().size, SCHEMA_ENTRIES + 3, "signed anew: schema, a, b, c");
    ctx.write(put("d")).await.unwrap();
    site.opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_torn_checkpoint_write_leaves_the_one_before() {
    let site = Site::new(&["a", "b"]).await;
    let (_, signing) = site.opened.keys_of(site.tenant);
    let (origin, key) = (tenant_origin(site.tenant), signing.verifying_key());
    let path = site.file("checkpoint");
    let head = read_checkpoint(&path, &origin, &key).unwrap().unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole.len(), 2 * 4096);
    let newest = whole
        .chunks(4096)
        .position(|slot| String::from_utf8_lossy(slot).contains(&format!("\n{}\n", head.size)))
        .unwrap();
    for torn in [0, 1, 100, 250] {
        let mut bytes = whole.clone();
        bytes[newest * 4096 + torn..(newest + 1) * 4096].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let left = read_checkpoint(&path, &origin, &key).unwrap().unwrap();
        assert_eq!(left.size, head.size - 1, "torn at {torn}");
    }
    // The next one goes over the torn slot, not over the one that counts.
    let (mut file, left) = CheckpointFile::open(&path, &origin, signing).unwrap().unwrap();
    assert_eq!(left.size, head.size - 1);
    file.write(head.size, head.root).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[tokio::test]
async fn a_lost_or_emptied_tenant_database_is_not_made_anew() {
    let site = Site::new(&["a"]).await;
    let site = site.reopen(|dir| std::fs::write(dir.join("tenant.db"), b"").unwrap()).await;
    let error = site.opened.try_ctx(site.tenant).await.err().unwrap();
    assert_eq!(error.code(), "store_damaged");
    assert!(error.to_string().contains("has 0 audit entries"), "{error}");
    let site = site.reopen(|dir| std::fs::remove_file(dir.join("tenant.db")).unwrap()).await;
    let error = site.opened.try_ctx(site.tenant).await.err().unwrap();
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    assert!(!site.file("tenant.db").exists());
}

#[tokio::test]
async fn an_appliance_database_from_yesterday_serves_reads_only() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    opened.close().await;
    let yesterday = std::fs::read(ground.path("control.db")).unwrap();
    let opened = ground.open();
    opened.create("lohberg").await;
    opened.close().await;
    std::fs::write(ground.path("control.db"), yesterday).unwrap();
    let opened = ground.open();
    assert!(matches!(opened.store.health(), Health::ReadOnly(_)));
    assert_eq!(opened.try_create("third").await.unwrap_err().code(), "tenant_read_only");
    assert_eq!(opened.remove(tenant).await.unwrap_err().code(), "tenant_read_only");
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("its tenants are sound")).await.unwrap();
    let kept = migrate::CONTROL.len() + 2;
    assert_eq!(opened.findings()[0].1, format!("rolled_back at {kept}"));
}

/// Pages of a file that differ from another's.
fn changed_pages(new: &[u8], old: &[u8]) -> Vec<usize> {
    let pages = new.chunks(4096).zip(old.chunks(4096)).enumerate();
    pages.filter(|(_, (new, old))| new != old).map(|(page, _)| page).collect()
}

#[tokio::test]
async fn a_single_page_from_yesterday_is_an_alarm_whether_closed_or_killed() {
    let site = Site::new(&["a"]).await.reopen(|_| {}).await;
    let yesterday = std::fs::read(site.file("tenant.db")).unwrap();
    site.put(&["b", "c"]).await;
    let site = site.reopen(|_| {}).await;
    let closed = site.ground.image("closed");
    site.put(&["d"]).await;
    let killed = site.ground.image("killed");
    let wal = tenant_path(&killed, site.tenant, "tenant.db-wal");
    assert!(std::fs::metadata(wal).unwrap().len() > 4096, "the last change is in the log");
    for image in [closed, killed] {
        let today = std::fs::read(tenant_path(&image, site.tenant, "tenant.db")).unwrap();
        let pages = changed_pages(&today, &yesterday);
        assert!(pages.len() > 3, "settings, their index, the log and its tail: {pages:?}");
        for page in pages {
            let copy = image.with_extension(page.to_string());
            copy_tree(&image, &copy);
            let mut bytes = today.clone();
            let place = page * 4096..(page + 1) * 4096;
            bytes[place.clone()].copy_from_slice(&yesterday[place]);
            let database = tenant_path(&copy, site.tenant, "tenant.db");
            std::fs::write(&database, &bytes).unwrap();
            let revived = site.ground.open_at(&copy);
            match revived.try_ctx(site.tenant).await {
                Ok(ctx) => assert_ne!(*ctx.health(), Health::Sound, "page {page}"),
                Err(error) => assert_eq!(error.code(), "store_damaged", "page {page}"),
            }
            revived.close().await;
            assert_eq!(std::fs::read(&database).unwrap(), bytes, "evidence is kept");
        }
        let revived = site.ground.open_at(&image);
        assert_eq!(*revived.ctx(site.tenant).await.health(), Health::Sound, "as it was");
    }
}

#[tokio::test]
async fn a_kill_after_the_log_was_folded_is_no_alarm() {
    let site = Site::new(&["a"]).await.reopen(|_| {}).await;
    site.put(&["b"]).await;
    let before = std::fs::read(site.file("tenant.db")).unwrap();
    let ctx = site.opened.ctx(site.tenant).await;
    let open = site.opened.store.inner.open.lock().get(&site.tenant).cloned().unwrap();
    open.fold().await.unwrap();
    let image = site.ground.image("folded");
    let after = std::fs::read(tenant_path(&image, site.tenant, "tenant.db")).unwrap();
    assert_ne!(before, after);
    drop((ctx, open));
    let revived = site.ground.open_at(&image);
    let ctx = revived.ctx(site.tenant).await;
    assert_eq!(*ctx.health(), Health::Sound);
    assert_eq!(names(&ctx).await, ["a", "b"]);
}

#[tokio::test]
async fn what_the_file_is_can_not_be_left_out_of_one_slot() {
    let site = Site::new(&["a"]).await.reopen(|_| {}).await;
    let bytes = std::fs::read(site.file("checkpoint")).unwrap();
    let slots: Vec<_> = bytes.chunks(4096).map(String::from_utf8_lossy).collect();
    assert!(slots.iter().all(|slot| slot.contains("\nat-rest ")), "{slots:?}");
    let heads: Vec<_> = slots.iter().map(|slot| slot.split("\n\n").next().unwrap()).collect();
    assert_eq!(heads[0], heads[1]);
}
