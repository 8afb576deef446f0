#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver};

use models::TextKind;
use models::protocol::{Call, CallBody, Priority};

use super::batch::{run_batch, tokens_per_batch};
use super::*;

fn embedder() -> Embedder {
    let threads = NonZeroUsize::new(2).unwrap();
    Embedder::load(&EmbedderOptions { threads, ..EmbedderOptions::default() }).unwrap()
}

fn call(id: u64, priority: Priority, texts: Vec<String>) -> Call {
    let body = CallBody::Embed { texts, kind: TextKind::Passage };
    Call { id: CallId(id), priority, deadline_ms: 600_000, body }
}

/// Texts that fill the window.
fn long_texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("valve {n} ").repeat(WINDOW_TOKENS)).collect()
}

type Answer = (u64, Result<AnswerBody, WorkerError>);

/// Outbox, and the answers that came out of it.
fn outbox() -> (Outbox, Receiver<Answer>) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (answers, received) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(Some(message)) = frame::read::<FromWorker>(&mut theirs) {
            match message {
                FromWorker::Response { id, part: ResponsePart::Final(result) } => {
                    answers.send((id.0, result)).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    });
    (Outbox { socket: Mutex::new(ours) }, received)
}

/// What is answered up to a mark that is sent after it.
fn answered(outbox: &Outbox, received: &Receiver<Answer>) -> Vec<Answer> {
    outbox.answer(CallId(u64::MAX), Ok(AnswerBody::Pong)).unwrap();
    received.iter().take_while(|(id, _)| *id != u64::MAX).collect()
}

#[test]
fn a_person_waits_for_one_batch_of_bulk_work_and_no_more() {
    let (embedder, queue) = (embedder(), Queue::default());
    let (outbox, socket) = outbox();
    for id in 1..=3 {
        queue.accept(call(id, Priority::Ingest, long_texts(32))).unwrap();
    }
    // The batch that has begun when the person's call arrives.
    run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
    queue.accept(call(9, Priority::Interactive, vec!["Which torque?".to_owned()])).unwrap();
    assert!(answered(&outbox, &socket).is_empty(), "32 long texts are more than a batch");
    run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
    let answers = answered(&outbox, &socket);
    assert!(matches!(answers.as_slice(), [(9, Ok(AnswerBody::Embeddings(e)))] if e.len() == 1));
    // Then bulk work goes on where it stopped, in its order.
    let mut order = Vec::new();
    while order.len() < 3 {
        run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
        for (id, result) in answered(&outbox, &socket) {
            assert!(matches!(result, Ok(AnswerBody::Embeddings(e)) if e.len() == 32));
            order.push(id);
        }
    }
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn small_calls_of_a_kind_share_a_batch() {
    let (embedder, queue) = (embedder(), Queue::default());
    let (outbox, socket) = outbox();
    for id in 1..=5 {
        queue.accept(call(id, Priority::Agent, vec![format!("question {id}")])).unwrap();
    }
    run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
    let mut answers = answered(&outbox, &socket);
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let alone = embedder.embed(&["question 4"]).unwrap();
    assert_eq!(answers[3].1, Ok(AnswerBody::Embeddings(alone)));
}

#[test]
fn a_batch_is_bounded() {
    let (embedder, queue) = (embedder(), Queue::default());
    let (outbox, _socket) = outbox();
    queue.accept(call(1, Priority::Ingest, long_texts(40))).unwrap();
    let mut batches = 0;
    while queue.holds_calls() {
        run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
        batches += 1;
    }
    let tokens = 40 * WINDOW_TOKENS;
    assert_eq!(batches, tokens.div_ceil(tokens_per_batch(&embedder)));
}

#[test]
fn a_late_or_cancelled_call_is_not_computed() {
    let (embedder, queue) = (embedder(), Queue::default());
    let (outbox, socket) = outbox();
    queue.accept(Call { deadline_ms: 0, ..call(1, Priority::Agent, vec!["x".into()]) }).unwrap();
    run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
    assert_eq!(answered(&outbox, &socket), [(1, Err(WorkerError::DeadlinePassed))]);

    queue.accept(call(2, Priority::Agent, long_texts(64))).unwrap();
    let job = queue.take().unwrap();
    assert!(!queue.cancel(CallId(2)), "it is being computed");
    run_batch(&embedder, &queue, &outbox, job).unwrap();
    assert_eq!(answered(&outbox, &socket), [(2, Err(WorkerError::Cancelled))]);
    assert!(!queue.holds_calls());
}

#[test]
fn tokens_are_counted_and_placed_in_turn() {
    let (embedder, queue) = (embedder(), Queue::default());
    let (outbox, socket) = outbox();
    let texts = vec!["six bar".to_owned(), String::new(), "x ".repeat(300_000)];
    for (id, body) in [
        (1, CallBody::CountTokens { texts: texts.clone() }),
        (2, CallBody::TokenSpans { texts }),
        (3, CallBody::Ping),
    ] {
        let priority = Priority::Agent;
        queue.accept(Call { id: CallId(id), priority, deadline_ms: 600_000, body }).unwrap();
    }
    let mut answers = Vec::new();
    while queue.holds_calls() {
        run_batch(&embedder, &queue, &outbox, queue.take().unwrap()).unwrap();
        answers.extend(answered(&outbox, &socket));
    }
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers[0].1, Ok(AnswerBody::TokenCounts(vec![2, 0, 300_000])));
    let Ok(AnswerBody::TokenSpans(spans)) = &answers[1].1 else { panic!("{:?}", answers[1]) };
    assert_eq!(spans.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 300_000]);
    assert_eq!(answers[2].1, Ok(AnswerBody::Pong));
}

#[test]
fn a_call_beyond_the_limits_is_refused_with_the_field() {
    let queue: Queue = Queue::default();
    let body = CallBody::CountTokens { texts: vec!["x".repeat(2 << 20)] };
    let call = Call { id: CallId(1), priority: Priority::Agent, deadline_ms: 1, body };
    let refused = queue.accept(call).unwrap_err();
    assert!(matches!(refused, WorkerError::Invalid { field, .. } if field == "texts[0]"));
}
