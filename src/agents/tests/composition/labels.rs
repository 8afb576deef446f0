//! What becomes of what was made from a document that becomes more secret.

use agents::workflow::{GateDecision, RunState, workflow_decide, workflow_get, workflow_list};
use base::{Classification, Coded as _, Role};
use knowledge::{DocumentChange, NewRevision, document_change};
use models::{ScriptedModel, ScriptedReply};
use policy::authorize;
use serde_json::json;

use crate::world::Shop;

const READS_THEN_ASKS: &str = r#"
name = "reads"
title = "Reads, then asks a person"
[step]
kind = "pipeline"
id = "all"
[[step.steps]]
kind = "tool"
id = "page"
tool = "read_page"
arguments = { document = "P-101", page = 1 }
[[step.steps]]
kind = "gate"
id = "may"
ask = "Go on?"
show = "${steps.page}"
[[step.steps]]
kind = "value"
id = "again"
value = "${steps.page}"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_as_secret_as_what_it_has_read_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), ScriptedModel::new("mute", |_| ScriptedReply::Hangs)).await;
    let manual = NewRevision { key: Some("P-101".into()), ..NewRevision::named("p-101.md") };
    let manual = shop.plant.add(manual, "# Pump P-101\n\nTighten the bolts to 90 N·m.\n").await;
    let ctx = shop.operator().await;
    let before = shop.run(&ctx, READS_THEN_ASKS, json!({})).await;
    assert_eq!(before.run.state, RunState::Waiting, "{before:#?}");
    assert_eq!(before.run.label.classification, Classification::Internal);

    let admin = shop.plant.person(Role::Admin, Classification::Restricted).await;
    let admin = shop.plant.acting_as(Some(admin)).await;
    let change = DocumentChange {
        reason: "counted wrongly".into(),
        classification: Some(Classification::Restricted),
        ..DocumentChange::default()
    };
    document_change(authorize(&admin).unwrap(), manual.document_id, change).await.unwrap();
    let hidden = workflow_get(authorize(&ctx).unwrap(), before.run.id).await.unwrap_err();
    assert_eq!(hidden.code(), "workflow_run_not_found");
    assert!(workflow_list(authorize(&ctx).unwrap(), None, 10).await.unwrap().runs.is_empty());
    let seen = workflow_get(authorize(&admin).unwrap(), before.run.id).await.unwrap();
    assert_eq!(seen.run.label.classification, Classification::Restricted);

    // Going on does not lower it: the run still has in hand what it has read.
    let decision = GateDecision {
        key: "may".into(),
        digest: seen.waiting[0].digest,
        approved: true,
        reason: None,
    };
    workflow_decide(authorize(&admin).unwrap(), before.run.id, decision).await.unwrap();
    let after = shop.ended(&admin, before.run.id).await;
    assert_eq!(after.run.state, RunState::Done, "{after:#?}");
    assert_eq!(after.run.label.classification, Classification::Restricted);
    shop.close().await;
}
