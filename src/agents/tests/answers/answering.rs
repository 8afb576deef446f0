//! Answers, refusals and their events.

use agents::{
    ANSWER_EVENTS_MAX, AgentError, AnswerEvent, AskInput, Minds, Refusal, answer, question,
};
use base::Coded as _;
use knowledge::{NewRevision, citations_of};
use policy::authorize;
use tokio::sync::mpsc;

use crate::{MANUAL, ask, bench, idle, plant};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_quotes_the_document_word_for_word() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let answer =
        ask(&plant, &ctx, "What is the tightening torque of the P-101 flange bolts?").await;
    assert_eq!(answer.refusal, None, "{:?}", answer.receipt.decision);
    let first = &answer.citations[0];
    assert!(first.quote.contains("90 N·m"), "{first:?}");
    assert_eq!(
        (first.document_key.as_str(), first.revision_number, first.page.0),
        ("pump-manual", 1, 1)
    );
    assert!(answer.text.contains(&format!("{} [1]", first.quote)));
    for citation in &answer.citations {
        let words = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
        let manual = MANUAL.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(manual.contains(&words), "{words} is not in the document");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documents_do_not_say_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    for question in [
        "What is the tightening torque of the P-104 flange bolts?",
        "When does the canteen open?",
        "Remedy for drive fault F30099?",
    ] {
        let answer = ask(&plant, &ctx, question).await;
        assert_eq!(answer.refusal, Some(Refusal::NotInDocuments), "{question}: {}", answer.text);
        assert!(answer.citations.is_empty() && !answer.receipt.decision.answerable);
    }
    let near = ask(&plant, &ctx, "What is the tightening torque of the P-104 flange bolts?").await;
    assert!(!near.nearest.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_names_what_was_shown_and_where_it_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let answer =
        ask(&plant, &ctx, "How much grease goes into the drive end bearing of P-101?").await;
    let receipt = &answer.receipt;
    assert_eq!(
        (receipt.mode.as_str(), receipt.embedder.as_deref()),
        ("quote", Some("hashed-words"))
    );
    assert_eq!(receipt.revisions, [answer.citations[0].revision_id]);
    assert!(receipt.chunks_shown.contains(&answer.citations[0].chunk_id));
    let filter = store::AuditFilter { action: Some("answer.given".into()), ..Default::default() };
    let page = ctx.read(move |tx| store::audit_entries(tx, &filter, 10)).await.unwrap();
    let entry = &page.rows[0].entry;
    assert_eq!(entry.index, receipt.audit_index);
    let text = String::from_utf8(entry.canonical()).unwrap();
    assert!(text.contains(&answer.message_id.to_string()));
    assert!(!text.contains("grease") && !text.contains("Lubrin"), "content in the log: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_the_work_and_then_show_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let (sender, mut receiver) = mpsc::channel(ANSWER_EVENTS_MAX);
    let input = AskInput { message: "What colour are our padlocks?".into(), ..Default::default() };
    let asked = question(&authorize(&ctx).unwrap(), &idle(&plant), input).await.unwrap();
    let none = Minds::none();
    let made = bench(&plant, &none);
    let asking = answer(authorize(&ctx).unwrap(), &made, asked, Some(sender));
    let listening = async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    };
    let (answer, events) = tokio::join!(asking, listening);
    let answer = answer.unwrap();
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    assert_eq!(kinds[..4], ["status"; 4]);
    let shown = kinds.iter().position(|k| *k != "status").unwrap();
    assert_eq!(kinds[shown], "citation");
    assert_eq!(kinds[kinds.len() - 2..], ["receipt", "done"]);
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            AnswerEvent::Token(piece) => Some(piece.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, answer.text);
}

fn kind(event: &AnswerEvent) -> &'static str {
    match event {
        AnswerEvent::Status(_) => "status",
        AnswerEvent::StepStarted { .. } => "step.started",
        AnswerEvent::StepToken { .. } => "step.token",
        AnswerEvent::StepFinished { .. } => "step.finished",
        AnswerEvent::Verdict(_) => "verdict",
        AnswerEvent::Traced(_) => "traced",
        AnswerEvent::Citation(_) => "citation",
        AnswerEvent::Token(_) => "token",
        AnswerEvent::Receipt(_) => "receipt",
        AnswerEvent::Error { .. } => "error",
        AnswerEvent::Done(_) => "done",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_for_somebody_who_went_away() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let input = AskInput { message: "What colour are our padlocks?".into(), ..Default::default() };
    let asked = question(&authorize(&ctx).unwrap(), &idle(&plant), input).await.unwrap();
    let permit = authorize(&ctx).unwrap();
    let result = answer(permit, &bench(&plant, &Minds::none()), asked, Some(sender)).await;
    assert!(matches!(result, Err(AgentError::Abandoned)));
    let list = agents::conversation_list(authorize(&ctx).unwrap(), None, 10).await.unwrap();
    assert!(list.conversations.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_name_their_field() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    for (message, agent, field) in [
        (" ", None, "message"),
        (&*"x".repeat(10_001), None, "message"),
        ("?", Some("oracle"), "agent"),
    ] {
        let input = AskInput {
            message: message.to_owned(),
            agent: agent.map(str::to_owned),
            conversation_id: None,
        };
        let error = question(&authorize(&ctx).unwrap(), &idle(&plant), input).await.unwrap_err();
        assert_eq!(error.violation().map(|v| v.field), Some(field.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_from_a_replaced_revision_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let given = ask(&plant, &ctx, "What is the tightening torque of the P-101 flange bolts?").await;
    let changed = MANUAL.replace("90 N·m", "95 N·m");
    plant.add(NewRevision::named("pump-manual.md"), &changed).await;
    let cited = &given.citations[0];
    let permit = authorize(&ctx).unwrap();
    let citing = citations_of(permit, cited.document_id, cited.revision_id, 10).await.unwrap();
    assert_eq!(citing.iter().map(|c| c.message_id).collect::<Vec<_>>(), [given.message_id]);
    let now = ask(&plant, &ctx, "What is the tightening torque of the P-101 flange bolts?").await;
    assert!(now.citations[0].quote.contains("95 N·m"));
    assert!(!now.text.contains("90 N·m"));
}
