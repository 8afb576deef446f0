//! What is above somebody's rights is not there.

use base::{Classification, Coded as _, PageNumber, Role};
use knowledge::{
    DocumentFilter, KnowledgeError, NewRevision, SearchFilters, SearchInput, citations_of,
    document_by_key, document_disclosures, document_get, document_list, original_open, page_text,
    revision_get, search,
};
use policy::authorize;

use crate::plant::Plant;

const SECRET: &str = "# Protection plan\n\nThe emergency link is opened with slide S-40.\n";

fn restricted() -> NewRevision {
    NewRevision { classification: Classification::Restricted, ..NewRevision::named("plan.md") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_above_the_clearance_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let secret = plant.add(restricted(), SECRET).await;
    let person = plant.person(Role::Operator, Classification::Internal).await;
    let ctx = plant.acting_as(Some(person)).await;
    let (document, revision) = (secret.document_id, secret.revision_id);
    let listed = document_list(authorize(&ctx).unwrap(), DocumentFilter::default(), None, 10).await;
    assert!(listed.unwrap().documents.is_empty());
    let codes = [
        document_get(authorize(&ctx).unwrap(), document).await.unwrap_err().code(),
        document_by_key(authorize(&ctx).unwrap(), "plan".into()).await.unwrap_err().code(),
        revision_get(authorize(&ctx).unwrap(), document, revision).await.unwrap_err().code(),
        page_text(authorize(&ctx).unwrap(), document, revision, PageNumber(1))
            .await
            .unwrap_err()
            .code(),
        original_open(authorize(&ctx).unwrap(), document, revision).await.err().unwrap().code(),
        citations_of(authorize(&ctx).unwrap(), document, revision, 10).await.unwrap_err().code(),
        knowledge::document_delete(authorize(&ctx).unwrap(), document).await.unwrap_err().code(),
        knowledge::document_reindex(authorize(&ctx).unwrap(), document).await.unwrap_err().code(),
    ];
    assert_eq!(codes, ["document_not_found"; 8]);
    for query in ["emergency link slide", "S-40", "\"emergency link\""] {
        assert!(plant.search(&ctx, query).await.is_empty(), "{query}");
    }
    assert!(!plant.search(&plant.console().await, "S-40").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_above_the_clearance_cannot_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let person = plant.person(Role::Operator, Classification::Internal).await;
    let ctx = plant.acting_as(Some(person)).await;
    let upload = tokio::task::spawn_blocking(move || {
        let permit = authorize(&ctx).unwrap();
        knowledge::document_upload(&permit, restricted(), &mut SECRET.as_bytes())
    });
    let refused = upload.await.unwrap().unwrap_err();
    assert_eq!(refused.violation().map(|v| v.field), Some("classification".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_key_of_a_hidden_document_is_not_explained() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(restricted(), SECRET).await;
    let person = plant.person(Role::Operator, Classification::Internal).await;
    let ctx = plant.acting_as(Some(person)).await;
    let upload = tokio::task::spawn_blocking(move || {
        let permit = authorize(&ctx).unwrap();
        knowledge::document_upload(&permit, NewRevision::named("plan.md"), &mut &b"# Mine"[..])
    });
    let refused = upload.await.unwrap();
    assert!(matches!(refused, Err(KnowledgeError::Invalid(v)) if v.field == "key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let tagged = |file: &str, tag: &str, language: &str| NewRevision {
        tags: vec![tag.into()],
        language: Some(language.into()),
        ..NewRevision::named(file)
    };
    plant.add(tagged("a.md", "Pumps", "en"), "# A\n\nThe pressure is 6 bar in line one.\n").await;
    plant
        .add(tagged("b.md", "valves", "de-AT"), "# B\n\nThe pressure is 9 bar in line two.\n")
        .await;
    let ctx = plant.console().await;
    for (filters, key) in [
        (SearchFilters { tags: vec!["pumps".into()], ..Default::default() }, "a"),
        (SearchFilters { languages: vec!["de".into()], ..Default::default() }, "b"),
        (SearchFilters { document_keys: vec!["b".into()], ..Default::default() }, "b"),
    ] {
        let input = SearchInput { query: "pressure bar".into(), filters, limit: 10 };
        let found = search(authorize(&ctx).unwrap(), &plant.library, input).await.unwrap();
        let keys: Vec<&str> = found.passages.iter().map(|p| p.document_key.as_str()).collect();
        assert_eq!(keys, [key]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_recorded_without_its_text() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(restricted(), SECRET).await;
    let ctx = plant.console().await;
    let found = plant.search(&ctx, "emergency link").await;
    let filter = store::AuditFilter { action: Some("passages.shown".into()), ..Default::default() };
    let page = ctx.read(move |tx| store::audit_entries(tx, &filter, 10)).await.unwrap();
    let [row] = page.rows.as_slice() else { panic!("{page:?}") };
    let text = String::from_utf8(row.entry.canonical()).unwrap();
    assert!(text.contains(&found[0].chunk_id.to_string()) && text.contains("RESTRICTED"), "{text}");
    assert!(!text.contains("slide") && !text.contains("emergency"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_a_document_is_read_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let pump = plant.add(NewRevision::named("pump.md"), "# Pump\n\nThe gap is 3 mm.\n").await;
    let motor = plant.add(NewRevision::named("motor.md"), "# Motor\n\nGrease it.\n").await;
    let reader = plant.person(Role::Viewer, Classification::Internal).await;
    let ctx = plant.acting_as(Some(reader)).await;
    assert!(!plant.search(&ctx, "gap").await.is_empty());
    let page = PageNumber(1);
    let read = page_text(authorize(&ctx).unwrap(), pump.document_id, pump.revision_id, page);
    read.await.unwrap();
    document_get(authorize(&ctx).unwrap(), motor.document_id).await.unwrap();
    let console = plant.console().await;
    let seen = async |document, before, limit| {
        let permit = authorize(&console).unwrap();
        document_disclosures(permit, document, before, limit).await.unwrap()
    };
    let all = seen(pump.document_id, None, 50).await;
    let told: Vec<_> = all
        .disclosures
        .iter()
        .map(|one| (one.action.as_str(), one.actor.clone(), one.revisions.clone(), one.page))
        .collect();
    // The plant's people act through the console here.
    let actor = "console".to_owned();
    assert_eq!(
        told,
        [
            ("page.read", actor.clone(), vec![pump.revision_id], Some(1)),
            ("passages.shown", actor.clone(), vec![pump.revision_id], None),
        ]
    );
    assert_eq!(all.disclosures[1].chunks.len(), 1);
    assert!(all.next.is_none());
    // Page by page it is the same.
    let first = seen(pump.document_id, None, 1).await;
    let second = seen(pump.document_id, first.next, 1).await;
    let paged: Vec<_> = first.disclosures.into_iter().chain(second.disclosures).collect();
    assert_eq!(paged, all.disclosures);
    assert_eq!(seen(motor.document_id, None, 50).await.disclosures[0].action, "document.read");
}
