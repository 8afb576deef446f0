//! A completion as an event stream: `data:` lines, the last of them `[DONE]`.

use std::convert::Infallible;

use ::models::{ModelHash, Routed, TEXT_SINK_PIECES, TokenUsage};
use audit::Outcome;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::completion::Work;
use super::error;
use super::response::{Completion, Heading, finish_word};
use super::spending::{self, Spent};
use crate::output::{bytes_answer, streamed};
use crate::problem::Problem;

const EVENT_STREAM: &str = "text/event-stream";

/// Events that may wait for the network.
const EVENTS_WAITING: usize = 64;

/// Where events go.
type Events = mpsc::Sender<Bytes>;

fn event(data: &str) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

fn answer(receiver: mpsc::Receiver<Bytes>) -> Response {
    let events = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    bytes_answer(StatusCode::OK, EVENT_STREAM, streamed(events))
}

/// An answer that is whole already, as a stream of few pieces.
pub(super) fn whole(completion: &Completion, with_usage: bool) -> Result<Response, Problem> {
    let failed = |e| Problem::new("internal_error").with_cause(e);
    let value = serde_json::to_value(completion).map_err(failed)?;
    let mut events = Vec::new();
    let piece = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        json!({
            "id": value["id"], "object": "chat.completion.chunk", "created": value["created"],
            "model": value["model"], "choices": [choice],
        })
    };
    let content = &value["choices"][0]["message"]["content"];
    events.push(piece(json!({ "role": "assistant", "content": content }), Value::Null));
    let mut last = piece(json!({}), value["choices"][0]["finish_reason"].clone());
    last["millwright"] = value["millwright"].clone();
    events.push(last);
    if with_usage {
        let mut usage = piece(json!({}), Value::Null);
        usage["choices"] = json!([]);
        usage["usage"] = value["usage"].clone();
        events.push(usage);
    }
    let mut text: Vec<u8> = Vec::new();
    for data in events {
        text.extend(event(&data.to_string()));
    }
    text.extend(event("[DONE]"));
    Ok(bytes_answer(StatusCode::OK, EVENT_STREAM, text))
}

/// Begins to write, and sends what is written as it comes. When the reader goes, the writing ends, and
/// what was used until then is charged.
pub(super) fn open(work: Work, with_usage: bool) -> Response {
    let (events, receiver) = mpsc::channel(EVENTS_WAITING);
    tokio::spawn(run(work, events, with_usage).in_current_span());
    answer(receiver)
}

async fn run(work: Work, events: Events, with_usage: bool) {
    let (sink, mut pieces) = mpsc::channel(TEXT_SINK_PIECES);
    let heading = work.heading.clone();
    let mut sent = 0_u32;
    let outcome = {
        let writing = work.write(Some(sink));
        tokio::pin!(writing);
        let begin = heading.piece(&json!({ "role": "assistant", "content": "" }), None);
        let mut reading = events.send(event(&begin.to_string())).await.is_ok();
        loop {
            if !reading {
                break None;
            }
            tokio::select! {
                biased;
                () = events.closed() => reading = false,
                Some(piece) = pieces.recv() => {
                    sent = sent.saturating_add(1);
                    reading = send_text(&events, &heading, &piece).await;
                }
                outcome = &mut writing => break Some(outcome),
            }
        }
    };
    while let Ok(piece) = pieces.try_recv() {
        sent = sent.saturating_add(1);
        let _ = send_text(&events, &heading, &piece).await;
    }
    match outcome {
        Some(Ok(routed)) => finish(work, &events, &routed, with_usage).await,
        Some(Err(failure)) => {
            let problem = Problem::from(failure);
            problem.log();
            // Where nothing came, nothing is charged: it was not begun, or came to nothing.
            if sent > 0 {
                settle_broken(work, sent).await;
            }
            send_problem(&events, &problem).await;
        }
        None => {
            tracing::debug!("a reader left its completion; it is not written on");
            settle_broken(work, sent).await;
        }
    }
}

async fn finish(work: Work, events: &Events, routed: &Routed, with_usage: bool) {
    let generation = &routed.generation;
    let heading = work.heading.clone();
    let spent = Spent {
        tier: routed.tier,
        model: routed.model.hash,
        usage: generation.usage,
        outcome: Outcome::Success,
        streamed: true,
    };
    // What can't be recorded is not called finished.
    if let Err(problem) = spending::record(&work.ctx, work.reservation, spent).await {
        problem.log();
        send_problem(events, &problem).await;
        return;
    }
    let mut last = Vec::new();
    if !generation.tool_calls.is_empty() {
        last.push(heading.tools_piece(&generation.tool_calls));
    }
    last.push(heading.piece(&json!({}), Some(finish_word(generation.finish))));
    if with_usage {
        last.push(heading.usage_piece(generation.usage));
    }
    for data in last {
        let _ = events.send(event(&data.to_string())).await;
    }
    let _ = events.send(event("[DONE]")).await;
}

/// Charges what was used of a text that did not come to its end: a piece is a token or more.
async fn settle_broken(work: Work, pieces: u32) {
    let usage = TokenUsage {
        prompt_tokens: work.prompt_tokens,
        cached_tokens: 0,
        completion_tokens: pieces,
    };
    let tier = work.writer.tier();
    let members = work.state.tiers().members(tier);
    let unknown = ModelHash::from_bytes([0; 32]);
    let model = match work.writer {
        super::completion::Writer::Model(_, hash) => hash,
        super::completion::Writer::Tier(_) => members.first().map_or(unknown, |model| model.hash),
    };
    let spent = Spent { tier, model, usage, outcome: Outcome::Failed, streamed: true };
    if let Err(problem) = spending::record(&work.ctx, work.reservation, spent).await {
        problem.log();
    }
}

async fn send_text(events: &Events, heading: &Heading, piece: &str) -> bool {
    let data = heading.piece(&json!({ "content": piece }), None);
    events.send(event(&data.to_string())).await.is_ok()
}

async fn send_problem(events: &Events, problem: &Problem) {
    let body = error::body(problem, None);
    let data = serde_json::to_string(&body).unwrap_or_default();
    let _ = events.send(event(&data)).await;
}
