//! Which revision answers at which moment.

use base::{Label, Timestamp};
use knowledge::{
    KnowledgeError, NewRevision, RevisionState, Standing, revision_list, revision_supersede,
    revision_withdraw,
};
use policy::authorize;

use crate::plant::{Plant, START};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn text(torque: u32) -> String {
    format!("# Flange bolts\n\nTighten the flange bolts to {torque} N·m.\n")
}

fn named() -> NewRevision {
    NewRevision::named("torques.md")
}

async fn torque(plant: &Plant) -> Vec<String> {
    let ctx = plant.console().await;
    let found = plant.search(&ctx, "torque flange bolts").await;
    found.into_iter().map(|passage| passage.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_takes_the_place_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named(), &text(80)).await;
    let second = plant.add(named(), &text(90)).await;
    assert_eq!(second.revision_number, 2);
    let found = torque(&plant).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("90 N·m"));
    let ctx = plant.console().await;
    let revisions = revision_list(authorize(&ctx).unwrap(), second.document_id).await.unwrap();
    let standings: Vec<Standing> = revisions.iter().map(|r| r.standing).collect();
    assert_eq!(standings, [Standing::Valid, Standing::Superseded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_of_the_future_waits_for_its_day() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named(), &text(80)).await;
    let tomorrow = Timestamp::parse(START).unwrap().plus_ms(DAY_MS);
    let new = NewRevision { effective_from: Some(tomorrow), ..named() };
    plant.add(new, &text(90)).await;
    assert!(torque(&plant).await[0].contains("80 N·m"));
    plant.clock.advance_ms(DAY_MS);
    let found = torque(&plant).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("90 N·m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_older_comes_back_after_a_withdrawal_or_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named(), &text(80)).await;
    let second = plant.add(named(), &text(90)).await;
    let ctx = plant.console().await;
    let (document, revision) = (second.document_id, second.revision_id);
    let withdrawn =
        revision_withdraw(authorize(&ctx).unwrap(), document, revision, Some("wrong".into()))
            .await
            .unwrap();
    assert_eq!(withdrawn.standing, Standing::Withdrawn);
    assert_eq!(torque(&plant).await, Vec::<String>::new());
    let twice = revision_withdraw(authorize(&ctx).unwrap(), document, revision, None).await;
    assert!(twice.is_err());
    let end = Timestamp::parse(START).unwrap().plus_ms(DAY_MS);
    plant.add(NewRevision { effective_to: Some(end), ..named() }, &text(95)).await;
    assert!(torque(&plant).await[0].contains("95 N·m"));
    plant.clock.advance_ms(DAY_MS);
    assert_eq!(torque(&plant).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawing_what_has_not_begun_leaves_the_valid_one() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(named(), &text(80)).await;
    let tomorrow = Timestamp::parse(START).unwrap().plus_ms(DAY_MS);
    let next =
        plant.add(NewRevision { effective_from: Some(tomorrow), ..named() }, &text(90)).await;
    let ctx = plant.console().await;
    revision_withdraw(authorize(&ctx).unwrap(), next.document_id, next.revision_id, None)
        .await
        .unwrap();
    plant.clock.advance_ms(DAY_MS);
    assert!(torque(&plant).await[0].contains("80 N·m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stopped_counting_meanwhile_can_not_be_shown_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let added = plant.add(named(), &text(80)).await;
    let (document, revision) = (added.document_id, added.revision_id);
    let ctx = plant.console().await;
    let now = plant.store.now();
    let label = plant.document(&added).await.current.label;
    let check = || ctx.read(move |tx| knowledge::still_valid(tx, &[revision], label, now));
    check().await.unwrap();
    let below = ctx.read(move |tx| knowledge::still_valid(tx, &[revision], Label::TYPED, now));
    assert!(matches!(below.await, Err(KnowledgeError::Overtaken)));
    revision_withdraw(authorize(&ctx).unwrap(), document, revision, None).await.unwrap();
    assert!(matches!(check().await, Err(KnowledgeError::Overtaken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_revision_is_not_retrieved() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let only = plant.add(named(), &text(80)).await;
    let ctx = plant.console().await;
    let after = revision_supersede(authorize(&ctx).unwrap(), only.document_id, only.revision_id)
        .await
        .unwrap();
    assert_eq!((after.standing, after.state), (Standing::Superseded, RevisionState::Ready));
    assert_eq!(torque(&plant).await, Vec::<String>::new());
}
