//! Changing title, label, tags and metadata of what is stored.

use base::{Classification, Coded as _, ExportControl, Role};
use knowledge::{
    DocumentChange, KnowledgeError, Labelled, NewRevision, Uploaded, document_change, document_get,
    questions_suggested,
};
use policy::authorize;
use store::TenantCtx;

use crate::plant::Plant;

const PUMP: &str = "# Transfer pump\n\n## Values\n\nThe coupling gap of pump P-7 is 3 mm.\n";

fn named() -> NewRevision {
    NewRevision { key: Some("PN-7".into()), ..NewRevision::named("pump.md") }
}

fn because(reason: &str) -> DocumentChange {
    DocumentChange { reason: reason.into(), ..DocumentChange::default() }
}

async fn change(
    ctx: &TenantCtx,
    uploaded: &Uploaded,
    change: DocumentChange,
) -> Result<knowledge::Document, KnowledgeError> {
    document_change(authorize(ctx).unwrap(), uploaded.document_id, change).await
}

async fn person(plant: &Plant, role: Role, clearance: Classification) -> TenantCtx {
    plant.acting_as(Some(plant.person(role, clearance).await)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_label_hides_and_a_lowered_one_shows_from_the_commit_on() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let added = plant.add(named(), PUMP).await;
    let viewer = person(&plant, Role::Viewer, Classification::Internal).await;
    let keeper = person(&plant, Role::Operator, Classification::Confidential).await;
    assert_eq!(plant.search(&viewer, "coupling gap").await.len(), 1);

    let to = |classification| DocumentChange {
        classification: Some(classification),
        ..because("found to be secret")
    };
    let raised = change(&keeper, &added, to(Classification::Confidential)).await.unwrap();
    assert_eq!(raised.current.label.classification, Classification::Confidential);
    assert!(plant.search(&viewer, "coupling gap").await.is_empty());
    let gone = document_get(authorize(&viewer).unwrap(), added.document_id).await;
    assert_eq!(gone.unwrap_err().code(), "document_not_found");
    assert_eq!(plant.search(&keeper, "coupling gap").await.len(), 1);
    // The index that is opened anew holds to it as well.
    drop((viewer, keeper));
    plant.close().await;
    let plant = Plant::at(dir.path()).await;
    let viewer = person(&plant, Role::Viewer, Classification::Internal).await;
    let keeper = person(&plant, Role::Operator, Classification::Confidential).await;
    assert!(plant.search(&viewer, "coupling gap").await.is_empty());
    change(&keeper, &added, to(Classification::Public)).await.unwrap();
    assert_eq!(plant.search(&viewer, "coupling gap").await.len(), 1);

    // Nobody gives what they could not see, and nobody learns of what they may not see.
    let refused = change(&keeper, &added, to(Classification::Restricted)).await.unwrap_err();
    assert_eq!(refused.code(), "label_not_allowed");
    let controlled =
        DocumentChange { export_control: Some(ExportControl::Controlled), ..because("x") };
    assert_eq!(
        change(&keeper, &added, controlled.clone()).await.unwrap_err().code(),
        "label_not_allowed"
    );
    let console = plant.console().await;
    change(&console, &added, controlled).await.unwrap();
    assert!(plant.search(&keeper, "coupling gap").await.is_empty());
    let hidden = change(&keeper, &added, because("x")).await.unwrap_err();
    assert_eq!(hidden.code(), "document_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_title_and_new_tags_are_found_and_the_old_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let tags = vec!["old".to_owned()];
    let added = plant.add(NewRevision { tags, ..named() }, PUMP).await;
    let ctx = plant.console().await;
    let found = async |line: &str| plant.search(&ctx, line).await.len();
    assert_eq!((found("title:transfer gap").await, found("tag:old gap").await), (1, 1));
    let metadata = serde_json::json!({ "line": 4 }).as_object().unwrap().clone();
    let asked = DocumentChange {
        title: Some(" Circulation  pump ".into()),
        tags: Some(vec!["New".into(), "new".into()]),
        metadata: Some(metadata.clone()),
        ..because("named wrongly")
    };
    let changed = change(&ctx, &added, asked).await.unwrap();
    assert_eq!(changed.title, "Circulation pump");
    assert_eq!(
        (changed.current.tags, changed.current.metadata),
        (vec!["new".to_owned()], metadata)
    );
    assert_eq!((found("title:transfer gap").await, found("tag:old gap").await), (0, 0));
    assert_eq!((found("title:circulation gap").await, found("tag:new gap").await), (1, 1));
    assert_eq!(plant.search(&ctx, "coupling gap").await[0].document_title, "Circulation pump");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_reason_or_content_is_refused_by_field() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let added = plant.add(named(), PUMP).await;
    let ctx = plant.console().await;
    let titled =
        |reason: &str, title: &str| DocumentChange { title: Some(title.into()), ..because(reason) };
    for (asked, field) in [
        (titled(" ", "A"), "reason"),
        (titled(&"x".repeat(501), "A"), "reason"),
        (titled("x", " "), "title"),
        (because("x"), "body"),
        (DocumentChange { tags: Some(vec!["t".repeat(65)]), ..because("x") }, "tags"),
    ] {
        let refused = change(&ctx, &added, asked).await.unwrap_err();
        assert_eq!(refused.violation().map(|v| v.field).as_deref(), Some(field));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_revisions_get_a_label_only_from_somebody_who_may_see_all() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let secret = NewRevision { classification: Classification::Restricted, ..named() };
    plant.add(secret, "# Transfer pump\n\nThe coupling gap of pump P-7 is 2 mm.\n").await;
    let added = plant.add(named(), PUMP).await;
    let keeper = person(&plant, Role::Operator, Classification::Confidential).await;
    let all = DocumentChange {
        classification: Some(Classification::Confidential),
        labelled: Labelled::All,
        ..because("the whole series")
    };
    let refused = change(&keeper, &added, all.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "revision_wrong_state");
    let console = plant.console().await;
    change(&console, &added, all).await.unwrap();
    let details = document_get(authorize(&keeper).unwrap(), added.document_id).await.unwrap();
    let labels: Vec<_> = details.revisions.iter().map(|r| r.label.classification).collect();
    assert_eq!(labels, [Classification::Confidential; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_questions_come_from_what_one_may_see() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named(), PUMP).await;
    let german = NewRevision { language: Some("de".into()), ..NewRevision::named("motor.md") };
    plant.add(german, "# Motor\n\nDas Anzugsmoment der Flanschschrauben beträgt 90 N·m.\n").await;
    let secret = NewRevision {
        classification: Classification::Restricted,
        ..NewRevision::named("secret.md")
    };
    plant.add(secret, "# Secret\n\nThe blast radius of tank T-1 is 40 m.\n").await;
    let viewer = person(&plant, Role::Viewer, Classification::Internal).await;
    let asked = async |language: &str| {
        let permit = authorize(&viewer).unwrap();
        let found = questions_suggested(permit, Some(language.to_owned())).await.unwrap();
        found.into_iter().map(|question| question.text).collect::<Vec<_>>()
    };
    let english = "What is the coupling gap of pump P-7?";
    let german = "Welchen Wert hat das Anzugsmoment der Flanschschrauben?";
    assert_eq!(asked("en").await, [english, german]);
    assert_eq!(asked("de-AT").await, [german, english]);
}
