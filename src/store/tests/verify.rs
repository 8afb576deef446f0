//! What `audit verify` finds in a directory that somebody has been at.

use rusqlite::params_from_iter;

use crate::audit_log::audit_query;
use crate::connection::Connection;

use super::*;

/// What the log of the tenant tells of, behind the steps of its schema.
const SETTINGS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

/// Lets `tamper` at the tenant's database with its key, and gives what is found then.
async fn found_after(tamper: impl FnOnce(&Connection)) -> Vec<(String, String)> {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for name in SETTINGS {
        ctx.write(put(name)).await.unwrap();
    }
    drop(ctx);
    opened.assert_logs_are_sound();
    let (key, _) = opened.keys_of(tenant);
    opened.close().await;
    tamper(&raw(&tenant_path(&ground.data(), tenant, "tenant.db"), &key));
    ground.open().findings()
}

fn finding(found: &str) -> Vec<(String, String)> {
    vec![("appliance".into(), "none".into()), ("rauental".into(), found.into())]
}

fn run(sql: &'static str) -> impl FnOnce(&Connection) {
    move |connection| connection.execute_batch(sql).unwrap()
}

#[tokio::test]
async fn an_altered_entry_is_named() {
    let sql = "UPDATE audit_entries SET bytes = CAST(replace(CAST(bytes AS TEXT), 'success',
                   'denied') AS BLOB) WHERE idx = 3";
    assert_eq!(found_after(run(sql)).await, finding("altered at 3"));
}

#[tokio::test]
async fn an_entry_rewritten_with_its_hash_is_found() {
    let found = found_after(|connection| {
        let sql = "SELECT bytes FROM audit_entries WHERE idx = 3";
        let bytes: Vec<u8> = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        let text = String::from_utf8(bytes).unwrap().replace("success", "denied");
        let hash = audit::leaf_hash(text.as_bytes());
        connection
            .execute(
                "UPDATE audit_entries SET bytes = ?1, leaf_hash = ?2 WHERE idx = 3",
                params![text.as_bytes(), hash.as_bytes()],
            )
            .unwrap();
    });
    assert_eq!(found.await, finding("root_mismatch at 0"));
}

#[tokio::test]
async fn a_missing_entry_is_named() {
    let found = found_after(run("DELETE FROM audit_entries WHERE idx = 2")).await;
    assert_eq!(found, finding("missing at 2"));
}

#[tokio::test]
async fn entries_that_changed_places_are_named() {
    let sql = "UPDATE audit_entries SET idx = -1 WHERE idx = 4;
               UPDATE audit_entries SET idx = 4 WHERE idx = 5;
               UPDATE audit_entries SET idx = 5 WHERE idx = -1";
    assert_eq!(found_after(run(sql)).await, finding("reordered at 4"));
}

#[tokio::test]
async fn a_cut_off_end_is_named() {
    let found = found_after(run("DELETE FROM audit_entries WHERE idx >= 6")).await;
    assert_eq!(found, finding("truncated at 6"));
}

#[tokio::test]
async fn a_log_rolled_back_with_its_tail_is_named() {
    let found = found_after(|connection| {
        connection.execute_batch("DELETE FROM audit_entries WHERE idx >= 6").unwrap();
        let mut frontier = audit::Frontier::new();
        let mut rows = connection.prepare("SELECT bytes FROM audit_entries ORDER BY idx").unwrap();
        let rows = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.for_each(|bytes| frontier.append(audit::leaf_hash(&bytes.unwrap())));
        connection
            .execute("UPDATE audit_frontier SET frontier = ?1", params![frontier.to_bytes()])
            .unwrap();
    });
    assert_eq!(found.await, finding("rolled_back at 6"));
}

#[tokio::test]
async fn a_copied_row_with_its_tail_is_found() {
    let size = SCHEMA_ENTRIES + SETTINGS.len() as u64;
    let found = found_after(move |connection| {
        let sql = format!(
            "INSERT INTO audit_entries SELECT idx + {size}, bytes, leaf_hash, time, actor, action,
                 object, outcome FROM audit_entries WHERE idx = 0"
        );
        connection.execute_batch(&sql).unwrap();
    });
    assert_eq!(found.await, finding(&format!("altered at {size}")));
}

#[tokio::test]
async fn a_page_of_the_log_that_was_touched_without_the_key_is_named() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for n in 0..60 {
        ctx.write(put(&format!("{n:02}"))).await.unwrap();
    }
    drop(ctx);
    let (key, _) = opened.keys_of(tenant);
    opened.close().await;
    let database = tenant_path(&ground.data(), tenant, "tenant.db");
    let leaves: Vec<u32> = {
        let connection = raw(&database, &key);
        let sql = "SELECT pageno FROM dbstat
                   WHERE name = 'audit_entries' AND pagetype = 'leaf' ORDER BY path";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert!(leaves.len() > 3, "the log has several pages: {leaves:?}");
    let mut first_bad = Vec::new();
    for page in leaves {
        let image = ground.data().with_file_name(format!("page-{page}"));
        copy_tree(&ground.data(), &image);
        flip(&tenant_path(&image, tenant, "tenant.db"), (page as usize - 1) * 4096 + 1000);
        let found = ground.open_at(&image).findings().pop().unwrap().1;
        let index = found.strip_prefix("altered at ").unwrap_or_else(|| panic!("{found}"));
        first_bad.push(index.parse::<u32>().unwrap());
    }
    assert_eq!(first_bad[0], 0);
    assert!(first_bad.is_sorted(), "each page names its first entry: {first_bad:?}");
    assert!(first_bad.windows(2).all(|pair| pair[0] < pair[1]), "{first_bad:?}");
}

