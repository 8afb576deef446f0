//! What a removed tenant leaves in the control database for somebody who has its key: every page
//! as it stands there, free space included.

use rusqlite::ffi;
use seal::WrappedKey;

use super::*;
use crate::control;

/// Tenants made; enough for several pages of the table.
const TENANTS: usize = 48;

/// Any so long piece of a key is one too many.
const PIECE_BYTES: usize = 12;

/// Every page of a database as it stands on the disk and in its log, decrypted.
fn pages(path: &Path, key: &DataKey) -> Vec<u8> {
    let connection = raw(path, key);
    let mut length = 0;
    // SAFETY: the handle is open and of this thread alone; the name is a C string; what comes back
    // is null or `length` bytes that are ours until they are freed.
    #[expect(unsafe_code, reason = "a function of the C library that has no safe wrapper")]
    unsafe {
        let bytes =
            ffi::sqlite3_serialize(connection.handle(), c"main".as_ptr(), &raw mut length, 0);
        assert!(!bytes.is_null() && length > 0, "nothing was dumped");
        let copy = std::slice::from_raw_parts(bytes, usize::try_from(length).unwrap()).to_vec();
        ffi::sqlite3_free(bytes.cast());
        copy
    }
}

/// How many pieces of the wrapped keys stand in `pages`.
fn pieces_in(pages: &[u8], keys: &[Vec<u8>]) -> usize {
    let wanted: std::collections::HashSet<&[u8]> =
        keys.iter().flat_map(|key| key.windows(PIECE_BYTES)).collect();
    pages.windows(PIECE_BYTES).filter(|window| wanted.contains(window)).count()
}

fn wrapped_keys(opened: &Opened, tenants: &[TenantId]) -> Vec<Vec<u8>> {
    let rows = opened.store.inner.tenants.read();
    let of = |id: &TenantId| {
        let (data, signing) = rows[id].keys.clone().unwrap();
        [data, signing].map(|key: WrappedKey| key.as_bytes().to_vec())
    };
    tenants.iter().flat_map(of).collect()
}

#[tokio::test]
async fn no_piece_of_a_removed_tenants_key_is_in_any_page_of_the_control_database() {
    let ground = Ground::new();
    let opened = ground.open();
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        // Names of different lengths, so that cells move and pages are put together anew.
        let scope = opened.appliance();
        let name = "Name ".repeat(1 + number * 7 % 20);
        let new = NewTenant { slug: format!("plant-{number}"), name };
        tenants.push(opened.store.tenant_create(&scope, opened.request(), new).await.unwrap().id);
    }
    let all = wrapped_keys(&opened, &tenants);
    let path = ground.path("control.db");
    let key = Arc::clone(&opened.store.inner.control_key);
    let before = pages(&path, &key);
    let whole: usize = all.iter().map(|key| key.len() - PIECE_BYTES + 1).sum();
    assert!(pieces_in(&before, &all) >= whole, "the dump shows keys that are there");
    // Two of three, in no order.
    let (kept, gone): (Vec<_>, Vec<_>) =
        tenants.iter().enumerate().partition(|(number, _)| number % 3 == 0);
    let kept: Vec<TenantId> = kept.into_iter().map(|(_, id)| *id).collect();
    let mut gone: Vec<TenantId> = gone.into_iter().map(|(_, id)| *id).collect();
    let (gone_keys, kept_keys) = (wrapped_keys(&opened, &gone), wrapped_keys(&opened, &kept));
    gone.sort_by_key(|id| id.as_bytes()[15]);
    for tenant in &gone {
        opened.remove(*tenant).await.unwrap();
        let log = std::fs::metadata(ground.path("control.db-wal")).unwrap();
        assert_eq!(log.len(), 0, "older pages are in the log");
    }
    // While it runs, as a kill would leave it, and after an orderly end and another start.
    let image = ground.image("killed");
    let stages = [pages(&path, &key), pages(&image.join("control.db"), &key)];
    opened.close().await;
    let closed = pages(&path, &key);
    ground.open().close().await;
    for (stage, dump) in stages.into_iter().chain([closed, pages(&path, &key)]).enumerate() {
        assert_eq!(pieces_in(&dump, &gone_keys), 0, "stage {stage}");
        assert!(pieces_in(&dump, &kept_keys) > 0, "stage {stage} is no dump");
    }
}

#[tokio::test]
async fn a_removal_that_was_killed_before_the_log_was_folded_is_finished_at_the_next_start() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let keys = wrapped_keys(&opened, &[tenant]);
    let key = Arc::clone(&opened.store.inner.control_key);
    // The commit alone, as if the process had died right behind it.
    let stamp = opened.store.appliance_stamp(opened.appliance().actor, opened.request());
    let destroyed = opened.store.inner.control.write(stamp, move |tx| {
        control::tenant_destroy_keys(&tx, tenant)?;
        tx.commit(Event::new(CHANGED).object("tenant", tenant), ())
    });
    destroyed.await.unwrap();
    let image = ground.image("killed");
    let log = std::fs::metadata(image.join("control.db-wal")).unwrap();
    assert!(log.len() > 0, "older pages are in the log");
    let opened = ground.open_at(&image);
    assert!(!tenant_path(&image, tenant, "").exists());
    opened.close().await;
    assert_eq!(pieces_in(&pages(&image.join("control.db"), &key), &keys), 0);
    let left = std::fs::metadata(image.join("control.db-wal")).map_or(0, |log| log.len());
    assert_eq!(left, 0);
}
