//! Original files.

use std::io::Read;

use base::RevisionId;
use sha2::{Digest as _, Sha256};

use super::*;

struct Shelf {
    ground: Ground,
    opened: Opened,
    tenant: TenantId,
    ctx: TenantCtx,
}

impl Shelf {
    async fn new() -> Self {
        let ground = Ground::new();
        let opened = ground.open();
        let tenant = opened.create("rauental").await;
        let ctx = opened.ctx(tenant).await;
        Self { ground, opened, tenant, ctx }
    }

    fn id(&self) -> RevisionId {
        RevisionId::new(self.ctx.now(), self.ctx.entropy()).unwrap()
    }

    fn write(&self, content: &[u8]) -> RevisionId {
        let id = self.id();
        let mut content = content;
        self.ctx.blobs().write(id, &mut content).unwrap();
        id
    }

    fn read(&self, id: RevisionId) -> Result<Vec<u8>, StoreError> {
        let reader = self.ctx.blobs().open(id)?;
        let mut content = vec![0; usize::try_from(reader.len()).unwrap()];
        let mut at = 0;
        while at < content.len() {
            at += reader.read_at(at as u64, &mut content[at..])?;
        }
        Ok(content)
    }

    fn path(&self, id: RevisionId) -> PathBuf {
        tenant_path(&self.ground.data(), self.tenant, "blobs").join(id.to_string())
    }
}

#[tokio::test]
async fn what_was_stored_is_read() {
    let shelf = Shelf::new().await;
    for size in [0, 1, 65_535, 65_536, 65_537, 300_000] {
        let content: Vec<u8> = (0..size).map(|n: usize| (n % 251) as u8).collect();
        let id = shelf.id();
        let info = shelf.ctx.blobs().write(id, &mut content.as_slice()).unwrap();
        assert_eq!(info.size_bytes, size as u64);
        assert_eq!(info.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
        assert_eq!(shelf.read(id).unwrap(), content, "{size} bytes");
    }
}

#[tokio::test]
async fn exchanged_cut_and_changed_files_are_noticed() {
    let shelf = Shelf::new().await;
    let (first, second) = (shelf.write(b"torque 45 Nm"), shelf.write(b"torque 54 Nm"));
    let (one, two) = (shelf.path(first), shelf.path(second));
    let aside = one.with_extension("aside");
    std::fs::rename(&one, &aside).unwrap();
    std::fs::rename(&two, &one).unwrap();
    std::fs::rename(&aside, &two).unwrap();
    for id in [first, second] {
        assert_eq!(shelf.read(id).unwrap_err().code(), "store_damaged");
    }
    let id = shelf.write(&[7; 100_000]);
    let whole = std::fs::read(shelf.path(id)).unwrap();
    for cut in [0, 10, 30, 70_000, whole.len() - 1] {
        std::fs::write(shelf.path(id), &whole[..cut]).unwrap();
        assert_eq!(shelf.read(id).unwrap_err().code(), "store_damaged", "cut at {cut}");
    }
    std::fs::write(shelf.path(id), &whole).unwrap();
    flip(&shelf.path(id), 50_000);
    assert_eq!(shelf.read(id).unwrap_err().code(), "store_damaged");
    std::fs::write(shelf.path(id), &whole).unwrap();
    assert_eq!(shelf.read(id).unwrap(), [7; 100_000]);
}

#[tokio::test]
async fn a_file_of_another_tenant_can_not_be_read() {
    let shelf = Shelf::new().await;
    let id = shelf.write(b"torque 45 Nm");
    let other = shelf.opened.create("lohberg").await;
    let theirs = tenant_path(&shelf.ground.data(), other, "blobs").join(id.to_string());
    std::fs::copy(shelf.path(id), theirs).unwrap();
    let ctx = shelf.opened.ctx(other).await;
    let reader = ctx.blobs().open(id);
    assert_eq!(reader.err().unwrap().code(), "store_damaged");
}

/// Gives some bytes and then fails, as a connection does that is cut.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(self.0);
        self.0 -= count;
        if count == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }
}

#[tokio::test]
async fn an_upload_that_fails_leaves_nothing() {
    let shelf = Shelf::new().await;
    for given in [0, 10, 200_000] {
        let id = shelf.id();
        let error = shelf.ctx.blobs().write(id, &mut Failing(given)).unwrap_err();
        assert_eq!(error.code(), "store_unavailable");
        assert!(matches!(shelf.read(id), Err(StoreError::Io { .. })), "it is not there");
    }
    let (known, strays) = shelf.ctx.blobs().list().unwrap();
    assert!(known.is_empty() && strays.is_empty());
}

#[tokio::test]
async fn the_list_tells_files_from_leftovers() {
    let shelf = Shelf::new().await;
    let mut stored = [shelf.write(b"one"), shelf.write(b"two")];
    stored.sort();
    let leftover = shelf.path(shelf.id()).with_extension("part");
    std::fs::write(&leftover, b"half").unwrap();
    let (mut known, strays) = shelf.ctx.blobs().list().unwrap();
    known.sort();
    assert_eq!(known, stored);
    assert_eq!(strays, [leftover]);
}

#[tokio::test]
async fn removing_is_final_and_may_be_repeated() {
    let shelf = Shelf::new().await;
    let id = shelf.write(b"one");
    shelf.ctx.blobs().remove(id).unwrap();
    shelf.ctx.blobs().remove(id).unwrap();
    let Err(StoreError::Io { source, .. }) = shelf.read(id) else { panic!("it is gone") };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}