#[tokio::test]
async fn a_log_can_be_verified_while_it_grows() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = Arc::new(opened.ctx(tenant).await);
    let writing = {
        let ctx = Arc::clone(&ctx);
        std::thread::spawn(move || {
            for n in 0..50 {
                ctx.write_blocking(put(&format!("{n:02}"))).unwrap();
            }
        })
    };
    while !writing.is_finished() {
        opened.assert_logs_are_sound();
    }
    writing.join().unwrap();
    assert_eq!(recorded(&ctx).await.len(), 50);
    let one = verify_data_dir(&opened.store, Some(tenant)).unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].report.as_ref().unwrap().size, SCHEMA_ENTRIES + 50);
}

#[tokio::test]
async fn what_can_not_be_read_at_all_is_an_error_of_that_log_alone() {
    let ground = Ground::new();
    let opened = ground.open();
    let rauental = opened.create("rauental").await;
    let lohberg = opened.create("lohberg").await;
    let suldal = opened.create("suldal").await;
    opened.close().await;
    std::fs::remove_file(tenant_path(&ground.data(), rauental, "checkpoint")).unwrap();
    flip(&tenant_path(&ground.data(), lohberg, "tenant.db"), 100);
    std::fs::remove_file(tenant_path(&ground.data(), suldal, "tenant.db")).unwrap();
    let found = ground.open().findings();
    let expected = [
        ("appliance", "none"),
        ("lohberg", "store_damaged"),
        ("rauental", "store_damaged"),
        ("suldal", "store_damaged"),
    ];
    assert_eq!(found, expected.map(|(name, found)| (name.to_owned(), found.to_owned())));
}

#[tokio::test]
async fn the_log_is_read_by_filter_and_page() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for name in SETTINGS {
        ctx.write(put(name)).await.unwrap();
        ground.clock.advance_ms(1_000);
    }
    let entries = async |filter: AuditFilter, limit: u32| {
        let page = ctx.read(move |tx| audit_entries(tx, &filter, limit)).await.unwrap();
        (page.rows.iter().map(|row| row.entry.index).collect::<Vec<_>>(), page.next)
    };
    let all = AuditFilter::default;
    let s = SCHEMA_ENTRIES;
    assert_eq!(entries(all(), 3).await, (vec![s + 6, s + 5, s + 4], Some(s + 4)));
    let before = AuditFilter { before: Some(s + 4), ..all() };
    assert_eq!(entries(before, 20).await, ((0..s + 4).rev().collect(), None));
    let noun = AuditFilter { action: Some("schema.".into()), ..all() };
    assert_eq!(entries(noun, 20).await, ((0..s).rev().collect(), None));
    let half_noun = AuditFilter { action: Some("schema".into()), ..all() };
    assert_eq!(entries(half_noun, 10).await, (vec![], None));
    let object = AuditFilter { object: Some("setting:c".into()), ..all() };
    assert_eq!(entries(object, 10).await, (vec![s + 2], None));
    let actor = AuditFilter { actor: Some("console".into()), ..all() };
    assert_eq!(entries(actor, 2).await, (vec![s + 6, s + 5], Some(s + 5)));
    let start = Timestamp::from_unix_ms(1_795_000_000_123);
    let times = AuditFilter {
        from: Some(start.plus_ms(1_000)),
        until: Some(start.plus_ms(3_000)),
        ..all()
    };
    assert_eq!(entries(times, 10).await, (vec![s + 2, s + 1], None));
    let denied = AuditFilter { outcome: Some("denied".into()), ..all() };
    assert_eq!(entries(denied, 10).await, (vec![], None));
}

#[tokio::test]
async fn every_filter_of_the_log_finds_an_index() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let (key, _) = opened.keys_of(tenant);
    opened.close().await;
    let connection = raw(&tenant_path(&ground.data(), tenant, "tenant.db"), &key);
    let all = AuditFilter::default;
    for (filter, index) in [
        (AuditFilter { actor: Some("console".into()), ..all() }, "audit_entries_actor"),
        (AuditFilter { action: Some("setting.changed".into()), ..all() }, "audit_entries_action"),
        (AuditFilter { action: Some("setting.".into()), ..all() }, "audit_entries_action"),
        (AuditFilter { object: Some("setting:a".into()), ..all() }, "audit_entries_object"),
        (AuditFilter { outcome: Some("denied".into()), ..all() }, "audit_entries_outcome"),
        (all(), "SCAN audit_entries"),
    ] {
        let (sql, values) = audit_query(&filter, 0, 50);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement
            .query_map(params_from_iter(values), |row| row.get::<_, String>(3))
            .unwrap()
            .map(Result::unwrap);
        let plan: Vec<String> = steps.collect();
        assert!(plan[0].contains(index), "{filter:?}: {plan:?}");
    }
}
