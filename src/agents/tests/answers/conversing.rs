//! Conversations: follow-ups, whose they are, and what is withheld.

use agents::{
    AgentError, Author, conversation_delete, conversation_get, conversation_list,
    conversation_rename, conversation_search,
};
use base::{Classification, Role};
use knowledge::NewRevision;
use policy::authorize;

use crate::plant::Plant;
use crate::{ask, ask_in, plant};

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
        conversation_rename(authorize(&other).unwrap(), id, "Mine".into()).await.err(),
        conversation_delete(authorize(&other).unwrap(), id).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(AgentError::ConversationNotFound)), "{error:?}");
    }
    let input = agents::AskInput { message: "And?".into(), conversation_id: Some(id), agent: None };
    let asked = agents::question(&authorize(&other).unwrap(), input).await;
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
    let renamed = conversation_rename(authorize(&ctx).unwrap(), ids[0], " Lock\ncolours ".into());
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
