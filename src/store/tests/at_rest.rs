//! What somebody finds who has the disk and no key.

use audit::Event;

use super::*;

const MARKER: &str = "Marker-7f3a9c Anzugsmoment 45 Nm";

/// Files below `dir` that hold the marker, in one of the encodings in which it could be left.
fn files_with_marker(dir: &Path) -> Vec<PathBuf> {
    let wide: Vec<u8> = MARKER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = hex::encode(MARKER);
    let forms = [MARKER.as_bytes(), &wide, hex.as_bytes()];
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == *form))
    };
    files(dir).into_iter().filter(holds).collect()
}

async fn write_markers(ctx: &TenantCtx) {
    let id = base::RevisionId::new(ctx.now(), ctx.entropy()).unwrap();
    let content = MARKER.repeat(10_000);
    let info = ctx.blobs().write(id, &mut content.as_bytes()).unwrap();
    let payload = serde_json::json!({ "title": MARKER });
    let job = NewJob::new(ctx, "ingest", format!("revision:{MARKER}"), payload).unwrap();
    ctx.write(move |mut tx| {
        tx.execute(
            "INSERT INTO users VALUES (?1, ?2, ?2, 'viewer', 'PUBLIC', 0, 'de', 'active', ?2, 0, 0, 0)",
            params![[1_u8; 16], MARKER],
        )?;
        tx.execute(
            "INSERT INTO documents VALUES (?1, ?2, ?2, 0, ?2, 0, NULL)",
            params![[2_u8; 16], MARKER],
        )?;
        tx.execute(
            "INSERT INTO revisions (id, document_id, number, file_name, size_bytes, sha256, state,
                 validity, classification, export_control, tags, metadata, uploaded_at, uploaded_by)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, 'ready', 'valid', 'PUBLIC', 'none', ?3, ?3, 0, ?3)",
            params![id.as_bytes(), [2_u8; 16], MARKER, 10_000, info.sha256],
        )?;
        // Long enough for overflow pages, and for a sort that would go to a file.
        let text = MARKER.repeat(2_000);
        for ordinal in 0..200 {
            tx.execute(
                "INSERT INTO chunks (revision_id, ordinal, page_first, page_last, heading_path,
                     kind, text, token_count, boxes)
                 VALUES (?1, ?2, 1, 1, ?3, 'paragraph', ?4, 9, x'')",
                params![id.as_bytes(), ordinal, MARKER, text],
            )?;
        }
        let job = job_enqueue(&mut tx, &job)?;
        tx.commit(Event::new(CHANGED).object("job", job), ())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn no_plaintext_of_a_tenant_is_in_any_file() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    let ctx = opened.ctx(tenant).await;
    write_markers(&ctx).await;
    // A statement that is undone, and a sort of more text than a page cache holds.
    let undone: Result<(), StoreError> = ctx
        .write(|tx| {
            tx.execute("UPDATE chunks SET text = text || ordinal", [])?;
            Err(StoreError::JobNotFound)
        })
        .await;
    undone.unwrap_err();
    let sorted = ctx.read(|tx| {
        let sql = "SELECT text FROM chunks ORDER BY substr(text, 5) || ordinal DESC";
        tx.query_all(sql, [], |row| row.get::<_, String>(0))
    });
    assert_eq!(sorted.await.unwrap().len(), 200);

    let none: Vec<PathBuf> = Vec::new();
    assert_eq!(files_with_marker(&ground.data()), none, "while it is open");
    let image = ground.image("killed");
    assert_eq!(files_with_marker(&image), none, "after a kill");
    let revived = ground.open_at(&image);
    let survivors = revived.ctx(tenant).await;
    let count = survivors.read(|tx| {
        tx.query_row(
            "SELECT count(*) FROM chunks WHERE text LIKE ?1",
            [format!("{MARKER}%")],
            |row| row.get::<_, u32>(0),
        )
    });
    assert_eq!(count.await.unwrap(), 200, "it is all there for whoever has the key");
    assert_eq!(files_with_marker(&image), none, "after the restart");
    drop(ctx);
    opened.close().await;
    assert_eq!(files_with_marker(&ground.data()), none, "when closed");

    // The search would find it.
    let planted = ground.path("tenants").join("planted");
    std::fs::write(&planted, format!("...{MARKER}...")).unwrap();
    assert_eq!(files_with_marker(&ground.data()), [planted]);
}

#[tokio::test]
async fn nothing_in_a_database_looks_like_one() {
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    opened.ctx(tenant).await.write(put("a")).await.unwrap();
    for name in ["control.db", "control.db-wal"] {
        assert_opaque(&ground.path(name));
    }
    for name in ["tenant.db", "tenant.db-wal"] {
        assert_opaque(&tenant_path(&ground.data(), tenant, name));
    }
}

fn assert_opaque(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.len() > 4096, "{}", path.display());
    for word in [&b"SQLite format 3"[..], b"CREATE TABLE", b"audit_entries"] {
        let found = bytes.windows(word.len()).any(|window| window == word);
        assert!(!found, "{} holds {}", path.display(), String::from_utf8_lossy(word));
    }
}
