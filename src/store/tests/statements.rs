//! What a room can't say to the database.

use audit::Event;

use super::*;

/// Refused wherever they are tried.
const NEVER: &[&str] = &[
    "COMMIT",
    "ROLLBACK",
    "BEGIN",
    "SAVEPOINT own",
    "RELEASE change",
    "ROLLBACK TO change",
    "PRAGMA key = 'x'",
    "PRAGMA rekey = 'x'",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA synchronous = OFF",
    "PRAGMA user_version",
    "SELECT * FROM pragma_table_info('settings')",
    "ATTACH ':memory:' AS other",
    "ATTACH 'plain.db' AS plain KEY ''",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO 'plain.db'",
    "CREATE TABLE own (x)",
    "CREATE TEMP TABLE own (x)",
    "CREATE VIRTUAL TABLE own USING vec0(embedding float[384])",
    "CREATE INDEX own ON settings (value)",
    "CREATE TRIGGER own AFTER INSERT ON settings BEGIN DELETE FROM users; END",
    "DROP TABLE settings",
    "ALTER TABLE settings ADD COLUMN x",
    "REINDEX",
    "ANALYZE",
    "DELETE FROM audit_entries",
    "DELETE FROM audit_entries RETURNING idx",
    "UPDATE audit_frontier SET frontier = x'00'",
    "INSERT INTO schema_migrations VALUES (9, 'x', 'x', 0)",
    "DELETE FROM sqlite_master",
    "SELECT load_extension('x')",
    "SELECT sqlcipher_export('x')",
    "SELECT 1; COMMIT",
    // What the store itself has prepared and kept.
    "/*store*/ RELEASE change",
    " /*store*/ RELEASE change",
    "/*store*/ SAVEPOINT change",
    "/*store*/ ROLLBACK TO change",
];

/// Refused to readers.
const NOT_FOR_READERS: &[&str] = &[
    "DELETE FROM settings",
    "DELETE FROM settings RETURNING name",
    "INSERT INTO settings VALUES ('b', 'x') RETURNING name",
    "UPDATE settings SET value = 'y'",
];

fn query(tx: &ReadTx<'_>, sql: &str) -> Result<Option<()>, StoreError> {
    tx.query_optional(sql, [], |_| Ok(()))
}

#[tokio::test]
async fn a_reader_can_only_read() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("a")).await.unwrap();
    ctx.read(|tx| {
        for sql in NEVER.iter().chain(NOT_FOR_READERS) {
            assert!(query(tx, sql).is_err(), "{sql}");
            assert!(tx.query_all(sql, [], |_| Ok(())).is_err(), "{sql}");
            let each = tx.query_each(sql, [], |_| Ok::<_, StoreError>(()));
            assert!(each.is_err(), "{sql}");
        }
        // The snapshot is still there.
        assert!(query(tx, "SELECT name FROM settings WHERE name = 'a'")?.is_some());
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    assert_eq!(names(&ctx).await, ["a"]);
}

#[tokio::test]
async fn a_writer_can_only_change_rows_of_rooms() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    ctx.write(put("a")).await.unwrap();
    ctx.write(|tx| {
        insert(&tx, "b")?;
        for sql in NEVER {
            assert!(query(&tx, sql).is_err(), "{sql}");
            assert!(tx.execute(sql, []).is_err(), "{sql}");
            assert!(tx.insert(sql, []).is_err(), "{sql}");
        }
        // A query that returns nothing does nothing.
        assert!(query(&tx, "DELETE FROM settings").is_err());
        assert_eq!(tx.query_all("SELECT name FROM settings", [], |_| Ok(()))?.len(), 2);
        tx.commit(Event::new(CHANGED).object("setting", "b"), ())
    })
    .await
    .unwrap();
    assert_eq!(names(&ctx).await, ["a", "b"]);
    assert_eq!(recorded(&ctx).await, ["a", "b"]);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_statement_of_the_store_is_refused_by_name() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    for sql in ["COMMIT", "PRAGMA key = 'x'", "DELETE FROM audit_entries", "DROP TABLE settings"] {
        let refused = ctx
            .write(move |tx| {
                tx.execute(sql, [])?;
                tx.commit(Event::new(CHANGED), ())
            })
            .await;
        assert!(matches!(refused, Err(StoreError::StatementRefused(_))), "{sql}: {refused:?}");
    }
    // What a room may do still goes, by the same connection and the same cache.
    ctx.write(|tx| {
        insert(&tx, "a")?;
        tx.execute("UPDATE settings SET value = 'y' WHERE name = 'a'", [])?;
        let back: String =
            tx.query_row("DELETE FROM settings WHERE name = 'a' RETURNING value", [], |row| {
                row.get(0)
            })?;
        assert_eq!(back, "y");
        tx.commit(Event::new(CHANGED), ())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_room_may_calculate_with_vectors() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    let (code, distance) = ctx
        .read(|tx| {
            tx.query_row(
                "SELECT vec_quantize_binary('[1, -1, 0, 2, -3, 0, 0, 0.5]'),
                        vec_distance_cosine('[1, 0]', '[0, 1]')",
                [],
                |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, f64>(1)?)),
            )
        })
        .await
        .unwrap();
    // Positive numbers set their bit, the first number the lowest one.
    assert_eq!(code, [0b1000_1001]);
    assert!((distance - 1.0).abs() < 1e-6, "{distance}");
}
