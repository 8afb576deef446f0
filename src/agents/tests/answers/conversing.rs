//! Conversations: follow-ups, whose they are, and what is withheld.

use agents::{
    AgentError, Author, ConversationChange, FeedbackInput, FeedbackReason, Rating,
    conversation_change, conversation_delete, conversation_get, conversation_list,
    conversation_search, feedback_give, feedback_list,
};
use base::{Classification, Role};
use knowledge::NewRevision;
use policy::authorize;

use crate::plant::Plant;
use crate::{ask, ask_in, idle, plant};

fn titled(title: &str) -> ConversationChange {
    ConversationChange { title: Some(title.into()), pinned: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_is_completed_from_its_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let first =
        ask(&plant, &ctx, "How much grease goes into the drive end bearing of P-101?").await;
    assert!(first.text.contains("20 g"), "{}", first.text);
    let conversation = Some(first.conversation_id);
    let second =
        ask_in(&plant, &ctx, "How often is it regreased at the drive end?", conversation).await;
    assert_eq!(second.conversation_id, first.conversation_id);
    let resolved = second.receipt.resolved_question.as_deref().unwrap_or_default();
    assert!(resolved.contains("P-101"), "{resolved}");
    assert!(second.text.contains("2,000 hours"), "{}", second.text);
    let permit = authorize(&ctx).unwrap();
    let details = conversation_get(permit, first.conversation_id, None, 50).await.unwrap();
    let authors: Vec<Author> = details.messages.iter().map(|m| m.author).collect();
    assert_eq!(authors, [Author::Person, Author::Appliance, Author::Person, Author::Appliance]);
    let stored = &details.messages[3];
    assert_eq!(stored.citations, second.citations);
    assert_eq!(stored.receipt.as_ref(), Some(&second.receipt));
    assert_eq!(stored.text, second.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_elses_conversation_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let owner =
        plant.acting_as(Some(plant.person(Role::Viewer, Classification::Internal).await)).await;
    let other =
        plant.acting_as(Some(plant.person(Role::Admin, Classification::Restricted).await)).await;
    let id = ask(&plant, &owner, "What colour are our padlocks?").await.conversation_id;
    let errors = [
        conversation_get(authorize(&other).unwrap(), id, None, 10).await.err(),
        conversation_change(authorize(&other).unwrap(), id, titled("Mine")).await.err(),
        conversation_delete(authorize(&other).unwrap(), id).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(AgentError::ConversationNotFound)), "{error:?}");
    }
    let input = agents::AskInput { message: "And?".into(), conversation_id: Some(id), agent: None };
    let asked = agents::question(&authorize(&other).unwrap(), &idle(&plant), input).await;
    assert!(matches!(asked, Err(AgentError::ConversationNotFound)));
    let list = conversation_list(authorize(&other).unwrap(), None, 10).await.unwrap();
    assert!(list.conversations.is_empty());
    let found = conversation_search(authorize(&other).unwrap(), "padlocks".into(), None, 10).await;
    assert!(found.unwrap().hits.is_empty());
    assert_eq!(
        conversation_list(authorize(&owner).unwrap(), None, 10).await.unwrap().conversations.len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_found_renamed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let mut ids = Vec::new();
    for question in ["What colour are our padlocks?", "Torque of P-101?", "Grease of P-101?"] {
        ids.push(ask(&plant, &ctx, question).await.conversation_id);
        plant.clock.advance_ms(1000);
    }
    let first = conversation_list(authorize(&ctx).unwrap(), None, 2).await.unwrap();
    let listed: Vec<_> = first.conversations.iter().map(|c| c.id).collect();
    assert_eq!(listed, [ids[2], ids[1]]);
    let rest = conversation_list(authorize(&ctx).unwrap(), first.next, 2).await.unwrap();
    assert_eq!(rest.conversations.iter().map(|c| c.id).collect::<Vec<_>>(), [ids[0]]);
    assert!(rest.next.is_none());
    let search = async |text: &str, after, limit| {
        conversation_search(authorize(&ctx).unwrap(), text.into(), after, limit).await.unwrap()
    };
    let hits = search("PADLOCKS", None, 10).await.hits;
    assert!(hits.iter().all(|hit| hit.conversation.id == ids[0]) && !hits.is_empty());
    let renamed = conversation_change(authorize(&ctx).unwrap(), ids[0], titled(" Lock\ncolours "));
    assert_eq!(renamed.await.unwrap().title, "Lock colours");
    // By title too, and page by page.
    let titled = search("k COL", None, 10).await.hits;
    assert_eq!(titled.iter().map(|hit| hit.conversation.id).collect::<Vec<_>>(), [ids[0]]);
    let all = search("p-101", None, 10).await;
    assert!(all.hits.len() >= 3 && all.next.is_none(), "{all:?}");
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = search("p-101", after, 2).await;
        paged.extend(page.hits);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.hits);
    conversation_delete(authorize(&ctx).unwrap(), ids[0]).await.unwrap();
    let gone = conversation_get(authorize(&ctx).unwrap(), ids[0], None, 10).await;
    assert!(matches!(gone, Err(AgentError::ConversationNotFound)));
    assert!(search("padlocks", None, 10).await.hits.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_conversations_stand_first_on_every_page() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let mut ids = Vec::new();
    for question in ["What colour are our padlocks?", "Torque of P-101?", "Grease of P-101?"] {
        ids.push(ask(&plant, &ctx, question).await.conversation_id);
        plant.clock.advance_ms(1000);
    }
    let pin = async |id, pinned| {
        let change = ConversationChange { title: None, pinned: Some(pinned) };
        conversation_change(authorize(&ctx).unwrap(), id, change).await.unwrap()
    };
    let listed = async || {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = conversation_list(authorize(&ctx).unwrap(), after, 1).await.unwrap();
            listed.extend(page.conversations.iter().map(|c| (c.id, c.pinned)));
            after = page.next;
            if after.is_none() {
                return listed;
            }
        }
    };
    let before = conversation_list(authorize(&ctx).unwrap(), None, 10).await.unwrap();
    let pinned = pin(ids[0], true).await;
    // Pinning is no news of the conversation.
    assert_eq!(pinned.updated_at, before.conversations[2].updated_at);
    assert!(pinned.pinned && pinned.title.contains("padlocks"));
    assert_eq!(listed().await, [(ids[0], true), (ids[2], false), (ids[1], false)]);
    pin(ids[1], true).await;
    assert_eq!(listed().await, [(ids[1], true), (ids[0], true), (ids[2], false)]);
    pin(ids[0], false).await;
    assert_eq!(listed().await, [(ids[1], true), (ids[2], false), (ids[0], false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_for_ones_own_answers_and_shows_nobody_the_question() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let owner =
        plant.acting_as(Some(plant.person(Role::Viewer, Classification::Internal).await)).await;
    let admin =
        plant.acting_as(Some(plant.person(Role::Admin, Classification::Public).await)).await;
    let answer = ask(&plant, &owner, "What colour are our padlocks?").await;
    let said = |message_id, rating, reason, comment: &str| FeedbackInput {
        message_id,
        rating,
        reason,
        comment: Some(comment.into()),
    };
    let wrong = Some(FeedbackReason::Wrong);
    for (ctx, message) in [(&admin, answer.message_id), (&owner, answer.question_id)] {
        let input = said(message, Rating::Up, None, "");
        let refused = feedback_give(authorize(ctx).unwrap(), input).await;
        assert!(matches!(refused, Err(AgentError::MessageNotFound)), "{refused:?}");
    }
    let input = said(answer.message_id, Rating::Up, wrong, "");
    let refused = feedback_give(authorize(&owner).unwrap(), input).await;
    assert!(matches!(refused, Err(AgentError::Invalid(v)) if v.field == "reason"));

    let input = said(answer.message_id, Rating::Up, None, "  ");
    let given = feedback_give(authorize(&owner).unwrap(), input).await.unwrap();
    assert_eq!((given.rating, given.comment), (Rating::Up, None));
    plant.clock.advance_ms(1000);
    let input = said(answer.message_id, Rating::Down, wrong, "They are red.");
    let given = feedback_give(authorize(&owner).unwrap(), input).await.unwrap();
    let id = answer.conversation_id;
    let details = conversation_get(authorize(&owner).unwrap(), id, None, 10).await.unwrap();
    assert_eq!(details.feedback, std::slice::from_ref(&given), "the second replaced the first");
    let behind = conversation_get(authorize(&owner).unwrap(), id, Some(2), 10).await.unwrap();
    assert!(behind.feedback.is_empty());

    // Whoever may not see the answer does not read about it either.
    let page = feedback_list(authorize(&admin).unwrap(), None, None, 10).await.unwrap();
    let [entry] = page.entries.as_slice() else { panic!("{page:?}") };
    assert!(entry.withheld && entry.feedback.comment.is_none() && entry.documents.is_empty());
    assert_eq!((page.totals.up, page.totals.down), (0, 1));
    assert_eq!(page.totals.reasons, [(FeedbackReason::Wrong, 1)]);
    let console = plant.console().await;
    let page = feedback_list(authorize(&console).unwrap(), Some(Rating::Down), None, 10).await;
    let entries = page.unwrap().entries;
    assert_eq!(entries[0].feedback, given);
    assert_eq!(entries[0].documents[0].key, "pump-manual");
    let praise = feedback_list(authorize(&console).unwrap(), Some(Rating::Up), None, 10).await;
    assert!(praise.unwrap().entries.is_empty());
    conversation_delete(authorize(&owner).unwrap(), id).await.unwrap();
    let gone = feedback_list(authorize(&console).unwrap(), None, None, 10).await.unwrap();
    assert!(gone.entries.is_empty() && gone.totals.down == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_present_rights_is_withheld() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let secret = NewRevision {
        classification: Classification::Confidential,
        ..NewRevision::named("network.md")
    };
    plant.add(secret, "# Network\n\nThe IP address of the PLC in PS1 is 10.41.10.10.\n").await;
    let user = plant.person(Role::Viewer, Classification::Confidential).await;
    let ctx = plant.acting_as(Some(user)).await;
    let given = ask(&plant, &ctx, "What is the IP address of the PLC in PS1?").await;
    assert!(given.text.contains("10.41.10.10"), "{}", given.text);
    let console = plant.console().await;
    console
        .write(move |tx| {
            tx.execute("UPDATE users SET clearance = 'INTERNAL' WHERE id = ?1", [user.as_bytes()])?;
            let event = audit::Event::new(audit::Action::new("user.changed")).object("user", user);
            tx.commit(event, ())
        })
        .await
        .unwrap();
    let ctx = plant.acting_as(Some(user)).await;
    let permit = authorize(&ctx).unwrap();
    let details = conversation_get(permit, given.conversation_id, None, 10).await.unwrap();
    let [question, answer] = details.messages.as_slice() else { panic!("{details:?}") };
    assert!(!question.withheld && answer.withheld);
    assert!(answer.text.is_empty() && answer.citations.is_empty() && answer.receipt.is_none());
    let found = conversation_search(authorize(&ctx).unwrap(), "10.41".into(), None, 10).await;
    assert!(found.unwrap().hits.is_empty());
    let again = ask(&plant, &ctx, "What is the IP address of the PLC in PS1?").await;
    assert!(again.refusal.is_some() && again.nearest.is_empty(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_become_as_secret_as_the_document_they_were_made_from() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let document = NewRevision::named("network.md");
    let uploaded = plant
        .add(document, "# Network\n\nThe IP address of the PLC in PS1 is 10.41.10.10.\n")
        .await;
    plant.add(NewRevision::named("pump-manual.md"), crate::MANUAL).await;
    let user = plant.person(Role::Viewer, Classification::Internal).await;
    let ctx = plant.acting_as(Some(user)).await;
    let quoted = ask(&plant, &ctx, "What is the IP address of the PLC in PS1?").await;
    assert!(quoted.text.contains("10.41.10.10"), "{}", quoted.text);
    let other = ask(&plant, &ctx, "What colour are our padlocks?").await;
    let console = plant.console().await;
    let raise = knowledge::DocumentChange {
        reason: "addresses are secret".into(),
        classification: Some(Classification::Confidential),
        ..knowledge::DocumentChange::default()
    };
    let permit = authorize(&console).unwrap();
    knowledge::document_change(permit, uploaded.document_id, raise).await.unwrap();
    let withheld = async |conversation| {
        let permit = authorize(&ctx).unwrap();
        let details = conversation_get(permit, conversation, None, 10).await.unwrap();
        details.messages.iter().map(|message| message.withheld).collect::<Vec<_>>()
    };
    assert_eq!(withheld(quoted.conversation_id).await, [false, true]);
    assert_eq!(withheld(other.conversation_id).await, [false, false]);
    let found = conversation_search(authorize(&ctx).unwrap(), "10.41".into(), None, 10).await;
    assert!(found.unwrap().hits.is_empty());
    // Made less secret again, the answer stays: it may have been made from other texts as well.
    let lower = knowledge::DocumentChange {
        reason: "a mistake".into(),
        classification: Some(Classification::Internal),
        ..knowledge::DocumentChange::default()
    };
    let permit = authorize(&console).unwrap();
    knowledge::document_change(permit, uploaded.document_id, lower).await.unwrap();
    assert_eq!(withheld(quoted.conversation_id).await, [false, true]);
}
