//! Uploading, listing, looking at, deleting.

use base::{Coded as _, PageNumber};
use knowledge::{
    DocumentFilter, KnowledgeError, NewRevision, RevisionState, Standing, document_delete,
    document_get, document_list, original_open, page_text,
};
use policy::authorize;

use crate::plant::Plant;

const PUMP: &str = "# Transfer pump P-101\n\n## Torques\n\nTighten the flange bolts to 90 N·m.\n\n\
    ## Seal\n\nThe mechanical seal HS-43 is replaced every 8,000 hours.\n";

fn named(file: &str) -> NewRevision {
    NewRevision::named(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_is_read_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(named("Pump Manual.md"), PUMP).await;
    assert_eq!((uploaded.key.as_str(), uploaded.revision_number), ("pump-manual", 1));
    let document = plant.document(&uploaded).await;
    assert_eq!(document.current.state, RevisionState::Ready, "{:?}", document.current.error);
    assert_eq!(document.current.standing, Standing::Valid);
    assert_eq!(document.current.format.as_deref(), Some("markdown"));
    assert_eq!(document.title, "Transfer pump P-101");
    let ctx = plant.console().await;
    let found = plant.search(&ctx, "torque of the flange bolts").await;
    let first = found.first().expect("something is found");
    assert!(first.text.contains("90 N·m"), "{first:?}");
    assert!(first.heading_path.iter().any(|h| h.contains("Torques")), "{first:?}");
    assert_eq!((first.document_key.as_str(), first.revision_number), ("pump-manual", 1));
    let by_tag = plant.search(&ctx, "hs43").await;
    assert!(by_tag.first().is_some_and(|p| p.text.contains("HS-43")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_the_original_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(named("pump.md"), PUMP).await;
    let ctx = plant.console().await;
    let (document, revision) = (uploaded.document_id, uploaded.revision_id);
    let page =
        page_text(authorize(&ctx).unwrap(), document, revision, PageNumber(1)).await.unwrap();
    assert!(page.blocks.iter().any(|block| block.text().contains("90 N·m")));
    let missing = page_text(authorize(&ctx).unwrap(), document, revision, PageNumber(9)).await;
    assert_eq!(missing.unwrap_err().code(), "page_not_found");
    let original = original_open(authorize(&ctx).unwrap(), document, revision).await.unwrap();
    assert_eq!(original.media_type, "text/markdown");
    assert_eq!(original.reader.read_all(1 << 20).unwrap(), PUMP.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_one_revision_of_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let first = plant.add(named("pump.md"), PUMP).await;
    let again = plant.upload(named("pump.md"), PUMP).await;
    match again {
        Err(KnowledgeError::Duplicate { revision_id, revision_number, .. }) => {
            assert_eq!((revision_id, revision_number), (first.revision_id, 1));
        }
        other => panic!("{other:?}"),
    }
    let elsewhere = plant.upload(named("copy.md"), PUMP).await.unwrap();
    assert_eq!(elsewhere.duplicate_of, Some(first.revision_id));
    assert_eq!(elsewhere.revision_number, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_says_so_and_takes_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let good = plant.add(named("pump.md"), PUMP).await;
    let bad = plant
        .add(NewRevision { key: Some("pump".into()), ..named("pump.pdf") }, "%PDF-1.7\nbroken")
        .await;
    let ctx = plant.console().await;
    let details = document_get(authorize(&ctx).unwrap(), good.document_id).await.unwrap();
    let [newest, oldest] = details.revisions.as_slice() else { panic!("{details:?}") };
    assert_eq!((newest.id, newest.state), (bad.revision_id, RevisionState::Failed));
    assert!(newest.error.as_ref().is_some_and(|e| !e.code.is_empty() && !e.detail.is_empty()));
    assert_eq!(oldest.standing, Standing::Valid);
    assert_eq!(details.document.current.id, good.revision_id);
    assert!(!plant.search(&ctx, "flange bolts").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let refused = plant.upload(named("empty.md"), "").await.unwrap_err();
    assert_eq!(refused.violation().map(|v| v.field), Some("file".to_owned()));
    let bad_key = NewRevision { key: Some(" ".into()), ..named("a.md") };
    assert!(plant.upload(bad_key, PUMP).await.is_err());
    let ctx = plant.console().await;
    let (stored, strays) = ctx.blobs().list().unwrap();
    assert_eq!((stored.len(), strays.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_yesterday_takes_no_original_along() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named("pump.md"), PUMP).await;
    let tenant = dir.path().join("tenants").join(plant.tenant.to_string());
    plant.close().await;
    let database = tenant.join("tenant.db");
    let yesterday = std::fs::read(&database).unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named("motor.md"), "# Motor\n\nGrease every 4,000 hours.\n").await;
    plant.close().await;
    for name in ["tenant.db-wal", "tenant.db-shm"] {
        let _ = std::fs::remove_file(tenant.join(name));
    }
    std::fs::write(&database, yesterday).unwrap();
    let originals = || std::fs::read_dir(tenant.join("blobs")).unwrap().count();
    let before = originals();
    let plant = Plant::at(dir.path()).await;
    let refused = plant.upload(named("valve.md"), "# Valve\n").await.unwrap_err();
    assert_eq!(refused.code(), "tenant_read_only");
    assert_eq!(originals(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(named("pump.md"), PUMP).await;
    let ctx = plant.console().await;
    document_delete(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    let gone = document_get(authorize(&ctx).unwrap(), uploaded.document_id).await;
    assert_eq!(gone.unwrap_err().code(), "document_not_found");
    assert!(plant.search(&ctx, "flange bolts").await.is_empty());
    assert!(ctx.blobs().list().unwrap().0.is_empty());
    let usage = knowledge::library_usage(authorize(&ctx).unwrap()).await.unwrap();
    assert_eq!((usage.documents, usage.chunks, usage.pages), (0, 0, 0));
    let again = plant.add(named("pump.md"), PUMP).await;
    assert_ne!(again.document_id, uploaded.document_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_deletion_was_cut_off_goes_at_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(named("pump.md"), PUMP).await;
    let kept = plant.add(named("motor.md"), "# Motor\n\nGrease every 4,000 hours.\n").await;
    let blobs = dir.path().join("tenants").join(plant.tenant.to_string()).join("blobs");
    let file = blobs.join(uploaded.revision_id.to_string());
    let bytes = std::fs::read(&file).unwrap();
    let ctx = plant.console().await;
    document_delete(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    drop(ctx);
    plant.close().await;
    std::fs::write(&file, bytes).unwrap();
    let plant = Plant::at(dir.path()).await;
    let ctx = plant.console().await;
    // Nothing is uploaded: looking is enough.
    assert_eq!(plant.search(&ctx, "grease hours").await.len(), 1);
    assert_eq!(ctx.blobs().list().unwrap().0, [kept.revision_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    for i in 0..5 {
        let tags = vec![if i % 2 == 0 { "Even".to_owned() } else { "odd".to_owned() }];
        plant
            .upload(NewRevision { tags, ..named(&format!("doc-{i}.md")) }, &format!("# {i}"))
            .await
            .unwrap();
        plant.clock.advance_ms(1000);
    }
    let ctx = plant.console().await;
    let list = |filter, after| {
        let permit = authorize(&ctx).unwrap();
        async move { document_list(permit, filter, after, 2).await.unwrap() }
    };
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = list(DocumentFilter::default(), after).await;
        keys.extend(page.documents.into_iter().map(|d| d.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["doc-4", "doc-3", "doc-2", "doc-1", "doc-0"]);
    let even = list(DocumentFilter { tag: Some("even".into()), ..Default::default() }, None).await;
    assert_eq!(even.documents.len(), 2);
    assert!(even.next.is_some());
    let text = DocumentFilter { text: Some("DOC-3".into()), ..Default::default() };
    assert_eq!(list(text, None).await.documents.len(), 1);
}
